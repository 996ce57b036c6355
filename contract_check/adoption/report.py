"""What an adoption comes to, on one screen."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ..document.defects import Action, count
from ..document.text import visible
from ..history.diff import Change, worst

_MOST = 12
"""Lines of a kind; the rest is counted, and `make diff` has them all."""


def screen(changes: Sequence[Change], cures: Sequence[Action], notes: Sequence[str], version: str) -> Iterator[str]:
    """The verdict, what breaks for whom, what was cured, what is left out, and the version that must follow."""
    yield f"verdict: {worst(change.level for change in changes)}, {count(len(changes), 'change')} since HEAD"
    breaking = [f"{c.operation or 'the package'}: {c.where}: {c.what}" for c in changes if c.level == "major"]
    yield from _part("breaks for callers", breaking)
    new = sorted(c.where.removeprefix("api.") for c in changes if c.where.startswith("api.") and c.what == "is new")
    yield from _part("new", [name for name in new if name.count(".") == 1])
    reasons = Counter(str(cure["description"]) for cure in cures)
    yield from _part("cured, in generator/cures.yaml", [_times(reason, found) for reason, found in reasons.items()])
    left_out: dict[str, list[str]] = {}
    for note in notes:
        place, _, reason = note.partition(": ")
        left_out.setdefault(reason, []).append(place)
    told = [
        f"{', '.join(places[:2])}{' ...' if places[2:] else ''}: {_times(reason, len(places))}"
        for reason, places in left_out.items()
    ]
    yield from _part("left out, or said in less than the document's words", told)
    yield f"version: {version}"


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}: {len(lines)}"
        yield from (f"  {visible(line)[:200]}" for line in lines[:_MOST])
        if len(lines) > _MOST:
            yield f"  ... and {len(lines) - _MOST} more"


def _times(reason: str, found: int) -> str:
    return reason if found == 1 else f"{reason} ({found} places)"
