"""Packages with the status query: of relay.json, which lacks it, and of a document that describes it otherwise."""

import fcntl
from pathlib import Path as File

from another import Package
from checkout import FROZEN, ROOT, generate
from contract_check.document import loading
from contract_check.relay.standin import Contract

LARGER = ROOT / "tests" / "documents" / "larger.json"
_OVERLAY, _GATEWAY = (ROOT / "generator" / name for name in ("overlay.yaml", "gateway.yaml"))
_FLAVOURS = {
    "with_status_query": (FROZEN, [ROOT / "generator" / "status-query.yaml", _OVERLAY, _GATEWAY]),
    "of_larger_document": (LARGER, [_OVERLAY, _GATEWAY]),
}
NAMES = tuple(_FLAVOURS)


def flavour(folder: File, name: str) -> Package:
    """The package of this name in `folder`, made there by the first of several processes that ask for it."""
    document, overlays = _FLAVOURS[name]
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            options = [option for overlay in overlays for option in ("--overlay", overlay)]
            done = generate(folder / name, "--document", document, *options)
            assert done.returncode == 0, done.stderr
    return Package(folder / name, Contract(loading.load(document, overlays).value))
