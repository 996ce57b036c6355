"""Whether the package is what the document generates, byte for byte."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

from .. import ROOT
from ..document.defects import Refusal
from . import verification

_MEANING = {
    (False, True): "missing: the document generates this file.",
    (True, False): "stale: the document does not generate this file.",
    (True, True): "changed: the document generates other content; a hand edit, or other tools, or another input.",
}


def check(document: Path, overlays: list[Path], folder: Path) -> Iterator[str]:
    """Generates elsewhere; yields a line for each file that differs, and what would have to change in it."""
    with TemporaryDirectory() as temporary:
        fresh = Path(temporary) / folder.name
        options = [option for overlay in overlays for option in ("--overlay", overlay)]
        command = [ROOT / "generate.sh", "--document", document, *options, "--output", fresh]
        made = run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise Refusal(made.stderr.strip(), made.returncode)
        old, new = verification.files(folder), verification.files(fresh)
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        yield f"{folder / name}:1:1: {_MEANING[name in old, name in new]}"
        before, after = (tree.get(name, b"").decode(errors="replace").splitlines() for tree in (old, new))
        diff = [f"  {line}" for line in unified_diff(before, after, "the package", "the document's", n=1, lineterm="")]
        yield from diff if len(diff) <= 40 else [*diff[:40], f"  ... and {len(diff) - 40} more lines"]
