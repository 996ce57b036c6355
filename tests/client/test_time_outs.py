"""Each step of a call has a timeout, and the whole call may have a deadline; test_adversity has its phases."""

import time
from collections.abc import Iterator
from itertools import repeat
from threading import Event, active_count
from typing import Any

import httpx
import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, Client, errors, play

DEFAULT = {"connect": 5.0, "pool": 10.0, "read": 120.0, "write": 120.0}
STEPS: list[tuple[Any, dict[str, float | None]]] = [
    (3, dict.fromkeys(DEFAULT, 3)),
    (httpx.Timeout(4, connect=1), {**dict.fromkeys(DEFAULT, 4), "connect": 1}),
    (None, dict.fromkeys(DEFAULT)),
]


@pytest.fixture
def stopwatch() -> Iterator[None]:
    """The test fails where it takes as long as its server would."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 10


@pytest.mark.every_way
@pytest.mark.parametrize(("given", "steps"), STEPS, ids=["seconds", "by step", "none"])
def test_the_steps_of_a_client_and_of_a_derived_one(caller: Caller, given: Any, steps: dict[str, float | None]) -> None:
    seen = list[dict[str, float | None]]()
    hooks = {"event_hooks": {"request": [caller.hook(lambda request: seen.append(request.extensions["timeout"]))]}}
    own, root = caller.connect(timeout=given, httpx_args=hooks), caller.connect(httpx_args=hooks)
    assert root.timeout == Client().timeout
    for client in (own, root.with_timeout(given), root):
        caller.submit(client)
    assert seen == [steps, steps, DEFAULT]


def _slow_body(status: int = 200) -> Answer:
    """A minute of blanks, each well within any read timeout."""
    return Answer(status, chunks=repeat(b" ", 3_000), pause=0.02)


@pytest.mark.every_way
@pytest.mark.parametrize(
    ("answer", "timeout"), [(_slow_body(503), 120), (Answer(wait=Event()), None)], ids=["a dripping error", "silence"]
)
def test_the_deadline_ends_a_slow_response(
    caller: Caller, relay: Relay, stopwatch: None, answer: Answer, timeout: float | None
) -> None:
    relay.answer(answer, times=2)
    hasty = caller.client.with_timeout(timeout).with_deadline(0.3)
    for detailed in (False, True):
        with pytest.raises(errors.DeadlineExceeded) as raised:
            caller.submit(hasty, detailed=detailed)
        assert isinstance(raised.value, httpx.TimeoutException)
        assert not isinstance(raised.value, errors.NOT_SENT)
    assert caller.submit().status == "queued"


def test_a_step_that_times_out_at_the_deadline_is_the_deadline() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        time.sleep(0.2)  # past the deadline, and the loop cannot say so meanwhile
        raise httpx.ReadTimeout("timed out")

    transport = {"transport": httpx.MockTransport(answer)}
    client = AuthenticatedClient("https://relay.test", token=TOKEN, deadline=0.1, httpx_args=transport)
    caller = Caller("asyncio", client)
    with pytest.raises(errors.DeadlineExceeded):
        caller.submit()
    caller.close()


@pytest.mark.every_way
def test_without_a_deadline_a_slow_body_is_awaited(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, chunks=(b'{"task_id": "t",', b'"status":', b'"s"}'), pause=0.15))
    assert caller.submit(caller.client.with_timeout(httpx.Timeout(5, read=0.4))).status == "s"


@pytest.mark.every_way
def test_a_deadline_that_holds_keeps_the_connection(caller: Caller, relay: Relay) -> None:
    for _ in range(3):
        assert caller.submit(caller.client.with_deadline(30)).status == "queued"
    assert relay.connections == 1


def test_a_process_ends_after_an_exceeded_deadline(relay: Relay) -> None:
    relay.always(Answer(wait=Event()))
    assert play("exceeded", relay.url) == "exceeded"


def test_an_exceeded_deadline_leaves_no_thread_and_no_connection(relay: Relay, client: AuthenticatedClient) -> None:
    before = active_count()
    with client:
        relay.answer(_slow_body())
        with pytest.raises(errors.DeadlineExceeded):
            Caller("sync", client.with_deadline(0.2)).submit()
        relay.wait_until_idle(5)  # long before the server is done
    until = time.monotonic() + 5
    while active_count() > before and time.monotonic() < until:
        Event().wait(0.01)
    assert active_count() <= before
