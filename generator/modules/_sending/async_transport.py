"""The transport of event loops: a transport of httpx's for each connection.

httpx's own pool looks at all of its connections for each request, so that 1,000 calls at once take it ten times as
long. This can go when it doesn't any more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import httpx

from .limits import DEFAULT_LIMITS, IdleConnections, most_connections, sends_by_itself
from .transport_errors import from_python


def with_transport(options: dict[str, Any]) -> dict[str, Any]:
    """What an httpx.AsyncClient is made with, and such a transport unless another one has to send."""
    if sends_by_itself(options):
        return options
    limits = options.get("limits") or DEFAULT_LIMITS
    verify = httpx.create_ssl_context(options["verify"], options.get("cert"), options.get("trust_env", True))
    single = httpx.Limits(max_connections=1, keepalive_expiry=limits.keepalive_expiry)
    make = partial(httpx.AsyncHTTPTransport, verify, limits=single)
    return {**options, "transport": TransportForEachConnection(make, limits)}


class _LimitedTransport(httpx.AsyncBaseTransport):
    """Lets through as many requests as there may be connections; more wait, for `timeout`'s pool seconds."""

    def __init__(self, limits: httpx.Limits) -> None:
        self._free: Any = asyncio.Semaphore(most_connections(limits))  # type: ignore[arg-type]  # infinity counts, too

    async def _enter(self, request: httpx.Request) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        seconds = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("", request=request) from None

    async def _send(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, leave: Callable[[bool], Awaitable[None]]
    ) -> httpx.Response:
        """Sends by `transport`; `leave` is called once, at the end, with whether the response was whole."""
        try:
            response = await transport.handle_async_request(request)
        except OSError as error:
            await leave(False)
            raise from_python(error, request) from error
        except BaseException:
            await leave(False)
            raise
        if isinstance(response.stream, httpx.ByteStream):  # it has come whole
            await leave(True)
        else:
            response.stream = _Stream(response.stream, request, leave)
        return response


class TransportForEachConnection(_LimitedTransport):
    """Sends each request by a transport that has one connection, and keeps those that are whole."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], limits: httpx.Limits) -> None:
        super().__init__(limits)
        self._make = make
        self._idle = IdleConnections[httpx.AsyncBaseTransport](limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._enter(request)
        transport = self._idle.take() or self._make()
        return await self._send(transport, request, partial(self._leave, transport))

    async def _leave(self, transport: httpx.AsyncBaseTransport, is_whole: bool) -> None:
        self._free.release()
        # httpcore loses connections when it is cancelled, so one that is not whole is closed.
        for each in self._idle.add(transport) if is_whole else [transport]:
            await each.aclose()

    async def aclose(self) -> None:
        for transport in self._idle.end():  # what is in use closes when it is left
            await transport.aclose()


class _Stream(httpx.AsyncByteStream):
    """A response's stream, which leaves the connection when it is closed."""

    def __init__(self, stream: Any, request: httpx.Request, leave: Callable[[bool], Awaitable[None]]) -> None:
        self._stream = stream
        self._request = request
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield piece
        except OSError as error:
            raise from_python(error, self._request) from error

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except BaseException:
            await self._leave(False)
            raise
        await self._leave(True)
