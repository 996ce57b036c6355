"""The httpx clients that send: httpx's own, but for their transports, and without a memory for cookies."""

import ssl
from collections.abc import Callable
from typing import Any

import httpx

from . import environment
from .limits import DEFAULT_LIMITS


class _NoCookies(httpx.Cookies):
    """Ignores Set-Cookie: sessions must not leak between tenants."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class SyncClient(httpx.Client):
    """Sends for threads."""

    def __init__(self, make_context: Callable[[], ssl.SSLContext], **options: Any) -> None:
        from .sync_transport import TransportForEachConnection

        super().__init__(**_with_transports(options, make_context, TransportForEachConnection, httpx.HTTPTransport))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("an API client keeps no cookies; give them to the client: with_cookies()")


class AsyncClient(httpx.AsyncClient):
    """Sends for an event loop."""

    def __init__(self, make_context: Callable[[], ssl.SSLContext], **options: Any) -> None:
        from .async_transport import AsyncTransportForEachConnection as Transport  # loads asyncio

        super().__init__(**_with_transports(options, make_context, Transport, httpx.AsyncHTTPTransport))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("an API client keeps no cookies; give them to the client: with_cookies()")


def _with_transports(
    options: dict[str, Any], make_context: Callable[[], ssl.SSLContext], wrap: Any, single: Any
) -> dict[str, Any]:
    """The arguments of an httpx client, with our transports, one for each proxy; a transport of the caller's stays."""
    if options.get("transport"):
        return options
    rest = dict(options)
    limits = rest.pop("limits", None) or DEFAULT_LIMITS
    settings = {
        "verify": make_context(),
        "http1": rest.get("http1", True),
        "http2": rest.get("http2", False),
        "limits": httpx.Limits(max_connections=1, keepalive_expiry=limits.keepalive_expiry),
    }

    def transport(proxy: Any) -> Any:
        return proxy and wrap(lambda: single(**settings, proxy=proxy), limits)

    proxies = environment.proxies() if options.get("trust_env", True) else {}
    if proxy := rest.pop("proxy", None):
        proxies = {"all://": proxy}
    mounts = {pattern: transport(proxy) for pattern, proxy in proxies.items()}
    if (given := rest.get("mounts")) is not None:
        mounts.update(given.items())
    return {**rest, "transport": wrap(lambda: single(**settings), limits), "mounts": mounts}
