"""The command line: `python -m contract_check --help`; docs/maintaining.md describes each command."""

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from . import ACCEPTED, ROOT, VENDORED, gate
from .adoption import adopt
from .document import loading, overlay
from .document.defects import Refusal, exit_code
from .history import diff, release
from .relay.standin import command as standin

DESCRIPTION = "Check that the document, the generated client and a live relay agree."
EPILOG = "exit codes: 0 agreement, 1 a departure from the contract, 2 usage, environment or an internal error"
DEFAULTS = {"document": VENDORED, "overlay": None, "package": ROOT / "generated_client"}


def main() -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args(namespace=Namespace(**DEFAULTS))
    return exit_code(lambda: int(arguments.run(arguments)))


def _parser() -> ArgumentParser:
    overlays = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    help_overlay = "an overlay, instead of those in generator/config.yaml; repeatable"
    overlays.add_argument("--overlay", type=Path, action="append", metavar="FILE", help=help_overlay)
    packages = ArgumentParser(add_help=False, argument_default=SUPPRESS, parents=[overlays])
    packages.add_argument("--package", type=Path, metavar="DIR", help="default: generated_client/")
    documents = ArgumentParser(add_help=False, parents=[overlays])
    documents.add_argument("document", type=Path, nargs="?", default=VENDORED, metavar="FILE")

    parser = ArgumentParser(prog="python -m contract_check", description=DESCRIPTION, epilog=EPILOG, parents=[packages])
    parser.add_argument("--document", type=Path, metavar="FILE", help="default: relay.json")
    parser.set_defaults(run=gate.run, checks=("document", "drift", "wire"))
    without = "default: the gate, which is document, drift and wire"
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", description=without)

    def add(name: str, text: str, *parents: ArgumentParser, **defaults: object) -> Callable[..., object]:
        command = commands.add_parser(name, help=text, parents=parents)
        command.set_defaults(**defaults)
        return command.add_argument

    argument = add("document", "check that the document is sound; if not, suggest cures", documents, run=_document)
    argument("--suggest", action="store_true", help="print an overlay with all cures")

    for check, text in (
        ("drift", "check that the package is what the document generates, byte for byte"),
        ("wire", "check that the functions send and read what the document says"),
    ):
        argument = add(check, text, packages, checks=(check,))
        argument("file", type=Path, nargs="?", metavar="FILE", help="default: relay.json")

    argument = add("diff", "list the changes between two documents or revisions for callers", run=diff.run)
    argument("old", metavar="OLD", help="a document file or a git revision")
    argument("new", metavar="NEW", nargs="?", help="the same; default: the working tree")
    argument("--format", choices=("text", "json", "markdown"), default="text")
    argument("--fail-on", choices=("minor", "major"), help="exit 1 if the verdict reaches this level")

    argument = add("adopt", "replace relay.json and regenerate everything, or change nothing", run=adopt.run)
    argument("document", type=Path, metavar="FILE")

    add("release", "build a release in dist/; uploads nothing", run=release.run)

    argument = add("live", "check that a relay keeps the contract; free unless --submit", documents, run=_live)
    help_submit = "COSTS MONEY: send the document's example with the token in RELAY_TOKEN, after you type yes; "
    help_submit += "PATTERN selects one of several operations: 'POST /kling/*'"
    help_read = "also GET ids that do not exist, with the token in RELAY_TOKEN; free"
    help_accepted = "known departures, with reasons; default: contract_check/relay/accepted.yaml"
    argument("--base-url", metavar="URL", help="the relay; default: a stand-in on loopback")
    argument("--submit", nargs="?", const="*", metavar="PATTERN", help=help_submit)
    argument("--read", action="store_true", help=help_read)
    argument("--accepted", type=Path, default=ACCEPTED, metavar="FILE", help=help_accepted)
    argument("--format", choices=("text", "json"), default="text")

    argument = add("standin", "run a stand-in relay, to try things for free", documents, run=_standin)
    help_answer = "the scenario for every response; `?` lists them"
    argument("--port", type=int, default=0, metavar="PORT", help="default: a free port")
    argument("--answer", default="success", metavar="SCENARIO", help=help_answer)
    help_pace = "seconds that a task stays in each state; default: 5"
    argument("--pace", type=float, default=5, metavar="SECONDS", help=help_pace)
    return parser


def _document(arguments: Namespace) -> int:
    found = loading.load(arguments.document, arguments.overlay)
    if arguments.suggest:
        print(overlay.dump_file(found.cures, f"Cures for {found.source.file.name}"), end="")
    for finding in (*loading.findings(found), *diff.warnings_since_head(found)):
        print("\n".join(finding.lines()), file=sys.stderr)
    if not found.defects:
        for line in (f"sound: {loading.summary(found)}", *loading.additions(found)):
            print(line, file=sys.stderr if arguments.suggest else sys.stdout)
    return 1 if found.incurable or (found.defects and not arguments.suggest) else 0


def _live(arguments: Namespace) -> int:
    from .relay import live  # imports httpx, which is slow

    try:
        return live.run(loading.load(arguments.document, arguments.overlay), arguments)
    except Refusal as refusal:  # exit code 1 is for departures of a relay
        raise Refusal(str(refusal), 2) from refusal


def _standin(arguments: Namespace) -> int:
    return standin.run(loading.load(arguments.document, arguments.overlay), arguments)


if __name__ == "__main__":
    sys.exit(main())
