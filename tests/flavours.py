"""Packages with the status query: of relay.json, which lacks it, and of a document that describes it otherwise."""

import fcntl
from pathlib import Path

import frozen
from another import Package
from checkout import FROZEN, ROOT, generate
from contract_check.document import loading
from contract_check.relay.standin import Contract

LARGER = ROOT / "tests" / "documents" / "larger.json"
_OVERLAYS = [ROOT / "generator" / name for name in ("overlay.yaml", "gateway.yaml")]
NAMES = ("with_status_query", "of_larger_document")


def flavour(folder: Path, name: str) -> Package:
    """The package of this name in `folder`, made there by the first of several processes that ask for it."""
    package = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if name == "with_status_query":
            if not package.exists():
                package.symlink_to(frozen.FOLDER / "generated_client")
            return Package(package, Contract.of(FROZEN))
        if not package.exists():
            done = generate(package, "--document", LARGER, *(f"--overlay={overlay}" for overlay in _OVERLAYS))
            assert done.returncode == 0, done.stderr
    return Package(package, Contract(loading.load(LARGER, _OVERLAYS).value))
