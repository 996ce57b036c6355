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
"""Seconds for each step of a call: connect, pool, read and write."""
MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
"""The default limit of a body, in bytes, decompressed."""
_DISTRIBUTION: Final = "relay-client"


class Client(BaseClient):
    """A client that sends no token.

    One client can be shared by threads and event loops and, by fork or pickle, by processes. Derived clients
    (`with_...`) share its connections; only the original closes them.

    Args:
        base_url: The address of the API: http or https, with an optional port and path.
        headers: Headers of every request, but not of a redirect to another origin.
        cookies: Cookies of every request, likewise. Cookies set by a server are ignored.
        timeout: Seconds for each step of a call: 5 to connect (to each address of the host), 10 to wait for a free
            connection, 120 for each read and each write. A number applies to all steps, None is no limit.
        deadline: Seconds for a whole call, retries included; by default None, no limit. A call that exceeds it raises
            errors.DeadlineExceeded, and nothing is sent afterwards. In threads, DNS is not interrupted, and with a
            transport of your own the deadline bounds each step instead.
        max_retries: How often a request is sent again, if that is free: after errors.NOT_SENT (except a ProxyError) and
            429, and for GET and HEAD after 502, 503, 504 and other transport errors. By default 0. The pause is
            Retry-After's, or else 0.5 s, doubled each time up to 8 s.
        max_response_bytes: The largest body, decompressed; by default 64 MiB, and None is no limit. A larger one raises
            errors.ResponseTooLarge.
        raise_on_unexpected_status: Whether the detailed functions raise errors.UnexpectedStatus. By default True.
        verify_ssl: True, False, an ssl.SSLContext, or the path of a file or directory of CA certificates.
        follow_redirects: Whether to follow redirects of GET and HEAD. By default False. Any other request is never sent
            again; its redirect is an errors.UnexpectedStatus.
        httpx_args: Other arguments of httpx.Client and httpx.AsyncClient: transport, mounts, proxy, limits, http2,
            event_hooks, ...

    Raises:
        errors.InvalidArgument: A setting is invalid. The text names it, and never shows the token.
        FileNotFoundError: verify_ssl is a path that does not exist.
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
    """A client that sends a token with every request, but to no other origin than that of base_url.

    One client can be shared by threads and event loops and, by fork or pickle, by processes; a pickle contains the
    token. Derived clients (`with_...`) share its connections; only the original closes them.

    Args:
        base_url: The address of the API: http or https, with an optional port and path.
        token: The token, in visible ASCII characters, without the prefix.
        prefix: The text before the token. By default "Bearer"; may be empty.
        auth_header_name: The header with prefix and token. By default "Authorization".
        headers: Headers of every request, but not of a redirect to another origin.
        cookies: Cookies of every request, likewise. Cookies set by a server are ignored.
        timeout: Seconds for each step of a call: 5 to connect (to each address of the host), 10 to wait for a free
            connection, 120 for each read and each write. A number applies to all steps, None is no limit.
        deadline: Seconds for a whole call, retries included; by default None, no limit. A call that exceeds it raises
            errors.DeadlineExceeded, and nothing is sent afterwards. In threads, DNS is not interrupted, and with a
            transport of your own the deadline bounds each step instead.
        max_retries: How often a request is sent again, if that is free: after errors.NOT_SENT (except a ProxyError) and
            429, and for GET and HEAD after 502, 503, 504 and other transport errors. By default 0. The pause is
            Retry-After's, or else 0.5 s, doubled each time up to 8 s.
        max_response_bytes: The largest body, decompressed; by default 64 MiB, and None is no limit. A larger one raises
            errors.ResponseTooLarge.
        raise_on_unexpected_status: Whether the detailed functions raise errors.UnexpectedStatus. By default True.
        verify_ssl: True, False, an ssl.SSLContext, or the path of a file or directory of CA certificates.
        follow_redirects: Whether to follow redirects of GET and HEAD. By default False. Any other request is never sent
            again; its redirect is an errors.UnexpectedStatus.
        httpx_args: Other arguments of httpx.Client and httpx.AsyncClient: transport, mounts, proxy, limits, http2,
            event_hooks, ...

    Raises:
        errors.InvalidArgument: A setting is invalid. The text names it, and never shows the token.
        FileNotFoundError: verify_ssl is a path that does not exist.
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
        del token  # tracebacks show local variables
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
        """Create a client with the token in RELAY_TOKEN and, if it is set, the address in RELAY_BASE_URL.

        Args:
            arguments: Any other argument of the client.

        Raises:
            errors.InvalidArgument: RELAY_TOKEN is not set, or RELAY_BASE_URL is no valid address.
        """
        if not os.environ.get("RELAY_TOKEN"):
            raise InvalidArgument(
                "RELAY_TOKEN is not set in the environment: set it to the token, such as sk-..."
            )
        if (base_url := os.environ.get("RELAY_BASE_URL")) and "base_url" not in arguments:
            arguments["base_url"] = settings.base_url(base_url, "RELAY_BASE_URL")
        return cls(token=os.environ["RELAY_TOKEN"], **arguments)

    def set_token(self, token: str) -> None:
        """Replace the token, in this client and all that share its connections, from the next request on.

        Raises:
            errors.InvalidArgument: The token has characters other than visible ASCII.
        """
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
