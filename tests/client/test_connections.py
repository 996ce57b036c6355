"""A client and its derived clients share connections, in threads and event loops; only the root closes them."""

import asyncio
import copy
import gc
import warnings
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video, errors

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK = {"task_id": "t", "status": "queued"}
THREADS = 32


def _submit(client: AuthenticatedClient) -> str:
    return create_kling_image_to_video.sync(client=client, body=PROMPTED).status


async def _asubmit(client: AuthenticatedClient) -> str:
    return (await create_kling_image_to_video.asyncio(client=client, body=PROMPTED)).status


def _close(caller: Caller, client: AuthenticatedClient) -> None:
    if caller.way == "sync":
        client.close()
    else:
        caller.run(client.aclose())


def _derived(root: AuthenticatedClient) -> list[AuthenticatedClient]:
    child = root.with_headers({"X-Trace": "t"})
    return [child, root.with_cookies({"a": "1"}), root.with_timeout(9), root.with_deadline(60), child.with_timeout(8)]


@pytest.mark.every_way
def test_derived_clients_share_the_connection(caller: Caller, relay: Relay) -> None:
    for client in (*_derived(caller.client), caller.client, *_derived(caller.client)):
        caller.submit(client)
    assert relay.connections == 1


@pytest.mark.every_way
def test_closing_a_derived_client_or_a_copy_closes_nothing(caller: Caller, relay: Relay) -> None:
    caller.submit()
    for client in (*_derived(caller.client), copy.copy(caller.client)):
        caller.submit(client)
        _close(caller, client)
        leaving = Caller(caller.way, client)
        leaving.enter(client)
        leaving.close()
        caller.submit(client)
    caller.submit()
    assert (relay.connections, relay.open_connections) == (1, 1)


@pytest.mark.every_way
@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_after_the_root_is_closed_no_client_of_the_family_sends(caller: Caller, relay: Relay, used: bool) -> None:
    family = [caller.client, *_derived(caller.client)]
    if used:
        caller.submit()
    _close(caller, caller.client)
    relay.wait_until_idle()
    relay.forget()
    for client in family:
        with pytest.raises(RuntimeError, match="closed"):
            caller.submit(client)
    _close(caller, caller.client)  # closing twice does no harm
    assert relay.requests == []


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture
def nothing_left_open(relay: Relay) -> Iterator[None]:
    """The test fails where a socket stays open, or is closed by a garbage collection only."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
        before = _open_files()
        yield
        gc.collect()
        relay.wait_until_idle()
    assert _open_files() == before


def test_leaving_a_client_leaves_nothing_open(
    nothing_left_open: None, client: AuthenticatedClient, relay: Relay
) -> None:
    with client, ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(_submit, [client, *_derived(client)] * 3))) == 18
        assert relay.open_connections > 0


async def _many(client: AuthenticatedClient, relay: Relay) -> None:
    await asyncio.gather(*(_asubmit(each) for each in [client, *_derived(client)] * 3))
    assert relay.open_connections > 0


async def _both_ways(client: AuthenticatedClient, relay: Relay) -> None:
    await _asubmit(client)
    await asyncio.to_thread(_submit, client)
    assert relay.open_connections == 2


async def _failed(client: AuthenticatedClient, relay: Relay) -> None:
    for answer in (Answer(200, b"{"), Answer(503), Answer(silent=True), Answer(200, b"{" * 50, cut=9), Answer(302)):
        relay.answer(answer, times=2)
        with pytest.raises((errors.ResponseError, httpx.TransportError)):
            await _asubmit(client)
        with pytest.raises((errors.ResponseError, httpx.TransportError)):
            _submit(client)


@pytest.mark.parametrize("work", [_many, _both_ways, _failed], ids=["many calls", "both ways", "failed calls"])
def test_leaving_a_client_on_an_event_loop_leaves_nothing_open(
    nothing_left_open: None, client: AuthenticatedClient, relay: Relay, work: Callable[..., Awaitable[None]]
) -> None:
    async def enter() -> None:
        async with client:
            await work(client, relay)

    asyncio.run(enter())


BROKEN_OFF = {
    "no task": Answer(200, b"{"),
    "refused": Answer.json({"message": "m"}, 503),
    "too large": Answer(200, chunks=repeat(b"x" * 65_536)),
    "no gzip": Answer(200, chunks=repeat(b"x" * 65_536), headers={"Content-Encoding": "gzip"}),
    "too late": Answer(200, chunks=repeat(b" "), pause=0.02),
    "no answer": Answer(silent=True),
    "silence": Answer.json({}, wait=Event()),
    "elsewhere": Answer(302, chunks=(b"x",) * 9),
}


@pytest.mark.every_way
@pytest.mark.parametrize("name", BROKEN_OFF)
def test_a_call_that_breaks_off_releases_its_connection(caller: Caller, relay: Relay, name: str) -> None:
    args = {"limits": httpx.Limits(max_connections=1)}
    own = caller.connect(timeout=httpx.Timeout(60, pool=5), max_response_bytes=10**6, httpx_args=args)
    relay.answer(BROKEN_OFF[name])
    with pytest.raises((errors.ResponseError, httpx.TransportError)):
        caller.submit(own.with_deadline(0.5))
    assert caller.submit(own).status == "queued"


class _Meeting(dict[str, None]):
    """No mounts; listing them waits a moment for a second thread that does."""

    def __init__(self) -> None:
        self.asked, self._both = 0, Barrier(2)

    def items(self) -> Any:
        self.asked += 1
        with suppress(BrokenBarrierError):
            self._both.wait(0.3)
        return super().items()


def test_the_pool_is_made_once_for_all_threads(relay: Relay) -> None:
    mounts = _Meeting()
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args={"mounts": mounts})
    with own, ThreadPoolExecutor(8) as threads:
        pools = list(threads.map(AuthenticatedClient.get_httpx_client, [own] * 8))
    assert mounts.asked == 1
    assert len(set(map(id, pools))) == 1


def test_threads_that_start_at_once_share_one_pool(client: AuthenticatedClient, relay: Relay) -> None:
    together = Barrier(THREADS)

    def start(_: int) -> tuple[int, str]:
        together.wait()
        return id(client.get_httpx_client()), _submit(client)

    with client, ThreadPoolExecutor(THREADS) as threads:
        came = list(threads.map(start, range(THREADS)))
        assert len({pool for pool, _ in came}) == 1
        assert [status for _, status in came] == ["queued"] * THREADS
        assert relay.connections <= THREADS
    relay.wait_until_idle()


def test_each_event_loop_has_a_pool_of_its_own(client: AuthenticatedClient, relay: Relay) -> None:
    pools: list[Any] = []

    async def work() -> None:
        for _ in range(2):
            await _asubmit(client)
        pools.append(client.get_async_httpx_client())
        await client.aclose()

    asyncio.run(work())
    asyncio.run(work())
    assert pools[0] is not pools[1]
    assert relay.connections == 2
    relay.wait_until_idle()


def test_a_loop_that_ended_without_closing_does_not_stop_the_next(client: AuthenticatedClient, relay: Relay) -> None:
    pools: list[weakref.ref[Any]] = []

    async def work() -> None:
        await _asubmit(client)
        pools.append(weakref.ref(client.get_async_httpx_client()))

    async def last() -> None:
        await work()
        await client.aclose()

    asyncio.run(work())
    categories: set[type[Warning]] = set()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(last())
        gc.collect()
        while told:  # a warning keeps its subject alive, which may warn in turn once it is collected
            categories.add(told.pop().category)
            gc.collect()
    # asyncio itself says that the first loop was left with a connection; the client has dropped it.
    assert categories <= {ResourceWarning}
    assert [pool() for pool in pools] == [None, pools[1]()]
    relay.wait_until_idle()


def test_loops_in_several_threads_work_at_the_same_time(client: AuthenticatedClient, relay: Relay) -> None:
    together = Barrier(4)

    async def work(pause: Barrier) -> str:
        await _asubmit(client)
        await asyncio.to_thread(pause.wait)
        status = await _asubmit(client)
        await asyncio.to_thread(pause.wait)
        await client.aclose()
        return status

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(asyncio.run, [work(together) for _ in range(4)])) == ["queued"] * 4
    assert relay.connections == 4
    relay.wait_until_idle()


def test_aclose_closes_the_running_loop_s_connections_only(client: AuthenticatedClient, relay: Relay) -> None:
    closed, used = Event(), Event()

    async def stays() -> str:
        await _asubmit(client)
        used.set()
        await asyncio.to_thread(closed.wait)
        status = await _asubmit(client)
        await client.aclose()
        return status

    async def leaves() -> None:
        await asyncio.to_thread(used.wait)
        await _asubmit(client)
        await client.aclose()
        closed.set()
        with pytest.raises(RuntimeError, match="closed"):
            await _asubmit(client)

    with ThreadPoolExecutor(2) as threads:
        staying, leaving = threads.submit(asyncio.run, stays()), threads.submit(asyncio.run, leaves())
        leaving.result()
        assert staying.result() == "queued"
    assert relay.connections == 2
    relay.wait_until_idle()


def test_without_an_event_loop_of_asyncio_s(client: AuthenticatedClient) -> None:
    with client:
        with pytest.raises(RuntimeError, match="loop"):
            client.get_async_httpx_client()
        with pytest.raises(RuntimeError, match="trio is not supported"):
            _asubmit(client).send(None)  # as under trio, no loop is running
