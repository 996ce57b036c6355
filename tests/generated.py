"""Packages of other documents than relay.json, generated once for all workers of a run."""

from pathlib import Path
from typing import Any

import frozen
from checkout import FROZEN, ROOT, contract_check, generate_once, once
from contract_check.document import loading
from contract_check.package import package
from contract_check.relay.standin import Contract

GATEWAY = ROOT / "tests" / "documents" / "gateway.json"
"""A document with several successes, ranges, `default`, operations without a success, and forms."""
LARGER = GATEWAY.with_name("larger.json")
"""A document that already describes a status query."""


class Package(package.Package):
    """A generated package, and the contract that it was generated from."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        super().__init__(folder)
        self.folder, self.contract = folder, contract

    def operation(self, name: str) -> Any:
        """The module of an operation: `operation("range_.range_")`."""
        return self.module(f"api.{name}")


def of_frozen_document() -> Package:
    """The package of the frozen document, whose status query comes from an overlay."""
    return Package(frozen.FOLDER / "generated_client", Contract.of(FROZEN))


def of_gateway(folder: Path) -> Package:
    """The package of gateway.json; its overlay holds the suggested cures, and adds no errors."""
    overlay = folder / "gateway.yaml"
    once(overlay, lambda: contract_check("document", GATEWAY, "--suggest").stdout)
    return _package(folder / "gateway_client", GATEWAY, overlay)


def of_larger_document(folder: Path) -> Package:
    """The package of larger.json."""
    overlays = [ROOT / "generator" / name for name in ("overlay.yaml", "gateway.yaml")]
    return _package(folder / "larger_client", LARGER, *overlays)


def _package(folder: Path, document: Path, *overlays: Path) -> Package:
    generate_once(folder, "--document", document, *(f"--overlay={overlay}" for overlay in overlays))
    return Package(folder, Contract(loading.load(document, overlays).value))
