"""The stand-in relay: a server on loopback that judges each request by a contract, and answers as the relay does."""

import secrets
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from ...document.operations import Operation
from .answers import REQUEST_ID, Answer, invalid_url
from .connections import Request, Server
from .contract import Contract
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
        self.contract, self.listener = contract, listener
        self.tasks: Tasks | None = None
        """What answers queries by the tasks that were submitted; without it, each query has the same answer."""
        self.revoked: set[str] = set()
        """Tokens that it refuses; any other sk-... will do."""
        self._server = Server(self._receive, port, tls, proxy)
        self._changed = self._server.changed
        self.url = f"{'https' if tls and not proxy else 'http'}://127.0.0.1:{self._server.server_port}"
        self.problems: list[str] = self._server.failures
        """In what the requests so far departed from the document; a test clears those that it meant."""
        self._requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self.wait_until_idle = self._server.wait_until_idle

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

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
    def connections(self) -> int:
        """How many connections were ever opened."""
        return self._server.connections

    @property
    def open_connections(self) -> int:
        with self._changed:
            return len(self._server.open)

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

    def _receive(self, request: Request) -> Answer:
        """Checks and logs a request; returns its answer. Called by the connections' threads."""
        request.id = f"20261123{secrets.randbelow(10**12):012}{secrets.token_hex(4)}"
        answer = self._judge(request, self.contract.find(request))
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
        request.problems += map(str, departures)
        if operation.is_bearer and not self._knows(request.headers.get_all("authorization", [])):
            request.problems.append("no token, or one that the relay does not know")
            return RECORDED["bad_token"].answer
        request.chargeable = self.contract.could_be_charged(operation, request)
        answer = self.contract.answer(operation, request, departures)
        return self.tasks.answer(request, answer) if self.tasks else answer

    def _knows(self, authorization: list[str]) -> bool:
        scheme, _, token = (authorization if len(authorization) == 1 else [""])[0].partition(" ")
        return scheme.lower() == "bearer" and token.startswith("sk-") and token not in self.revoked


def _named(answer: Answer | str) -> Answer:
    return SCENARIOS[answer].answer if isinstance(answer, str) else answer
