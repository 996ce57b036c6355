"""A client and all that derive from it share their connections, in threads and event loops; the root closes them."""

import asyncio
import copy
import gc
import warnings
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from pathlib import Path as File
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ResponseError
from generated_client.models import KlingImageToVideoRequest, VideoTask

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK = {"task_id": "t", "status": "queued"}
THREADS = 32


@pytest.fixture
def own(relay: Relay) -> AuthenticatedClient:
    """A client that the test itself opens and closes."""
    return AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)


def _submit(client: AuthenticatedClient) -> VideoTask:
    return create_kling_image_to_video.sync(client=client, body=PROMPTED)


async def _asubmit(client: AuthenticatedClient) -> VideoTask:
    return await create_kling_image_to_video.asyncio(client=client, body=PROMPTED)


def _close(caller: Caller, client: AuthenticatedClient) -> None:
    if caller.way == "sync":
        client.close()
    else:
        caller.run(client.aclose())


def _derived(root: AuthenticatedClient) -> list[AuthenticatedClient]:
    child = root.with_headers({"X-Trace": "t"})
    return [child, root.with_cookies({"a": "1"}), root.with_timeout(9), root.with_deadline(60), child.with_timeout(8)]


def test_derived_clients_share_the_connection(caller: Caller, relay: Relay) -> None:
    for client in (*_derived(caller.client), caller.client, *_derived(caller.client)):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    assert relay.connections == 1


def test_closing_a_derived_client_closes_nothing(caller: Caller, relay: Relay) -> None:
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    for client in _derived(caller.client):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
        _close(caller, client)
        leaving = Caller(caller.way, client)
        leaving.enter(client)
        leaving.close()
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert (relay.connections, relay.open_connections) == (1, 1)


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_after_the_root_is_closed_no_client_of_the_family_sends(caller: Caller, relay: Relay, used: bool) -> None:
    family = [caller.client, *_derived(caller.client)]
    if used:
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    _close(caller, caller.client)
    relay.wait_until_idle()
    relay.forget()
    for client in family:
        with pytest.raises(RuntimeError, match="closed"):
            caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    _close(caller, caller.client)  # once more does no harm
    assert relay.requests == []


def _open_files() -> int:
    return sum(1 for _ in File("/dev/fd").iterdir())


@pytest.fixture
def nothing_left_open(relay: Relay) -> Iterator[None]:
    """The test fails where a socket stays open, or is closed only because nobody refers to it any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
        before = _open_files()
        yield
        gc.collect()
        relay.wait_until_idle()
    assert _open_files() == before


def test_leaving_a_client_leaves_nothing_open(nothing_left_open: None, own: AuthenticatedClient, relay: Relay) -> None:
    with own, ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(_submit, [own, *_derived(own)] * 3))) == 18
        assert relay.open_connections > 0


def test_leaving_it_on_an_event_loop_leaves_nothing_open(
    nothing_left_open: None, own: AuthenticatedClient, relay: Relay
) -> None:
    async def work() -> None:
        async with own:
            await asyncio.gather(*(_asubmit(client) for client in [own, *_derived(own)] * 3))
            assert relay.open_connections > 0

    asyncio.run(work())


def test_leaving_it_after_both_ways_of_calling_leaves_nothing_open(
    nothing_left_open: None, own: AuthenticatedClient, relay: Relay
) -> None:
    async def work() -> None:
        async with own:
            await _asubmit(own)
            await asyncio.to_thread(_submit, own)
            assert relay.open_connections == 2

    asyncio.run(work())


def test_a_failed_call_leaves_nothing_open(nothing_left_open: None, relay: Relay, own: AuthenticatedClient) -> None:
    broken = [Answer(200, b"{"), Answer(503), Answer(silent=True), Answer(200, b"{" * 50, cut=9), Answer(302)]

    async def work() -> None:
        async with own:
            for answer in broken:
                relay.answer(answer, times=2)
                with pytest.raises(Exception, match=r".") as raised:
                    await _asubmit(own)
                del raised
                with pytest.raises(Exception, match=r".") as raised:
                    _submit(own)
                del raised

    asyncio.run(work())


def test_a_cancelled_call_gives_its_connection_back(own: AuthenticatedClient, relay: Relay) -> None:
    async def work() -> None:
        async with own:
            release = Event()
            relay.answer(Answer.json(TASK, wait=release))
            call = asyncio.create_task(_asubmit(own))
            await asyncio.to_thread(relay.wait_for, 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            release.set()
            assert (await _asubmit(own)).status == "queued"

    asyncio.run(work())


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


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_a_call_that_is_broken_off_gives_its_connection_back(caller: Caller, relay: Relay, name: str) -> None:
    args = {"limits": httpx.Limits(max_connections=1)}
    settings: dict[str, Any] = {"verify_ssl": TLS, "max_response_bytes": 10**6, "httpx_args": args}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, timeout=httpx.Timeout(60, pool=5), **settings))
    relay.answer(BROKEN_OFF[name])
    with pytest.raises((ResponseError, httpx.TransportError)):
        caller.parsed(create_kling_image_to_video, client=own.with_deadline(0.5), body=PROMPTED)
    assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).status == "queued"


class _Meeting(dict[str, None]):
    """No mounts at all, but whoever asks for them waits a moment for a second one who asks."""

    def __init__(self) -> None:
        self.asked, self._both = 0, Barrier(2)

    def items(self) -> Any:
        self.asked += 1
        with suppress(BrokenBarrierError):
            self._both.wait(0.3)
        return super().items()


def test_the_pool_is_made_once_however_many_threads_ask_for_it(relay: Relay) -> None:
    mounts = _Meeting()
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args={"mounts": mounts})
    with own, ThreadPoolExecutor(8) as threads:
        pools = list(threads.map(AuthenticatedClient.get_httpx_client, [own] * 8))
    assert mounts.asked == 1
    assert len(set(map(id, pools))) == 1


def test_threads_that_start_at_once_share_one_pool(own: AuthenticatedClient, relay: Relay) -> None:
    together = Barrier(THREADS)

    def start(_: int) -> tuple[int, str]:
        together.wait()
        pool = id(own.get_httpx_client())
        return pool, _submit(own).status

    with own, ThreadPoolExecutor(THREADS) as threads:
        came = list(threads.map(start, range(THREADS)))
        assert len({pool for pool, _ in came}) == 1
        assert [status for _, status in came] == ["queued"] * THREADS
        assert relay.connections <= THREADS
    relay.wait_until_idle()


def test_each_event_loop_has_a_pool_of_its_own(own: AuthenticatedClient, relay: Relay) -> None:
    pools: list[Any] = []

    async def work() -> None:
        for _ in range(2):
            await _asubmit(own)
        pools.append(own.get_async_httpx_client())
        await own.aclose()

    asyncio.run(work())
    asyncio.run(work())
    assert pools[0] is not pools[1]
    assert relay.connections == 2
    relay.wait_until_idle()


def test_a_loop_that_ended_without_closing_does_not_stop_the_next(own: AuthenticatedClient, relay: Relay) -> None:
    pools: list[weakref.ref[Any]] = []

    async def work() -> None:
        await _asubmit(own)
        pools.append(weakref.ref(own.get_async_httpx_client()))

    async def last() -> None:
        await work()
        await own.aclose()

    asyncio.run(work())
    categories: set[type[Warning]] = set()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(last())
        gc.collect()
        while told:  # each keeps alive what it is about, which may have more to say when it goes
            categories.add(told.pop().category)
            gc.collect()
    # asyncio itself says that the first loop was left with a connection; the client has dropped it.
    assert categories <= {ResourceWarning}
    assert [pool() for pool in pools] == [None, pools[1]()]
    relay.wait_until_idle()


def test_loops_in_several_threads_work_at_the_same_time(own: AuthenticatedClient, relay: Relay) -> None:
    together = Barrier(4)

    async def work(pause: Barrier) -> str:
        await _asubmit(own)
        await asyncio.to_thread(pause.wait)
        status = (await _asubmit(own)).status
        await asyncio.to_thread(pause.wait)
        await own.aclose()
        return status

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(asyncio.run, [work(together) for _ in range(4)])) == ["queued"] * 4
    assert relay.connections == 4
    relay.wait_until_idle()


def test_aclose_closes_the_running_loop_s_connections_only(own: AuthenticatedClient, relay: Relay) -> None:
    closed, used = Event(), Event()

    async def stays() -> str:
        await _asubmit(own)
        used.set()
        await asyncio.to_thread(closed.wait)
        status = (await _asubmit(own)).status
        await own.aclose()
        return status

    async def leaves() -> None:
        await asyncio.to_thread(used.wait)
        await _asubmit(own)
        await own.aclose()
        closed.set()
        with pytest.raises(RuntimeError, match="closed"):
            await _asubmit(own)

    with ThreadPoolExecutor(2) as threads:
        staying, leaving = threads.submit(asyncio.run, stays()), threads.submit(asyncio.run, leaves())
        leaving.result()
        assert staying.result() == "queued"
    assert relay.connections == 2
    relay.wait_until_idle()


def test_on_trio_a_call_says_that_it_is_not_supported(own: AuthenticatedClient) -> None:
    coroutine = _asubmit(own)
    with own, pytest.raises(RuntimeError, match="trio is not supported"):
        coroutine.send(None)  # no event loop of asyncio's is running, as under trio


def test_closing_a_copy_closes_nothing(caller: Caller, relay: Relay) -> None:
    duplicate = copy.copy(caller.client)
    caller.parsed(create_kling_image_to_video, client=duplicate, body=PROMPTED)
    duplicate.close()
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert relay.connections == 1


def test_an_asynchronous_call_without_a_loop_says_so(own: AuthenticatedClient) -> None:
    with own, pytest.raises(RuntimeError, match="loop"):
        own.get_async_httpx_client()
