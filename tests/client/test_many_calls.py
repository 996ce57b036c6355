"""Many calls at once on an event loop: no more connections than allowed, and none lost."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK = {"task_id": "t", "status": "queued"}


def _run(relay: Relay, work: Callable[[AuthenticatedClient], Awaitable[None]], **limits: Any) -> None:
    """Has `work` done on an event loop, with a client that has these limits, and closes it."""
    args = {"limits": httpx.Limits(**limits)} if limits else {}

    async def main() -> None:
        async with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args) as client:
            await work(client)

    asyncio.run(main())
    relay.wait_until_idle()


async def _submit(client: AuthenticatedClient) -> str:
    return (await create_kling_image_to_video.asyncio(client=client, body=PROMPTED)).status


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


def _held(relay: Relay, times: int) -> Event:
    """Has the relay answer so many requests only once the event is set."""
    release = Event()
    relay.answer(Answer.json(TASK, wait=release), times)
    return release


def test_more_calls_than_connections_take_turns(relay: Relay) -> None:
    release = _held(relay, 40)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.gather(*(_submit(client) for _ in range(40)))
        await asyncio.to_thread(relay.wait_for, 4)
        await asyncio.sleep(0.05)
        assert (len(relay.requests), relay.connections) == (4, 4)
        release.set()
        assert await calls == ["queued"] * 40

    _run(relay, work, max_connections=4)
    assert len(relay.requests) == 40
    assert relay.connections == 4


def test_one_burst_after_another_comes_by_the_same_connections(relay: Relay) -> None:
    release = _held(relay, 30)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.gather(*(_submit(client) for _ in range(30)))
        await asyncio.to_thread(relay.wait_for, 30)
        release.set()
        await calls
        for _ in range(3):
            await asyncio.gather(*(_submit(client) for _ in range(30)))

    _run(relay, work)
    assert relay.connections == 30


def test_a_call_that_is_cancelled_while_it_waits_is_not_sent_and_holds_up_nobody(relay: Relay) -> None:
    release = _held(relay, 1)

    async def work(client: AuthenticatedClient) -> None:
        first, waiting, last = (asyncio.create_task(_submit(client)) for _ in range(3))
        await asyncio.to_thread(relay.wait_for, 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(relay.requests) == 1
        release.set()
        assert [await first, await last] == ["queued"] * 2

    _run(relay, work, max_connections=1)
    assert len(relay.requests) == 2


def test_a_call_that_is_cancelled_on_its_way_makes_room_for_the_next(relay: Relay) -> None:
    release = _held(relay, 2)

    async def work(client: AuthenticatedClient) -> None:
        for number in (1, 2):
            call = asyncio.create_task(_submit(client))
            await asyncio.to_thread(relay.wait_for, number)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert await _submit(client) == "queued"
        release.set()

    _run(relay, work, max_connections=1)


def test_calls_that_are_cancelled_at_any_step_of_the_loop_lose_no_connection(relay: Relay) -> None:
    async def work(client: AuthenticatedClient) -> None:
        for steps in range(60):
            calls = [asyncio.create_task(_submit(client)) for _ in range(6)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        assert await asyncio.gather(*(_submit(client) for _ in range(6))) == ["queued"] * 6

    _run(relay, work, max_connections=3)


def test_a_connection_that_stays_idle_too_long_is_closed(relay: Relay) -> None:
    release = _held(relay, 5)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.gather(*(_submit(client) for _ in range(5)))
        await asyncio.to_thread(relay.wait_for, 5)
        release.set()
        await calls
        assert relay.open_connections == 5
        await asyncio.sleep(0.25)
        await _submit(client)
        await _until(lambda: relay.open_connections == 1)

    _run(relay, work, keepalive_expiry=0.2)


def test_no_connection_is_kept_where_none_may_be(relay: Relay) -> None:
    async def work(client: AuthenticatedClient) -> None:
        for _ in range(3):
            await asyncio.gather(*(_submit(client) for _ in range(2)))
            await _until(lambda: relay.open_connections == 0)

    _run(relay, work, max_keepalive_connections=0)
    assert relay.connections == 6


def test_closing_waits_for_nobody_and_leaves_nothing_open(relay: Relay) -> None:
    release = _held(relay, 1)

    async def work(client: AuthenticatedClient) -> None:
        call = asyncio.create_task(_submit(client))
        await asyncio.to_thread(relay.wait_for, 1)
        async with asyncio.timeout(5):
            await client.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await _submit(client)
        release.set()
        await asyncio.gather(call, return_exceptions=True)

    _run(relay, work)
    assert len(relay.requests) == 1
