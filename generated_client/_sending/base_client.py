"""The base of both clients: settings, connections, derived clients, and calls of operations."""

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, Self

import httpx

from ..errors import CONTENT_LIMIT, DecodeError, ResponseError
from ..types import UNSET
from . import settings
from .calls import asend, send
from .connections import Connections
from .deadline import EXTENSION, LONGEST, Deadline
from .http_clients import AsyncClient, SyncClient
from .reading import aread, read
from .requests import Requests
from .results import ResponsePolicy, Rules, can_be_streamed, refusal, result
from .retries import Attempts, describe, log_by_environment, log_response
from .token import Token
from .transport_errors import explained
from .undocumented import ANY_SUCCESS, undocumented, whole

_CHECKS: dict[str, Callable[[Any], Any]] = {
    "base_url": settings.base_url,
    "timeout": settings.timeout,
    "deadline": settings.deadline,
    "max_retries": settings.max_retries,
    "max_response_bytes": settings.max_response_bytes,
    "raise_on_unexpected_status": lambda value: settings.flag("raise_on_unexpected_status", value),
    "follow_redirects": lambda value: settings.flag("follow_redirects", value),
}
"""The settings that can be changed on a client, each with its check."""
_CLIENTS = __name__.replace("_sending.base_client", "client")
"""The module of Client and AuthenticatedClient."""


class BaseClient:
    """The settings, connections and calls of a client; see Client."""

    base_url: str
    timeout: httpx.Timeout
    deadline: float | None
    max_retries: int
    max_response_bytes: int | None
    raise_on_unexpected_status: bool
    follow_redirects: bool
    _headers: httpx.Headers
    _cookies: dict[str, str]
    _connections: Connections
    _owns_connections: bool
    _requests: Requests
    _token: Token | None
    _bounds_streams: bool = False
    """Whether the deadline covers reading the body of a stream."""

    def _start(self, token: Token | None, options: dict[str, Any], **values: Any) -> None:
        """Set the validated settings, and create connections."""
        log_by_environment()
        self.__dict__.update(values, _token=token, _connections=Connections(options), _owns_connections=True)
        self._renew_requests()

    def _renew_requests(self) -> None:
        self.__dict__["_requests"] = Requests(self._headers, self._cookies)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.__dict__.get('base_url')!r})"

    def __setattr__(self, name: str, value: Any) -> None:
        check = _CHECKS.get(name)
        if check is None and (hasattr(type(self), name) or type(self).__module__ != _CLIENTS):
            object.__setattr__(self, name, value)  # a mocked method, or an attribute of a subclass
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
        """Return a client that also sends these headers, on the same connections."""
        return self._derive(_headers=httpx.Headers({**self._headers, **settings.headers(headers)}))

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """Return a client that also sends these cookies, on the same connections."""
        return self._derive(_cookies={**self._cookies, **settings.cookies(cookies)})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """Return a client with another timeout, in seconds for each step, on the same connections."""
        return self._derive(timeout=settings.timeout(timeout))

    def with_deadline(self, deadline: float | None) -> Self:
        """Return a client with another deadline, in seconds for a whole call, on the same connections."""
        return self._derive(deadline=settings.deadline(deadline))

    def with_max_retries(self, max_retries: int) -> Self:
        """Return a client that retries requests this often if that is free, on the same connections."""
        return self._derive(max_retries=settings.max_retries(max_retries))

    def for_attempt(self, seconds: float) -> Self:
        """Return a client for one attempt of at most `seconds`, reading a stream included. For generated code."""
        deadline = seconds if self.deadline is None else min(seconds, self.deadline)
        return self._derive(deadline=deadline, max_retries=0, _bounds_streams=True)

    def mask(self, text: str) -> str:
        """Mask the token in a text of the relay. For generated code."""
        return self._token.mask(text) if self._token else text

    def unexpected_body(self, response: httpx.Response, problem: str) -> ResponseError:
        """Return the error of a stream with an unexpected body. For generated code."""
        reason = f" unexpected response body ({problem})"
        return refusal(DecodeError, reason, response=response, content=b"", token=self._token)

    def get_httpx_client(self) -> httpx.Client:
        """Return the httpx client of all threads of this process; raises errors.ClientClosed after close()."""
        http: httpx.Client = self._connections.get(SyncClient)
        return http

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the httpx client of the running event loop; raises errors.ClientClosed after aclose()."""
        http: httpx.AsyncClient = self._connections.get(AsyncClient, _running_loop())
        return http

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Send through your own httpx client in all threads of this process. close() closes it.

        Connections, proxies, hooks and transports are those of your client; headers, cookies, timeouts, deadline and
        redirects those of this one.
        """
        self._connections.replace(client)
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Send through your own httpx client on the running event loop, as set_httpx_client() does for threads."""
        self._connections.replace(async_client, _running_loop())
        return self

    def close(self) -> None:
        """Close the connections of all threads of this process, permanently; a no-op on derived clients.

        Calls in flight complete. Calls that wait for a connection raise errors.ClientClosed.
        """
        if self._owns_connections:
            http = self._connections.replace(None)
            if http is not None:
                http.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, as close() does for threads."""
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
        """Call an operation; returns its Response or, if `success_only`, the parsed success. For generated code."""
        limit, deadline = self._policy.max_response_bytes, self._deadline()

        def receive(response: httpx.Response) -> Any:
            return response, read(response, limit, deadline)

        # Do not bind the response here: tracebacks show local variables, and a relay may echo the token.
        return result(rules, self._send(operation, deadline, receive), self._policy, success_only=success_only)

    async def acall(self, rules: Rules, operation: dict[str, Any], *, success_only: bool) -> Any:
        """Async version of call()."""
        limit = self._policy.max_response_bytes

        async def receive(response: httpx.Response) -> Any:
            return response, await aread(response, limit)

        received = self._asend(operation, self._deadline(), receive)
        return result(rules, await received, self._policy, success_only=success_only)

    def request(
        self, method: str, path: str, *, json: Any = UNSET, params: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Send a request that the document does not describe, with the client's token, deadline and retries.

        Args:
            method: The HTTP method, such as "GET".
            path: The path after base_url, such as "/v1/models".
            json: The body, sent as JSON; by default none.
            params: The query parameters.

        Returns:
            The response, read and decompressed.

        Raises:
            errors.UnexpectedStatus: A status other than 2xx, unless `raise_on_unexpected_status` is False.
            errors.InvalidArgument: The method, the path or the body is invalid.
            errors.ResponseTooLarge: The body is larger than `max_response_bytes`.
            httpx.TransportError: No complete response arrived; see errors.NOT_SENT.
        """
        operation = undocumented(method, path, json, params)
        return whole(operation, self.base_url, self.call(ANY_SUCCESS, operation, success_only=False))

    async def arequest(
        self, method: str, path: str, *, json: Any = UNSET, params: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Async version of request()."""
        operation = undocumented(method, path, json, params)
        return whole(operation, self.base_url, await self.acall(ANY_SUCCESS, operation, success_only=False))

    @contextmanager
    def stream(self, rules: Rules, operation: dict[str, Any]) -> Generator[httpx.Response]:
        """Open the response of a documented success, without deadline or limit for its body. For generated code."""
        deadline = self._deadline()
        response = self._send(operation, deadline, lambda response: response)
        try:
            with deadline.enforced(response.request) if deadline else nullcontext(), explained(response.request):
                if not can_be_streamed(rules, response):
                    result(rules, (response, read(response, CONTENT_LIMIT)), self._policy, success_only=True)
                if deadline and not self._bounds_streams:
                    deadline.lift()
                yield response
        finally:
            response.close()

    @asynccontextmanager
    async def astream(self, rules: Rules, operation: dict[str, Any]) -> AsyncGenerator[httpx.Response]:
        """Async version of stream()."""
        deadline = self._deadline()

        async def receive(response: httpx.Response) -> httpx.Response:
            return response

        response = await self._asend(operation, deadline, receive)
        try:
            async with deadline.aenforced(response.request) if deadline and self._bounds_streams else nullcontext():
                with explained(response.request):
                    if not can_be_streamed(rules, response):
                        body = aread(response, CONTENT_LIMIT)
                        result(rules, (response, await body), self._policy, success_only=True)
                    yield response
        finally:
            await response.aclose()

    def _send(
        self, operation: dict[str, Any], deadline: Deadline | None, receive: Callable[[httpx.Response], Any]
    ) -> Any:
        """Return the result of `receive` for the open response, after as many attempts as are free and allowed."""
        http = self.get_httpx_client()
        name, attempts = self._attempts(operation, deadline)
        while True:
            request = self._request(http, operation, deadline)
            with attempts.attempt(), deadline.enforced(request) if deadline else nullcontext():
                response = send(http, request, self._token, follow_redirects=self.follow_redirects)
                log_response(name, request, response)
                if not attempts.is_repeated(response, self.mask(describe(response))):
                    return receive(response)
                response.close()
            time.sleep(attempts.pause)

    async def _asend(
        self, operation: dict[str, Any], deadline: Deadline | None, receive: Callable[[httpx.Response], Awaitable[Any]]
    ) -> Any:
        """Async version of _send()."""
        import asyncio  # slow to load, and not needed by threads

        http = self.get_async_httpx_client()
        name, attempts = self._attempts(operation, deadline)
        while True:
            request = self._request(http, operation, deadline)
            with attempts.attempt():
                async with deadline.aenforced(request) if deadline else nullcontext():
                    response = await asend(http, request, self._token, follow_redirects=self.follow_redirects)
                    log_response(name, request, response)
                    if not attempts.is_repeated(response, self.mask(describe(response))):
                        return await receive(response)
                    await response.aclose()
            await asyncio.sleep(attempts.pause)

    def _attempts(self, operation: dict[str, Any], deadline: Deadline | None) -> tuple[str, Attempts]:
        """The name of a call in the log, and its attempts."""
        method, path = operation["method"].upper(), operation["url"]
        name = f"{method} {self._token.mask_name(path) if self._token else path}"
        # A file that cannot be rewound is sent once.
        files = [part[1] for _, part in operation.get("files", ())]
        can_repeat = all(file.seekable() for file in files if hasattr(file, "seekable"))
        return name, Attempts(name, method, self.max_retries if can_repeat else 0, deadline)

    def _deadline(self) -> Deadline | None:
        return None if self.deadline is None else Deadline(self.deadline)

    def _request(
        self, http: httpx.Client | httpx.AsyncClient, operation: dict[str, Any], deadline: Deadline | None
    ) -> httpx.Request:
        """Build the request, without the token."""
        request = self._requests.build(http, self.base_url, operation, _steps(self.timeout, self.deadline))
        if deadline:
            request.extensions[EXTENSION] = deadline
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
