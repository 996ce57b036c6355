"""Whether the package is what the document generates, byte for byte."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from generator import making, verification

from ..document.defects import Finding

_MEANING = {
    (False, True): "missing: the document generates this file.",
    (True, False): "stale: the document does not generate this file.",
    (True, True): "changed: the document generates other content; a hand edit, or other tools, or another input.",
}


def check(document: dict[str, Any], folder: Path) -> list[Finding]:
    """Generate a sound document elsewhere; return each file of `folder` that differs, and the difference."""
    with TemporaryDirectory() as work:
        made = making.make(document, Path(work))
        return list(_differences(folder, verification.files(folder), verification.files(made.package)))


def _differences(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[Finding]:
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        before, after = (tree.get(name, b"").decode(errors="replace").splitlines() for tree in (old, new))
        diff = [f"  {line}" for line in unified_diff(before, after, "the package", "the document's", n=1, lineterm="")]
        shown = diff if len(diff) <= 40 else [*diff[:40], f"  ... and {len(diff) - 40} more lines"]
        yield Finding(folder / name, 1, 1, _MEANING[name in old, name in new], details=tuple(shown))
