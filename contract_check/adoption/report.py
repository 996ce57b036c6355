"""Report an adoption on one screen, and draft an entry for CHANGELOG.md."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ..document.defects import Action, count
from ..document.text import escape_invisible
from ..history.diff import Change, worst

_MOST = 12
"""Lines per section; the rest is counted, and `make diff` lists them all."""
_BEGIN = "<!-- make adopt rewrites this draft each time; remove these comments to keep it. -->"
_END = "<!-- the end of the draft -->"
_HEADING = "## Unreleased"


def screen(
    changes: Sequence[Change], cures: Sequence[Action], warnings: Sequence[str], notes: Sequence[str], version: str
) -> Iterator[str]:
    """Yield the verdict, warnings, breaking changes, cures, omissions and the version that must follow."""
    yield f"verdict: {worst(change.level for change in changes)}, {count(len(changes), 'change')} since HEAD"
    cured = [(str(cure["target"]), str(cure["description"])) for cure in cures]
    untyped = _by_reason(each for each in cured if each[0].endswith("['$ref']"))
    yield from _part("warnings", [*untyped, *(line.removeprefix("warning: ") for line in warnings)], 5)
    breaking = [f"{c.operation or 'the package'}: {c.where}: {c.what}" for c in changes if c.level == "major"]
    yield from _part("breaks for callers", breaking)
    new = sorted(c.where.removeprefix("api.") for c in changes if c.where.startswith("api.") and c.what == "is new")
    yield from _part("new", [name for name in new if name.count(".") == 1])
    outer = [each for each in cured if not any(_is_below(each, other) for other in cured)]
    yield from _part("cured, in generator/cures.yaml", _by_reason(outer))
    noted = ((place, reason) for place, _, reason in (note.partition(": ") for note in notes))
    yield from _part("left out or simplified", _by_reason(noted))
    yield f"version: {version}"


def _part(title: str, lines: Sequence[str], most: int = _MOST) -> Iterator[str]:
    if lines:
        yield f"{title}: {len(lines)}"
        yield from (f"  {escape_invisible(line)[:200]}" for line in lines[:most])
        if len(lines) > most:
            yield f"  ... and {len(lines) - most} more"


def _by_reason(found: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each reason, with its places."""
    by_reason: dict[str, list[str]] = {}
    for place, reason in found:
        by_reason.setdefault(reason, []).append(place)
    lines = list[str]()
    for reason, places in by_reason.items():
        line = f"{', '.join(places[:2])}{' ...' if places[2:] else ''}: {reason}"
        lines.append(f"{line} ({len(places)} places)" if places[1:] else line)
    return lines


def _is_below(cure: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether both change one object for one reason, such as an operation's tags, removed and then added."""
    return cure[1] == other[1] and cure[0].startswith((f"{other[0]}.", f"{other[0]}["))


def with_draft(changelog: str, draft: str) -> str:
    """Put the draft into `changelog` under "Unreleased", in place of any other."""
    text = re.sub(f"{re.escape(_BEGIN)}\n(.*?){re.escape(_END)}\n\n?", "", changelog, flags=re.DOTALL)
    if not re.search(rf"^{_HEADING}$", text, re.MULTILINE):
        first = re.search(r"^## ", text, re.MULTILINE)
        at = first.start() if first else len(text)
        text = f"{text[:at]}{_HEADING}\n\n{text[at:]}"
    before, heading, after = text.partition(f"{_HEADING}\n")
    return f"{before}{heading}\n{_BEGIN}\n{draft}{_END}\n\n{after.lstrip(chr(10))}"
