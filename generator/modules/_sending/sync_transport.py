"""The transport of threads: a transport of httpx's for each connection.

httpx's own pool keeps 20 connections, so that most calls of 64 threads open one of their own, and it cannot end a call
whose deadline is over. This can go when it does both.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import httpx

from .limits import DEFAULT_LIMITS, IdleConnections, most_connections, sends_by_itself
from .transport_errors import from_python

ABORTS = "aborts"
"""The extension of a request in which a list takes what ends the request from another thread."""


def with_transport(options: dict[str, Any]) -> dict[str, Any]:
    """What an httpx.Client is made with, and such a transport unless another one has to send."""
    if sends_by_itself(options):
        return options
    limits = options.get("limits") or DEFAULT_LIMITS
    verify = httpx.create_ssl_context(options["verify"], options.get("cert"), options.get("trust_env", True))
    single = httpx.Limits(max_connections=1, keepalive_expiry=limits.keepalive_expiry)
    make = partial(httpx.HTTPTransport, verify, limits=single)
    return {**options, "transport": TransportForEachConnection(make, limits)}


class TransportForEachConnection(httpx.BaseTransport):
    """Sends each request by a transport that has one connection; more than there may be wait for theirs."""

    def __init__(self, make: Callable[[], httpx.BaseTransport], limits: httpx.Limits) -> None:
        most = most_connections(limits)
        self._free: Any = threading.Semaphore(most)  # type: ignore[arg-type]  # infinity counts, too
        self._make = make
        self._idle = IdleConnections[_Connection](limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions.get("timeout", {}).get("pool")
        if not self._free.acquire(timeout=seconds):
            raise httpx.PoolTimeout("", request=request)
        connection = self._idle.take() or _Connection(self._make())
        try:
            response = connection.send(request)
        except OSError as error:
            self._leave(connection, is_whole=False)
            raise from_python(error, request) from error
        except BaseException:
            self._leave(connection, is_whole=False)
            raise
        if isinstance(response.stream, httpx.ByteStream):  # it has come whole
            self._leave(connection, is_whole=True)
        else:
            response.stream = _Stream(response.stream, request, partial(self._leave, connection))
        return response

    def _leave(self, connection: "_Connection", *, is_whole: bool) -> None:
        self._free.release()
        for each in self._idle.add(connection) if is_whole else [connection]:
            each.close()

    def close(self) -> None:
        for connection in self._idle.end():  # what is in use closes when it is left
            connection.close()


class _Connection:
    """A transport with one connection, which another thread can end."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self._stream: Any = None

    def send(self, request: httpx.Request) -> httpx.Response:
        aborts = request.extensions.get(ABORTS)
        if aborts is not None:
            request.extensions["trace"] = self._keep_stream
            aborts.append(self._abort)
        response = self._transport.handle_request(request)
        self._stream = response.extensions.get("network_stream")
        return response

    def _keep_stream(self, event: str, info: dict[str, Any]) -> None:
        """Remembers the stream of a connection that is just made, before there is a response to tell it."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]

    def _abort(self) -> None:
        """Has the thread that waits for this connection find it closed."""
        waited_for = self._stream.get_extra_info("socket") if self._stream else None
        if waited_for is not None:
            with suppress(OSError):
                waited_for.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._transport.close()


class _Stream(httpx.SyncByteStream):
    """A response's stream, which leaves the connection when it is closed."""

    def __init__(self, stream: Any, request: httpx.Request, leave: Callable[..., None]) -> None:
        self._stream = stream
        self._request = request
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except OSError as error:
            raise from_python(error, self._request) from error

    def close(self) -> None:
        try:
            self._stream.close()
        except BaseException:
            self._leave(is_whole=False)
            raise
        self._leave(is_whole=True)
