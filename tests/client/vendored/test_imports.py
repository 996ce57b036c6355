"""An import loads what it needs and no more, however many operations and models the document has."""

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import generated_client
from another import Package
from checkout import PYTHON, ROOT, run
from generated_client import models
from operations import Operation

_LOADED = """
import importlib, json, sys
sys.path.append(sys.argv[2])
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
AT_FIRST_USE = {"async_network", "async_transport", "network", "sync_transport"}
"""Private modules that nothing needs before a call."""


def _loaded(module: str, folder: Path = ROOT / "tests") -> set[str]:
    """All modules after `module` was imported into a fresh interpreter."""
    command = [sys.executable, "-P", "-c", _LOADED, module, str(folder)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _public(loaded: set[str], package: str) -> set[str]:
    """The package's public modules, without its name before theirs."""
    own = {name.removeprefix(package).removeprefix(".") for name in loaded if name.partition(".")[0] == package}
    assert not AT_FIRST_USE & {name.rpartition(".")[2] for name in own}
    return {name for name in own if not name.startswith("_")}


def _needed(operation: ModuleType) -> set[str]:
    """The shared modules, the operation's, and the models that it imports by name."""
    text, name = Path(str(operation.__file__)).read_text(encoding="utf-8"), operation.__name__.partition(".")[2]
    named = re.findall(r"^from \.+(models\.\w+) import", text, re.MULTILINE)
    return {"", "client", "errors", "types", "models", "api", name.rpartition(".")[0], name, *named}


def test_importing_an_operation(operation: Operation) -> None:
    loaded = _loaded(operation.module.__name__)
    assert _public(loaded, "generated_client") == _needed(operation.module)
    assert "importlib.metadata" not in loaded - _loaded("httpx")


def test_importing_an_operation_among_many_models(gateway: Package) -> None:
    form = gateway.operation("form.form")
    assert len(gateway.load("models").__all__) > 40
    loaded = _public(_loaded(form.__name__, gateway.folder.parent), gateway.folder.name)
    assert loaded == _needed(form)
    assert len(loaded) == 9  # one of them a model


def test_importing_the_package_or_its_models() -> None:
    loaded = _loaded("generated_client")
    assert _public(loaded, "generated_client") == {""}
    assert not {"httpx", "attrs"} & loaded
    assert not {name for name in _loaded("generated_client.models") if ".models." in name}


def test_every_public_name_can_be_had_from_the_package() -> None:
    for module in (generated_client, models):
        assert set(module.__all__) <= set(dir(module))
        assert None not in [getattr(module, name) for name in module.__all__]
        with pytest.raises(AttributeError, match="Nothing"):
            _ = module.Nothing
    assert generated_client.errors.NOT_SENT is generated_client.NOT_SENT
    assert generated_client.__version__ == version("relay-client")
    assert import_module("generated_client.client").Client is generated_client.Client


@pytest.mark.slow
def test_the_package_of_another_document_is_clean_for_strict_type_checkers(gateway: Package, tmp_path: Path) -> None:
    command = [PYTHON, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "mypy", gateway.folder.name]
    done = run(command, cwd=gateway.folder.parent)
    assert done.returncode == 0, done.stdout
    settings = {
        "typeCheckingMode": "strict",
        "include": [str(gateway.folder)],
        "venvPath": str(ROOT),
        "venv": ".venv",
        "pythonVersion": "3.11",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = run([PYTHON, "-m", "basedpyright", "--project", tmp_path], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "0 errors, 0 warnings" in done.stdout
