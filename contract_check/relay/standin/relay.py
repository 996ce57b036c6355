"""The stand-in relay: a server on loopback that checks each request against a contract, and responds like the relay."""

import secrets
import socket
import ssl
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, Self

from ...document import messages
from ...document.operations import Operation
from .answers import RECORDED, REQUEST_ID, SCENARIOS, Answer, invalid_url
from .contract import Contract

_INSIDE = ("/v1/", "/api/", "/assets/")
_NO_BODY = (204, 304)


@dataclass
class Request(messages.Request):
    """A received request, and the stand-in's verdict on it."""

    connection: int = 0
    """The number of its connection, from 1."""
    id: str = ""
    """X-Oneapi-Request-Id of the response."""
    route: str | None = None
    """The matching path of the document."""
    status: int = 0
    """The status of the response."""
    problems: list[str] = field(default_factory=list[str])
    """Its departures from the document."""
    chargeable: bool = False
    """Whether a relay could have accepted and charged for it."""


class Relay(ThreadingHTTPServer):
    """The server, as a context manager; it listens at `url`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(
        self,
        contract: Contract,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        proxy: bool = False,
        listener: Callable[[Request, Answer], object] = lambda _request, _answer: None,
    ) -> None:
        """Bind to `port`, or a free one; raise OSError if it is in use.

        With `tls` it speaks TLS; as a `proxy`, only in CONNECT tunnels.

        `listener` is called with each request and its response, before that is sent.
        """
        self.contract, self.tls, self.proxy, self.listener = contract, tls, proxy, listener
        self.amend: Callable[[Request, Answer], Answer] = lambda _, answer: answer
        """Changes the contract's response to a request, for example to a task's state."""
        self.revoked: set[str] = set()
        """Refused tokens; any other sk-... is accepted."""
        self.problems: list[str] = []
        """The departures of all requests from the document; a test clears the intended ones."""
        self.connections = 0
        """The number of connections ever opened."""
        self.open: dict[int, socket.socket] = {}
        self.stopping, self.changed = Event(), Condition()
        self._requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        super().__init__(("127.0.0.1", port), _Connection)
        self.url = f"{'https' if tls and not proxy else 'http'}://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        """Skip HTTPServer's lookup of the host name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # frees the port immediately
        socket.socket.bind(self.socket, self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections, and wait for them."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self.changed:
            for connection in self.open.values():
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The client has already disconnected.
        self.wait_until_idle()

    def answer(self, answer: Answer | str, times: int = 1) -> None:
        """Script the next responses: an Answer, or the name of a scenario."""
        self._script.extend([_named(answer)] * times)

    def always(self, answer: Answer | str | None) -> None:
        """Set the response to all later requests; None restores the relay's own."""
        self._always = _named(answer) if answer is not None else None

    @property
    def requests(self) -> list[Request]:
        """The received requests, oldest first."""
        with self.changed:
            return list(self._requests)

    @property
    def request(self) -> Request:
        """The only received request."""
        (request,) = self.requests
        return request

    @property
    def chargeable(self) -> list[Request]:
        """The requests that a relay could have accepted and charged for."""
        return [request for request in self.requests if request.chargeable]

    @property
    def open_connections(self) -> int:
        with self.changed:
            return len(self.open)

    def forget(self) -> None:
        """Clear the log."""
        with self.changed:
            self._requests.clear()
            self.problems.clear()

    def wait_for(self, requests: int, timeout: float = 10) -> None:
        """Wait until this many requests have arrived; raise TimeoutError."""
        self._wait(lambda: len(self._requests) >= requests, timeout)

    def wait_until_idle(self, timeout: float = 10) -> None:
        """Wait until no connection is open; raise TimeoutError."""
        self._wait(lambda: not self.open, timeout)

    def _wait(self, until: Callable[[], bool], timeout: float) -> None:
        with self.changed:
            if not self.changed.wait_for(until, timeout):
                state = f"{len(self._requests)} requests have arrived, {len(self.open)} connections are open"
                raise TimeoutError(f"{state} after {timeout} s")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Record an error in a connection's thread, unless the client disconnected."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.problems.append(f"the stand-in itself failed: {error!r}")

    def receive(self, request: Request) -> Answer:
        """Check and log a request, and return the response; called by the connections' threads."""
        request.id = f"20261123{secrets.randbelow(10**12):012}{secrets.token_hex(4)}"
        answer = self._judge(request, self.contract.find(request))
        with self.changed:
            if self._script:
                answer = self._script.popleft()
            elif self._always:
                answer = self._always
            request.status = answer.status
            body = answer.body.replace(REQUEST_ID.encode(), request.id.encode())
            answer = replace(answer, body=body, headers={"X-Oneapi-Request-Id": request.id, **answer.headers})
            self._requests.append(request)
            self.problems += request.problems
            self.listener(request, answer)
            self.changed.notify_all()
        return answer

    def _judge(self, request: Request, operation: Operation | None) -> Answer:
        if operation is None:
            request.problems.append(f"{request.method} {request.path} is not documented")
            if f"{request.path}/".startswith(_INSIDE):
                return invalid_url(request.method, request.path)
            return RECORDED["console"].answer
        request.route = operation.route
        departures = self.contract.departures(operation, request)
        request.problems += map(str, departures)
        if operation.is_bearer and not self._knows(request.headers.get_all("authorization", [])):
            request.problems.append("no token, or an unknown one")
            return RECORDED["bad_token"].answer
        request.chargeable = self.contract.could_be_charged(operation, request)
        return self.amend(request, self.contract.answer(operation, request, departures))

    def _knows(self, authorization: list[str]) -> bool:
        scheme, _, token = (authorization if len(authorization) == 1 else [""])[0].partition(" ")
        return scheme.lower() == "bearer" and token.startswith("sk-") and token not in self.revoked


def _named(answer: Answer | str) -> Answer:
    return SCENARIOS[answer].answer if isinstance(answer, str) else answer


class _Connection(BaseHTTPRequestHandler):
    """One connection, with the faults that an Answer can script."""

    server: Relay  # pyright: ignore[reportIncompatibleVariableOverride]  # declared as BaseServer there
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        with self.server.changed:
            self.server.connections += 1
            self.number = self.server.connections
            self.server.open[self.number] = self.request
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
            with self.server.changed:
                del self.server.open[self.number]
                self.server.changed.notify_all()

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.rfile.close()
        self.request = context.wrap_socket(self.request, server_side=True)
        self.server.open[self.number] = self.request
        super().setup()

    def do_CONNECT(self) -> None:
        """Open a tunnel that ends here, so that a client can use the relay's real host name."""
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
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value.encode().decode("latin-1"))  # http.server encodes headers as Latin-1
        self.end_headers()
        if self.command != "HEAD" and answer.chunks is None:
            self.wfile.write(answer.body[: answer.cut])
        for chunk in answer.chunks or ():
            if self.server.stopping.wait(answer.pause):
                return
            if chunk:  # An empty chunk would end the body.
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if answer.cut is not None or answer.reset:
            self.hang_up(reset=answer.reset)
        elif answer.chunks is not None:
            self.wfile.write(b"0\r\n\r\n")

    def hang_up(self, *, reset: bool) -> None:
        """Close the connection now: with a FIN, or with a RST, which also drops data in flight."""
        self.close_connection = True
        if reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.request.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Log nothing: the relay has its own log."""

    do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_HEAD = do_PATCH = do_TRACE = serve  # noqa: N815  # http.server looks these names up
