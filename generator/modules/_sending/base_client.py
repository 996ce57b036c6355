"""What both clients do: share connections, derive from one another, and make the operations' calls."""

import math
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import httpx

from ..errors import CONTENT_LIMIT
from . import settings
from .calls import asend, send
from .connections import Connections
from .http_clients import AsyncClient, SyncClient
from .reading import Body, aread, read
from .requests import Requests
from .results import Judgement, Rules, result, rule_for
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
        """Takes the settings, already checked, and has connections of its own."""
        self.__dict__.update(values, _token=token, _connections=Connections(options), _owns_connections=True)
        self._renew_requests()

    def _renew_requests(self) -> None:
        self.__dict__["_requests"] = Requests(self._headers, self._cookies)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.__dict__.get('base_url')!r})"

    def __setattr__(self, name: str, value: Any) -> None:
        check = _CHECKS.get(name)
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
        derived._renew_requests()
        return derived

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """A client with more headers, on the same connections."""
        return self._derive(_headers=httpx.Headers({**self._headers, **settings.headers(headers)}))

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """A client with more cookies, on the same connections."""
        return self._derive(_cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout, in seconds for each step, on the same connections."""
        return self._derive(timeout=settings.timeout(timeout))

    def with_deadline(self, deadline: float | None) -> Self:
        """A client with another deadline, in seconds for a whole call, on the same connections."""
        return self._derive(deadline=settings.deadline(deadline))

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client of all threads of this process; RuntimeError once closed."""
        http: httpx.Client = self._connections.get(SyncClient)
        return http

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The httpx client of the running event loop; RuntimeError once closed."""
        http: httpx.AsyncClient = self._connections.get(AsyncClient, _running_loop())
        return http

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """A client of yours for all threads of this process, closed with this one; settings stay those of this one."""
        self._connections.replace(client)
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """A client of yours for the running event loop, closed with this one; settings stay those of this one."""
        self._connections.replace(async_client, _running_loop())
        return self

    def close(self) -> None:
        """Closes the connections of all threads of this process, for good. Of a derived client: nothing."""
        if self._owns_connections:
            http = self._connections.replace(None)
            if http is not None:
                http.close()

    async def aclose(self) -> None:
        """Closes the connections of the running event loop, for good. Of a derived client: nothing."""
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
        """Makes a call of an operation, for generated code. Returns its Response or, if so, just the success."""
        http = self.get_httpx_client()
        request = self._request(http, operation)
        deadline = self.deadline
        until = math.inf if deadline is None else time.monotonic() + deadline

        def work() -> tuple[httpx.Response, Body]:
            response = send(http, request, self._token, follow_redirects=self.follow_redirects)
            return response, read(response, self._judgement.max_response_bytes, until)

        # An answer is in no variable of this frame, which an error shows: a relay may repeat the token.
        if deadline is None:
            return result(rules, work(), self._judgement, success_only=success_only)
        from .deadline import run  # loads what a client without a deadline doesn't need

        return result(rules, run(deadline, request, work), self._judgement, success_only=success_only)

    async def acall(self, rules: Rules, operation: dict[str, Any], *, success_only: bool) -> Any:
        """The same on an event loop."""
        http = self.get_async_httpx_client()
        request = self._request(http, operation)

        async def work() -> tuple[httpx.Response, Body]:
            response = await asend(http, request, self._token, follow_redirects=self.follow_redirects)
            return response, await aread(response, self._judgement.max_response_bytes)

        if self.deadline is None:
            return result(rules, await work(), self._judgement, success_only=success_only)
        from .deadline import arun

        answer = arun(self.deadline, request, work)
        return result(rules, await answer, self._judgement, success_only=success_only)

    @contextmanager
    def stream(self, rules: Rules, operation: dict[str, Any]) -> Generator[httpx.Response, None, None]:
        """The open response of a documented success; the deadline ends with its headers, its size has no limit."""
        http = self.get_httpx_client()
        request = self._request(http, operation)

        def work() -> httpx.Response:
            return send(http, request, self._token, follow_redirects=self.follow_redirects)

        if self.deadline is None:
            response = work()
        else:
            from .deadline import run

            response = run(self.deadline, request, work)
        try:
            if not _is_documented_success(rules, response):
                result(rules, (response, read(response, CONTENT_LIMIT, math.inf)), self._judgement, success_only=True)
            yield response
        finally:
            response.close()

    @asynccontextmanager
    async def astream(self, rules: Rules, operation: dict[str, Any]) -> AsyncGenerator[httpx.Response, None]:
        """The same on an event loop."""
        http = self.get_async_httpx_client()
        request = self._request(http, operation)

        async def work() -> httpx.Response:
            return await asend(http, request, self._token, follow_redirects=self.follow_redirects)

        if self.deadline is None:
            response = await work()
        else:
            from .deadline import arun

            response = await arun(self.deadline, request, work)
        try:
            if not _is_documented_success(rules, response):
                result(rules, (response, await aread(response, CONTENT_LIMIT)), self._judgement, success_only=True)
            yield response
        finally:
            await response.aclose()

    def _request(self, http: httpx.Client | httpx.AsyncClient, operation: dict[str, Any]) -> httpx.Request:
        """The request, still without the token."""
        return self._requests.build(http, self.base_url, operation, _steps(self.timeout, self.deadline))

    @property
    def _judgement(self) -> Judgement:
        limit = math.inf if self.max_response_bytes is None else self.max_response_bytes
        return Judgement(self._token, limit, self.raise_on_unexpected_status)


def _steps(timeout: httpx.Timeout, deadline: float | None) -> dict[str, float | None]:
    """The seconds for each step, none of which takes longer than the whole call may."""
    steps = timeout.as_dict()
    if deadline is None:
        return steps
    return {step: deadline if seconds is None else min(seconds, deadline) for step, seconds in steps.items()}


def _is_documented_success(rules: Rules, response: httpx.Response) -> bool:
    return response.is_success and rule_for(rules, response.status_code) is not None


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
