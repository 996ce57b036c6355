"""The document that the stand-in checks by, read by the checkout's own tool in a process of its own.

The suite sees nothing of the checkout but this: what it imports is what users install.
"""

import json
import os
from pathlib import Path as File
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any

ROOT = File(__file__).parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
_PRINT = (
    "import json, pathlib, sys\n"
    "from contract_check.document.loading import load\n"
    "json.dump(load(pathlib.Path(sys.argv[1])).value, sys.stdout)"
)


def overlaid(document: File = ROOT / "relay.json") -> dict[str, Any]:
    """The document after its overlay: the contract."""
    return _parse(_python("-c", _PRINT, str(document)))


def prepared(document: File = ROOT / "relay.json") -> dict[str, Any]:
    """The document as the generator read it: operationId is a module, its tag a package, each schema a class."""
    with TemporaryDirectory() as folder:
        _python("-m", "contract_check", "prepare", str(document), "--into", folder)
        return _parse((File(folder) / "document.json").read_text(encoding="utf-8"))


def _python(*arguments: str) -> str:
    path = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONUTF8": "1"}
    return run(
        [PYTHON, *arguments], cwd=ROOT, env=environment, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def _parse(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    return value
