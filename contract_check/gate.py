"""The offline gate: its checks, each with its time, and what they found."""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from time import monotonic

from .document import loading, settings
from .document.text import may_be_coloured
from .document.tree import pointer
from .package import drift

# A finding says where it is; what is indented explains the one before it.
_FINDING = re.compile(r"(?P<warning>warning: )?(?P<file>\S.*?):(?P<line>\d+)(:(?P<col>\d+))?: (?P<text>.*)")
CHECKS = ("document", "drift", "wire")
"""The checks of the whole gate."""
_RED, _YELLOW, _PLAIN = "\033[31m", "\033[33m", "\033[0m"


def run(arguments: Namespace) -> int:
    """Runs the checks in `arguments.checks`; without a sound document, the others are pointless."""
    file = getattr(arguments, "file", None) or arguments.document
    checks, package = arguments.checks, arguments.package
    overlays = arguments.overlay or settings.overlays(file)
    if "document" in checks:
        began = _begin("document")
        is_sound = _end("document", began, loading.report(_loaded(file, tuple(overlays))))
        if not is_sound or checks == ("document",):
            return int(not is_sound)
    passed = list[bool]()
    with ExitStack() as stack:
        generated, drift_began = None, 0.0
        if "drift" in checks:  # The generator works in a process of its own, while wire works in this one.
            drift_began = _begin("drift")
            generated = stack.enter_context(drift.generation(file, overlays))
        if "wire" in checks:
            began = _begin("wire")
            passed.append(_end("wire", began, _wire(file, overlays, package)))
        if generated:
            passed.append(_end("drift", drift_began, drift.compare(package, generated())))
    return int(not all(passed))


def _begin(check: str) -> float:
    """Says that a check begins; when that was."""
    print(f"{check} ...", file=sys.stderr)
    return monotonic()


def _end(check: str, began: float, found: Iterable[str]) -> bool:
    """Says what a check found; whether that is no departure."""
    lines = list(found)
    passed = all(line.startswith((" ", "warning: ")) for line in lines)
    print(f"{'ok    ' if passed else 'FAILED'} {check:8} {monotonic() - began:5.1f} s", flush=True)
    _tell(lines)
    return passed


@cache
def _loaded(file: Path, overlays: tuple[Path, ...]) -> loading.Document:
    """The document, read and checked once for all checks of a run."""
    return loading.load(file, overlays)


def _wire(file: Path, overlays: list[Path], package: Path) -> Iterator[str]:
    from .package.wire import Wire

    found, told = _loaded(file, tuple(overlays)), monotonic()
    wire = Wire(found, package)
    for progress in wire.run():
        if monotonic() - told > 1:
            told = monotonic()
            print(progress, file=sys.stderr)
    for defect in wire.findings.values():
        row, column = found.source.place(defect.path)
        kind = "warning: " if defect.warning else ""
        yield f"{kind}{file}:{row}:{column}: {pointer(defect.path)}: {defect.problem}"


def _tell(lines: list[str]) -> None:
    """Prints `lines`, in colour on a terminal, and as annotations where GitHub runs them."""
    for line in lines:
        found = _FINDING.fullmatch(line)
        colour = "" if not found or not may_be_coloured() else _YELLOW if found["warning"] else _RED
        print(f"{colour}{line}{_PLAIN if colour else ''}")
        if found and os.environ.get("GITHUB_ACTIONS"):
            level, file = "warning" if found["warning"] else "error", os.path.relpath(found["file"])
            text = found["text"].replace("%", "%25")
            print(f"::{level} file={file},line={found['line']},col={found['col'] or 1}::{text}")
