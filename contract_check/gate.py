"""The offline gate: its checks, each with its time, and what they found."""

import os
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from .document import loading
from .document.defects import Refusal
from .document.text import may_be_coloured, progress
from .document.tree import pointer
from .history import diff
from .package.package import drift
from .package.wire import Wire

# A finding says where it is; what is indented explains the one before it.
_FINDING = re.compile(r"(?P<warning>warning: )?(?P<file>\S.*?):(?P<line>\d+)(:(?P<col>\d+))?: (?P<text>.*)")
_RED, _YELLOW, _PLAIN = "\033[31m", "\033[33m", "\033[0m"


def run(arguments: Namespace) -> int:
    """Run the checks in `arguments.checks`; without a sound document, the others are pointless."""
    file, checks, package = getattr(arguments, "file", None) or arguments.document, arguments.checks, arguments.package
    began = _begin("document")
    found = loading.load(file, arguments.overlay)
    if "document" in checks:
        hidden = [] if found.defects else diff.warnings_since_head(file)
        added = (f"  {line}" for line in loading.additions(found))
        _end("document", began, [*loading.report(found), *hidden, *added])
    elif found.defects:
        raise Refusal(f"{file} is not sound: see `python -m contract_check document`.")
    if found.defects:
        return 1
    passed = True
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # drift's generator works while wire works here
        began = _begin(" and ".join(each for each in checks if each != "document"))
        drifted = pool.submit(drift, found.value, package) if "drift" in checks else None
        if "wire" in checks:
            passed &= _end("wire", began, wire(found, package))
        if drifted:
            passed &= _end("drift", began, drifted.result())
    return int(not passed)


def wire(found: loading.Document, package: Path) -> Iterator[str]:
    """What the package's functions send and read that the document does not say, a line for each."""
    check = Wire(found, package)
    for done in check.run():
        progress(done)
    for defect in check.findings.values():
        row, column = found.source.place(defect.path)
        kind = "warning: " if defect.warning else ""
        yield f"{kind}{found.source.file}:{row}:{column}: {pointer(defect.path)}: {defect.problem}"


def passes(lines: Iterable[str]) -> bool:
    """Whether there is no departure among findings: warnings are none, nor what explains a finding."""
    return all(line.startswith((" ", "warning: ")) for line in lines)


def _begin(check: str) -> float:
    progress(f"{check} ...")
    return monotonic()


def _end(check: str, began: float, found: Iterable[str]) -> bool:
    """Print what a check found; return whether it passed."""
    lines = list(found)
    progress("")
    print(f"{'ok    ' if passes(lines) else 'FAILED'} {check:8} {monotonic() - began:5.1f} s", flush=True)
    _tell(lines)
    return passes(lines)


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
