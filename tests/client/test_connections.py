"""A client and its derived clients share connections, in threads and event loops; only the root closes them."""

import asyncio
import copy
import gc
import warnings
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, asubmit, errors, submit

pytestmark = pytest.mark.anyio
TASK = {"task_id": "t", "status": "queued"}


def _derived(root: AuthenticatedClient) -> list[AuthenticatedClient]:
    child = root.with_headers({"X-Trace": "t"})
    return [child, root.with_cookies({"a": "1"}), root.with_timeout(9), root.with_deadline(60), child.with_timeout(8)]


@pytest.fixture(autouse=True)
def all_closed(relay: Relay) -> Iterator[None]:
    """Fail the test if its clients, once closed, leave a connection open."""
    yield
    relay.wait_until_idle()


def test_derived_clients_share_the_connection_and_closing_one_or_a_copy_closes_nothing(
    caller: Caller, relay: Relay
) -> None:
    for client in (*_derived(caller.client), copy.copy(caller.client)):
        caller.submit(client)
        caller.run(caller.leave(client))
        leaving = Caller(caller.way, client)
        leaving.enter(client)
        leaving.close()
        caller.submit(client)
    caller.submit()
    assert (relay.connections, relay.open_connections) == (1, 1)


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_after_the_root_is_closed_no_client_of_the_family_sends(caller: Caller, relay: Relay, used: bool) -> None:
    family = [caller.client, *_derived(caller.client)]
    if used:
        caller.submit()
    caller.run(caller.leave(caller.client))
    relay.wait_until_idle()
    relay.forget()
    for client in family:
        with pytest.raises(RuntimeError, match="closed"):
            caller.submit(client)
    caller.run(caller.leave(caller.client))  # closing twice does no harm
    assert relay.requests == []


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture
def nothing_left_open(relay: Relay) -> Iterator[None]:
    """Fail the test if a socket is left open, or closed only by garbage collection."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
        before = _open_files()
        yield
        gc.collect()
        relay.wait_until_idle()
    assert _open_files() == before


async def _many(client: AuthenticatedClient) -> None:
    await asyncio.gather(*(asubmit(each) for each in [client, *_derived(client)] * 3))


async def _in_threads(client: AuthenticatedClient) -> None:
    await asyncio.gather(*(asyncio.to_thread(submit, each) for each in [client, *_derived(client)] * 3))


async def _both_ways(client: AuthenticatedClient) -> None:
    await asubmit(client)
    await asyncio.to_thread(submit, client)


@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize("work", [_many, _in_threads, _both_ways])
async def test_closing_a_client_leaves_nothing_open(
    client: AuthenticatedClient, relay: Relay, work: Callable[..., Awaitable[None]]
) -> None:
    async with client:
        await work(client)
        assert relay.open_connections >= (2 if work is _both_ways else 1)


@pytest.mark.usefixtures("nothing_left_open")
def test_calls_that_fail_leave_nothing_open(relay: Relay, caller: Caller) -> None:
    for answer in (Answer(200, b"{"), Answer(503), Answer(silent=True), Answer(200, b"{" * 50, cut=9), Answer(302)):
        relay.answer(answer)
        with pytest.raises((errors.ResponseError, httpx.TransportError)):
            caller.submit()


class _Meeting(dict[str, None]):
    """Empty mounts; iteration waits briefly for a second thread to iterate."""

    def __init__(self) -> None:
        self.asked, self._both = 0, Barrier(2)

    def items(self) -> Any:
        self.asked += 1
        with suppress(BrokenBarrierError):
            self._both.wait(0.3)
        return super().items()


def test_all_threads_share_one_pool(relay: Relay) -> None:
    mounts = _Meeting()
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args={"mounts": mounts})
    with own, ThreadPoolExecutor(8) as threads:
        pools = list(threads.map(AuthenticatedClient.get_httpx_client, [own] * 8))
    assert mounts.asked == 1
    assert len(set(map(id, pools))) == 1


def test_a_loop_that_ended_without_closing_does_not_stop_the_next(client: AuthenticatedClient, relay: Relay) -> None:
    pools: list[weakref.ref[Any]] = []

    async def work() -> None:
        await asubmit(client)
        pools.append(weakref.ref(client.get_async_httpx_client()))

    async def last() -> None:
        await work()
        await client.aclose()

    asyncio.run(work())
    categories: set[type[Warning]] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(last())
        gc.collect()
        while caught:  # a warning keeps its subject alive, which may warn in turn once it is collected
            categories.add(caught.pop().category)
            gc.collect()
    # asyncio warns that the first loop ended with an open connection, which the client has dropped.
    assert categories <= {ResourceWarning}
    assert [pool() for pool in pools] == [None, pools[1]()]


def test_loops_in_several_threads_work_at_the_same_time(client: AuthenticatedClient, relay: Relay) -> None:
    together = Barrier(4)

    async def work(pause: Barrier) -> str:
        await asubmit(client)
        await asyncio.to_thread(pause.wait)
        status = await asubmit(client)
        await asyncio.to_thread(pause.wait)
        await client.aclose()
        return status

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(asyncio.run, [work(together) for _ in range(4)])) == ["queued"] * 4
    assert relay.connections == 4


def test_aclose_closes_the_running_loop_s_connections_only(client: AuthenticatedClient, relay: Relay) -> None:
    closed, used = Event(), Event()

    async def stays() -> str:
        await asubmit(client)
        used.set()
        await asyncio.to_thread(closed.wait)
        status = await asubmit(client)
        await client.aclose()
        return status

    async def leaves() -> None:
        await asyncio.to_thread(used.wait)
        await asubmit(client)
        await client.aclose()
        closed.set()
        with pytest.raises(RuntimeError, match="closed"):
            await asubmit(client)

    with ThreadPoolExecutor(2) as threads:
        staying, leaving = threads.submit(asyncio.run, stays()), threads.submit(asyncio.run, leaves())
        leaving.result()
        assert staying.result() == "queued"
    assert relay.connections == 2


def test_without_asyncio_s_event_loop(client: AuthenticatedClient) -> None:
    with client:
        with pytest.raises(RuntimeError, match="loop"):
            client.get_async_httpx_client()
        with pytest.raises(RuntimeError, match="trio is not supported"):
            asubmit(client).send(None)  # as under trio, no loop is running


# Many concurrent calls on an event loop open no more connections than allowed, and lose none.


def _limited(relay: Relay, **limits: Any) -> AuthenticatedClient:
    args = {"limits": httpx.Limits(**limits)}
    return AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args)


async def _at_once(client: AuthenticatedClient, calls: int) -> None:
    assert await asyncio.gather(*(asubmit(client) for _ in range(calls))) == ["queued"] * calls


def _held(relay: Relay, times: int) -> Event:
    """Delay the relay's next responses until the event is set."""
    release = Event()
    relay.answer(Answer.json(TASK, wait=release), times)
    return release


async def _burst(client: AuthenticatedClient, relay: Relay, calls: int, connections: int) -> None:
    """Make calls at once, of which as many arrive before the first response as there may be connections."""
    release = _held(relay, calls)
    made = asyncio.create_task(_at_once(client, calls))
    await asyncio.to_thread(relay.wait_for, connections)
    await asyncio.sleep(0.05)
    assert (len(relay.requests), relay.connections) == (connections, connections)
    release.set()
    await made


async def _until_open(relay: Relay, connections: int) -> None:
    async with asyncio.timeout(10):
        while relay.open_connections != connections:
            await asyncio.sleep(0.005)


async def test_more_calls_than_connections_take_turns(relay: Relay) -> None:
    async with _limited(relay, max_connections=4) as client:
        await _burst(client, relay, 40, 4)
    assert (len(relay.requests), relay.connections) == (40, 4)


async def test_one_burst_after_another_uses_the_same_connections(relay: Relay, client: AuthenticatedClient) -> None:
    async with client:
        await _burst(client, relay, 30, 30)
        for _ in range(3):
            await _at_once(client, 30)
    assert relay.connections == 30


async def test_a_call_that_is_cancelled_while_it_waits_is_not_sent_and_holds_up_no_other(relay: Relay) -> None:
    release = _held(relay, 1)
    async with _limited(relay, max_connections=1) as client:
        first, waiting, last = (asyncio.create_task(asubmit(client)) for _ in range(3))
        await asyncio.to_thread(relay.wait_for, 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(relay.requests) == 1
        release.set()
        assert [await first, await last] == ["queued"] * 2
    assert len(relay.requests) == 2


async def test_calls_that_are_cancelled_at_any_step_of_the_loop_lose_no_connection(relay: Relay) -> None:
    async with _limited(relay, max_connections=3) as client:
        for steps in range(60):
            calls = [asyncio.create_task(asubmit(client)) for _ in range(6)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        await _at_once(client, 6)


async def test_a_connection_that_stays_idle_too_long_is_closed(relay: Relay) -> None:
    async with _limited(relay, keepalive_expiry=0.2) as client:
        await _burst(client, relay, 5, 5)
        assert relay.open_connections == 5
        await asyncio.sleep(0.25)
        await asubmit(client)
        await _until_open(relay, 1)


async def test_no_connection_is_kept_where_none_may_be(relay: Relay) -> None:
    async with _limited(relay, max_keepalive_connections=0) as client:
        for _ in range(3):
            await _at_once(client, 2)
            await _until_open(relay, 0)
    assert relay.connections == 6


async def test_closing_does_not_wait_and_leaves_nothing_open(relay: Relay, client: AuthenticatedClient) -> None:
    release = _held(relay, 1)
    call = asyncio.create_task(asubmit(client))
    await asyncio.to_thread(relay.wait_for, 1)
    async with asyncio.timeout(5):
        await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await asubmit(client)
    release.set()
    await asyncio.gather(call, return_exceptions=True)
    assert len(relay.requests) == 1
