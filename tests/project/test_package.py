"""The wheel and the sdist hold what users need and nothing else, and are the same bytes each time."""

import hashlib
import re
import shutil
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path as File

import pytest

from checkout import PYTHON, ROOT, run, tree

PACKAGE = tree(ROOT / "generated_client")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BESIDE = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> File:
    """What `make build` builds, built from a copy elsewhere."""
    return _build(tmp_path_factory.mktemp("工作 目录"))


def _build(folder: File) -> File:
    source, target = folder / "checkout", folder / "dist"
    shutil.copytree(ROOT / "generated_client", source / "generated_client")
    (source / "tests").mkdir()
    (source / "tests" / "test_stray.py").touch()
    (source / "generated_client" / "__pycache__").mkdir(exist_ok=True)
    (source / "generated_client" / "__pycache__" / "stray.pyc").touch()
    for name in ("pyproject.toml", *BESIDE):
        shutil.copy(ROOT / name, source / name)
    command = [PYTHON, "-P", "-m", "build", "--quiet", "--no-isolation", "--outdir", target, source]
    done = run(command)
    assert done.returncode == 0, done.stderr
    return target


def _digests(folder: File) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def _wheel(built: File) -> dict[str, bytes]:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def test_there_is_one_wheel_for_every_platform_and_one_sdist(built: File) -> None:
    version = PROJECT["version"]
    assert sorted(file.name for file in built.iterdir()) == [
        f"relay_client-{version}-py3-none-any.whl",
        f"relay_client-{version}.tar.gz",
    ]


def test_the_wheel_holds_the_package_and_its_metadata(built: File) -> None:
    contents = _wheel(built)
    metadata = f"relay_client-{PROJECT['version']}.dist-info"
    assert {name: content for name, content in contents.items() if not name.startswith(metadata)} == {
        f"generated_client/{name}": content for name, content in PACKAGE.items()
    }
    assert {name.removeprefix(f"{metadata}/") for name in contents if name.startswith(metadata)} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "licenses/LICENSE",
    }


def test_the_sdist_holds_the_same_and_what_a_person_reads(built: File) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    expected = {*(f"generated_client/{name}" for name in PACKAGE), *BESIDE, "pyproject.toml", "PKG-INFO"}
    assert names - {".gitignore"} == expected


def test_it_is_built_the_same_bytes_each_time(built: File, tmp_path: File) -> None:
    assert _digests(_build(tmp_path)) == _digests(built)


def test_it_is_marked_so_that_an_index_refuses_it(built: File) -> None:
    metadata = Parser().parsestr(_metadata(built))
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_it_asks_for_few_packages_and_in_ranges(built: File) -> None:
    requirements = Parser().parsestr(_metadata(built)).get_all("Requires-Dist", [])
    needed = [requirement for requirement in requirements if "extra ==" not in requirement]
    assert {re.split(r"\W", requirement)[0] for requirement in needed} <= {"httpx", "attrs", "sniffio"}
    assert "httpx" in {re.split(r"\W", requirement)[0] for requirement in needed}
    assert all(">=" in requirement and "==" not in requirement.partition(";")[0] for requirement in requirements)


def test_its_description_is_the_readme(built: File) -> None:
    assert _metadata(built).partition("\n\n")[2] == (ROOT / "README.md").read_text(encoding="utf-8")


def _metadata(built: File) -> str:
    return next(content for name, content in _wheel(built).items() if name.endswith("METADATA")).decode()


def test_the_version_stands_in_one_place() -> None:
    version = re.compile(rf"(?<![\d.]){re.escape(PROJECT['version'])}(?![\d.])")
    files = [ROOT / "pyproject.toml", ROOT / "generate.sh", *(ROOT / "generated_client").rglob("*.py")]
    assert [file.name for file in files if version.search(file.read_text(encoding="utf-8"))] == ["pyproject.toml"]
