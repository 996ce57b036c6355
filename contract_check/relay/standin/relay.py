"""The stand-in relay: a server on loopback that judges each request by a contract, and answers as the relay does."""

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
    """One request as it came over the wire, and what the stand-in made of it."""

    connection: int = 0
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


class Relay(ThreadingHTTPServer):
    """The server. Within `with`, it listens at `url`."""

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
        """At `port`, or at one that is free; raises OSError where another server has it.

        With `tls` it speaks TLS; as a `proxy`, only within the tunnels that it is asked for.

        `listener` is told of each request and its answer, before that travels.
        """
        self.contract, self.tls, self.proxy, self.listener = contract, tls, proxy, listener
        self.amend: Callable[[Request, Answer], Answer] = lambda _, answer: answer
        """What makes the final answer to a request of the one that its operation has, such as a task's state."""
        self.revoked: set[str] = set()
        """Tokens that it refuses; any other sk-... will do."""
        self.problems: list[str] = []
        """In what the requests so far departed from the document; a test clears those that it meant."""
        self.connections = 0
        """How many connections were ever opened."""
        self.open: dict[int, socket.socket] = {}
        self.stopping, self.changed = Event(), Condition()
        self._requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        super().__init__(("127.0.0.1", port), _Connection)
        self.url = f"{'https' if tls and not proxy else 'http'}://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its port is free again at once
        socket.socket.bind(self.socket, self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
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

    def answer(self, answer: Answer | str, times: int = 1) -> None:
        """Has the next requests answered so: by an Answer, or by the name of a scenario."""
        self._script.extend([_named(answer)] * times)

    def always(self, answer: Answer | str | None) -> None:
        """Has all requests answered so from now on, or, with None, as the relay does."""
        self._always = _named(answer) if answer is not None else None

    @property
    def requests(self) -> list[Request]:
        """What has arrived, oldest first."""
        with self.changed:
            return list(self._requests)

    @property
    def request(self) -> Request:
        """What arrived, where exactly one request was due."""
        (request,) = self.requests
        return request

    @property
    def chargeable(self) -> list[Request]:
        """The requests that a relay could have accepted, and asked money for."""
        return [request for request in self.requests if request.chargeable]

    @property
    def open_connections(self) -> int:
        with self.changed:
            return len(self.open)

    def forget(self) -> None:
        """Empties the log."""
        with self.changed:
            self._requests.clear()
            self.problems.clear()

    def wait_for(self, requests: int, timeout: float = 10) -> None:
        """Returns once so many requests have arrived; raises TimeoutError."""
        self._wait(lambda: len(self._requests) >= requests, timeout)

    def wait_until_idle(self, timeout: float = 10) -> None:
        """Returns once no connection is open; raises TimeoutError."""
        self._wait(lambda: not self.open, timeout)

    def _wait(self, until: Callable[[], bool], timeout: float) -> None:
        with self.changed:
            if not self.changed.wait_for(until, timeout):
                state = f"{len(self._requests)} requests have arrived, {len(self.open)} connections are open"
                raise TimeoutError(f"{state} after {timeout} s")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Notes what went wrong in a connection's thread, unless the other side just left."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.problems.append(f"the stand-in itself failed: {error!r}")

    def receive(self, request: Request) -> Answer:
        """Checks and logs a request; returns its answer. Called by the connections' threads."""
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
            request.problems.append(f"{request.method} {request.path} is not in the document")
            if f"{request.path}/".startswith(_INSIDE):
                return invalid_url(request.method, request.path)
            return RECORDED["console"].answer
        request.route = operation.route
        departures = self.contract.departures(operation, request)
        request.problems += map(str, departures)
        if operation.is_bearer and not self._knows(request.headers.get_all("authorization", [])):
            request.problems.append("no token, or one that the relay does not know")
            return RECORDED["bad_token"].answer
        request.chargeable = self.contract.could_be_charged(operation, request)
        return self.amend(request, self.contract.answer(operation, request, departures))

    def _knows(self, authorization: list[str]) -> bool:
        scheme, _, token = (authorization if len(authorization) == 1 else [""])[0].partition(" ")
        return scheme.lower() == "bearer" and token.startswith("sk-") and token not in self.revoked


def _named(answer: Answer | str) -> Answer:
    return SCENARIOS[answer].answer if isinstance(answer, str) else answer


class _Connection(BaseHTTPRequestHandler):
    """One connection, and the ways in which its answers can go wrong on purpose."""

    server: Relay  # pyright: ignore[reportIncompatibleVariableOverride]  # there it is any server
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
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value.encode().decode("latin-1"))  # http.server has no other letters
        self.end_headers()
        if self.command != "HEAD" and answer.chunks is None:
            self.wfile.write(answer.body[: answer.cut])
        for chunk in answer.chunks or ():
            if self.server.stopping.wait(answer.pause):
                return
            if chunk:  # An empty one would end the body.
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if answer.cut is not None or answer.reset:
            self.hang_up(reset=answer.reset)
        elif answer.chunks is not None:
            self.wfile.write(b"0\r\n\r\n")

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
