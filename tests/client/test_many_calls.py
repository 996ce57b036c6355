"""Many calls at once on an event loop open no more connections than allowed, and lose none."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK = {"task_id": "t", "status": "queued"}


def _run(relay: Relay, work: Callable[[AuthenticatedClient], Awaitable[None]], **limits: Any) -> None:
    """Do `work` on an event loop, with a client that has these limits and is closed afterwards."""
    args = {"limits": httpx.Limits(**limits)} if limits else {}

    async def main() -> None:
        async with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args) as client:
            await work(client)

    asyncio.run(main())
    relay.wait_until_idle()


async def _submit(client: AuthenticatedClient) -> str:
    return (await create_kling_image_to_video.asyncio(client=client, body=PROMPTED)).status


async def _submit_at_once(client: AuthenticatedClient, calls: int) -> None:
    assert await asyncio.gather(*(_submit(client) for _ in range(calls))) == ["queued"] * calls


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


def _held(relay: Relay, times: int) -> Event:
    """Have the relay answer so many requests only once the event is set."""
    release = Event()
    relay.answer(Answer.json(TASK, wait=release), times)
    return release


def test_more_calls_than_connections_take_turns(relay: Relay) -> None:
    release = _held(relay, 40)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.create_task(_submit_at_once(client, 40))
        await asyncio.to_thread(relay.wait_for, 4)
        await asyncio.sleep(0.05)
        assert (len(relay.requests), relay.connections) == (4, 4)
        release.set()
        await calls

    _run(relay, work, max_connections=4)
    assert (len(relay.requests), relay.connections) == (40, 4)


def test_one_burst_after_another_uses_the_same_connections(relay: Relay) -> None:
    release = _held(relay, 30)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.create_task(_submit_at_once(client, 30))
        await asyncio.to_thread(relay.wait_for, 30)
        release.set()
        await calls
        for _ in range(3):
            await _submit_at_once(client, 30)

    _run(relay, work)
    assert relay.connections == 30


def test_a_call_that_is_cancelled_while_it_waits_is_not_sent_and_holds_up_no_other(relay: Relay) -> None:
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


def test_a_call_that_is_cancelled_in_flight_makes_room_for_the_next(relay: Relay) -> None:
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
        await _submit_at_once(client, 6)

    _run(relay, work, max_connections=3)


def test_a_connection_that_stays_idle_too_long_is_closed(relay: Relay) -> None:
    release = _held(relay, 5)

    async def work(client: AuthenticatedClient) -> None:
        calls = asyncio.create_task(_submit_at_once(client, 5))
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
            await _submit_at_once(client, 2)
            await _until(lambda: relay.open_connections == 0)

    _run(relay, work, max_keepalive_connections=0)
    assert relay.connections == 6


def test_closing_does_not_wait_and_leaves_nothing_open(relay: Relay) -> None:
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
