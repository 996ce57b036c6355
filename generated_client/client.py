"""The clients."""

import os
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Self

import httpx

from ._sending import settings
from ._sending.base_client import BaseClient
from ._sending.results import Rule as Rule
from ._sending.results import Rules as Rules
from ._sending.token import Token
from .errors import InvalidArgument

DEFAULT_TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0, pool=10.0)
"""Seconds for each step of a call."""
MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a body, decompressed, unless a client says otherwise."""
_DISTRIBUTION: Final = "relay-client"


class Client(BaseClient):
    """A client that sends no token; safe to share between threads, event loops and, by fork or pickle, processes.

    Derived clients (`with_...`) share its connections, and only it can close them. All times are in seconds. Invalid
    settings raise errors.InvalidArgument, a TypeError and ValueError, immediately.

    Args:
        base_url: the address of the API: http or https, with an optional port and path.
        headers, cookies: sent with every request, except a redirect to another origin. Cookies that a server sets are
            ignored.
        timeout: for each step (connect, pool, read, write), None for no limit; by default 5, 10, 120, 120. A host with
            several addresses has the connect timeout for each.
        deadline: for a whole call; errors.DeadlineExceeded after it. By default none. Nothing is sent after it. A
            thread that waits for DNS returns when the resolver does, and with a transport of your own, the deadline
            bounds each step rather than their sum.
        max_retries: how many times a request is sent again, within the deadline, where that is free: after NOT_SENT
            (but a ProxyError) and 429, and for GET and HEAD also after 502, 503, 504 and other transport errors. The
            pause is Retry-After's, else 0.5 s, doubled each time up to 8 s.
        max_response_bytes: of a body, decompressed; errors.ResponseTooLarge above it, None for no limit. By default
            64 MiB.
        raise_on_unexpected_status: whether the detailed calls raise errors.UnexpectedStatus.
        follow_redirects: whether to follow redirects of GET and HEAD; any other request is never sent again.
        verify_ssl, httpx_args: `verify` and all other arguments of httpx.Client and httpx.AsyncClient (transport,
            mounts, proxy, limits, http2, event_hooks, ...), except those that are set here.
    """

    def __init__(
        self,
        base_url: str | httpx.URL = "https://api.xiexus.cn",
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_retries: int = 0,
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        raise_on_unexpected_status: bool = True,
        verify_ssl: ssl.SSLContext | str | bool = True,
        follow_redirects: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        sent = {"User-Agent": _user_agent(), "Accept-Encoding": "gzip, deflate", **settings.headers(headers)}
        self._start(
            None,
            settings.options(verify_ssl, httpx_args),
            base_url=settings.base_url(base_url),
            timeout=settings.timeout(timeout),
            deadline=settings.deadline(deadline),
            max_retries=settings.max_retries(max_retries),
            max_response_bytes=settings.max_response_bytes(max_response_bytes),
            raise_on_unexpected_status=settings.flag(
                "raise_on_unexpected_status", raise_on_unexpected_status
            ),
            follow_redirects=settings.flag("follow_redirects", follow_redirects),
            _headers=httpx.Headers(sent),
            _cookies=settings.cookies(cookies),
        )


class AuthenticatedClient(Client):
    """A client that sends a token, to base_url's origin only. A pickle of it holds the token.

    Args (besides Client's):
        token: visible ASCII characters, without the prefix; otherwise raises InvalidArgument, without revealing it.
        prefix, auth_header_name: the text before the token (may be empty), and the header that carries both.
    """

    def __init__(
        self,
        base_url: str | httpx.URL = "https://api.xiexus.cn",
        *,
        token: str,
        prefix: str = "Bearer",
        auth_header_name: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_retries: int = 0,
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        raise_on_unexpected_status: bool = True,
        verify_ssl: ssl.SSLContext | str | bool = True,
        follow_redirects: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        secret = Token(settings.header_name("auth_header_name", auth_header_name), settings.prefix(prefix))
        problem = secret.replace(token)
        del token  # an error shows this frame's variables
        if problem:
            raise InvalidArgument(problem)
        super().__init__(
            base_url,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            max_response_bytes=max_response_bytes,
            raise_on_unexpected_status=raise_on_unexpected_status,
            verify_ssl=verify_ssl,
            follow_redirects=follow_redirects,
            httpx_args=httpx_args,
        )
        self.__dict__["_token"] = secret

    @classmethod
    def from_env(cls, **arguments: Any) -> Self:
        """A client with the token in RELAY_TOKEN and, if that is set, the address in RELAY_BASE_URL.

        Args:
            arguments: any other argument of the client.

        Raises:
            InvalidArgument: RELAY_TOKEN is not set, or RELAY_BASE_URL is not an address.
        """
        if not os.environ.get("RELAY_TOKEN"):
            raise InvalidArgument(
                "RELAY_TOKEN is not set in the environment: give it the token, such as sk-..."
            )
        if (base_url := os.environ.get("RELAY_BASE_URL")) and "base_url" not in arguments:
            arguments["base_url"] = settings.base_url(base_url, "RELAY_BASE_URL")
        return cls(token=os.environ["RELAY_TOKEN"], **arguments)

    def set_token(self, token: str) -> None:
        """Send another token from the next request on, in all clients that share these connections."""
        problem = self._token.replace(token) if self._token else ""
        del token
        if problem:
            raise InvalidArgument(problem)


@cache
def _user_agent() -> str:
    from importlib.metadata import (
        distributions,  # slow to load, and not needed to import an operation
    )

    version = next((found.version for found in distributions(name=_DISTRIBUTION)), "unknown")
    return f"{_DISTRIBUTION}/{version}"
