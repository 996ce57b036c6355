"""stream() and astream() give the open response of a success, and raise any other response as a call does."""

import json
from threading import Event
from typing import Any

import httpx
import pytest

from calling import Caller
from contract_check.relay.standin import Answer, Relay
from frozen import errors

pytestmark = pytest.mark.every_way

JSON = {"Content-Type": "application/json"}
TASK = {"task_id": "t", "status": "queued"}
LONG = Answer(200, chunks=tuple(b"%d " % number for number in range(50)), pause=0.01)


def _read(caller: Caller, client: Any = None, most: int = 1_000) -> bytes:
    with caller.stream(client) as response:
        return caller.read(response, most)


def test_its_size_has_no_limit(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, b"x" * 100_000, JSON))
    assert _read(caller, caller.connect(max_response_bytes=10)) == b"x" * 100_000


def test_leaving_it_early_releases_the_connection(caller: Caller, relay: Relay) -> None:
    limits = {"limits": httpx.Limits(max_connections=1)}
    own = caller.connect(timeout=httpx.Timeout(5, pool=1), httpx_args=limits)
    relay.answer(LONG)
    assert _read(caller, own, most=1).startswith(b"0 ")
    relay.answer(Answer.json(TASK))
    assert json.loads(_read(caller, own)) == TASK


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, b'{"error": {"message": "m", "code": "c"}}', JSON), errors.ApiError),
        (Answer(503), errors.ApiError),
        (Answer(302, headers={"Location": "/elsewhere"}), errors.UnexpectedStatus),
        (Answer(204), errors.UnexpectedStatus),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_another_status_is_raised_on_entering(
    caller: Caller, relay: Relay, answer: Answer, kind: type[Exception]
) -> None:
    relay.answer(answer)
    with pytest.raises(kind, match=f"POST /kling/v1/videos/image2video: {answer.status}"):
        _read(caller)


def test_a_body_that_breaks_off(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, b"x" * 1_000, JSON, cut=100))
    with pytest.raises(httpx.TransportError):
        _read(caller)
    relay.answer(Answer.json(TASK))
    assert json.loads(_read(caller)) == TASK


def test_the_deadline_ends_with_the_headers(caller: Caller, relay: Relay) -> None:
    relay.answer(LONG)
    assert len(_read(caller, caller.client.with_deadline(0.3)).split()) == 50
    relay.answer(Answer.json(TASK, wait=Event()))
    with pytest.raises(errors.DeadlineExceeded):
        _read(caller, caller.client.with_deadline(0.2))


@pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt])
def test_an_exception_passes_and_closes_the_response(caller: Caller, relay: Relay, kind: type[BaseException]) -> None:
    relay.answer(LONG)
    with pytest.raises(kind), caller.stream() as response:
        raise kind
    assert response.is_closed
    relay.answer(Answer.json(TASK))
    assert json.loads(_read(caller)) == TASK


def test_a_transport_error_of_another_request_stays_as_it_is(caller: Caller, relay: Relay) -> None:
    elsewhere = httpx.ConnectError("down", request=httpx.Request("GET", "http://elsewhere.test/"))
    relay.answer(Answer.json(TASK))
    with pytest.raises(httpx.ConnectError) as raised, caller.stream():
        raise elsewhere
    assert str(raised.value) == "down"
    assert raised.value.request.url.host == "elsewhere.test"
