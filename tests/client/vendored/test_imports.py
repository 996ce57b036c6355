"""Imports load little, and the wheel's shared modules equal those of the other tested packages."""

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

import contract_check
import frozen
import generated_client
from checkout import ROOT, tree
from contract_check.relay.standin import Contract
from generated import Package
from generated_client import models

WHEEL = Path(generated_client.__file__).parent


def test_the_package_comes_from_the_environment_and_contract_check_from_the_checkout() -> None:
    """tests/checkout_import.py imports contract_check from the checkout, which must not add generated_client."""
    assert WHEEL.parent.name == "site-packages"
    assert WHEEL.parent.is_relative_to(sys.prefix)
    assert Path(str(distribution("relay-client").locate_file("generated_client"))) == WHEEL
    places = [Path(entry or ".").resolve() for entry in sys.path]
    assert not [place for place in places if place == ROOT or (place / "contract_check").exists()]
    assert Path(contract_check.__file__).parent == ROOT / "contract_check"
    files = {name.partition(".")[0]: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    folders = [ROOT / name for name in ("contract_check", "generated_client", "benchmarks", "examples")]
    beside = {name for name, file in files.items() if any(Path(file or "/").is_relative_to(each) for each in folders)}
    assert beside == {"contract_check"}


def _shared(package: Path) -> dict[str, list[str]]:
    """The lines of each module except operations and models."""
    texts = {name: content.decode().splitlines() for name, content in tree(package).items()}
    return {name: lines for name, lines in texts.items() if name.partition("/")[0] not in ("api", "models")}


def test_shared_modules_differ_in_title_and_server_only(contract: Contract, gateway: Package) -> None:
    ours = _shared(WHEEL)
    for folder in (gateway.folder, frozen.FOLDER / "generated_client"):
        theirs = _shared(folder)
        assert ours.keys() == theirs.keys()
        lines = [pair for name in ours for pair in zip(ours[name], theirs[name], strict=True) if pair[0] != pair[1]]
        assert {line.split('"')[0] for pair in lines for line in pair} <= {"", "        base_url: str | httpx.URL = "}
        assert len(lines) <= 3
    for client, document in ((generated_client.Client, contract), (gateway.module("client").Client, gateway.contract)):
        assert client().base_url == document.document["servers"][0]["url"]


# Imports

_LOADED = """
import importlib, json, sys
sys.path.append(sys.argv[2])
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
AT_FIRST_USE = {"async_network", "async_transport", "network", "sync_transport"}
"""Private modules that are only needed for a call."""


def _loaded(module: str, folder: Path = ROOT / "tests") -> set[str]:
    """All loaded modules after the import of `module` in a new interpreter."""
    command = [sys.executable, "-P", "-c", _LOADED, module, str(folder)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _public(loaded: set[str], package: str) -> set[str]:
    """The package's public modules, without its prefix."""
    own = {name.removeprefix(package).removeprefix(".") for name in loaded if name.partition(".")[0] == package}
    assert not AT_FIRST_USE & {name.rpartition(".")[2] for name in own}
    return {name for name in own if not name.startswith("_")}


def _needed(package: Package, operation: str) -> set[str]:
    """The shared modules, the operation's module, and those of the models and operations that it imports."""
    text = (package.folder / f"{operation.replace('.', '/')}.py").read_text(encoding="utf-8")
    named = re.findall(r"^from \.+(models\.\w+) import", text, re.MULTILINE)
    called = re.findall(r"^from \.+(api\.\w+) import (\w+)", text, re.MULTILINE)
    others = [_needed(package, f"{group}.{module}") for group, module in called]
    shared = {"", "client", "errors", "types", "models", "api"}
    return {*shared, operation.rpartition(".")[0], operation, *named}.union(*others)


def test_importing_an_operation(package: Package) -> None:
    files = [file.relative_to(WHEEL).with_suffix("") for file in WHEEL.glob("api/*/[!_]*.py")]
    operation = max(map(".".join, (file.parts for file in files)), key=lambda name: len(_needed(package, name)))
    loaded = _loaded(f"generated_client.{operation}")
    assert _public(loaded, "generated_client") == _needed(package, operation)
    assert "importlib.metadata" not in loaded - _loaded("httpx")


def test_importing_an_operation_among_many_models(gateway: Package) -> None:
    assert len(gateway.classes) > 40
    loaded = _public(_loaded("gateway_client.api.form.form", gateway.folder.parent), "gateway_client")
    assert loaded == _needed(gateway, "api.form.form")
    assert len(loaded) == 9  # one of them a model


def test_importing_the_package_or_its_models() -> None:
    loaded = _loaded("generated_client")
    assert _public(loaded, "generated_client") == {""}
    assert not {"httpx", "attrs"} & loaded
    assert not {name for name in _loaded("generated_client.models") if ".models." in name}


def test_every_public_name_is_exported_by_the_package() -> None:
    for module in (generated_client, models):
        assert set(module.__all__) <= set(dir(module))
        assert None not in [getattr(module, name) for name in module.__all__]
        with pytest.raises(AttributeError, match="Nothing"):
            _ = module.Nothing
    assert generated_client.errors.NOT_SENT is generated_client.NOT_SENT
    assert generated_client.__version__ == version("relay-client")
    assert import_module("generated_client.client").Client is generated_client.Client
