"""The offline gate: run the checks, and print their findings and times."""

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from .document import loading
from .document.defects import Finding, Refusal
from .document.text import annotate, coloured, progress
from .history import diff
from .package.package import drift
from .package.wire import Wire


def run(arguments: Namespace) -> int:
    """Run the checks in `arguments.checks`, but only `document` if the document is not sound."""
    file, checks, package = getattr(arguments, "file", None) or arguments.document, arguments.checks, arguments.package
    began = _begin("document")
    found = loading.load(file, arguments.overlay)
    if "document" in checks:
        _end("document", began, [*loading.findings(found), *diff.warnings_since_head(found)])
        for line in loading.additions(found):
            print(f"  {line}")
    elif found.defects:
        raise Refusal(f"{file} is not sound: see `python -m contract_check document`.")
    if found.defects:
        return 1
    passed = True
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # generates for drift in parallel with wire
        began = _begin(" and ".join(each for each in checks if each != "document"))
        drifted = pool.submit(drift, found.value, package) if "drift" in checks else None
        if "wire" in checks:
            passed &= _end("wire", began, wire(found, package))
        if drifted:
            passed &= _end("drift", began, drifted.result())
    return int(not passed)


def wire(found: loading.Document, package: Path) -> Iterator[Finding]:
    """Find where the package's functions send or read something else than the document says."""
    check = Wire(found, package)
    for done in check.run():
        progress(done)
    return map(found.finding, check.findings.values())


def _begin(check: str) -> float:
    progress(f"{check} ...")
    return monotonic()


def _end(check: str, began: float, findings: Iterable[Finding]) -> bool:
    """Print the findings of a check, as annotations on GitHub too; return whether it passed."""
    found = list(findings)
    passed = all(each.is_warning for each in found)
    progress("")
    print(f"{'ok    ' if passed else 'FAILED'} {check:8} {monotonic() - began:5.1f} s", flush=True)
    for each in found:
        line, *details = each.lines()
        level, file = "warning" if each.is_warning else "error", os.path.relpath(each.file)
        print("\n".join([coloured(level, line), *details]))
        annotate(level, f"file={file},line={each.row or 1},col={each.column or 1}", each.text)
    return passed
