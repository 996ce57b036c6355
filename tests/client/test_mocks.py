"""What services put in the place of the relay in their own tests: httpx's mocks, respx, pytest-httpx, hooks."""

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
from frozen import AuthenticatedClient, errors

URL = "https://relay.test/kling/v1/videos/image2video"
TASK = {"task_id": "t", "status": "queued"}
PACKED = {"Content-Encoding": "gzip", "Content-Type": "application/json"}

Mock = Callable[..., dict[str, Any]]
"""Takes the arguments of an httpx.Response, the next answer; returns the httpx_args of a client."""


class _Reading(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that reads each response, as a recorder does."""

    def __init__(self, inner: httpx.MockTransport) -> None:
        self._inner = inner

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
    if request.param.startswith("respx"):
        with respx.mock(using="httpcore" if "httpcore" in request.param else "httpx") as router:

            def routed(status: int, **content: Any) -> dict[str, Any]:
                router.post(URL).respond(status, **content)
                return {}

            yield routed
    elif request.param == "pytest-httpx":
        httpx_mock: HTTPXMock = request.getfixturevalue("httpx_mock")

        def added(status: int, **content: Any) -> dict[str, Any]:
            httpx_mock.add_response(status_code=status, **content)
            return {}

        yield added
    else:

        def answered(status: int, **content: Any) -> dict[str, Any]:
            inner = httpx.MockTransport(lambda _: httpx.Response(status, **content))
            return {"transport": _Reading(inner) if request.param == "reading" else inner}

        yield answered


@pytest.fixture(params=["sync", "asyncio"])
def mocked(request: pytest.FixtureRequest, mock: Mock) -> Iterator[Callable[..., Caller]]:
    """Makes a caller whose relay is the mock, which answers with the arguments of an httpx.Response."""
    callers = list[Caller]()

    def make(status: int, **content: Any) -> Caller:
        args = mock(status, **content)
        client = AuthenticatedClient("https://relay.test", token=TOKEN, verify_ssl=TLS, httpx_args=args)
        callers.append(Caller(request.param, client))
        callers[-1].enter(client)
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


def test_calls(mocked: Callable[..., Caller]) -> None:
    caller = mocked(200, json=TASK, headers={"X-Oneapi-Request-Id": "r-1"})
    response = caller.submit(detailed=True)
    assert (response.parsed.task_id, json.loads(response.content), response.request_id) == ("t", TASK, "r-1")


def test_a_stream(mocked: Callable[..., Caller]) -> None:
    caller = mocked(200, json=TASK)
    with caller.stream() as response:
        assert json.loads(caller.read(response)) == TASK


# With pytest-httpx, httpx itself cannot read a compressed body.
@pytest.mark.parametrize("mock", ["MockTransport", "reading", "respx", "respx by httpcore"], indirect=True)
def test_a_compressed_response(mocked: Callable[..., Caller]) -> None:
    caller = mocked(200, headers=PACKED, content=gzip.compress(json.dumps(TASK).encode()))
    assert caller.submit().task_id == "t"


def test_errors(mocked: Callable[..., Caller]) -> None:
    with pytest.raises(errors.ApiError, match="额度不足") as raised:
        mocked(403, json={"error": {"message": "额度不足", "code": "insufficient_user_quota"}}).submit()
    assert raised.value.code == "insufficient_user_quota"


def test_a_broken_success(mocked: Callable[..., Caller]) -> None:
    with pytest.raises(errors.DecodeError):
        mocked(200, text="<html>").submit()


@pytest.mark.every_way
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hook_may_read_the_response(caller: Caller, relay: Relay, encoding: str) -> None:
    """httpx's own recipe for logging."""
    seen = list[bytes]()

    def read(response: httpx.Response) -> None:
        seen.append(response.read())

    async def aread(response: httpx.Response) -> None:
        seen.append(await response.aread())

    hooks = {"event_hooks": {"response": [read if caller.way == "sync" else aread]}}
    assert caller.submit(caller.connect(httpx_args=hooks, headers={"Accept-Encoding": encoding})).task_id
    assert b"task_id" in seen[0]


@pytest.mark.every_way
def test_an_exception_of_a_hook_passes(caller: Caller, relay: Relay) -> None:
    def refuse(_: httpx.Response) -> None:
        raise LookupError

    own = caller.connect(httpx_args={"event_hooks": {"response": [caller.hook(refuse)]}})
    with pytest.raises(LookupError):
        caller.submit(own)
    assert len(relay.requests) == 1
