"""Servers that a client meets in production, and that speak no whole HTTP.

One refuses, one is deaf, one reads nothing, one answers before it has read, one drips.
"""

import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from threading import Event, Thread


@contextmanager
def refusing() -> Generator[str]:
    """An address that nobody listens at, and that nobody else can take."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield _url(bound)


@contextmanager
def deaf() -> Generator[str]:
    """An address where no further connection comes about: its queue is full, and nobody accepts any."""
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
    """An address where connections come about, and whatever is sent stays unread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _url(server)


@contextmanager
def answering_at_once(answer: bytes, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """A server that sends `answer` to whoever connects first, once it has seen headers, reads no body, and closes."""
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
def dripping(text: bytes, pause: float = 0.02) -> Generator[str]:
    """A server that sends `text` and then blanks for ever, byte by byte, to whoever connects first."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                for byte in chain(text, repeat(ord(" "))):
                    if over.wait(pause):
                        return
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return  # The client has had enough.

        thread = Thread(target=drip, daemon=True)
        thread.start()
        yield _url(server)
        over.set()
        thread.join()


def _url(server: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
