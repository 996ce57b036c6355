"""The offline gate: its checks, each with its time, and what they found."""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import monotonic

from . import OVERLAY
from .document import loading
from .document.tree import pointer
from .package import drift

# A finding says where it is; what is indented explains the one before it.
_FINDING = re.compile(r"(?P<warning>warning: )?(?P<file>\S.*?):(?P<line>\d+)(:(?P<col>\d+))?: (?P<text>.*)")
_RED, _YELLOW, _PLAIN = "\033[31m", "\033[33m", "\033[0m"


def run(arguments: Namespace) -> int:
    """Runs the checks in `arguments.checks`, up to the first that makes the others pointless."""
    file = getattr(arguments, "file", None) or arguments.document
    overlays, failed = arguments.overlay or [OVERLAY], False
    for check in arguments.checks:
        print(f"{check} ...", file=sys.stderr)
        started = monotonic()
        lines = list(_CHECKS[check](file, overlays, arguments.package))
        departures = [line for line in lines if not line.startswith((" ", "warning: "))]
        print(f"{'ok    ' if not departures else 'FAILED'} {check:8} {monotonic() - started:5.1f} s", flush=True)
        _tell(lines)
        failed = failed or bool(departures)
        if departures and check == "document":
            break
    return int(failed)


@cache
def _loaded(file: Path, overlays: tuple[Path, ...]) -> loading.Document:
    """The document, read and checked once for all checks of a run."""
    return loading.load(file, overlays)


def _document(file: Path, overlays: list[Path], _: Path) -> Iterator[str]:
    yield from loading.report(_loaded(file, tuple(overlays)))


def _wire(file: Path, overlays: list[Path], package: Path) -> Iterator[str]:
    from .package.wire import Wire  # hypothesis takes its time, which the steps of generate.sh need not wait for

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


_CHECKS = {"document": _document, "drift": drift.check, "wire": _wire}


def _tell(lines: list[str]) -> None:
    """Prints `lines`, in colour on a terminal, and as annotations where GitHub runs them."""
    for line in lines:
        found = _FINDING.fullmatch(line)
        colour = "" if not found or not sys.stdout.isatty() else _YELLOW if found["warning"] else _RED
        print(f"{colour}{line}{_PLAIN if colour else ''}")
        if found and os.environ.get("GITHUB_ACTIONS"):
            level, file = "warning" if found["warning"] else "error", os.path.relpath(found["file"])
            text = found["text"].replace("%", "%25")
            print(f"::{level} file={file},line={found['line']},col={found['col'] or 1}::{text}")
