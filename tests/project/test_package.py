"""The wheel and the sdist contain only what users need, are reproducible, and work alone; the locks are exact."""

import re
import shutil
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling import build

from calling import TOKEN
from checkout import ROOT, run, tree
from contract_check.relay.standin import Contract, Relay

PACKAGE = tree(ROOT / "generated_client")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
VERSION = PROJECT["version"]
BESIDE = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE")
WHEEL = ROOT / "dist" / f"relay_client-{VERSION}-py3-none-any.whl"
SDIST = ROOT / "dist" / f"relay_client-{VERSION}.tar.gz"
CONSUMER = ROOT / "tests" / "snippets" / "consumer.py"


def test_the_wheel_holds_the_package_and_its_metadata() -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        contents = {name: wheel.read(name) for name in wheel.namelist()}
    folder = f"relay_client-{VERSION}.dist-info"
    beside = {name: contents.pop(name).decode() for name in list(contents) if name.startswith(f"{folder}/")}
    assert contents == {f"generated_client/{name}": content for name, content in PACKAGE.items()}
    assert set(beside) == {f"{folder}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
    text = beside[f"{folder}/METADATA"]
    metadata = Parser().parsestr(text)
    # PyPI rejects this classifier, so the package can't be uploaded by accident.
    assert {"Private :: Do Not Upload", "Typing :: Typed"} <= {*metadata.get_all("Classifier", [])}
    assert (metadata["Requires-Python"], metadata["License-Expression"]) == (">=3.11", "MIT")
    needed = metadata.get_all("Requires-Dist", [])
    assert sorted(re.split(r"\W", each)[0] for each in needed) == ["attrs", "httpx", "sniffio"]
    assert [each for each in needed if ">=" not in each or "==" in each] == []
    assert text.partition("\n\n")[2] == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_sdist_holds_the_same_and_the_documentation() -> None:
    with tarfile.open(SDIST) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    expected = {*(f"generated_client/{name}" for name in PACKAGE), *BESIDE, "pyproject.toml", "PKG-INFO"}
    assert names - {".gitignore"} == expected


def test_both_are_reproducible_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "工作 目录"
    shutil.copytree(ROOT / "generated_client", source / "generated_client")
    for stray in ("tests/test_stray.py", "generated_client/__pycache__/stray.pyc"):
        (source / stray).parent.mkdir(exist_ok=True)
        (source / stray).touch()
    for name in ("pyproject.toml", ".gitignore", *BESIDE):
        shutil.copy(ROOT / name, source / name)
    monkeypatch.chdir(source)
    assert [build.build_wheel(str(tmp_path)), build.build_sdist(str(tmp_path))] == [WHEEL.name, SDIST.name]
    for built in (WHEEL, SDIST):
        assert built.read_bytes() == (tmp_path / built.name).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lowest", [True, False], ids=["lowest", "newest"])
def test_the_wheel_alone_makes_the_call(lowest: bool, contract: Contract, tmp_path: Path) -> None:
    pins = [re.sub(r">=([\d.]+).*", r"==\1", each) for each in PROJECT["dependencies"]] if lowest else []
    python = tmp_path / "environment" / "bin" / "python"
    for command in (
        [ROOT / ".venv" / "bin" / "python", "-m", "venv", tmp_path / "environment"],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL, *pins],
        [python, "-m", "pip", "check", "--disable-pip-version-check"],
    ):
        done = run(command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    with Relay(contract) as relay:
        environment = {"PYTHONUTF8": "1", "RELAY_BASE_URL": relay.url, "RELAY_TOKEN": TOKEN}
        done = run([python, "-P", "-W", "error", CONSUMER], cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (0, "abcd1234efgh queued abcd1234efgh\n"), done.stderr
    assert (len(relay.chargeable), relay.problems) == (3, [])


LOCKS = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "requirements").iterdir()}
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
    groups = PYPROJECT["dependency-groups"]
    assert set(groups) == set(LOCKS)
    for group, pins in groups.items():
        lines = (line for line in LOCKS[group].splitlines() if not re.match(r" *#", line))
        entries = re.split(r"\n(?=[A-Za-z0-9])", "\n".join(lines))
        assert [each for each in entries if not re.match(r"[\w.-]+==\S+ (.*\n)?.*--hash=sha256:", each)] == []
        lock = LOCKS[group].replace("ruamel-yaml", "ruamel.yaml") + LOCKS["generate"]
        assert [pin for pin in pins if f"\n{pin.lower()} " not in lock] == []
    for requirement in PROJECT["dependencies"]:  # The suite runs on their newest versions.
        name = re.split(r"\W", requirement)[0]
        assert f"\n{name}==" in LOCKS["generate"]
