"""The command line: `python -m contract_check --help`."""

import argparse
import sys
from pathlib import Path as File

from . import document, gate, live, overlay, package
from .defects import Refusal

DESCRIPTION = "Do the document, the generated client and the live relay agree?"
EPILOG = "exit codes: 0 agreement, 1 a departure from the contract, 2 usage or environment"


def main() -> int:
    """Runs one command; returns its exit code."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contract_check", description=DESCRIPTION, epilog=EPILOG)
    gate.add_options(parser, is_gate=True)
    parser.set_defaults(run=gate.run, checks=("document", "drift", "wire"))
    without = "without one, the gate: document, drift, wire"
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", description=without)

    command = commands.add_parser("document", help="is the document sound, and if not, what would cure it?")
    _add_document(command)
    command.add_argument("--suggest", action="store_true", help="print an overlay that cures what can be cured")
    command.set_defaults(run=_document)

    command = commands.add_parser("drift", help="is the package what the document generates, byte for byte?")
    gate.add_options(command)
    command.set_defaults(checks=("drift",))

    command = commands.add_parser("wire", help="do the functions send and read what the document says?")
    gate.add_options(command)
    command.set_defaults(checks=("wire",))

    command = commands.add_parser("prepare", help="write what the generator reads (a step of generate.sh)")
    _add_document(command)
    command.add_argument("--into", type=File, required=True, metavar="DIR", help="an empty directory")
    command.set_defaults(run=_prepare)

    command = commands.add_parser("verify", help="is a generated package whole? (a step of generate.sh)")
    command.add_argument("package", type=File, metavar="DIR")
    command.add_argument("--prepared", type=File, required=True, metavar="FILE", help="the prepared document")
    command.add_argument("--previous", type=File, metavar="DIR", help="the package to compare with")
    command.set_defaults(run=_verify)

    command = commands.add_parser("diff", help="what changed between two documents or revisions, for a caller's code?")
    command.add_argument("old", metavar="OLD", help="a document file or a git revision")
    command.add_argument("new", metavar="NEW", nargs="?", help="the same; the working tree where it is left out")
    command.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    command.add_argument("--fail-on", choices=("minor", "major"), help="exit 1 where the verdict reaches this level")
    command.set_defaults(run=_diff)

    command = commands.add_parser("release", help="put what a release consists of into dist/; uploads nothing")
    command.set_defaults(run=_release)

    command = commands.add_parser("live", help="does a relay keep the contract? costs nothing unless --submit")
    _add_document(command)
    live.add_options(command)
    command.set_defaults(run=_live)
    return parser


def _add_document(command: argparse.ArgumentParser) -> None:
    command.add_argument("document", type=File, nargs="?", default=document.VENDORED, metavar="FILE")
    command.add_argument(
        "--overlay", type=File, action="append", metavar="FILE", help="in place of generator/overlay.yaml; repeatable"
    )


def _load(arguments: argparse.Namespace) -> document.Document:
    return document.load(arguments.document, arguments.overlay or [document.OVERLAY])


def _document(arguments: argparse.Namespace) -> int:
    found = _load(arguments)
    if arguments.suggest:
        print(overlay.dump_file(found.cures, f"Cures for {found.source.file.name}"), end="")
    for line in document.report(found):
        print(line, file=sys.stderr)
    if not found.defects:
        print(f"sound: {document.summary(found)}", file=sys.stderr if arguments.suggest else sys.stdout)
    return 1 if found.incurable or (found.defects and not arguments.suggest) else 0


def _prepare(arguments: argparse.Namespace) -> int:
    found = _load(arguments)
    for line in document.report(found):
        print(line, file=sys.stderr)
    if found.defects:
        amount = document.count(len(found.defects), "defect")
        advice = f" All cures at once: python -m contract_check document {found.source.file} --suggest"
        raise Refusal(f"{amount}; nothing was generated, the package stays as it was.{advice if found.cures else ''}")
    document.prepare(found, arguments.into)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    print(package.verify(arguments.package, arguments.prepared))
    if arguments.previous and arguments.previous.is_dir():
        lines = list(package.changes(arguments.previous, arguments.package))
        print("\n".join(lines[:20]) or "no change against the previous package")
        if len(lines) > 20:
            print(f"... and {document.count(len(lines) - 20, 'change')} more")
    return 0


def _live(arguments: argparse.Namespace) -> int:
    try:
        return live.run(_load(arguments), arguments)
    except Refusal as refusal:  # 1 is said of a relay that was asked
        raise Refusal(str(refusal), 2) from refusal


def _diff(arguments: argparse.Namespace) -> int:
    from . import diff  # griffe takes its time, which the steps of generate.sh need not wait for

    return diff.run(arguments)


def _release(arguments: argparse.Namespace) -> int:
    from . import release  # the same

    return release.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
