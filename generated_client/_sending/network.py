"""Socket operations of threads that end at a call's deadline.

httpx limits each step; a response that arrives byte by byte never exceeds these timeouts, and connecting to a host with
several addresses may take several times as long. httpcore's network backend is where each socket operation can be
limited.
"""

import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

from .deadline import Deadline

_PIECE: Final = 1 << 14
"""Bytes that are written under one timeout: a TLS record, and less than a writable socket accepts at once."""


def use_network(transport: Any, network: Any) -> Any:
    """Set the network backend of `transport`; return the previous one.

    httpx has no argument for it. If httpx or httpcore renames its attribute, this raises AttributeError.
    """
    pool = transport._pool
    before = pool._network_backend
    pool._network_backend = network
    return before


class Network(httpcore.NetworkBackend):
    """The network of a transport with one connection; `deadline` is that of the current call.

    DNS is limited by the resolver only, because a thread cannot interrupt getaddrinfo(). Nothing is sent afterwards.
    """

    def __init__(self, transport: httpx.HTTPTransport) -> None:
        self.deadline: Deadline | None = None
        self._network: httpcore.NetworkBackend = use_network(transport, self)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if self.deadline is None:
            return _Stream(self, self._network.connect_tcp(host, port, timeout, local_address, socket_options))
        try:
            addresses = [each[4][:2] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in addresses[:-1]:
            try:
                return self._connect(address, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                pass  # try the next address
        return self._connect(addresses[-1], timeout, local_address, socket_options)

    def _connect(self, address: Any, timeout: float | None, *options: Any) -> "_Stream":
        host, port = address
        left = self.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self, self._network.connect_tcp(host, port, left, *options))

    def left(self, timeout: float | None, exceeded: type[Exception]) -> float | None:
        """The remaining seconds for a step, None for no limit; raises `exceeded` after the deadline."""
        return timeout if self.deadline is None else self.deadline.left(timeout, exceeded)


class _Stream(httpcore.NetworkStream):
    def __init__(self, network: Network, stream: httpcore.NetworkStream) -> None:
        self._network = network
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        deadline = self._network.deadline
        if deadline is None:
            self._stream.write(buffer, timeout)
            return
        for start in range(0, len(buffer), _PIECE):
            left = deadline.left(timeout, httpcore.WriteTimeout)
            deadline.is_sent = True
            self._stream.write(buffer[start : start + _PIECE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._network.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._network, self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
