"""Three of httpx's errors mean that a request was not sent; after any other it may have been charged for."""

import asyncio
from threading import Event, Thread

import httpx
import pytest

from calling import TLS, TOKEN, WAYS, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, DeadlineExceeded, ResponseError
from generated_client.models import KlingImageToVideoRequest
from sockets import deaf, refusing

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")


def _client(url: str, *, timeout: httpx.Timeout | float = 5, limits: httpx.Limits | None = None) -> AuthenticatedClient:
    args = {"limits": limits} if limits else {}
    return AuthenticatedClient(url, token=TOKEN, timeout=timeout, verify_ssl=TLS, httpx_args=args)


def _fails(caller: Caller, client: AuthenticatedClient) -> Exception:
    with pytest.raises(httpx.TransportError) as raised:
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    return raised.value


@pytest.mark.every_way
def test_a_refused_connection_sends_nothing(caller: Caller) -> None:
    with refusing() as url:
        error = _fails(caller, caller.enter(_client(url)))
    assert type(error) is httpx.ConnectError
    assert isinstance(error, NOT_SENT)


@pytest.mark.every_way
def test_a_connection_that_does_not_come_about_sends_nothing(caller: Caller) -> None:
    with deaf() as url:
        error = _fails(caller, caller.enter(_client(url, timeout=httpx.Timeout(5, connect=0.2))))
    assert type(error) is httpx.ConnectTimeout
    assert isinstance(error, NOT_SENT)


@pytest.mark.every_way
def test_a_server_without_a_trusted_certificate_gets_nothing(caller: Caller, tls_relay: Relay) -> None:
    error = _fails(caller, caller.enter(_client(tls_relay.url)))
    assert type(error) is httpx.ConnectError
    assert isinstance(error, NOT_SENT)
    assert tls_relay.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_gets_no_connection_of_the_pool_sends_nothing(relay: Relay, way: str) -> None:
    limits = httpx.Limits(max_connections=1)
    occupied, release = _client(relay.url, limits=limits), Event()
    caller = Caller(way, occupied)
    relay.answer(Answer.json({"task_id": "t", "status": "queued"}, wait=release))
    if way == "sync":
        with occupied:
            first = Thread(target=create_kling_image_to_video.sync, kwargs={"client": occupied, "body": PROMPTED})
            first.start()
            relay.wait_for(1)
            error = _fails(caller, occupied.with_timeout(httpx.Timeout(5, pool=0.1)))
            release.set()
            first.join()
    else:
        error = caller.run(_while_occupied(occupied, relay, release))
    caller.close()
    assert type(error) is httpx.PoolTimeout
    assert isinstance(error, NOT_SENT)
    assert len(relay.requests) == 1


async def _while_occupied(client: AuthenticatedClient, relay: Relay, release: Event) -> Exception:
    async with client:
        first = asyncio.create_task(create_kling_image_to_video.asyncio(client=client, body=PROMPTED))
        await asyncio.to_thread(relay.wait_for, 1)
        impatient = client.with_timeout(httpx.Timeout(5, pool=0.1))
        with pytest.raises(httpx.TransportError) as raised:
            await create_kling_image_to_video.asyncio(client=impatient, body=PROMPTED)
        release.set()
        await first
    return raised.value


@pytest.mark.every_way
@pytest.mark.parametrize(
    "answer",
    [
        Answer(silent=True),
        Answer(silent=True, reset=True),
        Answer(200, b"{" * 50, cut=9),
        Answer(200, b"{" * 50, cut=9, reset=True),
        Answer.json({}, wait=Event()),
    ],
    ids=["no answer", "reset", "closed amid", "reset amid", "too slow"],
)
def test_after_anything_else_it_may_have_been_charged(caller: Caller, relay: Relay, answer: Answer) -> None:
    relay.answer(answer)
    error = _fails(caller, caller.client.with_timeout(0.3))
    assert not isinstance(error, NOT_SENT)
    assert len(relay.chargeable) == 1  # and it is not sent again, on its own


def test_no_answer_and_no_deadline_is_among_them() -> None:
    assert not issubclass(DeadlineExceeded, NOT_SENT)
    assert not issubclass(ResponseError, NOT_SENT)
    assert set(NOT_SENT) == {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError}
