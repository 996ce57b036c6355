"""The repository contains no forbidden text, and exact locks of its pinned tools."""

import re
import tomllib
from pathlib import Path

import pytest

from checkout import ROOT

LOCKS = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "requirements").iterdir()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Each pattern is split, so that this file passes its own test.
FORBIDDEN = {
    "a path of some machine": r"/(?:home|Users|root|work)/\w|\b[A-Z]:\\" + r"Users",
    "a package registry": r"(?:pypi|pythonhosted)\.org|/sim" + "ple/|index-" + r"url\s*=|registry\.npm",
    "a token": r"\bsk-(?!\.\.\.)[A-Za-z0-9]" + "{4,}|gh[pousr]_" + r"\w{20}",
}


def _is_ignored(path: Path) -> bool:
    """The patterns of .gitignore, also for a copy without git."""
    caches = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".git", "dist", "site")
    return any(part in caches or part.startswith((".venv", ".generated_client.")) for part in path.parts)


FILES = [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not _is_ignored(path.relative_to(ROOT))]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    texts = {file: file.read_text("utf-8", "ignore") for file in FILES if file.name != "relay.json"}
    found = [f"{file}: {match[0]}" for file, text in texts.items() for match in re.finditer(FORBIDDEN[what], text)]
    assert found == []


def test_each_group_has_an_exact_lock_with_hashes_and_its_pinned_tools() -> None:
    groups = PROJECT["dependency-groups"]
    assert set(groups) == set(LOCKS)
    for group, pins in groups.items():
        lines = (line for line in LOCKS[group].splitlines() if not re.match(r" *#", line))
        entries = re.split(r"\n(?=[A-Za-z0-9])", "\n".join(lines))
        assert [each for each in entries if not re.match(r"[\w.-]+==\S+ (.*\n)?.*--hash=sha256:", each)] == []
        lock = LOCKS[group].replace("ruamel-yaml", "ruamel.yaml") + LOCKS["generate"]
        assert [pin for pin in pins if f"\n{pin.lower()} " not in lock] == []
    for requirement in PROJECT["project"]["dependencies"]:  # The suite runs on their newest versions.
        name = re.split(r"\W", requirement)[0]
        assert f"\n{name}==" in LOCKS["generate"]
