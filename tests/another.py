"""A second package, generated from another document: what holds for it holds for any."""

import fcntl
import importlib
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from checkout import ROOT, contract_check, generate
from contract_check.document import loading
from contract_check.document.tree import walk
from contract_check.relay.standin import Contract
from generator.prepare import preparation

DOCUMENT = ROOT / "tests" / "documents" / "gateway.json"


@dataclass(frozen=True)
class Package:
    """A generated package, which can be imported, and the contract that it was generated from."""

    folder: File
    contract: Contract

    def load(self, module: str) -> Any:
        """One of its modules: `load("errors")`."""
        return importlib.import_module(f"{self.folder.name}.{module}")

    def operation(self, name: str) -> Any:
        """The module of an operation: `operation("range_.range_")`."""
        return self.load(f"api.{name}")


def another(folder: File) -> Package:
    """The package of gateway.json in `folder`, made there by the first of several processes that ask for it.

    It has what the relay's document lacks: several successes, ranges, `default`, operations without a success, forms.
    Its overlay mends what is broken, and documents no more errors than there are.
    """
    package, overlay = folder / "gateway_client", folder / "gateway.yaml"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.exists():
            overlay.write_text(contract_check("document", DOCUMENT, "--suggest").stdout, encoding="utf-8")
            done = generate(package, "--document", DOCUMENT, "--overlay", overlay)
            assert done.returncode == 0, done.stderr
    return Package(package, Contract(_as_it_travels(prepared(overlay))))


def prepared(*overlays: File) -> dict[str, Any]:
    """What the generator reads of gateway.json after `overlays`."""
    document = loading.load(DOCUMENT, overlays).value
    preparation.prepare(document)
    return document


def _as_it_travels(document: dict[str, Any]) -> dict[str, Any]:
    """The prepared document with the names that travel."""
    names: dict[str, str] = document.pop(preparation.WIRE_NAMES)
    for _, part in walk(document):
        if "properties" in part:
            part["properties"] = {names.get(name, name): value for name, value in part["properties"].items()}
        if isinstance(part.get("required"), list):
            part["required"] = [names.get(name, name) for name in part["required"]]
        if "in" in part:
            part["name"] = names.get(part["name"], part["name"])
    return document
