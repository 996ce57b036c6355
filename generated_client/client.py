"""The clients: settings, connections, credentials, and the sending that all operations share."""

from __future__ import annotations

import json
import math
import os
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Final, Self, TypeVar, cast
from urllib.request import getproxies

import httpx

from . import errors
from .types import SMALL, Codec, Response

DEFAULT_TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0, pool=10.0)
MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
Rules = tuple[
    tuple[int, int, str, Codec], ...
]  # of answers: first and last status, how to read the body, its type
_T = TypeVar("_T")
_HARMLESS = {
    "accept",
    "accept-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
}


def _user_agent() -> str:
    from importlib.metadata import (
        distributions,  # slow to load, and not needed to import an operation
    )

    name = "relay-client"
    return f"{name}/{next((found.version for found in distributions(name=name)), 'unknown')}"


def _within(seconds: float | None, work: Callable[[], _T]) -> _T:
    """Waits so long for work in a thread of its own: httpx cannot end a slow drip of headers."""
    if seconds is None:
        return work()
    from concurrent.futures import Future
    from contextvars import copy_context

    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:  # an open response that nobody waits for any more is closed when it comes
        future.add_done_callback(lambda late: late.exception() or getattr(late.result(), "close", bool)())
        raise errors.DeadlineExceeded(f"the call took longer than {seconds} s") from None


async def _awithin(seconds: float | None, work: Callable[[], Awaitable[_T]]) -> _T:
    if seconds is None:
        return await work()
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:
        raise errors.DeadlineExceeded(f"the call took longer than {seconds} s") from None


def _decode(way: str, codec: Codec, response: httpx.Response, content: bytes) -> Any:
    if way == "text":
        return httpx.Response(
            200, headers={"Content-Type": response.headers.get("Content-Type", "")}, content=content
        ).text
    if way != "json":
        return content if way == "bytes" else None
    if (data := json.loads(content)) is None and not codec.nullable:
        raise TypeError("null")
    return codec.decode(data, "body")


class _Cookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)


class _Client(httpx.Client):
    def __init__(self, aiohttp: bool, **options: Any) -> None:
        super().__init__(**options)

    @property
    def cookies(self) -> httpx.Cookies:
        return _Cookies(super().cookies.jar)

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        cast(Any, httpx.Client).cookies.__set__(self, cookies)


class _AsyncClient(httpx.AsyncClient):
    def __init__(self, aiohttp: bool, **options: Any) -> None:
        super().__init__(**_scaled(options, aiohttp))

    @property
    def cookies(self) -> httpx.Cookies:
        return _Cookies(super().cookies.jar)

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        cast(Any, httpx.AsyncClient).cookies.__set__(self, cookies)


def _scaled(options: dict[str, Any], aiohttp: bool) -> dict[str, Any]:
    """Adds a transport to what an httpx.AsyncClient is made with, unless that tells of another, HTTP/2 or a proxy."""
    trust, limits = options.get("trust_env", True), options.get("limits") or httpx.Limits(max_connections=100)
    proxied = trust and any(map(getproxies().get, ("http", "https", "all")))
    if proxied or any(map(options.get, ("http2", "proxy", "transport"))):
        return options
    verify = httpx.create_ssl_context(options["verify"], options.get("cert"), trust)
    alone = httpx.Limits(max_connections=1, keepalive_expiry=limits.keepalive_expiry)
    make = (
        partial(_Aiohttp, verify, limits)
        if aiohttp
        else partial(httpx.AsyncHTTPTransport, verify, limits=alone)
    )
    return {**options, "transport": _Lanes(limits, make, shared=aiohttp)}


class _Lanes(httpx.AsyncBaseTransport):
    """Lets through as many requests as there may be connections, each by a transport with one, or all by a shared one."""

    def __init__(
        self, limits: httpx.Limits, make: Callable[[], httpx.AsyncBaseTransport], shared: bool
    ) -> None:
        most, kept, old = (
            math.inf if v is None else v
            for v in (limits.max_connections, limits.max_keepalive_connections, limits.keepalive_expiry)
        )
        self.gate, self.kept, self.expiry, self.idle = (
            import_module("asyncio").Semaphore(most),
            kept,
            old,
            deque[tuple[float, Any]](),
        )
        self.make, self.shared = make, make() if shared else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.gate.locked():
            await self.gate.acquire()
        else:
            from asyncio import timeout

            try:
                async with timeout(request.extensions.get("timeout", {}).get("pool")):
                    await self.gate.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("no connection became free") from None
        lane = self.shared or (self.idle.pop()[1] if self.idle else self.make())
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            await self.leave(lane, False)
            raise
        if isinstance(response.stream, httpx.ByteStream):
            await self.leave(lane, True)  # it has come whole
        else:
            response.stream = _Leaving(response.stream, partial(self.leave, lane))
        return response

    async def leave(self, lane: httpx.AsyncBaseTransport, sound: bool) -> None:
        self.gate.release()
        if not self.shared and not sound:
            return await lane.aclose()  # httpcore loses connections when it is cancelled
        if not self.shared:
            self.idle.append((time.monotonic(), lane))
        while self.idle and (len(self.idle) > self.kept or self.idle[0][0] + self.expiry < time.monotonic()):
            await self.idle.popleft()[1].aclose()

    async def aclose(self) -> None:
        self.kept = 0  # what is in use closes when it is left
        if self.shared:
            await self.shared.aclose()
        while self.idle:
            await self.idle.popleft()[1].aclose()


class _Leaving(httpx.AsyncByteStream):
    """Gives back what a response came by when its stream is closed."""

    def __init__(self, stream: Any, leave: Callable[[bool], Any]) -> None:
        self.stream, self.leave = stream, leave

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.stream)

    async def aclose(self) -> None:
        try:
            await self.stream.aclose()
        except BaseException:
            await self.leave(False)
            raise
        await self.leave(True)


class _Aiohttp(httpx.AsyncBaseTransport):
    """Sends by aiohttp. Its errors know the token, so they are told in httpx's words, and never passed on."""

    def __init__(self, verify: ssl.SSLContext, limits: httpx.Limits) -> None:
        lib, old = (
            import_module("aiohttp"),
            1e9 if limits.keepalive_expiry is None else limits.keepalive_expiry,
        )
        kept = {"force_close": True} if limits.max_keepalive_connections == 0 else {"keepalive_timeout": old}
        self.timeout, self.url = (
            lru_cache(128)(lib.ClientTimeout),
            partial(import_module("yarl").URL, encoded=True),
        )
        self.session = lib.ClientSession(
            connector=lib.TCPConnector(limit=0, ssl=verify, **kept),
            cookie_jar=lib.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=99_999,
            max_field_size=99_999,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        from asyncio import get_running_loop, timeout

        steps, unsaid = (
            request.extensions.get("timeout", {}),
            None if "Content-Type" in request.headers else ["Content-Type"],
        )
        small = isinstance(request.stream, httpx.ByteStream) and len(await request.aread()) <= SMALL

        async def pieces() -> AsyncGenerator[bytes, None]:
            async for piece in cast(httpx.AsyncByteStream, request.stream):
                if writing:
                    writing.reschedule((limit := steps.get("write")) and get_running_loop().time() + limit)
                yield piece
            if writing:
                writing.reschedule(None)

        try:
            async with (
                nullcontext() if small else timeout(None) as writing
            ):  # aiohttp itself would wait for ever
                reply = await self.session.request(
                    request.method,
                    self.url(str(request.url)),
                    data=request.content or None if small else pieces(),
                    allow_redirects=False,
                    headers=[
                        (k.decode(), v.decode())
                        for k, v in request.headers.raw
                        if k.lower() != b"transfer-encoding"
                    ],
                    timeout=self.timeout(connect=steps.get("connect"), sock_read=steps.get("read")),
                    skip_auto_headers=unsaid,
                )
            writing, more = None, {"reason_phrase": (reply.reason or "").encode()}
            through = reply.content.is_eof() and not reply.connection and reply.content.total_bytes <= SMALL
            if through and "Content-Encoding" not in reply.headers:
                more["whole"] = reply.content.read_nowait()  # spares the reading
            stream = (
                httpx.ByteStream(more["whole"])
                if "whole" in more
                else _Leaving(self.read(reply.content), partial(self.leave, reply))
            )
            return httpx.Response(reply.status, headers=reply.raw_headers, stream=stream, extensions=more)
        except Exception as error:
            fault = _fault(error)
        raise fault

    async def read(self, content: Any) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in content.iter_chunked(SMALL):
                yield piece
            return
        except Exception as error:
            fault = _fault(error)
        raise fault

    async def leave(
        self, response: Any, _: bool
    ) -> None:  # what is still connected is not through, and might never be
        if response.connection and response.connection.transport:
            response.connection.transport.abort()
        response.release()

    async def aclose(self) -> None:
        await self.session.close()


_FAULTS = {  # by the first name that fits, of aiohttp's errors and Python's
    "ConnectionTimeoutError": httpx.ConnectTimeout,
    "ClientConnectorError": httpx.ConnectError,
    "ClientOSError": httpx.ReadError,
    "SocketTimeoutError": httpx.ReadTimeout,
    "InvalidURL": httpx.UnsupportedProtocol,
    "ClientError": httpx.RemoteProtocolError,
    "TimeoutError": httpx.WriteTimeout,
    "ValueError": httpx.LocalProtocolError,
}


def _fault(error: Exception) -> Exception:
    return next(
        (
            kind(str(error) or repr(error))
            for name, kind in _FAULTS.items()
            if name in [k.__name__ for k in type(error).__mro__]
        ),
        error,
    )


class _Secret:
    """A token, out of sight of repr, logs and lists of local variables."""

    value = ""

    def set(self, value: Any) -> str:  # returns what is wrong, if so
        if not isinstance(value, str) or not re.fullmatch("[!-~]+", value):
            return "token must be visible ASCII characters, without blanks, line breaks or a prefix"
        self.value = value
        return ""

    def hide(self, content: bytes) -> bytes:
        return content.replace(self.value.encode(), b"***").replace(
            self.value.replace("/", "\\/").encode(), b"***"
        )


class _Pool:
    """The connections of a client and of all that derive from it; a copy, a pickle and a fork start without any."""

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

    def use(
        self, make: Any, loop: Any = None
    ) -> Any:  # the httpx client of this process, and of its loop or threads
        key = pid, _ = (
            os.getpid(),
            loop,
        )  # a fork never touches the parent's sockets, nor locks that it left locked
        with self.locks.setdefault(pid, threading.Lock()):
            if key not in self.open:
                for dead in [k for k in self.open if k[0] == pid and k[1] and k[1].is_closed()]:
                    del self.open[dead]
                self.open[key] = make(**self.options)
            if self.open[key] is None:
                raise RuntimeError("this client was closed, or the one that it derives from")
            return self.open[key]

    def put(self, http: Any, loop: Any = None) -> Any:  # exchanges it; None: closed for good
        key = os.getpid(), loop
        with self.locks.setdefault(key[0], threading.Lock()):
            before, self.open[key] = self.open.get(key), http
        return before


class Client:
    """Sends the operations' requests; safe to share between threads, event loops and, by fork or pickle, processes.

    Derived clients (`with_...`) share its connections, and only it can close them. Times are in seconds.

    Args:
        base_url: where the API is: http or https, no query; a ValueError else.
        headers, cookies: go with every request, but not with a redirect to another origin.
        timeout: for each step (connect, pool, read, write), None for ever; by default 5, 10, 120, 120.
        deadline: for a whole call, however the time goes; errors.DeadlineExceeded after it. By default none.
        max_response_bytes: of a body, decompressed; errors.ResponseTooLarge above it. By default 64 MiB.
        raise_on_unexpected_status: whether the detailed calls raise errors.UnexpectedStatus.
        follow_redirects: whether to follow redirects, with the body where HTTP says so.
        aiohttp: whether event loops send by aiohttp, which the extra [aiohttp] brings; else by httpx.
        verify_ssl, httpx_args: `verify` and all other arguments of httpx.Client and httpx.AsyncClient (transport,
            mounts, proxy, limits, http2, event_hooks, auth, ...).
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
        aiohttp: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        if aiohttp and not import_module("importlib.util").find_spec("aiohttp"):
            raise ImportError("aiohttp=True needs the extra: pip install 'relay-client[aiohttp]'")
        if {"base_url", "cookies", "follow_redirects", "headers", "timeout", "verify"} & set(
            httpx_args or ()
        ):
            raise ValueError("httpx_args must not repeat what the client's own arguments set")
        try:
            url = httpx.URL(base_url)
        except (httpx.InvalidURL, TypeError):
            url = httpx.URL()
        if (
            url.scheme not in ("http", "https")
            or not url.host
            or url.userinfo
            or "?" in base_url
            or "#" in base_url
        ):
            raise ValueError(
                "base_url must be http(s)://host, maybe a port and a path, but no user, query or fragment"
            )
        self.base_url, self.timeout, self.deadline = base_url.rstrip("/"), httpx.Timeout(timeout), deadline
        self.max_response_bytes, self.follow_redirects = max_response_bytes, follow_redirects
        self.raise_on_unexpected_status, self._cookies = raise_on_unexpected_status, dict(cookies or {})
        self._headers = httpx.Headers({"User-Agent": _user_agent(), **httpx.Headers(headers)})
        self._templates: dict[Any, httpx.Request] = {}  # of requests that differ in their bodies only
        self._pool, self._owner = (
            _Pool({"verify": verify_ssl, "aiohttp": aiohttp, **(httpx_args or {})}),
            True,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={getattr(self, 'base_url', None)!r})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _owner=True, _templates={})

    def _derive(self, **changes: Any) -> Self:
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__, _owner=False, _templates={}, **changes)
        return derived

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """A client with more headers, on the same connections."""
        return self._derive(_headers=httpx.Headers({**self._headers, **httpx.Headers(headers)}))

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """A client with more cookies, on the same connections."""
        return self._derive(_cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout, on the same connections."""
        return self._derive(timeout=httpx.Timeout(timeout))

    def with_deadline(self, deadline: float | None) -> Self:
        """A client with another deadline, on the same connections."""
        return self._derive(deadline=deadline)

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client of all threads of this process; RuntimeError once closed."""
        return cast(httpx.Client, self._pool.use(_Client))

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """A client of yours for all threads of this process, closed with this one; time-outs, headers and the rest stay these."""
        self._pool.put(client)
        return self

    def close(self) -> None:
        """Closes the connections of all threads of this process, for good. Of a derived client: nothing."""
        if self._owner and (http := self._pool.put(None)):
            http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The httpx client of the running event loop; RuntimeError once closed."""
        return cast(
            httpx.AsyncClient, self._pool.use(_AsyncClient, import_module("asyncio").get_running_loop())
        )

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """A client of yours for the running event loop, closed with this one; time-outs, headers and the rest stay these."""
        self._pool.put(async_client, import_module("asyncio").get_running_loop())
        return self

    async def aclose(self) -> None:
        """Closes the connections of the running event loop, for good. Of a derived client: nothing."""
        if self._owner and (http := self._pool.put(None, import_module("asyncio").get_running_loop())):
            await http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
        self.close()

    def _request(self, http: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any]) -> httpx.Request:
        steps, content, more = self.timeout.as_dict(), kwargs.get("content"), kwargs.get("headers", {})
        if (d := self.deadline) is not None:
            steps = {step: d if v is None else min(v, d) for step, v in steps.items()}
        key = kwargs["method"], self.base_url + kwargs["url"], *more.items(), *http.headers.raw
        alike = not (http.cookies or http.params or kwargs.keys() & {"cookies", "files", "params"})
        if not (alike and (template := self._templates.get(key))):
            template = http.build_request(
                *key[:2],
                content=None if content is None else b"",
                files=kwargs.get("files"),
                params=kwargs.get("params"),
                headers={**self._headers, **httpx.Headers(more)},
                cookies={**self._cookies, **kwargs.get("cookies", {})},
            )
            if len(self._templates) > 99:
                self._templates.clear()  # each value of a path's parameter leaves one
            if alike:
                self._templates[key] = template
        stream = httpx.ByteStream(content) if isinstance(content, bytes) else content or template.stream
        request = httpx.Request(
            template.method,
            template.url,
            headers=template.headers,
            stream=stream,
            extensions={"timeout": steps},
        )
        if content is not None:
            request.headers["Content-Length"] = str(len(content))
        if isinstance(stream, httpx.ByteStream):
            request.read()
        if self._auth:
            request.headers[self._auth[0]] = f"{self._auth[1]} {self._auth[2].value}".lstrip()
        return request

    def _finish(
        self, rules: Rules, response: httpx.Response, content: bytes, problem: str, strict: bool
    ) -> Any:
        status, good, parsed = response.status_code, response.is_success, None
        rule = next((rule for rule in rules if rule[0] <= status <= rule[1]), None)
        large = len(content) > self.max_response_bytes
        hide = self._auth[2].hide if self._auth else bytes
        if rule and not problem and not large:
            try:
                parsed = _decode(*rule[2:], response, hide(content) if strict and not good else content)
            except (TypeError, ValueError, RecursionError) as error:
                problem = str(error) if content else "empty"
        kind, reason = cast("type[errors.ResponseError]", errors.ApiError), ""
        if large:
            kind, reason = errors.ResponseTooLarge, f" with more than {self.max_response_bytes} bytes"
        elif rule is None and (strict or self.raise_on_unexpected_status):
            kind, reason = errors.UnexpectedStatus, " is not in the document"
        elif good and problem:
            html = "; it looks like HTML, so base_url may be wrong" if content.lstrip()[:1] == b"<" else ""
            kind, reason = (
                errors.DecodeError,
                f" with a body that the document doesn't promise ({problem}){html}",
            )
        elif good or not strict:
            detailed = Response(status_code=status, content=content, headers=response.headers, parsed=parsed)
            return parsed if strict else detailed
        content, headers = (
            hide(content),
            httpx.Headers([(key, hide(value)) for key, value in response.headers.raw]),
        )
        reason, path = (
            hide(t.encode(errors="replace")).decode() for t in (reason[:500], response.request.url.path)
        )
        raise kind(
            reason,
            method=response.request.method,
            path=path,
            status_code=status,
            headers=headers,
            content=content,
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
            if not (self.follow_redirects and (following := response.next_request)):
                return response
            response.close()
            if auth is None or following.url.join("/") != request.url.join("/"):  # once away, no way back
                auth = None
                following.headers = httpx.Headers([i for i in following.headers.items() if i[0] in _HARMLESS])
            elif "Cookie" in request.headers:  # httpx puts in only what the redirect sets
                both = f"{request.headers['Cookie']}; {following.headers.get('Cookie', '')}".split("; ")
                following.headers["Cookie"] = "; ".join({c.partition("=")[0]: c for c in both if c}.values())
            request = following
        raise httpx.TooManyRedirects("Exceeded maximum allowed redirects.")

    def _read(self, response: httpx.Response, limit: int, until: float) -> tuple[bytes, str]:
        content, problem = bytearray(), ""
        if (whole := response.extensions.get("whole")) is not None:
            response.stream = httpx.ByteStream(whole)
            return whole, ""
        raw = "," in response.headers.get("Content-Encoding", ",")  # of several, each could be a bomb
        try:
            for chunk in response.iter_raw() if raw else response.iter_bytes():
                content += chunk
                if time.monotonic() > until:
                    raise errors.DeadlineExceeded("too late", request=response.request)
                if len(content) > limit:
                    break
        except httpx.RequestError as error:
            fatal = response.is_success and not isinstance(
                error, httpx.DecodingError
            )  # of an error, what came will do
            if fatal or isinstance(error, errors.DeadlineExceeded):
                raise
            problem = f"it breaks off, {error}"
        finally:
            response.close()
        response.stream = httpx.ByteStream(
            b""
        )  # its own one and the response hold each other, and with them what was sent
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
            if not response.is_success or not any(
                rule[0] <= response.status_code <= rule[1] for rule in rules
            ):
                body = self._read(response, errors.CONTENT_LIMIT, math.inf)
                self._finish(rules, response, *body, strict=True)
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
            if not (self.follow_redirects and (following := response.next_request)):
                return response
            await response.aclose()
            if auth is None or following.url.join("/") != request.url.join("/"):  # once away, no way back
                auth = None
                following.headers = httpx.Headers([i for i in following.headers.items() if i[0] in _HARMLESS])
            elif "Cookie" in request.headers:  # httpx puts in only what the redirect sets
                both = f"{request.headers['Cookie']}; {following.headers.get('Cookie', '')}".split("; ")
                following.headers["Cookie"] = "; ".join({c.partition("=")[0]: c for c in both if c}.values())
            request = following
        raise httpx.TooManyRedirects("Exceeded maximum allowed redirects.")

    async def _aread(self, response: httpx.Response, limit: int, until: float) -> tuple[bytes, str]:
        content, problem = bytearray(), ""
        if (whole := response.extensions.get("whole")) is not None:
            response.stream = httpx.ByteStream(whole)
            return whole, ""
        raw = "," in response.headers.get("Content-Encoding", ",")  # of several, each could be a bomb
        try:
            async for chunk in response.aiter_raw() if raw else response.aiter_bytes():
                content += chunk
                if time.monotonic() > until:
                    raise errors.DeadlineExceeded("too late", request=response.request)
                if len(content) > limit:
                    break
        except httpx.RequestError as error:
            fatal = response.is_success and not isinstance(
                error, httpx.DecodingError
            )  # of an error, what came will do
            if fatal or isinstance(error, errors.DeadlineExceeded):
                raise
            problem = f"it breaks off, {error}"
        finally:
            await response.aclose()
        response.stream = httpx.ByteStream(
            b""
        )  # its own one and the response hold each other, and with them what was sent
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
            if not response.is_success or not any(
                rule[0] <= response.status_code <= rule[1] for rule in rules
            ):
                body = await self._aread(response, errors.CONTENT_LIMIT, math.inf)
                self._finish(rules, response, *body, strict=True)
            yield response
        finally:
            await response.aclose()


class AuthenticatedClient(Client):
    """A client that sends a token, to base_url's origin only. A pickle of it holds the token.

    Args (besides Client's):
        token: visible ASCII characters, without the prefix; a ValueError else, which doesn't show it.
        prefix, auth_header_name: what goes before the token (empty for nothing), and the header that carries both.
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
        aiohttp: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        self._auth = auth_header_name, prefix, _Secret()
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
            aiohttp=aiohttp,
            httpx_args=httpx_args,
        )

    def set_token(self, token: str) -> None:
        """Sends another token from the next request on, in all clients that share these connections."""
        problem = self._auth[2].set(token) if self._auth else ""
        del token
        if problem:
            raise ValueError(problem)
