"""The stand-in relay: a threaded HTTP server on loopback that knows one contract."""

import secrets
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from http.server import ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, Self

from . import judging
from .answers import REQUEST_ID, Answer, invalid_url
from .contract import Contract, Operation
from .handler import Handler
from .request import Request
from .scenarios import RECORDED, SCENARIOS
from .tasks import Tasks

_INSIDE = ("/v1/", "/api/", "/assets/")


class Relay:
    """The server. Within `with`, it listens at `url`."""

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
        self.contract = contract
        self.tasks: Tasks | None = None
        """What answers queries by the tasks that were submitted; without it, each query has the same answer."""
        self.listener = listener
        self.tls = tls
        self.proxy = proxy
        self.revoked: set[str] = set()
        """Tokens that it refuses; any other sk-... will do."""
        self.stopping = Event()
        self.problems: list[str] = []
        """In what the requests so far departed from the document; a test clears those that it meant."""
        self.connections = 0
        """How many connections were ever opened."""
        self._requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self._open: dict[int, socket.socket] = {}
        self._changed = Condition()
        self._server = _Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        scheme = "https" if self.tls and not self.proxy else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        with self._changed:
            for connection in self._open.values():
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The other side has left already.
        self.wait_until_idle()
        self._thread.join()

    def answer(self, answer: Answer | str, times: int = 1) -> None:
        """Has the next requests answered so: by an Answer, or by the name of a scenario."""
        self._script.extend([_named(answer)] * times)

    def always(self, answer: Answer | str | None) -> None:
        """Has all requests answered so from now on, or, with None, as the relay does."""
        self._always = _named(answer) if answer is not None else None

    @property
    def requests(self) -> list[Request]:
        """What has arrived, oldest first."""
        with self._changed:
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
        with self._changed:
            return len(self._open)

    def forget(self) -> None:
        """Empties the log."""
        with self._changed:
            self._requests.clear()
            self.problems.clear()

    def wait_for(self, requests: int, timeout: float = 10) -> None:
        """Returns once so many requests have arrived; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= requests, timeout):
                raise TimeoutError(f"{len(self._requests)} of {requests} requests arrived within {timeout} s")

    def wait_until_idle(self, timeout: float = 10) -> None:
        """Returns once no connection is open; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._open, timeout):
                raise TimeoutError(f"{len(self._open)} connections are open after {timeout} s")

    def receive(self, request: Request) -> Answer:
        """Checks and logs a request; returns its answer. Called by the connections' threads."""
        request.id = f"20261123{secrets.randbelow(10**12):012}{secrets.token_hex(4)}"
        operation = self.contract.find(request.method, request.path)
        answer = self._judge(request, operation)
        with self._changed:
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
            self._changed.notify_all()
        return answer

    def _judge(self, request: Request, operation: Operation | None) -> Answer:
        if operation is None:
            request.problems.append(f"{request.method} {request.path} is not in the document")
            if f"{request.path}/".startswith(_INSIDE):
                return invalid_url(request.method, request.path)
            return RECORDED["console"].answer
        request.route = operation.route
        departures = self.contract.departures(operation, request)
        request.problems += map(judging.line, departures)
        if operation.is_bearer and not self._knows(request.headers.get_all("authorization", [])):
            request.problems.append("no token, or one that the relay does not know")
            return RECORDED["bad_token"].answer
        request.chargeable = self.contract.could_be_charged(operation, request)
        answer = self.contract.answer(operation, request, departures)
        return self.tasks.answer(request, answer) if self.tasks else answer

    def _knows(self, authorization: list[str]) -> bool:
        scheme, _, token = (authorization if len(authorization) == 1 else [""])[0].partition(" ")
        return scheme.lower() == "bearer" and token.startswith("sk-") and token not in self.revoked

    def opened(self, connection: socket.socket) -> int:
        """Notes a connection; returns its number."""
        with self._changed:
            self.connections += 1
            self._open[self.connections] = connection
            return self.connections

    def replaced(self, number: int, connection: socket.socket) -> None:
        """Notes that a connection now speaks TLS."""
        with self._changed:
            self._open[number] = connection

    def closed(self, number: int) -> None:
        """Notes that a connection has ended."""
        with self._changed:
            del self._open[number]
            self._changed.notify_all()

    def failed(self, error: BaseException | None) -> None:
        """Notes what went wrong in a connection's thread, unless the other side just left."""
        if not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.problems.append(f"the stand-in itself failed: {error!r}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, relay: Relay, port: int) -> None:
        self.relay = relay
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its port is free again at once
        socket.socket.bind(self.socket, self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.relay.failed(sys.exception())


def _named(answer: Answer | str) -> Answer:
    return SCENARIOS[answer].answer if isinstance(answer, str) else answer
