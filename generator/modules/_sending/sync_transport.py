"""The transport of threads: an httpx transport for each connection.

httpx's own pool keeps 20 idle connections, so that most calls of 64 threads open a new one, and it has no deadline.
This can go when it keeps more, and has a deadline.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from .deadline import deadline_of
from .limits import Gate, IdleConnections, max_connections
from .network import Network


class TransportForEachConnection(httpx.BaseTransport):
    """Send each request through a transport with one connection; above the limit, requests wait in order."""

    def __init__(self, make: Callable[[], httpx.HTTPTransport], limits: httpx.Limits) -> None:
        self._gate = Gate(max_connections(limits))
        self._make = make
        self._idle = IdleConnections[_Connection](limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if deadline := deadline_of(request):
            deadline.is_sent = bool(deadline.is_sent)
        if not self._gate.acquire(request.extensions.get("timeout", {}).get("pool")):
            raise httpx.PoolTimeout("", request=request)
        connection = None
        try:
            connection = self._idle.take() or _Connection(self._make())
            response = connection.send(request)
        except BaseException:
            self._release(connection, complete=False)
            raise
        if isinstance(response.stream, httpx.ByteStream):  # of a mock: complete
            self._release(connection, complete=True)
        else:
            response.stream = _Stream(response.stream, connection, self._release)
        return response

    def _release(self, connection: "_Connection | None", *, complete: bool) -> None:
        surplus = [] if connection is None else self._idle.add(connection) if complete else [connection]
        self._gate.release()  # after the connection is idle, or the next thread would open another
        for each in surplus:
            each.close()

    def close(self) -> None:
        self._gate.close()
        for connection in self._idle.end():  # connections in use are closed when they are released
            connection.close()


class _Connection:
    """A transport with one connection; its network enforces the deadline of the current call."""

    def __init__(self, transport: httpx.HTTPTransport) -> None:
        self._transport = transport
        self._network = Network(transport)
        self.close = transport.close

    def send(self, request: httpx.Request) -> httpx.Response:
        self._network.deadline = deadline_of(request)
        return self._transport.handle_request(request)


class _Stream(httpx.SyncByteStream):
    """A response's stream, which releases the connection when it is closed."""

    def __init__(self, stream: Any, connection: _Connection, release: Callable[..., None]) -> None:
        self._stream = stream
        self._connection = connection
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        complete = False
        try:
            self._stream.close()
            complete = True
        finally:
            self._release(self._connection, complete=complete)
