"""mypy --strict and pyright strict have nothing to say of the installed package, nor of code that uses it."""

import json
import re
import shutil
import sys
from pathlib import Path as File

import pytest

import generated_client
from checkout import PYTHON, ROOT, Completed, run
from readme import blocks

pytestmark = pytest.mark.slow  # the type checkers are installed by `make test-all` only
INSTALLED = File(generated_client.__file__).parent
CONSUMER = ROOT / "tests" / "snippets" / "consumer.py"

# A use that is wrong, by the words that both checkers have for it; each stands on a line of its own.
MISUSES = """\
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

client = AuthenticatedClient(base_url="https://relay.example.com", token="sk-" + "test")
create_kling_image_to_video.sync(client=client, body={"prompt": "走"})
KlingImageToVideoRequest(promt="走")
KlingImageToVideoRequest(width="1280")
create_kling_image_to_video.sync(client=client).task
"""


def _mypy(*what: object, cwd: File) -> Completed:
    options = [
        "--strict",
        "--config-file=",
        f"--cache-dir={cwd.parent / 'mypy'}",
        "--python-executable",
        sys.executable,
    ]
    return run([PYTHON, "-m", "mypy", *options, *what], cwd=cwd)


def _pyright(what: str, cwd: File) -> Completed:
    settings = {"include": [what], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (cwd / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return run([PYTHON, "-m", "basedpyright", "--pythonpath", sys.executable], cwd=cwd)


def test_mypy_on_the_package(tmp_path: File) -> None:
    done = _mypy("--package", "generated_client", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "no issues found" in done.stdout


def test_pyright_on_the_package(tmp_path: File) -> None:
    # pyright leaves out folders with a dot before their name, where the environment is.
    shutil.copytree(INSTALLED, tmp_path / "generated_client")
    done = _pyright("generated_client", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "0 errors, 0 warnings" in done.stdout


@pytest.fixture
def consumers(tmp_path: File) -> File:
    """What services write: one of the suite's, README's own blocks, and a use that is wrong."""
    folder = tmp_path / "consumers"
    folder.mkdir()
    shutil.copy(CONSUMER, folder)
    (folder / "misuse.py").write_text(MISUSES, encoding="utf-8")
    for number, block in enumerate(blocks("python")):
        (folder / f"block_{number}.py").write_text(block.code, encoding="utf-8")
    return folder


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_of_what_consumers_write_each_misuse_is_told_and_nothing_else(checker: str, consumers: File) -> None:
    done = _mypy(*consumers.iterdir(), cwd=consumers) if checker == "mypy" else _pyright(".", consumers)
    assert done.returncode == 1
    assert set(re.findall(r"(\w+\.py):(\d+):", done.stdout)) == {("misuse.py", line) for line in "6789"}, done.stdout


@pytest.mark.parametrize("tool", ["mypy", "basedpyright --project .", "ruff check .", "ruff format --check ."])
def test_the_hand_written_code_is_clean(tool: str) -> None:
    done = run([PYTHON, "-m", *tool.split()])
    assert done.returncode == 0, done.stdout
