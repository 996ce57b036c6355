"""A relay's answers against a document whose objects are closed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from math import ceil

from ..document import messages
from ..document.messages import Departure
from ..document.operations import JSON, Operation, bare
from ..document.tree import at, follow, object_or_empty
from ..document.values import Schemas

_HTML = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)


@dataclass(frozen=True)
class Received:
    """What came back from a relay; `failure` says why there is no status."""

    status: int
    media_type: str = ""
    body: bytes = b""
    failure: str = ""
    retry_after: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether the relay's front is rate-limiting, and did not look at the request."""
        return self.status == 429 and (bool(self.retry_after) or not self.body)

    @property
    def pause(self) -> int:
        """The seconds to wait for a rate limit (RFC 9110, 10.2.3), at least 1; 30 where they are not told."""
        try:
            until = parsedate_to_datetime(self.retry_after)
        except ValueError:
            return max(1, int(self.retry_after)) if self.retry_after.isdecimal() else 30
        return max(1, ceil((until - datetime.now(until.tzinfo)).total_seconds()))


def documented(operation: Operation, status: int) -> str | None:
    """The key under which the document says what stands behind `status`: itself, its range, or `default`."""
    keys = (str(status), f"{status // 100}XX", "default")
    return next((key for key in keys if key in operation.responses), None)


def judge(closed: Schemas, operation: Operation, answer: Received) -> Iterator[Departure]:
    """In what `answer` departs from a closed document."""
    key = documented(operation, answer.status)
    given = bare(answer.media_type)
    is_html = given == "text/html" or _HTML.match(answer.body)
    if key is None:
        yield Departure("status", "status", f"the status {answer.status} is not documented")
        return
    place = (*follow(closed.document, (*operation.path, "responses", key)), "content")
    names = sorted(object_or_empty(at(closed.document, place)), key=lambda name: name.count("*"))
    media_type = next((n for n in names if fnmatchcase(given, bare(n))), None)
    if operation.method == "HEAD" or (not names and not answer.body):
        return
    if not names:
        yield Departure("body", "#", "a body, where none is documented")
    elif is_html and (media_type is None or JSON.fullmatch(given)):
        yield Departure("html", "#", f"HTML instead of {', '.join(names)}")
    elif media_type is None:
        yield Departure("media-type", "#", f"{given or 'no Content-Type'} instead of {', '.join(names)}")
    elif JSON.fullmatch(given):
        yield from messages.of_json(closed, (*place, media_type, "schema"), answer.body)
