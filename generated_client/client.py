"""The clients: settings, connections, credentials, and the sending that all operations share."""

from __future__ import annotations

import json
import math
import os
import re
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import httpx

from . import errors
from .types import Codec, Response

if TYPE_CHECKING:
    import ssl

DEFAULT_TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0, pool=10.0)
MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
Rules = tuple[tuple[int, int, str, Codec], ...]
"""What an operation answers: first and last status, how to read the body, its type."""
_T = TypeVar("_T")
_ELSEWHERE = {"base_url", "cookies", "follow_redirects", "headers", "timeout", "verify"}
_HARMLESS = {
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
}


def _user_agent() -> str:
    from importlib import (
        metadata,  # slow to load, and not needed to import an operation
    )

    name = "relay-client"
    try:
        return f"{name}/{metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name}/unknown"


def _running_loop() -> Any:
    import asyncio  # loaded already where a loop runs

    return asyncio.get_running_loop()


def _origin(request: httpx.Request) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port


def _rule(rules: Rules, response: httpx.Response) -> tuple[int, int, str, Codec] | None:
    return next((rule for rule in rules if rule[0] <= response.status_code <= rule[1]), None)


def _within(seconds: float | None, work: Callable[[], _T]) -> _T:
    """Waits so long for work in a thread of its own: httpx cannot end a slow drip of headers."""
    if seconds is None:
        return work()
    from concurrent.futures import Future

    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        # A response that nobody waits for any more is closed when it comes.
        future.add_done_callback(lambda late: late.exception() or getattr(late.result(), "close", bool)())
        raise errors.DeadlineExceeded(f"the call took longer than {seconds} s") from None


async def _awithin(seconds: float | None, work: Callable[[], Awaitable[_T]]) -> _T:
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:
        raise errors.DeadlineExceeded(f"the call took longer than {seconds} s") from None


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parsed = httpx.URL()
    if (
        parsed.scheme not in ("http", "https")
        or not parsed.host
        or parsed.userinfo
        or "?" in url
        or "#" in url
    ):
        raise ValueError(
            "base_url must be http(s)://host, with a port and path or not, but no user, query or fragment"
        )
    return url.rstrip("/")


def _decode(way: str, codec: Codec, response: httpx.Response, content: bytes) -> Any:
    kind = response.headers.get("Content-Type", "")
    if way == "any":  # the document names a media type, but no schema
        plain = kind.partition(";")[0].strip().lower()
        way = "json" if plain.endswith("json") else "text" if plain.startswith("text/") else "bytes"
    if way == "text":
        return httpx.Response(200, headers={"Content-Type": kind}, content=content).text
    if way != "json":
        return content if way == "bytes" else None
    data = json.loads(content)
    if data is None and not codec.nullable:
        raise TypeError("body: null")
    return codec.decode(data, "body")


class _Secret:
    """A token, out of sight of repr, logs and lists of local variables."""

    value = ""

    def set(self, value: Any) -> str:
        """Takes a good token; says what is wrong with any other, and stays as it was."""
        if not isinstance(value, str) or not re.fullmatch("[!-~]+", value):
            return "token must be visible ASCII characters, without blanks, line breaks or a prefix"
        self.value = value
        return ""

    def hide(self, content: bytes) -> bytes:
        plain = content.replace(self.value.encode(), b"***")
        return plain.replace(self.value.replace("/", "\\/").encode(), b"***")

    def __repr__(self) -> str:
        return "***"


class _Pool:
    """The connections of a client and of all that derive from it; a copy, a pickle and a fork start without any.

    A forked child never touches what it inherits: the parent's sockets, and a lock that may stay locked for good.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.options, self.locks, self.open = (
            options,
            dict[int, threading.Lock](),
            dict[tuple[int, Any], Any](),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _Pool, (self.options,)

    def __deepcopy__(self, memo: Any) -> _Pool:
        return _Pool(self.options)

    def use(self, make: Any, loop: Any = None) -> Any:
        """The httpx client of this process and event loop, or of its threads; makes it where there is none."""
        key = pid, _ = os.getpid(), loop
        with self.locks.setdefault(pid, threading.Lock()):
            if key not in self.open:
                for dead in [k for k in self.open if k[0] == pid and k[1] and k[1].is_closed()]:
                    del self.open[dead]
                self.open[key] = make(**self.options)
            if self.open[key] is None:
                raise RuntimeError("this client was closed, or the one that it derives from")
            return self.open[key]

    def put(self, http: Any, loop: Any = None) -> Any:
        """Exchanges that client, for None to close for good."""
        key = os.getpid(), loop
        with self.locks.setdefault(key[0], threading.Lock()):
            before, self.open[key] = self.open.get(key), http
        return before


class Client:
    """Sends the operations' requests; safe to share between threads, event loops and, by fork or pickle, processes.

    Derived clients (`with_...`) share its connections, and only it can close them. Times are in seconds.

    Args:
        base_url: where the API is: http or https, no query.
        headers, cookies: go with every request, but not with a redirect to another origin.
        timeout: for each step (connect, pool, read, write), None for ever; by default 5, 10, 120, 120.
        deadline: for a whole call, however the time goes; errors.DeadlineExceeded after it. By default none.
        max_response_bytes: of a body, decompressed; errors.ResponseTooLarge above it. By default 64 MiB.
        raise_on_unexpected_status: whether the detailed calls raise errors.UnexpectedStatus.
        verify_ssl: httpx's `verify`.
        follow_redirects: whether redirects are followed, with the body where HTTP says so.
        httpx_args: more arguments for httpx.Client and httpx.AsyncClient: transport, mounts, proxy, limits, http2,
            event_hooks, auth, ...

    Raises:
        ValueError: for an argument that cannot work.
    """

    _auth: tuple[str, str, _Secret] | None = None

    def __init__(
        self,
        base_url: str = "https://api.xiexus.cn",
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        raise_on_unexpected_status: bool = True,
        verify_ssl: ssl.SSLContext | str | bool = True,
        follow_redirects: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        if taken := _ELSEWHERE & set(httpx_args or ()):
            raise ValueError(
                f"{', '.join(sorted(taken))}: an argument of the client itself, not one of httpx_args"
            )
        self.base_url, self.timeout, self.deadline = _checked_url(base_url), httpx.Timeout(timeout), deadline
        self.max_response_bytes, self.follow_redirects = max_response_bytes, follow_redirects
        self.raise_on_unexpected_status = raise_on_unexpected_status
        self._headers = httpx.Headers({"User-Agent": _user_agent(), **httpx.Headers(headers)})
        self._cookies = dict(cookies or {})
        self._pool, self._owner = _Pool({"verify": verify_ssl, **(httpx_args or {})}), True

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _owner=True)

    def _derive(self, **changes: Any) -> Self:
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__, _owner=False, **changes)
        return derived

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """A client with more headers, on the same connections."""
        return self._derive(_headers=httpx.Headers({**self._headers, **httpx.Headers(headers)}))

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """A client with more cookies, on the same connections."""
        return self._derive(_cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with other time-outs (seconds, for each step), on the same connections."""
        return self._derive(timeout=httpx.Timeout(timeout))

    def with_deadline(self, deadline: float | None) -> Self:
        """A client whose calls may take so many seconds in all, on the same connections."""
        return self._derive(deadline=deadline)

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client of all threads of this process; RuntimeError once closed."""
        http: httpx.Client = self._pool.use(httpx.Client)
        return http

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Sends through a client of yours, and closes it as its own; time-outs, headers and the rest stay these."""
        self._pool.put(client)
        return self

    def close(self) -> None:
        """Closes all threads' connections, for good. Of a derived client: nothing."""
        if self._owner and (http := self._pool.put(None)):
            http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:

        self.close()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The httpx client of the running event loop; RuntimeError once closed."""
        http: httpx.AsyncClient = self._pool.use(httpx.AsyncClient, _running_loop())
        return http

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Sends through a client of yours, and closes it as its own; time-outs, headers and the rest stay these."""
        self._pool.put(async_client, _running_loop())
        return self

    async def aclose(self) -> None:
        """Closes the running event loop's connections, for good. Of a derived client: nothing."""
        if self._owner and (http := self._pool.put(None, _running_loop())):
            await http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
        self.close()

    def _request(self, http: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any]) -> httpx.Request:
        steps = {
            k: min(filter(None, (v, self.deadline)), default=None) for k, v in self.timeout.as_dict().items()
        }
        request = http.build_request(
            kwargs["method"],
            self.base_url + kwargs["url"],
            content=kwargs.get("content"),
            files=kwargs.get("files"),
            params=kwargs.get("params"),
            headers={**self._headers, **httpx.Headers(kwargs.get("headers"))},
            cookies={**self._cookies, **kwargs.get("cookies", {})},
            timeout=httpx.Timeout(**steps),
        )
        if self._auth:
            request.headers[self._auth[0]] = f"{self._auth[1]} {self._auth[2].value}".lstrip()
        return request

    def _finish(
        self, rules: Rules, response: httpx.Response, content: bytes, problem: str, strict: bool
    ) -> Any:
        status, good, rule, parsed = response.status_code, response.is_success, _rule(rules, response), None
        hide = self._auth[2].hide if self._auth else bytes
        if rule and not problem:
            try:
                parsed = _decode(*rule[2:], response, hide(content) if strict and not good else content)
            except (TypeError, ValueError, RecursionError) as error:
                problem = str(error)
        kind: type[errors.ResponseError] = errors.ApiError
        reason = ""
        if len(content) > self.max_response_bytes:
            kind, reason = errors.ResponseTooLarge, f" with more than {self.max_response_bytes} bytes"
        elif rule is None and (strict or self.raise_on_unexpected_status):
            kind, reason = errors.UnexpectedStatus, " is not in the document"
        elif good and problem:
            kind, reason = errors.DecodeError, f" with a body that the document doesn't promise ({problem})"
        elif good or not strict:
            detailed = Response(status_code=status, content=content, headers=response.headers, parsed=parsed)
            return parsed if strict else detailed
        if good and content.lstrip()[:1] == b"<":
            reason += "; it looks like HTML, so base_url may be wrong"
        raise kind(
            reason,
            method=response.request.method,
            path=hide(response.request.url.path.encode()).decode(),
            status_code=status,
            headers=httpx.Headers([(k, hide(v)) for k, v in response.headers.raw]),
            content=hide(content),
            parsed=parsed,
        )

    def _open(self, kwargs: dict[str, Any]) -> httpx.Response:
        http = self.get_httpx_client()
        request, auth = self._request(http, kwargs), cast(Any, httpx.USE_CLIENT_DEFAULT)
        for _ in range(http.max_redirects + 1):
            try:
                response = http.send(request, auth=auth, stream=True, follow_redirects=False)
            finally:  # an httpx error carries its request to wherever it is logged or pickled
                if self._auth:
                    request.headers[self._auth[0]] = "***"
            following = response.next_request if self.follow_redirects else None
            if following is None:
                return response
            response.close()
            if auth is None or _origin(following) != _origin(
                request
            ):  # once away, no credential even on the way back
                auth = None
                following.headers = httpx.Headers([i for i in following.headers.items() if i[0] in _HARMLESS])
            elif "Cookie" in request.headers:
                following.headers.setdefault("Cookie", request.headers["Cookie"])
            request = following
        raise httpx.TooManyRedirects("Exceeded maximum allowed redirects.", request=request)

    def _read(self, response: httpx.Response, limit: int, until: float) -> tuple[bytes, str]:
        content, problem = bytearray(), ""
        if "," in response.headers.get("Content-Encoding", ""):  # a bomb within a bomb is not even opened
            response.headers["Content-Encoding"] = "identity"
        try:
            for chunk in response.iter_bytes():
                content += chunk
                if time.monotonic() > until:
                    raise errors.DeadlineExceeded("too late", request=response.request)
                if len(content) > limit:
                    break
        except httpx.RequestError as error:
            # Of an error status, what came is enough; of a success, only a wrong coding is no transport error.
            late = isinstance(error, errors.DeadlineExceeded)
            if late or response.is_success and not isinstance(error, httpx.DecodingError):
                raise
            problem = f"it breaks off, {error}"
        finally:
            response.close()
        return bytes(content), problem

    def call(self, rules: Rules, kwargs: dict[str, Any], *, strict: bool) -> Any:
        """What the generated calls are made of. Returns the Response or, if strict, its meaning (or raises)."""
        until = time.monotonic() + (self.deadline or math.inf)

        def work() -> tuple[httpx.Response, bytes, str]:
            response = self._open(kwargs)
            return response, *self._read(response, self.max_response_bytes, until)

        return self._finish(rules, *_within(self.deadline, work), strict)

    @contextmanager
    def stream(self, rules: Rules, kwargs: dict[str, Any]) -> Generator[httpx.Response, None, None]:
        """The open response of a documented success; the deadline ends with its headers, its size has no limit."""
        response = _within(self.deadline, lambda: self._open(kwargs))
        try:
            if not response.is_success or _rule(rules, response) is None:
                content, problem = self._read(response, errors.CONTENT_LIMIT, math.inf)
                self._finish(rules, response, content[: errors.CONTENT_LIMIT], problem, strict=True)
            yield response
        finally:
            response.close()

    async def _aopen(self, kwargs: dict[str, Any]) -> httpx.Response:
        http = self.get_async_httpx_client()
        request, auth = self._request(http, kwargs), cast(Any, httpx.USE_CLIENT_DEFAULT)
        for _ in range(http.max_redirects + 1):
            try:
                response = await http.send(request, auth=auth, stream=True, follow_redirects=False)
            finally:  # an httpx error carries its request to wherever it is logged or pickled
                if self._auth:
                    request.headers[self._auth[0]] = "***"
            following = response.next_request if self.follow_redirects else None
            if following is None:
                return response
            await response.aclose()
            if auth is None or _origin(following) != _origin(
                request
            ):  # once away, no credential even on the way back
                auth = None
                following.headers = httpx.Headers([i for i in following.headers.items() if i[0] in _HARMLESS])
            elif "Cookie" in request.headers:
                following.headers.setdefault("Cookie", request.headers["Cookie"])
            request = following
        raise httpx.TooManyRedirects("Exceeded maximum allowed redirects.", request=request)

    async def _aread(self, response: httpx.Response, limit: int, until: float) -> tuple[bytes, str]:
        content, problem = bytearray(), ""
        if "," in response.headers.get("Content-Encoding", ""):  # a bomb within a bomb is not even opened
            response.headers["Content-Encoding"] = "identity"
        try:
            async for chunk in response.aiter_bytes():
                content += chunk
                if time.monotonic() > until:
                    raise errors.DeadlineExceeded("too late", request=response.request)
                if len(content) > limit:
                    break
        except httpx.RequestError as error:
            # Of an error status, what came is enough; of a success, only a wrong coding is no transport error.
            late = isinstance(error, errors.DeadlineExceeded)
            if late or response.is_success and not isinstance(error, httpx.DecodingError):
                raise
            problem = f"it breaks off, {error}"
        finally:
            await response.aclose()
        return bytes(content), problem

    async def acall(self, rules: Rules, kwargs: dict[str, Any], *, strict: bool) -> Any:
        """What the generated calls are made of. Returns the Response or, if strict, its meaning (or raises)."""
        until = time.monotonic() + (self.deadline or math.inf)

        async def work() -> tuple[httpx.Response, bytes, str]:
            response = await self._aopen(kwargs)
            return response, *await self._aread(response, self.max_response_bytes, until)

        return self._finish(rules, *await _awithin(self.deadline, work), strict)

    @asynccontextmanager
    async def astream(self, rules: Rules, kwargs: dict[str, Any]) -> AsyncGenerator[httpx.Response, None]:
        """The open response of a documented success; the deadline ends with its headers, its size has no limit."""
        response = await _awithin(self.deadline, lambda: self._aopen(kwargs))
        try:
            if not response.is_success or _rule(rules, response) is None:
                content, problem = await self._aread(response, errors.CONTENT_LIMIT, math.inf)
                self._finish(rules, response, content[: errors.CONTENT_LIMIT], problem, strict=True)
            yield response
        finally:
            await response.aclose()


class AuthenticatedClient(Client):
    """A client that sends a token, to base_url's origin only. A pickle of it holds the token.

    Args (besides Client's):
        token: visible ASCII characters, without the prefix.
        prefix: goes before the token; empty for none.
        auth_header_name: the header that carries both.
    """

    def __init__(
        self,
        base_url: str = "https://api.xiexus.cn",
        *,
        token: str,
        prefix: str = "Bearer",
        auth_header_name: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        raise_on_unexpected_status: bool = True,
        verify_ssl: ssl.SSLContext | str | bool = True,
        follow_redirects: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        self._auth = (auth_header_name, prefix, _Secret())
        problem = self._auth[2].set(token)
        del token  # an error shows this frame's variables
        if problem:
            raise ValueError(problem)
        super().__init__(
            base_url,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            deadline=deadline,
            max_response_bytes=max_response_bytes,
            raise_on_unexpected_status=raise_on_unexpected_status,
            verify_ssl=verify_ssl,
            follow_redirects=follow_redirects,
            httpx_args=httpx_args,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, token='***')"

    def set_token(self, token: str) -> None:
        """Sends another token from the next request on, in all clients that share these connections."""
        problem = self._auth[2].set(token) if self._auth else ""
        del token
        if problem:
            raise ValueError(problem)
