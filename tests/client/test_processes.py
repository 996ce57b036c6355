"""After fork, spawn, pickle or deepcopy, a client works with its own connections."""

import copy
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay, front_error
from frozen import play


@pytest.fixture(autouse=True)
def refusals(relay: Relay) -> None:
    """Make the stand-in refuse marked requests."""

    def refuse(request: Any, answer: Answer) -> None:
        if "x-fail" in request.headers:
            refusal = front_error(503, "无可用渠道")
            answer.status, answer.body = refusal.status, refusal.body

    relay.listener = refuse


def _connections(relay: Relay) -> list[int]:
    """The numbers of the connections, in the order of their requests."""
    return [request.connection for request in relay.requests]


def test_forked_children_do_not_use_their_parent_s_connection(relay: Relay) -> None:
    assert play("forked", relay.url) == [0, 0]
    assert _connections(relay) == [1, 2, 2, 3, 1, 4, 4, 5, 1]
    assert {request.headers["authorization"] for request in relay.requests} == {f"Bearer {TOKEN}"}


def test_a_fork_beside_a_thread_that_starts_the_client_does_not_hang(relay: Relay) -> None:
    assert play("forked_amid_a_start", relay.url) == [0]


def test_a_process_ends_after_an_exceeded_deadline(relay: Relay) -> None:
    relay.always(Answer(wait=Event()))
    assert play("exceeded", relay.url) == "exceeded"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_client_and_a_body_can_be_sent_to_another_process(relay: Relay, method: str) -> None:
    assert play("started", relay.url, method) == [0]
    assert _connections(relay) == [1, 2, 2, 3, 1]
    assert [request.json for request in relay.requests] == [{"model": "kling-v1", "prompt": "走"}] * len(relay.requests)


def test_a_copy_has_its_own_connections_and_closes_no_others(sync: Caller, relay: Relay) -> None:
    own = sync.connect(verify_ssl=True)  # an SSLContext cannot be copied
    sync.submit(own)
    derived = own.with_headers({"X-Trace": "t"})
    for client in (own, derived):
        for twin in (pickle.loads(pickle.dumps(client)), copy.deepcopy(client)):
            with twin:
                sync.submit(twin)
    for client in (own, derived):
        sync.submit(client)
    assert _connections(relay) == [1, 2, 3, 4, 5, 1, 1]
    assert ["x-trace" in request.headers for request in relay.requests] == [False] * 3 + [True] * 2 + [False, True]


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Switch threads much more often than by default, so that they interleave at any instruction."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.slow
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize(("threads", "connections"), [(64, 100), (16, 2)])
def test_many_threads_on_one_client(sync: Caller, relay: Relay, threads: int, connections: int) -> None:
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=None)  # a busy machine takes over 5 s
    client = sync.connect(httpx_args={"limits": limits})
    with ThreadPoolExecutor(threads) as pool:
        calls = [pool.submit(sync.submit, client) for _ in range(threads * 20)]
        assert {call.result().status for call in calls} == {"queued"}
    assert len(relay.requests) == threads * 20
    assert relay.connections <= min(threads, connections)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", ["lasting", "lasting_on_loops"])
def test_10_000_calls_leave_no_more_open_and_no_more_in_memory_than_1_000(relay: Relay, scenario: str) -> None:
    came = play(scenario, relay.url)
    assert len(relay.requests) == 10_000
    assert came["files"][1] <= came["files"][0]
    early, late = came["bytes"]
    assert late - early < 90_000  # 10 bytes per call, for the interpreter's caches
    assert relay.connections <= (1 if scenario == "lasting" else 5_000)
