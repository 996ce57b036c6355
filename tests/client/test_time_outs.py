"""No call waits for ever: each step has its time, and a whole call too, if it is given one."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from threading import Event, active_count
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient, Client
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, DeadlineExceeded
from generated_client.models import KlingImageToVideoRequest
from sockets import deaf, dripping

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
DEFAULT = {"connect": 5.0, "pool": 10.0, "read": 120.0, "write": 120.0}
PATIENCE = 10
"""Seconds that no call below may take; the servers would keep it much longer."""


@pytest.fixture
def stopwatch() -> Iterator[None]:
    """The test fails where it takes as long as the servers would like."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < PATIENCE


class Seen(list[dict[str, float | None]]):
    """The time-outs that requests really went out with."""

    def hooks(self, style: str) -> dict[str, Any]:
        """What httpx calls before each request."""

        def note(request: httpx.Request) -> None:
            self.append(request.extensions["timeout"])

        async def anote(request: httpx.Request) -> None:
            note(request)

        return {"event_hooks": {"request": [note if style == "sync" else anote]}}


def test_each_step_has_its_time_by_default(caller: Caller, relay: Relay) -> None:
    assert Client(relay.url).timeout.as_dict() == AuthenticatedClient(relay.url, token=TOKEN).timeout.as_dict()
    seen = Seen()
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=seen.hooks(caller.way))
    caller.parsed(create_kling_image_to_video, client=caller.enter(own), body=PROMPTED)
    assert seen == [DEFAULT]


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        (3, dict.fromkeys(DEFAULT, 3)),
        (httpx.Timeout(4, connect=1), {**dict.fromkeys(DEFAULT, 4), "connect": 1}),
        (None, dict.fromkeys(DEFAULT)),
    ],
    ids=["seconds", "by step", "for ever"],
)
def test_they_are_adjustable_for_a_client_and_for_one_that_derives_from_it(
    caller: Caller, relay: Relay, given: Any, steps: dict[str, float | None]
) -> None:
    seen = Seen()
    hooks = seen.hooks(caller.way)
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, timeout=given, verify_ssl=TLS, httpx_args=hooks))
    root = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks))
    for client in (own, root.with_timeout(given), root):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    assert seen == [steps, steps, DEFAULT]


def test_a_server_that_stays_silent_is_left(caller: Caller, relay: Relay, stopwatch: None) -> None:
    relay.answer(Answer.json({}, wait=Event()))
    with pytest.raises(httpx.ReadTimeout):
        caller.parsed(create_kling_image_to_video, client=caller.client.with_timeout(0.2), body=PROMPTED)


def _slow_body(seconds: float) -> Answer:
    """An answer that comes byte by byte, each well within any read time-out."""
    return Answer(200, chunks=repeat(b" ", int(seconds / 0.02)), pause=0.02)


@pytest.mark.parametrize("detailed", [False, True], ids=["plain", "detailed"])
@pytest.mark.parametrize("status", [200, 503])
def test_a_deadline_ends_a_drip_of_a_body(
    caller: Caller, relay: Relay, stopwatch: None, status: int, detailed: bool
) -> None:
    answer = _slow_body(60)
    answer.status = status
    relay.answer(answer)
    patient = caller.client.with_deadline(0.3)
    with pytest.raises(DeadlineExceeded) as raised:
        (caller.detailed if detailed else caller.parsed)(create_kling_image_to_video, client=patient, body=PROMPTED)
    assert isinstance(raised.value, httpx.TimeoutException)
    assert not isinstance(raised.value, NOT_SENT)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["of the first line", "of a header"]
)
def test_a_deadline_ends_a_drip_of_headers(caller: Caller, stopwatch: None, head: bytes) -> None:
    with dripping(head) as url:
        own = caller.enter(AuthenticatedClient(url, token=TOKEN, deadline=0.3, verify_ssl=TLS))
        with pytest.raises(DeadlineExceeded):
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)


def test_a_deadline_holds_where_no_connection_comes_about(caller: Caller, stopwatch: None) -> None:
    with deaf() as url:
        own = caller.enter(AuthenticatedClient(url, token=TOKEN, timeout=None, deadline=0.3, verify_ssl=TLS))
        with pytest.raises(httpx.TimeoutException):
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)


def test_a_deadline_holds_without_any_time_out(caller: Caller, relay: Relay, stopwatch: None) -> None:
    relay.answer(Answer.json({}, wait=Event()))
    own = caller.client.with_timeout(None).with_deadline(0.3)
    with pytest.raises(httpx.TimeoutException):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)


def test_a_step_that_times_out_at_the_deadline_is_the_deadline() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        time.sleep(0.2)  # past the deadline, and the loop cannot say so meanwhile
        raise httpx.ReadTimeout("timed out")

    own = {"transport": httpx.MockTransport(answer)}
    client = AuthenticatedClient("https://relay.test", token=TOKEN, deadline=0.1, httpx_args=own)
    with pytest.raises(DeadlineExceeded):
        asyncio.run(create_kling_image_to_video.asyncio(client=client, body=PROMPTED))


def test_without_a_deadline_a_slow_body_is_waited_for(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, chunks=(b'{"task_id": "t",', b'"status":', b'"s"}'), pause=0.15))
    own = caller.client.with_timeout(httpx.Timeout(5, read=0.4))
    assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).status == "s"


def test_a_deadline_that_is_kept_changes_nothing(caller: Caller, relay: Relay) -> None:
    own = caller.client.with_deadline(30)
    for _ in range(3):
        assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).status == "queued"
    assert relay.connections == 1


_MISSES = """
import sys
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import DeadlineExceeded
from generated_client.models import KlingImageToVideoRequest
with AuthenticatedClient(sys.argv[1], token="sk-" + "test", deadline=0.2) as client:
    try:
        create_kling_image_to_video.sync(client=client, body=KlingImageToVideoRequest(model="m", prompt="走"))
    except DeadlineExceeded:
        print("missed")
"""


def test_a_process_ends_after_a_missed_deadline(relay: Relay) -> None:
    relay.always(Answer(wait=Event()))
    done = subprocess.run([sys.executable, "-P", "-c", _MISSES, relay.url], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "missed\n", "")


def test_a_client_works_on_after_a_deadline(caller: Caller, relay: Relay) -> None:
    relay.answer(_slow_body(60))
    with pytest.raises(DeadlineExceeded):
        caller.parsed(create_kling_image_to_video, client=caller.client.with_deadline(0.2), body=PROMPTED)
    assert caller.parsed(create_kling_image_to_video, body=PROMPTED).status == "queued"


def test_a_late_call_is_given_up_with_its_thread_and_its_connection(relay: Relay) -> None:
    before = active_count()
    with AuthenticatedClient(relay.url, token=TOKEN, deadline=0.2, verify_ssl=TLS) as client:
        relay.answer(_slow_body(60))
        with pytest.raises(DeadlineExceeded):
            create_kling_image_to_video.sync(client=client, body=PROMPTED)
        relay.wait_until_idle(5)  # long before the server is done
    deadline = time.monotonic() + 5
    while active_count() > before and time.monotonic() < deadline:
        Event().wait(0.01)
    assert active_count() <= before
