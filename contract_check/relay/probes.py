"""Probe a relay with requests that cost nothing, and at most one that the user agrees to pay for.

All but GET, HEAD, OPTIONS and TRACE have truncated JSON as their body: a relay that does not check the token might
accept any other body, or none if it is optional. Operations without a JSON body are not called.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from math import ceil

import httpx

from ..document.defects import Refusal, count
from ..document.examples import documented_example
from ..document.messages import Departure, of_json
from ..document.operations import JSON, SAFE, Operation, bare
from ..document.text import progress
from ..document.tree import at, follow, object_or_empty
from ..document.values import Schemas

_WITHIN, _SUBMIT_WITHIN, _LONGEST = 10.0, 60.0, 1 << 20
_PATIENCE = 300
"""The total seconds to wait for the relay's rate limit."""
NOWHERE, _NOBODY, _WRONG = "contract-check-no-such-path", "contract-check-no-such-id", "contract-check-wrong-token"
# Even a parser that repairs them gets nothing to act on: an empty list, and an object with one unknown field.
_BROKEN, _TRUNCATED = b"[", b'{"contract_check": ["'
_HTML = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)


@dataclass(frozen=True)
class Probe:
    """A request to check an operation; `may_succeed` if the contract allows a relay to accept it."""

    name: str
    operation: Operation
    method: str
    target: str
    body: bytes = b""
    token: str = field(default="", repr=False)
    may_succeed: bool = False


@dataclass(frozen=True)
class Received:
    """A response, or the `failure` that prevented it."""

    status: int
    media_type: str = ""
    body: bytes = b""
    failure: str = ""
    retry_after: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether the relay's front rate-limited the request."""
        return self.status == 429 and (bool(self.retry_after) or not self.body)

    @property
    def pause(self) -> int:
        """The seconds of Retry-After (RFC 9110, 10.2.3), at least 1; 30 by default."""
        try:
            until = parsedate_to_datetime(self.retry_after)
        except ValueError:
            return max(1, int(self.retry_after)) if self.retry_after.isdecimal() else 30
        return max(1, ceil((until - datetime.now(until.tzinfo)).total_seconds()))


def harmless(operations: Iterable[Operation]) -> Iterator[Probe]:
    """The free probes of each operation; for one that can't be called, a GET of an unknown path."""
    for operation in operations:
        target, is_safe = re.sub("{[^{}]*}", _NOBODY, operation.route), operation.method in SAFE
        breaks = not is_safe and operation.json_type is not None
        method, body = operation.method, _BROKEN if breaks else b""
        is_public = is_safe and not operation.needs_credentials
        if is_safe or breaks:
            yield Probe("no token", operation, method, target, body, may_succeed=is_public)
            yield Probe("wrong token", operation, method, target, body, _WRONG, may_succeed=is_public)
        if breaks:
            yield Probe("truncated JSON", operation, method, target, _TRUNCATED)
        path, mark, query = target.partition("?")
        nowhere = f"{path.rstrip('/')}/{NOWHERE}{mark}{query}"
        yield Probe("unknown path", operation, method if is_safe or breaks else "GET", nowhere, body)


def reads(operations: Iterable[Operation], token: str) -> Iterator[Probe]:
    """A GET with the real token and an id that does not exist, for each operation that reads by id."""
    for operation in operations:
        if operation.method == "GET" and "{" in operation.route:
            target = re.sub("{[^{}]*}", _NOBODY, operation.route)
            yield Probe("read", operation, "GET", target, token=token, may_succeed=True)


def token(flag: str) -> str:
    """The real token, for `flag`; raise Refusal if it is missing or can't be sent."""
    found = os.environ.get("RELAY_TOKEN", "")
    if not re.fullmatch("[!-~]+", found):  # an error about any other character would quote the token
        raise Refusal.environment(f"{flag} needs a token of visible ASCII characters.", "Put it in RELAY_TOKEN.")
    return found


def consented(operations: Iterable[Operation], url: str, pattern: str, token: str) -> Probe:
    """The one request that a relay may charge for; raise Refusal unless the user types yes."""
    found = [
        each for each in operations if each.json_type and "{" not in each.route and fnmatchcase(str(each), pattern)
    ]
    if len(found) != 1:
        problem = f"--submit sends one request, but {count(len(found), 'operation')} match."
        raise Refusal.environment(problem, "Name one: --submit 'POST /...'")
    [operation] = found
    place = (*operation.body, "content", str(operation.json_type), "schema")
    example = documented_example(operation.document, place)
    if unfit := Schemas(operation.document).problem(place, example):
        raise Refusal.environment(f"the document gives no example to submit: {unfit}.", "Add examples in an overlay.")
    body = json.dumps(example, ensure_ascii=False)
    print(f"THIS COSTS MONEY: {operation} at {url}, with your token and this body:\n{body}", file=sys.stderr)
    print("Type yes to send it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise Refusal.environment("nothing was sent.", "The free checks run without --submit.")
    return Probe("submit", operation, operation.method, operation.route, body.encode(), token, may_succeed=True)


def documented(operation: Operation, status: int) -> str | None:
    """The key of the documented response for `status`: itself, its range, or `default`."""
    keys = (str(status), f"{status // 100}XX", "default")
    return next((key for key in keys if key in operation.responses), None)


def judge(closed: Schemas, probe: Probe, answer: Received) -> Iterator[Departure]:
    """Check the response to `probe` against a document whose objects are closed."""
    if answer.failure:
        yield Departure("silence", "status", f"no complete response: {answer.failure}")
        return
    if answer.status // 100 == 2 and not probe.may_succeed:
        yield Departure("not-refused", "status", f"{answer.status} instead of a refusal")
    key = documented(probe.operation, answer.status)
    if key is None:
        if probe.name != "unknown path" or answer.status not in (404, 405):  # HTTP defines these
            yield Departure("status", "status", f"the status {answer.status} is not documented")
        return
    place = (*follow(closed.document, (*probe.operation.path, "responses", key)), "content")
    names = sorted(object_or_empty(at(closed.document, place)), key=lambda name: name.count("*"))
    given = bare(answer.media_type)
    media_type = next((name for name in names if fnmatchcase(given, bare(name))), None)
    if probe.operation.method == "HEAD" or (not names and not answer.body):
        return
    if not names:
        yield Departure("body", "#", "an undocumented body")
    elif (given == "text/html" or _HTML.match(answer.body)) and (media_type is None or JSON.fullmatch(given)):
        yield Departure("html", "#", f"HTML instead of {', '.join(names)}")
    elif media_type is None:
        yield Departure("media-type", "#", f"{given or 'no Content-Type'} instead of {', '.join(names)}")
    elif JSON.fullmatch(given):
        yield from of_json(closed, (*place, media_type, "schema"), answer.body)


async def ask(probes: list[Probe], url: str, *, trust_env: bool) -> list[Received]:
    """Send the probes and return the responses; raise Refusal if the relay can't be reached.

    On a rate limit, wait and retry while patience lasts; later probes are not sent. A submission is never retried.
    """
    given: list[Received] = []
    patience = _PATIENCE
    limits = httpx.Limits(max_keepalive_connections=0)  # a dropped idle connection must not count as no response
    async with httpx.AsyncClient(timeout=5, limits=limits, trust_env=trust_env) as client:
        for probe in probes:
            try:
                received = await _answer(client, url, probe)
                while received.is_limit and received.pause <= patience and probe.name != "submit":
                    patience -= received.pause
                    left = count(len(probes) - len(given), "request")
                    print(f"429 (rate limit): waiting {received.pause} s; {left} left ...", file=sys.stderr)
                    await asyncio.sleep(received.pause)
                    received = await _answer(client, url, probe)
                given.append(received)
                if received.is_limit:
                    break
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                failure = type(error).__name__  # without the message, which may quote the request
                if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) or not given:
                    problem = f"{url} can't be reached: {failure}."
                    raise Refusal.environment(problem, "Check the address and the network.") from None
                given.append(Received(0, failure=failure))
            client.cookies.clear()
            progress(f"{len(given)} of {count(len(probes), 'response')} ...")
    progress("")
    return given


async def _answer(client: httpx.AsyncClient, url: str, probe: Probe) -> Received:
    headers = {"Content-Type": "application/json"} if probe.body else {}
    target, body = httpx.URL(url + probe.target), b""
    usual = {("header", "Authorization"): f"Bearer {probe.token}"}
    credentials = (probe.operation.credentials(probe.token) or usual) if probe.token else {}
    for (place, name), text in credentials.items():
        match place:
            case "query":
                target = target.copy_merge_params({name: text})
            case "cookie":
                headers["Cookie"] = "; ".join(filter(None, [headers.get("Cookie"), f"{name}={text}"]))
            case _:
                headers[name] = text
    deadline = asyncio.timeout(_SUBMIT_WITHIN if probe.name == "submit" else _WITHIN)  # httpx has no total timeout
    async with deadline, client.stream(probe.method, target, headers=headers, content=probe.body) as got:
        async for chunk in got.aiter_bytes():
            body += chunk
            if len(body) > _LONGEST:
                break
    media_type, retry_after = (got.headers.get(name, "") for name in ("content-type", "retry-after"))
    return Received(got.status_code, media_type, body, retry_after=retry_after)
