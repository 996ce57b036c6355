"""HTTP/1.1 on loopback: connections, requests, and the ways in which an answer can go wrong on purpose."""

import json
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .answers import Answer

_NO_BODY = (204, 304)


@dataclass
class Request:
    """One request as it came over the wire, and what the stand-in made of it."""

    method: str
    target: str
    headers: Message
    body: bytes
    connection: int
    """The number of the connection that it came by, from 1."""
    id: str = ""
    """X-Oneapi-Request-Id of the answer."""
    route: str | None = None
    """The document's path that it matched."""
    status: int = 0
    """The status of the answer."""
    problems: list[str] = field(default_factory=list[str])
    """In what it departs from the document."""
    chargeable: bool = False
    """Whether a relay could have accepted it, and asked for money."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def media_type(self) -> str:
        return self.headers.get_content_type() if "content-type" in self.headers else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server(ThreadingHTTPServer):
    """Listens on loopback, and knows which connections are open; what to answer, `receive` says."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(
        self, receive: Callable[[Request], Answer], port: int, tls: ssl.SSLContext | None, proxy: bool
    ) -> None:
        """At `port`, or at one that is free (0); with `tls`, as a `proxy` within the tunnels that it is asked for."""
        self.receive, self.tls, self.proxy = receive, tls, proxy
        self.stopping = Event()
        self.changed = Condition()
        self.failures: list[str] = []
        self.connections = 0
        """How many connections were ever opened."""
        self.open: dict[int, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its port is free again at once
        socket.socket.bind(self.socket, self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def start(self) -> None:
        """Answers from now on, in threads."""
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Ends all connections, and returns once they have ended."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self.changed:
            for connection in self.open.values():
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The other side has left already.
        self.wait_until_idle()

    def wait_until_idle(self, timeout: float = 10) -> None:
        """Returns once no connection is open; raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: not self.open, timeout):
                raise TimeoutError(f"{len(self.open)} connections are open after {timeout} s")

    def opened(self, connection: socket.socket) -> int:
        """Notes a connection; returns its number."""
        with self.changed:
            self.connections += 1
            self.open[self.connections] = connection
            return self.connections

    def closed(self, number: int) -> None:
        """Notes that a connection has ended."""
        with self.changed:
            del self.open[number]
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Notes what went wrong in a connection's thread, unless the other side just left."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.failures.append(f"the stand-in itself failed: {error!r}")


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]  # there it is any server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.number = self.server.opened(self.request)
        super().setup()

    def handle(self) -> None:
        if self.server.tls and not self.server.proxy:
            self.start_tls(self.server.tls)
        super().handle()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.request.close()
            self.server.closed(self.number)

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.rfile.close()
        self.request = context.wrap_socket(self.request, server_side=True)
        self.server.open[self.number] = self.request
        super().setup()

    def do_CONNECT(self) -> None:
        """Opens a tunnel that ends here, so that a client may call the relay by its true name."""
        assert self.server.tls is not None
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.start_tls(self.server.tls)
        self.close_connection = False

    def serve(self) -> None:
        body = self.read_body()
        if len(body) < int(self.headers.get("content-length", 0)):
            self.close_connection = True  # client disconnected before the whole body arrived
            return
        answer = self.server.receive(Request(self.command, self.path, self.headers, body, self.number))
        while answer.wait and not answer.wait.wait(0.02) and not self.server.stopping.is_set():
            pass
        if answer.silent:
            self.hang_up(reset=answer.reset)
        else:
            self.send(answer)

    def read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def send(self, answer: Answer) -> None:
        headers = {"Content-Type": "application/json"} if answer.body else {}
        if answer.chunks is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.status not in _NO_BODY:
            headers["Content-Length"] = str(len(answer.body))
        given = {name.lower() for name in answer.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in given} | {**answer.headers}
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('Unknown',))[0]}"]
        lines += (f"{name}: {value}" for name, value in headers.items())
        head = "\r\n".join([*lines, "", ""]).encode()
        body = b"" if self.command == "HEAD" or answer.chunks is not None else answer.body[: answer.cut]
        self.wfile.write(head + body)
        for chunk in answer.chunks or ():
            if self.server.stopping.wait(answer.pause):
                return
            if chunk:  # An empty one would end the body.
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if answer.cut is not None or answer.reset:
            self.hang_up(reset=answer.reset)
        elif answer.chunks is not None:
            self.wfile.write(b"0\r\n\r\n")
        if headers.get("Connection", "").lower() == "close":
            self.close_connection = True

    def hang_up(self, *, reset: bool) -> None:
        """Ends the connection now: with a FIN, or with a RST that also drops what is under way."""
        self.close_connection = True
        if reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.request.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Silent: the relay keeps the log."""

    do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_HEAD = do_PATCH = do_TRACE = serve  # noqa: N815
