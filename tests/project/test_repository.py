"""The tree holds what it should and nothing that it should not."""

import re
import tomllib
from pathlib import Path as File

import pytest

from checkout import ROOT

ENTRIES = {
    *("relay.json", "generate.sh", "generator", "generated_client", "contract_check", "tests", "pyproject.toml"),
    *("Makefile", "mkdocs.yml", "README.md", "README.zh-CN.md", "LICENSE", "CHANGELOG.md", "requirements"),
    *(".ci", ".gitattributes", ".gitignore", ".github", "benchmarks", "docs", "examples"),
}
LOCKS = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "requirements").iterdir()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _ignored(path: File) -> bool:
    """What .gitignore keeps out; a copy without git has the same."""
    caches = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".git", "dist", "site")
    return any(part in caches or part.startswith((".venv", ".generated_client.")) for part in path.parts)


FILES = [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not _ignored(path.relative_to(ROOT))]


def test_nothing_else_stands_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} <= ENTRIES


# Said in two halves, so that this file passes its own test.
@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of some machine", r"/(?:home|Users|root|work)/\w|\b[A-Z]:\\" + r"Users"),
        ("a package registry", r"(?:pypi|pythonhosted)\.org|/sim" + "ple/|index-" + r"url\s*=|registry\.npm"),
        ("a token", r"\bsk-(?!\.\.\.)[A-Za-z0-9]" + "{4,}|gh[pousr]_" + r"\w{20}"),
    ],
    ids=["machine", "registry", "token"],
)
def test_no_file_holds(what: str, pattern: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in FILES
        if (text := _text(file)) and file.name != "relay.json"
        for match in re.finditer(pattern, text)
    ]
    assert found == [], what


def _text(file: File) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("group", LOCKS)
def test_a_lock_is_exact_and_has_a_hash_for_each_package(group: str) -> None:
    lines = (line for line in LOCKS[group].splitlines() if not re.match(r" *#", line))
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n".join(lines))
    assert len(entries) > 3
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==[^ ]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_each_group_has_a_lock_with_its_pinned_tools() -> None:
    groups = PROJECT["dependency-groups"]
    assert set(groups) == set(LOCKS)
    for group, pins in groups.items():
        lock = LOCKS[group].replace("ruamel-yaml", "ruamel.yaml") + LOCKS["generate"]
        assert [pin for pin in pins if f"\n{pin.lower()} " not in lock] == []


def test_the_newest_run_time_dependencies_are_tested() -> None:
    for requirement in PROJECT["project"]["dependencies"]:
        name = re.split(r"\W", requirement)[0]
        assert re.search(rf"^{name}==", LOCKS["generate"], re.MULTILINE)
