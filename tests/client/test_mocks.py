"""What services put in the place of the relay in their own tests: httpx's mocks, respx, pytest-httpx, hooks."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from calling import TLS, TOKEN, WAYS, Caller
from contract_check.relay.standin import Relay
from frozen import AuthenticatedClient, errors

URL = "https://relay.test/kling/v1/videos/image2video"
TASK = {"task_id": "t", "status": "queued"}
PACKED = {"Content-Encoding": "gzip", "Content-Type": "application/json"}


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


MOCKS = ("MockTransport", "reading", "respx", "respx by httpcore", "pytest-httpx")


@pytest.fixture(params=MOCKS)
def mocked(request: pytest.FixtureRequest) -> Callable[..., Iterator[Caller]]:
    """Makes callers, one of each way, of a mock that answers with the arguments of an httpx.Response."""

    def make(status: int, **content: Any) -> Iterator[Caller]:
        args: dict[str, Any] = {}
        with ExitStack() as stack:
            if request.param.startswith("respx"):
                using = "httpcore" if "httpcore" in request.param else "httpx"
                stack.enter_context(respx.mock(using=using)).post(URL).respond(status, **content)
            elif request.param == "pytest-httpx":
                httpx_mock: HTTPXMock = request.getfixturevalue("httpx_mock")
                httpx_mock.add_response(status_code=status, is_reusable=True, **content)
            else:
                inner = httpx.MockTransport(lambda _: httpx.Response(status, **content))
                args["transport"] = _Reading(inner) if request.param == "reading" else inner
            for way in WAYS:
                client = AuthenticatedClient("https://relay.test", token=TOKEN, verify_ssl=TLS, httpx_args=args)
                yield (caller := Caller(way, client))
                caller.close()

    return make


def test_successes(mocked: Callable[..., Iterator[Caller]]) -> None:
    for caller in mocked(200, json=TASK, headers={"X-Oneapi-Request-Id": "r-1"}):
        response = caller.submit(detailed=True)
        assert (response.parsed.task_id, json.loads(response.content), response.request_id) == ("t", TASK, "r-1")
        with caller.stream() as response:
            assert json.loads(caller.read(response)) == TASK


# With pytest-httpx, httpx itself cannot read a compressed body.
@pytest.mark.parametrize("mocked", MOCKS[:-1], indirect=True)
def test_a_compressed_response(mocked: Callable[..., Iterator[Caller]]) -> None:
    for caller in mocked(200, headers=PACKED, content=gzip.compress(json.dumps(TASK).encode())):
        assert caller.submit().task_id == "t"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(403, '{"error": {"message": "额度不足"}}', errors.ApiError), (200, "<html>", errors.DecodeError)],
)
def test_failures(mocked: Callable[..., Iterator[Caller]], status: int, body: str, kind: type[Exception]) -> None:
    for caller in mocked(status, text=body):
        with pytest.raises(kind, match="额度不足" if status == 403 else "HTML"):
            caller.submit()


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
