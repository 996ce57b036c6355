"""The transport of event loops: an httpx transport for each connection.

httpx's own pool scans all of its connections for each request, so that 1,000 calls in flight take ten times as long,
and loses connections if calls are cancelled while it is full. This can go when it does neither.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from .async_network import AsyncNetwork
from .deadline import deadline_of
from .limits import IdleConnections, closed, max_connections


class AsyncTransportForEachConnection(httpx.AsyncBaseTransport):
    """Send each request through a transport with one connection; above the limit, requests wait in order."""

    def __init__(self, make: Callable[[], httpx.AsyncHTTPTransport], limits: httpx.Limits) -> None:
        self._free: Any = asyncio.Semaphore(max_connections(limits))  # type: ignore[arg-type]  # takes infinity, too
        self._waiting = 0
        self._is_closed = False
        self._make = make
        self._idle = IdleConnections[_Connection](limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if deadline := deadline_of(request):
            deadline.is_sent = bool(deadline.is_sent)
        await self._acquire(request)
        connection = None
        try:
            connection = self._idle.take() or _Connection(self._make())
            response = await connection.send(request)
        except BaseException:
            await self._release(connection, complete=False)
            raise
        if isinstance(response.stream, httpx.ByteStream):  # of a mock: complete
            await self._release(connection, complete=True)
        else:
            response.stream = _Stream(response.stream, connection, self._release)
        return response

    async def _acquire(self, request: httpx.Request) -> None:
        if self._is_closed:
            raise closed()
        if not self._free.locked():
            await self._free.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("", request=request) from None
        finally:
            self._waiting -= 1
        if self._is_closed:
            raise closed()

    async def _release(self, connection: "_Connection | None", *, complete: bool) -> None:
        self._free.release()
        if connection:
            # httpcore loses connections if it is cancelled, so one with an incomplete response is closed.
            for each in self._idle.add(connection) if complete else [connection]:
                await each.aclose()

    async def aclose(self) -> None:
        self._is_closed = True
        for _ in range(self._waiting):
            self._free.release()
        for connection in self._idle.end():  # connections in use are closed when they are released
            await connection.aclose()


class _Connection:
    """A transport with one connection; its network enforces the deadline of the current call."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._transport = transport
        self._network = AsyncNetwork(transport)
        self.aclose = transport.aclose

    async def send(self, request: httpx.Request) -> httpx.Response:
        self._network.deadline = deadline_of(request)
        return await self._transport.handle_async_request(request)


class _Stream(httpx.AsyncByteStream):
    """A response's stream, which releases the connection when it is closed."""

    def __init__(self, stream: Any, connection: _Connection, release: Callable[..., Awaitable[None]]) -> None:
        self._stream = stream
        self._connection = connection
        self._release = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        complete = False
        try:
            await self._stream.aclose()
            complete = True
        finally:
            await self._release(self._connection, complete=complete)
