"""The clients: what sends the operations' requests."""

import os
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Self

import httpx

from ._sending import settings
from ._sending.base_client import BaseClient
from ._sending.results import Rules as Rules
from ._sending.token import Token

DEFAULT_TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0, pool=10.0)
"""Seconds for each step of a call."""
MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a body, decompressed, unless a client says otherwise."""
_DISTRIBUTION: Final = "relay-client"


class Client(BaseClient):
    """Sends the operations' requests; safe to share between threads, event loops and, by fork or pickle, processes.

    Derived clients (`with_...`) share its connections, and only it can close them. All times are in seconds. A setting
    that cannot be meant is a TypeError or ValueError that names it.

    Args:
        base_url: where the API is: http or https, maybe with a port and a path.
        headers, cookies: go with every request, but not with a redirect to another origin. Cookies that a server sets
            are not kept.
        timeout: for each step (connect, pool, read, write), None for no limit; by default 5, 10, 120, 120.
        deadline: for a whole call, whatever its steps take; errors.DeadlineExceeded after it. By default none.
        max_response_bytes: of a body, decompressed; errors.ResponseTooLarge above it, None for no limit. By default
            64 MiB.
        raise_on_unexpected_status: whether the detailed calls raise errors.UnexpectedStatus.
        follow_redirects: whether to follow redirects of GET and HEAD; any other request is never sent again.
        verify_ssl, httpx_args: `verify` and all other arguments of httpx.Client and httpx.AsyncClient (transport,
            mounts, proxy, limits, http2, event_hooks, ...), but for those that are set here.
    """

    def __init__(
        self,
        base_url: str = "https://api.xiexus.cn",
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        raise_on_unexpected_status: bool = True,
        verify_ssl: ssl.SSLContext | str | bool = True,
        follow_redirects: bool = False,
        httpx_args: Mapping[str, Any] | None = None,
    ) -> None:
        options = {
            "verify": settings.verify_ssl(verify_ssl),
            **settings.httpx_args(httpx_args),
        }
        self._start(
            None,
            options,
            base_url=settings.base_url(base_url),
            timeout=settings.timeout(timeout),
            deadline=settings.deadline(deadline),
            max_response_bytes=settings.max_response_bytes(max_response_bytes),
            raise_on_unexpected_status=settings.flag(
                "raise_on_unexpected_status", raise_on_unexpected_status
            ),
            follow_redirects=settings.flag("follow_redirects", follow_redirects),
            _headers=httpx.Headers({"User-Agent": _user_agent(), **settings.headers(headers)}),
            _cookies=dict(cookies or {}),
        )


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
        self.__dict__["_token"] = secret

    @classmethod
    def from_env(cls, **arguments: Any) -> Self:
        """A client with the token in RELAY_TOKEN and, where it is set, the address in RELAY_BASE_URL.

        Args:
            arguments: any other argument of the client.

        Raises:
            ValueError: RELAY_TOKEN is not set.
        """
        if not os.environ.get("RELAY_TOKEN"):
            raise ValueError("RELAY_TOKEN is not set in the environment: give it the token, such as sk-...")
        if base_url := os.environ.get("RELAY_BASE_URL"):
            arguments.setdefault("base_url", base_url)
        return cls(token=os.environ["RELAY_TOKEN"], **arguments)

    def set_token(self, token: str) -> None:
        """Sends another token from the next request on, in all clients that share these connections."""
        problem = self._token.replace(token) if self._token else ""
        del token
        if problem:
            raise ValueError(problem)


@cache
def _user_agent() -> str:
    from importlib.metadata import (
        distributions,  # slow to load, and not needed to import an operation
    )

    version = next((found.version for found in distributions(name=_DISTRIBUTION)), "unknown")
    return f"{_DISTRIBUTION}/{version}"
