"""Socket operations of event loops that do not lose a response which arrives before the request is written.

A relay may refuse a large body before it has read it, and close the connection. asyncio's transports discard received
data when a write fails; the socket keeps it, so these streams use the socket directly.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import httpcore
import httpx

from .deadline import Deadline
from .network import use_network

_T = TypeVar("_T")
_HEAD_START: Final = 0.25
"""Seconds to wait for an address before trying the next one in parallel (RFC 8305, section 5)."""
_RECEIVED: Final = 1 << 16
"""The maximum number of bytes of one read."""


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """The network of a transport with one connection; `deadline` is that of the current call."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.deadline: Deadline | None = None
        use_network(transport, self)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        connected = await _timed(_connect(host, port), timeout, httpcore.ConnectTimeout, httpcore.ConnectError)
        return _Stream(self, connected)

    def check_deadline(self) -> None:
        """Raise WriteTimeout after the deadline: a busy event loop cancels a call late."""
        if self.deadline is not None:
            self.deadline.left(None, httpcore.WriteTimeout)
            self.deadline.is_sent = True


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, network: AsyncNetwork, connected: socket.socket) -> None:
        self._network = network
        self._socket = connected
        self._loop = asyncio.get_running_loop()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await _timed(self._receive(max_bytes), timeout, httpcore.ReadTimeout, httpcore.ReadError)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._network.check_deadline()
        if buffer:  # sending nothing would clear a reset from the socket, which the next read has to report
            await _timed(self._send(buffer), timeout, httpcore.WriteTimeout, httpcore.WriteError)

    async def aclose(self) -> None:
        self._socket.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        secure = _TLSStream(self, ssl_context, server_hostname)
        try:
            await _timed(secure.handshake(), timeout, httpcore.ConnectTimeout, httpcore.ConnectError)
        except BaseException:
            await self.aclose()
            raise
        return secure

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                return _is_readable(self._socket)
            case "socket":
                return self._socket
            case "client_addr":
                return self._socket.getsockname()
            case "server_addr":
                return self._socket.getpeername()
            case _:
                return None

    async def _receive(self, max_bytes: int) -> bytes:
        return await self._loop.sock_recv(self._socket, max_bytes)

    async def _send(self, buffer: bytes) -> None:
        await self._loop.sock_sendall(self._socket, buffer)


class _TLSStream(_Stream):
    """TLS over a stream, which may be TLS itself. anyio's TLS stream cannot read after a failed write."""

    def __init__(self, stream: _Stream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        super().__init__(stream._network, stream._socket)
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    async def handshake(self) -> None:
        await self._exchange(self._tls.do_handshake)

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else super().get_extra_info(info)

    async def _receive(self, max_bytes: int) -> bytes:
        try:
            return await self._exchange(lambda: self._tls.read(max_bytes))
        except ssl.SSLEOFError:  # many servers close the connection without a TLS close_notify
            return b""

    async def _send(self, buffer: bytes) -> None:
        await self._exchange(lambda: self._tls.write(buffer))

    async def _exchange(self, step: Callable[[], _T]) -> _T:
        """Run `step`, receiving the data that it needs and sending the data that it writes."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                received = await self._stream._receive(_RECEIVED)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._stream._send(self._outgoing.read())


async def _timed(step: Awaitable[_T], timeout: float | None, exceeded: type[Exception], failed: type[Exception]) -> _T:
    """Return the result of `step`, or raise the corresponding error of httpcore."""
    try:
        async with asyncio.timeout(timeout):
            return await step
    except TimeoutError as error:
        raise exceeded(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise failed(str(error)) from error


async def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of `host` that accepts (RFC 8305)."""
    addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    running = set[asyncio.Task[socket.socket]]()
    try:
        while True:
            if addresses:
                running.add(asyncio.create_task(_connect_to(addresses.pop(0))))
            head_start = _HEAD_START if addresses else None
            done, _ = await asyncio.wait(running, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                if attempt.exception() is None or not (addresses or running - done):
                    running.discard(attempt)
                    return attempt.result()
            running -= done
    finally:
        for attempt in running:
            attempt.cancel()
            attempt.add_done_callback(_close_unused)


async def _connect_to(address: Any) -> socket.socket:
    family, kind, protocol, _, where = address
    connecting = socket.socket(family, kind, protocol)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, where)
    except BaseException:
        connecting.close()
        raise
    return connecting


def _close_unused(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def _is_readable(connected: socket.socket) -> bool:
    """Whether there is something to read, which on an idle connection means that it was closed."""
    try:
        connected.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
