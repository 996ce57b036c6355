"""HTTP/1.1 on the stand-in's side of a connection, and the ways in which it can go wrong on purpose."""

import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast

from .answers import Answer
from .request import Request

if TYPE_CHECKING:
    from .relay import Relay

_NO_BODY = (204, 304)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def relay(self) -> "Relay":
        return cast("Relay", cast("Any", self.server).relay)  # BaseServer has no such attribute

    def setup(self) -> None:
        self.number = self.relay.opened(self.request)
        super().setup()

    def handle(self) -> None:
        if self.relay.tls and not self.relay.proxy:
            self.start_tls()
        super().handle()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.request.close()
            self.relay.closed(self.number)

    def start_tls(self) -> None:
        assert self.relay.tls is not None
        self.rfile.close()
        self.request = self.relay.tls.wrap_socket(self.request, server_side=True)
        self.relay.replaced(self.number, self.request)
        super().setup()

    def do_CONNECT(self) -> None:
        """Opens a tunnel that ends here, so that a client may call the relay by its true name."""
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.start_tls()
        self.close_connection = False

    def serve(self) -> None:
        body = self.read_body()
        if len(body) < int(self.headers.get("content-length", 0)):
            self.close_connection = True  # whoever called left before it was said what for
            return
        request = Request(self.command, self.path, self.headers, body, self.number)
        answer = self.relay.receive(request)
        while answer.wait and not answer.wait.wait(0.02) and not self.relay.stopping.is_set():
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
            if self.relay.stopping.wait(answer.pause):
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


for method in ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"):
    setattr(Handler, f"do_{method}", Handler.serve)
