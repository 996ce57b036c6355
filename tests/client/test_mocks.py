"""What services put in the place of the relay in their own tests works: httpx's mocks, respx, pytest-httpx, hooks."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ApiError, DecodeError
from generated_client.models import KlingImageToVideoRequest

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
URL = "https://relay.test/kling/v1/videos/image2video"
TASK = {"task_id": "t", "status": "queued"}
REFUSED = {"error": {"message": "额度不足", "code": "insufficient_user_quota"}}

Mock = Callable[[httpx.Response], dict[str, Any]]
"""Has the next request answered so; returns the httpx_args that it takes."""


def _transport(answer: httpx.Response) -> dict[str, Any]:
    return {"transport": httpx.MockTransport(lambda request: answer)}


class _Reading(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport around another one that reads what comes, as a recorder does."""

    def __init__(self, answer: httpx.Response) -> None:
        self._inner = httpx.MockTransport(lambda request: answer)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return response


@pytest.fixture(params=["MockTransport", "reading", "respx", "respx by httpcore", "pytest-httpx"])
def mock(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """Each mock, one after the other."""
    if request.param == "MockTransport":
        yield _transport
    elif request.param == "reading":
        yield lambda answer: {"transport": _Reading(answer)}
    elif request.param == "pytest-httpx":
        httpx_mock: HTTPXMock = request.getfixturevalue("httpx_mock")

        def answered(answer: httpx.Response) -> dict[str, Any]:
            httpx_mock.add_response(
                status_code=answer.status_code, headers=answer.headers, content=_sent_content(answer)
            )
            return {}

        yield answered
    else:
        using = "httpx" if request.param == "respx" else "httpcore"
        with respx.mock(using=using) as router:

            def routed(answer: httpx.Response) -> dict[str, Any]:
                router.post(URL).mock(
                    return_value=httpx.Response(
                        answer.status_code, headers=answer.headers, content=_sent_content(answer)
                    )
                )
                return {}

            yield routed


def _sent_content(answer: httpx.Response) -> bytes:
    """The body as it travels."""
    return gzip.compress(answer.content) if "content-encoding" in answer.headers else answer.content


@pytest.fixture(params=["sync", "asyncio"])
def mocked(request: pytest.FixtureRequest, mock: Mock) -> Iterator[Callable[[httpx.Response], Caller]]:
    """A caller whose relay is the mock."""
    callers = list[Caller]()

    def make(answer: httpx.Response) -> Caller:
        client = AuthenticatedClient("https://relay.test", token=TOKEN, verify_ssl=TLS, httpx_args=mock(answer))
        caller = Caller(request.param, client)
        callers.append(caller)
        caller.enter(client)
        return caller

    yield make
    for caller in callers:
        caller.close()


def test_a_success_is_typed(mocked: Callable[[httpx.Response], Caller]) -> None:
    task = mocked(httpx.Response(200, json=TASK)).parsed(create_kling_image_to_video, body=PROMPTED)
    assert (task.task_id, task.status) == ("t", "queued")


# Of pytest-httpx, httpx itself can't read a compressed body.
@pytest.mark.parametrize("mock", ["MockTransport", "reading", "respx", "respx by httpcore"], indirect=True)
def test_a_compressed_success_is_typed(mocked: Callable[[httpx.Response], Caller]) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = httpx.Response(200, headers=headers, content=gzip.compress(json.dumps(TASK).encode()))
    assert mocked(answer).parsed(create_kling_image_to_video, body=PROMPTED).task_id == "t"


def test_a_refusal_is_an_error(mocked: Callable[[httpx.Response], Caller]) -> None:
    with pytest.raises(ApiError, match="额度不足") as raised:
        mocked(httpx.Response(403, json=REFUSED)).parsed(create_kling_image_to_video, body=PROMPTED)
    assert raised.value.code == "insufficient_user_quota"


def test_a_broken_success_is_an_error(mocked: Callable[[httpx.Response], Caller]) -> None:
    with pytest.raises(DecodeError):
        mocked(httpx.Response(200, text="<html>")).parsed(create_kling_image_to_video, body=PROMPTED)


def test_the_whole_response_has_its_body(mocked: Callable[[httpx.Response], Caller]) -> None:
    answer = httpx.Response(200, json=TASK, headers={"X-Oneapi-Request-Id": "r-1"})
    response = mocked(answer).detailed(create_kling_image_to_video, body=PROMPTED)
    assert json.loads(response.content) == TASK
    assert response.request_id == "r-1"


def test_a_stream_can_be_read(mocked: Callable[[httpx.Response], Caller]) -> None:
    caller = mocked(httpx.Response(200, json=TASK))
    if caller.way == "sync":
        with create_kling_image_to_video.stream(client=caller.client, body=PROMPTED) as response:
            assert json.loads(b"".join(response.iter_bytes())) == TASK
        return

    async def read() -> bytes:
        async with create_kling_image_to_video.astream(client=caller.client, body=PROMPTED) as response:
            return b"".join([piece async for piece in response.aiter_bytes()])

    assert json.loads(caller.run(read())) == TASK


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hook_may_read_the_response(caller: Caller, relay: Relay, encoding: str) -> None:
    """httpx's own recipe for logging."""
    seen = list[bytes]()

    def read(response: httpx.Response) -> None:
        seen.append(response.read())

    async def aread(response: httpx.Response) -> None:
        seen.append(await response.aread())

    hooks = {"event_hooks": {"response": [read if caller.way == "sync" else aread]}}
    headers = {"Accept-Encoding": encoding}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks, headers=headers))
    assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).task_id
    assert b"task_id" in seen[0]


def test_what_a_hook_raises_is_passed_on(caller: Caller, relay: Relay) -> None:
    class Refused(Exception):
        pass

    def refuse(_: httpx.Response) -> None:
        raise Refused

    async def arefuse(_: httpx.Response) -> None:
        raise Refused

    hooks = {"event_hooks": {"response": [refuse if caller.way == "sync" else arefuse]}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks))
    with pytest.raises(Refused):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert len(relay.requests) == 1
