"""httpx clients with our transports, which do not store cookies."""

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
    """The httpx client of threads."""

    def __init__(self, make_context: Callable[[], ssl.SSLContext], **options: Any) -> None:
        from .sync_transport import TransportForEachConnection

        super().__init__(**_with_transports(options, make_context, TransportForEachConnection, httpx.HTTPTransport))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("cookies are not stored; pass them to the client: cookies=..., or with_cookies()")


class AsyncClient(httpx.AsyncClient):
    """The httpx client of an event loop."""

    def __init__(self, make_context: Callable[[], ssl.SSLContext], **options: Any) -> None:
        from .async_transport import AsyncTransportForEachConnection as Transport  # loads asyncio

        super().__init__(**_with_transports(options, make_context, Transport, httpx.AsyncHTTPTransport))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("cookies are not stored; pass them to the client: cookies=..., or with_cookies()")


def _with_transports(
    options: dict[str, Any], make_context: Callable[[], ssl.SSLContext], wrap: Any, single: Any
) -> dict[str, Any]:
    """The arguments of an httpx client, with a transport of ours for each proxy, unless the caller passed one."""
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
