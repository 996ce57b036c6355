"""Servers with faults of production that are not complete HTTP, and certificates for TLS on loopback."""

import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread
from typing import Any


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
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield _url(server)


@contextmanager
def reading_nothing(scheme: str = "http") -> Generator[str]:
    """A server that accepts connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _url(server, scheme)


@contextmanager
def answering(text: bytes, *, drips: bool = False, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """A server that sends `text` to the first client after its headers, without reading the body.

    Then it disconnects, or drips: it sends a space every 5 ms until the client disconnects.
    """
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # closing must not overtake the text
            with tls.wrap_socket(connection, server_side=True) if tls else connection as speaking:
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += speaking.recv(1024)
                speaking.sendall(text)
                with suppress(OSError):  # the client disconnects
                    while drips and not over.wait(0.005):
                        speaking.sendall(b" ")

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield _url(server, "https" if tls else "http")
        over.set()
        thread.join()


def _url(server: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


# The types of trustme's methods name a library that is not installed, so an authority is Any here.


def server_tls(authority: Any, *names: str) -> ssl.SSLContext:
    """A server's TLS, with a certificate of a trustme.CA for `names`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def client_tls(authority: Any) -> ssl.SSLContext:
    """A client's TLS that trusts a trustme.CA."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
