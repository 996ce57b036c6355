"""Servers with faults of production that are not complete HTTP, and certificates for TLS on loopback."""

import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread
from typing import Any

import trustme


@contextmanager
def refusing() -> Generator[str]:
    """A reserved address without a listener."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield _url(bound)


@contextmanager
def deaf() -> Generator[str]:
    """An address that accepts no connection, since its queue is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield _url(server)


@contextmanager
def reading_nothing() -> Generator[str]:
    """A server that accepts connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _url(server)


@contextmanager
def answering_at_once(answer: bytes, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """A server that sends `answer` to the first client after its headers, and closes without reading the body."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # closing must not overtake the answer
            with tls.wrap_socket(connection, server_side=True) if tls else connection as speaking:
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += speaking.recv(1024)
                speaking.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield _url(server, "https" if tls else "http")
        thread.join()


@contextmanager
def dripping(text: bytes) -> Generator[str]:
    """A server that sends `text` to the first client, and then a space every 5 ms, forever."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):  # the client disconnects
                connection.sendall(text)
                while not over.wait(0.005):
                    connection.sendall(b" ")

        thread = Thread(target=drip, daemon=True)
        thread.start()
        yield _url(server)
        over.set()
        thread.join()


def _url(server: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's TLS, with a certificate of `authority` for `names`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate: Any = authority.issue_cert(*names)  # trustme's types name a library that is not installed
    certificate.configure_cert(context)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS that trusts `authority`."""
    context = ssl.create_default_context()
    trusted: Any = authority
    trusted.configure_trust(context)
    return context
