"""What a relay's answers show of each operation: a success, refusals, or that it is not there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..document.tree import JsonPath
from .answers import Received
from .probes import NOWHERE, Probe

_TOKEN_REFUSED = (401, 403)
_AT_RANDOM = re.compile(r"\w*\d\w*")
"""Numbers and ids, which differ from one answer to the next."""


@dataclass
class Seen:
    """The statuses of an operation's answers; `is_there` is False where it answers as an unknown path does."""

    successes: list[int] = field(default_factory=list[int])
    refusals: list[int] = field(default_factory=list[int])
    is_there: bool | None = None

    def __str__(self) -> str:
        if self.is_there is False:
            return "not found"
        said = [f"a success ({', '.join(map(str, self.successes))})"] if self.successes else []
        said += [f"refusals ({', '.join(map(str, self.refusals))})"] if self.refusals else []
        return " and ".join(said) or "nothing"


def by_operation(asked: Iterable[tuple[Probe, Received]]) -> dict[JsonPath, Seen]:
    """What was seen of each operation that was asked of."""
    seen = dict[JsonPath, Seen]()
    nowhere, there = dict[JsonPath, str](), dict[JsonPath, list[str]]()
    for probe, answer in asked:
        found = seen.setdefault(probe.operation, Seen())
        if probe.name == "unknown path":
            nowhere[probe.operation] = _likeness(probe, answer)
        elif answer.status:
            there.setdefault(probe.operation, []).append(_likeness(probe, answer))
            statuses = found.successes if answer.status // 100 == 2 and probe.may_succeed else found.refusals
            statuses += [answer.status] if answer.status not in statuses else []
    for operation, alike in nowhere.items():
        answers = there.get(operation, [])
        refuses_first = all(status in _TOKEN_REFUSED for status in seen[operation].refusals)
        if any(answer != alike for answer in answers):
            seen[operation].is_there = True
        elif answers and not (refuses_first and seen[operation].refusals):  # else the path was not looked at
            seen[operation].is_there = False
    return seen


def _likeness(probe: Probe, answer: Received) -> str:
    """What two answers from one place have in common: status, media type and body, without path and ids."""
    route = probe.route.removesuffix(f"/{NOWHERE}")
    body = answer.body.decode(errors="replace").replace(f"/{NOWHERE}", "").replace(route, "")
    return f"{answer.status} {answer.media_type} {_AT_RANDOM.sub('', body)}"
