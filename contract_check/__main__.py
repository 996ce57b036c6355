"""The command line: `python -m contract_check --help`.

Each command imports what it needs itself: generate.sh runs two of them, and should not wait for what serves the others.
"""

import json
import sys
import traceback
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import ACCEPTED, ROOT, VENDORED
from .document.defects import Refusal, count
from .document.text import visible

if TYPE_CHECKING:
    from .document.loading import Document

DESCRIPTION = "Do the document, the generated client and the live relay agree?"
EPILOG = "exit codes: 0 agreement, 1 a departure from the contract, 2 usage, environment or a fault of contract_check"
LIVE = """\
Asks a relay what can't cost money, and reports in what its answers depart from the document.

Each operation is asked without a token, with a wrong token, with truncated JSON, and at a path that does not
exist; never with the real token, which is not even read. An operation that answers as that unknown path does is
not there. Anything but a GET, HEAD, OPTIONS or TRACE carries JSON
that breaks off, so that no relay can accept it. An operation that takes no JSON is not called, and is named.

The document is taken after its overlay: a status that a range such as 4XX covers is documented, and each answer's
line says by which key. An empty overlay (--overlay) gives the raw document's view. A field that the document
doesn't name is a departure, unless its object allows additional ones. Redirects are not followed.

--read also asks, with the token in RELAY_TOKEN, each operation that reads by an id for one that does not exist.
--submit also sends one request that the relay can accept and charge for: the document's example, with the token
in RELAY_TOKEN. It shows what it will send, and wants a typed yes on a terminal.

Exit codes: 0 agreement, 1 a departure that is not accepted, 2 unreachable or wrongly called."""

STANDIN = """\
Keeps a stand-in for the relay running on this machine, for trials of a service that uses the package. Nothing costs
money and nothing leaves the machine. It holds each request against the document, tells of each in a line, and
answers as the relay does, or as the scenario says. Any token that begins with sk- is accepted.

Scenarios:
{scenarios}

Exit codes: 0 ended with Ctrl-C, 2 wrongly called, or the port is taken."""


# Documents nest and refer deeper than Python's 1,000; at about three times this, a thread's stack ends.
_DEEPEST = 5_000


def main() -> int:
    """Runs one command; returns its exit code."""
    arguments = _parser().parse_args()
    sys.setrecursionlimit(_DEEPEST)
    try:
        return int(arguments.run(arguments))
    except Refusal as refusal:
        print(visible(str(refusal)), file=sys.stderr)
        return refusal.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # whatever a document holds, its reader gets a line, not a traceback
        print(visible(_own_fault(error)), file=sys.stderr)
        return 2


def _own_fault(error: Exception) -> str:
    """What a maintainer reports, and to whom: the fault is contract_check's, not the document's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "contract_check" in frame.filename]
    place = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else "an unknown place"
    said = f"{type(error).__name__}: {str(error)[:200]}".replace("\n", " ")
    return (
        f"contract_check failed at {place} ({said}). Report this line with the document: it should have named a defect."
    )


class _Parser(ArgumentParser):
    """A parser whose description may be found out when it is asked for."""

    describe: Callable[[], str] | None = None

    def format_help(self) -> str:
        if self.describe is not None:
            self.description = self.describe()
        return super().format_help()


def _parser() -> ArgumentParser:
    parser = _Parser(prog="python -m contract_check", description=DESCRIPTION, epilog=EPILOG)
    _add_gate(parser, is_gate=True)
    parser.set_defaults(run=_gate, checks=("document", "drift", "wire"))
    without = "without one, the gate: document, drift, wire"
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", description=without)

    command = commands.add_parser("document", help="is the document sound, and if not, what would cure it?")
    _add_document(command)
    command.add_argument("--suggest", action="store_true", help="print an overlay that cures what can be cured")
    command.set_defaults(run=_document)

    command = commands.add_parser("drift", help="is the package what the document generates, byte for byte?")
    _add_gate(command)
    command.set_defaults(checks=("drift",))

    command = commands.add_parser("wire", help="do the functions send and read what the document says?")
    _add_gate(command)
    command.set_defaults(checks=("wire",))

    command = commands.add_parser("prepare", help="write what the generator reads (a step of generate.sh)")
    _add_document(command)
    command.add_argument("--into", type=Path, required=True, metavar="DIR", help="an empty directory")
    command.set_defaults(run=_prepare)

    command = commands.add_parser("verify", help="is a generated package whole? (a step of generate.sh)")
    command.add_argument("package", type=Path, metavar="DIR")
    command.add_argument("--prepared", type=Path, required=True, metavar="FILE", help="the prepared document")
    command.add_argument("--previous", type=Path, metavar="DIR", help="the package to compare with")
    command.add_argument("--reference", type=Path, metavar="FILE", help="where the list of its operations goes")
    command.set_defaults(run=_verify)

    command = commands.add_parser("diff", help="what changed between two documents or revisions, for a caller's code?")
    command.add_argument("old", metavar="OLD", help="a document file or a git revision")
    command.add_argument("new", metavar="NEW", nargs="?", help="the same; the working tree where it is left out")
    command.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    command.add_argument("--fail-on", choices=("minor", "major"), help="exit 1 where the verdict reaches this level")
    command.set_defaults(run=_diff)

    command = commands.add_parser("adopt", help="take a new document over, whole or not at all; commits nothing")
    command.add_argument("document", type=Path, nargs="?", metavar="FILE")
    command.add_argument("--undo", action="store_true", help="only put back what an adoption that was killed left")
    command.set_defaults(run=_adopt)

    command = commands.add_parser("release", help="put what a release consists of into dist/; uploads nothing")
    command.set_defaults(run=_release)

    command = commands.add_parser(
        "live",
        help="does a relay keep the contract? costs nothing unless --submit",
        description=LIVE,
        formatter_class=RawDescriptionHelpFormatter,
    )
    _add_document(command)
    help_url = "the relay; without it, a stand-in on loopback"
    help_submit = "COSTS MONEY, see above; PATTERN picks one of several operations: 'POST /kling/*'"
    help_read = "also GET, with the token in RELAY_TOKEN, ids that do not exist; costs nothing"
    help_accepted = "the departures that are known, with reasons; default: contract_check/relay/accepted.yaml"
    command.add_argument("--base-url", metavar="URL", help=help_url)
    command.add_argument("--submit", nargs="?", const="*", metavar="PATTERN", help=help_submit)
    command.add_argument("--read", action="store_true", help=help_read)
    command.add_argument("--accepted", type=Path, default=ACCEPTED, metavar="FILE", help=help_accepted)
    command.add_argument("--format", choices=("text", "json"), default="text")
    command.set_defaults(run=_live)

    command = commands.add_parser(
        "standin",
        help="keep a stand-in relay running, for trials at no cost",
        formatter_class=RawDescriptionHelpFormatter,
    )
    _add_document(command)
    command.add_argument("--port", type=int, default=0, metavar="PORT", help="default: one that is free")
    command.add_argument("--answer", default="success", metavar="SCENARIO", help="the answer to every request")
    command.describe = _describe_standin
    command.set_defaults(run=_standin)
    return parser


def _add_document(command: ArgumentParser) -> None:
    command.add_argument("document", type=Path, nargs="?", default=VENDORED, metavar="FILE")
    command.add_argument(
        "--overlay",
        type=Path,
        action="append",
        metavar="FILE",
        help="in place of config.yaml's; repeatable",
    )


def _add_gate(command: ArgumentParser, *, is_gate: bool = False) -> None:
    """The options of the gate, and of one of its checks: what that is not given stays the gate's."""

    def add(name: str, default: object, text: str, metavar: str, action: str = "store") -> None:
        value = default if is_gate else SUPPRESS
        command.add_argument(name, type=Path, default=value, help=text, metavar=metavar, action=action)

    if is_gate:
        add("--document", VENDORED, "in place of relay.json", "FILE")
    else:
        command.add_argument("file", type=Path, nargs="?", metavar="FILE", help="in place of relay.json")
    add("--overlay", None, "in place of those in generator/config.yaml; repeatable", "FILE", "append")
    add("--package", ROOT / "generated_client", "in place of generated_client/", "DIR")


def _load(arguments: Namespace) -> "Document":
    from .document import loading

    return loading.load(arguments.document, arguments.overlay)


def _gate(arguments: Namespace) -> int:
    from . import gate

    return gate.run(arguments)


def _document(arguments: Namespace) -> int:
    from .document import loading, overlay

    found = _load(arguments)
    if arguments.suggest:
        print(overlay.dump_file(found.cures, f"Cures for {found.source.file.name}"), end="")
    for line in loading.report(found):
        print(line, file=sys.stderr)
    if not found.defects:
        print(f"sound: {loading.summary(found)}", file=sys.stderr if arguments.suggest else sys.stdout)
    return 1 if found.incurable or (found.defects and not arguments.suggest) else 0


def _prepare(arguments: Namespace) -> int:
    from generator.prepare import generator_input

    from .document import loading

    found = _load(arguments)
    for line in loading.report(found):
        print(line, file=sys.stderr)
    if found.defects:
        amount = count(len(found.defects), "defect")
        advice = f" All cures at once: python -m contract_check document {found.source.file} --suggest"
        raise Refusal(f"{amount}; nothing was generated, the package stays as it was.{advice if found.cures else ''}")
    generator_input.write(found, arguments.into)
    return 0


def _verify(arguments: Namespace) -> int:
    from generator import reference, verification

    print(verification.verify(arguments.package, arguments.prepared))
    if arguments.reference:
        document = json.loads(arguments.prepared.read_text(encoding="utf-8"))
        arguments.reference.write_text(reference.reference(document, arguments.package), encoding="utf-8")
    if arguments.previous and arguments.previous.is_dir():
        lines = list(verification.changes(arguments.previous, arguments.package))
        print("\n".join(lines[:20]) or "no change against the previous package")
        if len(lines) > 20:
            print(f"... and {count(len(lines) - 20, 'change')} more")
    return 0


def _live(arguments: Namespace) -> int:
    from .relay import live

    try:
        return live.run(_load(arguments), arguments)
    except Refusal as refusal:  # 1 is said of a relay that was asked
        raise Refusal(str(refusal), 2) from refusal


def _describe_standin() -> str:
    from .relay.standin import command

    return STANDIN.format(scenarios=command.scenarios())


def _standin(arguments: Namespace) -> int:
    from .relay.standin import command

    return command.run(_load(arguments), arguments)


def _diff(arguments: Namespace) -> int:
    from .history import diff

    return diff.run(arguments)


def _adopt(arguments: Namespace) -> int:
    from .adoption import adopt

    return adopt.run(arguments)


def _release(arguments: Namespace) -> int:
    from .history import release

    return release.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
