"""What both clients share: settings, connections, derived clients, and calls of operations."""

import math
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, Self

import httpx

from ..errors import CONTENT_LIMIT
from . import settings
from .calls import asend, send
from .connections import Connections
from .deadline import EXTENSION, LONGEST, Deadline, deadline_of
from .http_clients import AsyncClient, SyncClient
from .reading import Body, aread, read
from .requests import Requests
from .results import ResponsePolicy, Rules, can_be_streamed, result
from .token import Token

_CHECKS: dict[str, Callable[[Any], Any]] = {
    "base_url": settings.base_url,
    "timeout": settings.timeout,
    "deadline": settings.deadline,
    "max_response_bytes": settings.max_response_bytes,
    "raise_on_unexpected_status": lambda value: settings.flag("raise_on_unexpected_status", value),
    "follow_redirects": lambda value: settings.flag("follow_redirects", value),
}
"""The settings that can be changed on a client, each with its check."""
_CLIENTS = __name__.replace("_sending.base_client", "client")
"""The module of Client and AuthenticatedClient."""


class BaseClient:
    """Sends the operations' requests; see Client."""

    base_url: str
    timeout: httpx.Timeout
    deadline: float | None
    max_response_bytes: int | None
    raise_on_unexpected_status: bool
    follow_redirects: bool
    _headers: httpx.Headers
    _cookies: dict[str, str]
    _connections: Connections
    _owns_connections: bool
    _requests: Requests
    _token: Token | None

    def _start(self, token: Token | None, options: dict[str, Any], **values: Any) -> None:
        """Take settings that are checked, and connections of its own."""
        self.__dict__.update(values, _token=token, _connections=Connections(options), _owns_connections=True)
        self._renew_requests()

    def _renew_requests(self) -> None:
        self.__dict__["_requests"] = Requests(self._headers, self._cookies)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.__dict__.get('base_url')!r})"

    def __setattr__(self, name: str, value: Any) -> None:
        check = _CHECKS.get(name)
        if check is None and (hasattr(type(self), name) or type(self).__module__ != _CLIENTS):
            object.__setattr__(self, name, value)  # a mock's method, or an attribute of a subclass
            return
        if check is None:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r} to change{_hint(name)}")
        self.__dict__[name] = check(value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_requests"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _owns_connections=True)
        self._renew_requests()

    def __copy__(self) -> Self:
        return self._derive()

    def _derive(self, **changes: Any) -> Self:
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__, _owns_connections=False, **changes)
        if "_headers" in changes or "_cookies" in changes:
            derived._renew_requests()
        return derived

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """A client with more headers, on the same connections."""
        return self._derive(_headers=httpx.Headers({**self._headers, **settings.headers(headers)}))

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """A client with more cookies, on the same connections."""
        return self._derive(_cookies={**self._cookies, **settings.cookies(cookies)})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout, in seconds for each step, on the same connections."""
        return self._derive(timeout=settings.timeout(timeout))

    def with_deadline(self, deadline: float | None) -> Self:
        """A client with another deadline, in seconds for a whole call, on the same connections."""
        return self._derive(deadline=settings.deadline(deadline))

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client of all threads of this process; errors.ClientClosed once closed."""
        http: httpx.Client = self._connections.get(SyncClient)
        return http

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The httpx client of the running event loop; errors.ClientClosed once closed."""
        http: httpx.AsyncClient = self._connections.get(AsyncClient, _running_loop())
        return http

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Send by your own client in all threads of this process; it is closed with this one, whose settings count."""
        self._connections.replace(client)
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Send by your own client on the running event loop; it is closed with this one, whose settings count."""
        self._connections.replace(async_client, _running_loop())
        return self

    def close(self) -> None:
        """Close the connections of all threads of this process permanently; a no-op on derived clients.

        Calls in flight end as they would. Calls that wait for a connection raise errors.ClientClosed.
        """
        if self._owns_connections:
            http = self._connections.replace(None)
            if http is not None:
                http.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop permanently, as close() does."""
        if self._owns_connections:
            http = self._connections.replace(None, _running_loop())
            if http is not None:
                await http.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
        self.close()

    def call(self, rules: Rules, operation: dict[str, Any], *, success_only: bool) -> Any:
        """Call an operation, for generated code: returns its Response or, where `success_only`, just the success."""
        http = self.get_httpx_client()
        request = self._request(http, operation)
        # Do not bind the response here: tracebacks show local variables, and a relay may echo the token.
        return result(rules, self._received(http, request), self._policy, success_only=success_only)

    def _received(self, http: httpx.Client, request: httpx.Request) -> tuple[httpx.Response, Body]:
        deadline = deadline_of(request)
        with deadline.enforced(request) if deadline else nullcontext():
            response = send(http, request, self._token, follow_redirects=self.follow_redirects)
            return response, read(response, self._policy.max_response_bytes, deadline)

    async def acall(self, rules: Rules, operation: dict[str, Any], *, success_only: bool) -> Any:
        """The same on an event loop."""
        http = self.get_async_httpx_client()
        request = self._request(http, operation)
        return result(rules, await self._areceived(http, request), self._policy, success_only=success_only)

    async def _areceived(self, http: httpx.AsyncClient, request: httpx.Request) -> tuple[httpx.Response, Body]:
        deadline = deadline_of(request)
        async with deadline.aenforced(request) if deadline else nullcontext():
            response = await asend(http, request, self._token, follow_redirects=self.follow_redirects)
            return response, await aread(response, self._policy.max_response_bytes)

    @contextmanager
    def stream(self, rules: Rules, operation: dict[str, Any]) -> Generator[httpx.Response, None, None]:
        """The open response of a documented success; the deadline ends with its headers, its size has no limit."""
        http = self.get_httpx_client()
        request = self._request(http, operation)
        deadline = deadline_of(request)
        with deadline.enforced(request) if deadline else nullcontext():
            response = send(http, request, self._token, follow_redirects=self.follow_redirects)
        try:
            if not can_be_streamed(rules, response):
                result(rules, (response, read(response, CONTENT_LIMIT)), self._policy, success_only=True)
            if deadline:
                deadline.lift()
            yield response
        finally:
            response.close()

    @asynccontextmanager
    async def astream(self, rules: Rules, operation: dict[str, Any]) -> AsyncGenerator[httpx.Response, None]:
        """The same on an event loop."""
        http = self.get_async_httpx_client()
        request = self._request(http, operation)
        deadline = deadline_of(request)
        async with deadline.aenforced(request) if deadline else nullcontext():
            response = await asend(http, request, self._token, follow_redirects=self.follow_redirects)
        try:
            if not can_be_streamed(rules, response):
                result(rules, (response, await aread(response, CONTENT_LIMIT)), self._policy, success_only=True)
            yield response
        finally:
            await response.aclose()

    def _request(self, http: httpx.Client | httpx.AsyncClient, operation: dict[str, Any]) -> httpx.Request:
        """The request, still without the token."""
        request = self._requests.build(http, self.base_url, operation, _steps(self.timeout, self.deadline))
        if self.deadline is not None:
            request.extensions[EXTENSION] = Deadline(self.deadline)
        return request

    @property
    def _policy(self) -> ResponsePolicy:
        limit = math.inf if self.max_response_bytes is None else self.max_response_bytes
        return ResponsePolicy(self._token, limit, self.raise_on_unexpected_status)


def _steps(timeout: httpx.Timeout, deadline: float | None) -> dict[str, float | None]:
    """Per-step timeouts, capped at the deadline."""
    longest = LONGEST if deadline is None else min(deadline, LONGEST)
    return {
        step: deadline and longest if seconds is None else min(seconds, longest)
        for step, seconds in timeout.as_dict().items()
    }


def _running_loop() -> Any:
    import asyncio  # slow to load, and not needed by threads

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("there is no running event loop of asyncio's (or uvloop's); trio is not supported") from None


def _hint(name: str) -> str:
    if name == "token":
        return "; see set_token()"
    import difflib  # slow to load, and needed for the message only

    near = difflib.get_close_matches(name, _CHECKS, 1)
    return f"; did you mean {near[0]}?" if near else f"; these can be changed: {', '.join(_CHECKS)}"
