"""A transport that sends by aiohttp, with the limits, the errors and the redirects that httpx's own would have."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from functools import lru_cache
from typing import Any, Final, cast

import aiohttp
import httpx
from yarl import URL

_SMALL: Final = 1 << 16
"""Bytes up to which a body is sent, and read, at once."""
_PAUSE: Final = 0.05
"""Seconds after which a kept connection may have been closed without the event loop having seen it yet."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends by aiohttp. Its errors know the token, so they are told in httpx's words, and never passed on."""

    def __init__(self, verify: ssl.SSLContext, limits: httpx.Limits) -> None:
        if limits.max_keepalive_connections == 0:
            connector = aiohttp.TCPConnector(limit=0, ssl=verify, force_close=True)
        else:
            expiry = 1e9 if limits.keepalive_expiry is None else limits.keepalive_expiry
            connector = aiohttp.TCPConnector(limit=0, ssl=verify, keepalive_timeout=expiry)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=99_999,
            max_field_size=99_999,
        )
        self._timeout = lru_cache(128)(aiohttp.ClientTimeout)
        self._url = lru_cache(128)(URL)
        self._last_use = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._see_closed_connections()
        try:
            reply = await self._send(request)
        except Exception as error:  # noqa: BLE001  # raised below, without aiohttp's own as its context
            problem = _as_httpx(error, request)
        else:
            return self._response(reply, request)
        raise problem

    async def aclose(self) -> None:
        await self._session.close()

    async def _see_closed_connections(self) -> None:
        """Gives the event loop the time to see that the relay closed a kept connection while the loop was busy."""
        now = asyncio.get_running_loop().time()
        if now - self._last_use > _PAUSE:
            for _ in range(2):  # one round to look at the sockets, one to hear what was seen
                await asyncio.sleep(0)
        self._last_use = now

    async def _send(self, request: httpx.Request) -> aiohttp.ClientResponse:
        steps: dict[str, float | None] = request.extensions.get("timeout", {})
        if isinstance(request.stream, httpx.ByteStream) and len(await request.aread()) <= _SMALL:
            return await self._send_with(request.content or None, request, steps)
        async with asyncio.timeout(None) as limit:  # aiohttp itself has none for writing
            return await self._send_with(_written(request, limit, steps.get("write")), request, steps)

    def _send_with(
        self, data: Any, request: httpx.Request, steps: dict[str, float | None]
    ) -> Awaitable[aiohttp.ClientResponse]:
        return self._session.request(
            request.method,
            self._url(str(request.url), encoded=True),
            data=data,
            allow_redirects=False,
            headers=[(k.decode(), v.decode()) for k, v in request.headers.raw if k.lower() != b"transfer-encoding"],
            timeout=self._timeout(connect=steps.get("connect"), sock_read=steps.get("read")),
            skip_auto_headers=None if "Content-Type" in request.headers else ["Content-Type"],
        )

    def _response(self, reply: aiohttp.ClientResponse, request: httpx.Request) -> httpx.Response:
        content = reply.content
        is_whole = content.is_eof() and not reply.connection and content.total_bytes <= _SMALL
        stream: httpx.AsyncByteStream = _Stream(reply, request)
        if is_whole and "Content-Encoding" not in reply.headers:
            stream = httpx.ByteStream(content.read_nowait())
        extensions = {"reason_phrase": (reply.reason or "").encode()}
        return httpx.Response(reply.status, headers=reply.raw_headers, stream=stream, extensions=extensions)


async def _written(
    request: httpx.Request, limit: asyncio.Timeout, seconds: float | None
) -> AsyncGenerator[bytes, None]:
    """The body piece by piece, each with so many seconds to be written."""
    async for piece in cast("httpx.AsyncByteStream", request.stream):
        limit.reschedule(asyncio.get_running_loop().time() + seconds if seconds else None)
        yield piece
    limit.reschedule(None)


class _Stream(httpx.AsyncByteStream):
    """The body of a response, as it comes."""

    def __init__(self, reply: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._reply = reply
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._reply.content.iter_chunked(_SMALL):
                yield piece
        except Exception as error:  # noqa: BLE001  # raised below, without aiohttp's own as its context
            problem = _as_httpx(error, self._request)
        else:
            return
        raise problem

    async def aclose(self) -> None:
        connection = self._reply.connection
        if connection and connection.transport:  # it is not through, and might never be
            connection.transport.abort()
        self._reply.release()


_ERRORS: Final = {
    "ConnectionTimeoutError": httpx.ConnectTimeout,
    "ClientConnectorError": httpx.ConnectError,
    "ClientOSError": httpx.ReadError,
    "SocketTimeoutError": httpx.ReadTimeout,
    "InvalidURL": httpx.UnsupportedProtocol,
    "ClientError": httpx.RemoteProtocolError,
    "TimeoutError": httpx.WriteTimeout,
    "OSError": httpx.ReadError,
    "ValueError": httpx.LocalProtocolError,
}
"""What aiohttp's errors, and Python's, are to httpx; the first name that an error has counts."""


def _as_httpx(error: Exception, request: httpx.Request) -> Exception:
    names = {kind.__name__ for kind in type(error).__mro__}
    kind = next((kind for name, kind in _ERRORS.items() if name in names), None)
    return error if kind is None else kind(str(error), request=request)
