"""mypy --strict and pyright strict accept the installed package, and code that uses it."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import generated_client
from checkout import PYTHON, ROOT, Completed, run
from generated import of_gateway
from readme import blocks

pytestmark = pytest.mark.slow  # the type checkers are installed by `make test-all` only
INSTALLED = Path(generated_client.__file__).parent
CONSUMER = ROOT / "tests" / "snippets" / "consumer.py"

# One misuse per line.
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


def _mypy(folder: Path) -> Completed:
    options = ["--strict", "--config-file=", f"--cache-dir={folder.parent / 'mypy'}"]
    return run([PYTHON, "-m", "mypy", *options, "--python-executable", sys.executable, "."], cwd=folder)


def _pyright(folder: Path) -> Completed:
    settings = {"include": ["."], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return run([PYTHON, "-m", "basedpyright", "--pythonpath", sys.executable], cwd=folder)


@pytest.mark.parametrize("checker", [_mypy, _pyright])
def test_only_misuses_of_the_package_are_type_errors(
    checker: Callable[[Path], Completed], shared: Path, tmp_path: Path
) -> None:
    """Check the package, that of another document, the suite's consumer, README's blocks, and the misuses."""
    folder = tmp_path / "checked"
    # pyright ignores folders whose names start with a dot, such as that of the environment.
    shutil.copytree(INSTALLED, folder / "generated_client")
    shutil.copytree(of_gateway(shared).folder, folder / "gateway_client")
    shutil.copy(CONSUMER, folder)
    (folder / "misuse.py").write_text(MISUSES, encoding="utf-8")
    for number, block in enumerate(blocks("python")):
        (folder / f"block_{number}.py").write_text(block.code, encoding="utf-8")
    done = checker(folder)
    assert done.returncode == 1
    assert set(re.findall(r"(\w+\.py):(\d+):", done.stdout)) == {("misuse.py", line) for line in "6789"}, done.stdout


def test_the_hand_written_code_is_clean() -> None:
    done = run(["make", "check-types"])
    assert done.returncode == 0, done.stdout
