"""An import loads what it needs and no more, however many operations and models the document has."""

import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path as File
from typing import Any

import pytest

import generated_client
from another import Package
from checkout import PYTHON, ROOT, run
from generated_client import models
from operations import Operation

_LOADED = """
import importlib, json, sys
package = sys.argv[1].partition(".")[0]
importlib.import_module(sys.argv[1])
names = [name for name in sys.modules if name == package or name.startswith(package + ".")]
print(json.dumps({"own": sorted(names), "all": sorted(sys.modules)}))
"""
SHARED = {"client", "errors", "types", "models", "api"}
PRIVATE = ("_sending", "_values")
AT_FIRST_USE = {"async_network", "async_transport", "network", "sync_transport"}
"""Private modules that nothing needs before a call."""


def _loaded(module: str, folder: File | None = None) -> dict[str, set[str]]:
    """The package's own modules, and all, after `module` was imported into a fresh interpreter."""
    code = f"import sys; sys.path.append({str(folder)!r})\n{_LOADED}" if folder else _LOADED
    done = subprocess.run([sys.executable, "-P", "-c", code, module], check=True, capture_output=True, text=True)
    loaded: dict[str, list[str]] = json.loads(done.stdout)
    return {key: set(names) for key, names in loaded.items()}


def _public(own: set[str]) -> set[str]:
    """Without the private modules, none of which is one that only a call needs."""
    private = {name for name in own if name.split(".")[1:2] and name.split(".")[1] in PRIVATE}
    assert not AT_FIRST_USE & {name.rpartition(".")[2] for name in private}
    return own - private


def _needed(operation: Any) -> set[str]:
    """What importing an operation's module should load: the shared modules, and the models that it imports by name."""
    package, _, rest = operation.__name__.partition(".")
    tag = rest.split(".")[1]
    folder = File(operation.__file__).parents[2]
    return {
        package,
        *(f"{package}.{name}" for name in SHARED),
        f"{package}.api.{tag}",
        operation.__name__,
        *(f"{package}.models.{name}" for name in _models_named_in(File(operation.__file__), folder)),
    }


def _models_named_in(module: File, folder: File) -> set[str]:
    """The models that a module imports whenever it is imported, and those that they import."""
    named = set(re.findall(r"^from \.+models\.(\w+) import", module.read_text(encoding="utf-8"), re.MULTILINE))
    return named.union(*(_models_named_in(folder / "models" / f"{name}.py", folder) for name in named))


def test_importing_an_operation_loads_what_it_names(operation: Operation) -> None:
    assert _public(_loaded(operation.module.__name__)["own"]) == _needed(operation.module)


def test_with_many_models_it_loads_no_more(gateway: Package) -> None:
    form = gateway.operation("form.form")
    assert len(gateway.load("models").__all__) > 40
    loaded = _public(_loaded(form.__name__, gateway.folder.parent)["own"])
    assert loaded == _needed(form)
    assert len(loaded) == 9  # one of them a model


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = _loaded("generated_client")
    assert loaded["own"] == {"generated_client"}
    assert not {"httpx", "attrs"} & loaded["all"]


def test_importing_the_models_loads_no_model() -> None:
    assert {name for name in _loaded("generated_client.models")["own"] if ".models." in name} == set()


def test_importing_an_operation_does_not_load_asyncio_s_or_the_metadata_s_machinery(operation: Operation) -> None:
    assert "importlib.metadata" not in _loaded(operation.module.__name__)["all"] - _loaded("httpx")["all"]


def test_every_name_can_be_had_from_the_package() -> None:
    for name in models.__all__:
        assert getattr(models, name) is not None
        assert name in dir(models)
    for name in generated_client.__all__:
        assert getattr(generated_client, name) is not None
        assert name in dir(generated_client)
    assert generated_client.errors.NOT_SENT is generated_client.NOT_SENT
    assert generated_client.__version__ == importlib.metadata.version("relay-client")
    assert importlib.import_module("generated_client.client").Client is generated_client.Client


@pytest.mark.parametrize("module", [generated_client, models], ids=lambda module: module.__name__)
def test_a_name_that_is_not_there_says_so(module: Any) -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        _ = module.Nothing


@pytest.mark.slow
def test_the_package_of_another_document_is_clean_for_strict_type_checkers(gateway: Package, tmp_path: File) -> None:
    done = run(
        [PYTHON, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "mypy", gateway.folder.name],
        cwd=gateway.folder.parent,
    )
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
