"""The command line of ./generate.sh: regenerate the package from a document."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from time import monotonic

from contract_check import ROOT, VENDORED
from contract_check.document import loading
from contract_check.document.defects import Refusal, count, exit_code
from contract_check.document.text import escape_invisible

from . import making, placement, verification

_MOST = 20
"""Changes to list; the rest is counted."""


def main() -> int:
    """Generate the package; return the exit code."""
    parser = ArgumentParser(
        prog="./generate.sh",
        description="Generate the client package from an OpenAPI document.",
        epilog="exit codes: 0 generated, 1 the document is refused, 2 usage or environment",
    )
    help_overlay = "an overlay; repeatable; default: those in generator/config.yaml"
    help_document = "the document; default: relay.json"
    help_output = "the package's folder; default: generated_client"
    parser.add_argument("--document", type=Path, default=VENDORED, metavar="FILE", help=help_document)
    parser.add_argument("--overlay", type=Path, action="append", metavar="FILE", help=help_overlay)
    parser.add_argument("--output", type=Path, metavar="DIR", help=help_output)
    arguments = parser.parse_args()
    return exit_code(lambda: _generate(arguments))


def _generate(arguments: Namespace) -> int:
    output: Path = (arguments.output or ROOT / verification.PACKAGE).absolute()
    with placement.work_folder(output) as work:
        step = _Steps()
        try:
            found = loading.load(arguments.document, arguments.overlay)
            for line in loading.report(found):
                print(line, file=sys.stderr)
            if found.defects:
                advice = f"All cures at once: python -m contract_check document {arguments.document} --suggest"
                raise Refusal(f"{count(len(found.defects), 'defect')}; {advice if found.cures else 'none has a cure.'}")
            step.done(f"read and checked {arguments.document.name}")
            made = making.make(found.value, work)
        except Refusal as refusal:
            raise Refusal(f"{refusal}\nnothing was generated, the package is unchanged.", refusal.code) from refusal
        step.done("generated and verified: every module imports, every operation is present")
        changes = list(verification.changes(output, made.package)) if output.is_dir() else None
        placement.replace({output: made.package})
        step.done("replaced the package")
    print(made.summary)
    if changes is not None:
        print("\n".join(changes[:_MOST]) or "no change against the previous package")
        if len(changes) > _MOST:
            print(f"... and {count(len(changes) - _MOST, 'change')} more")
    for note in made.notes:
        print(escape_invisible(f"note: {note}"))
    return 0


class _Steps:
    """Prints each step with its time."""

    def __init__(self) -> None:
        self._began = monotonic()

    def done(self, what: str) -> None:
        """Print a completed step."""
        now = monotonic()
        print(f"{now - self._began:5.2f} s  {what}", flush=True)
        self._began = now


if __name__ == "__main__":
    sys.exit(main())
