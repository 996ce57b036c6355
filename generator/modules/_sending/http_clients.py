"""The httpx clients that send: httpx's own, but for their transport, and without a memory for cookies."""

from typing import Any

import httpx


class _NoCookies(httpx.Cookies):
    """Takes no cookie of a response: of one tenant's session, another's requests must know nothing."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class SyncClient(httpx.Client):
    """What sends for threads."""

    def __init__(self, **options: Any) -> None:
        from .sync_transport import with_transport

        super().__init__(**with_transport(options))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("an API client keeps no cookies; give them to the client: with_cookies()")


class AsyncClient(httpx.AsyncClient):
    """What sends for an event loop."""

    def __init__(self, **options: Any) -> None:
        from .async_transport import with_transport  # loads asyncio, which threads don't need

        super().__init__(**with_transport(options))

    @property
    def cookies(self) -> httpx.Cookies:
        return _NoCookies()

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise AttributeError("an API client keeps no cookies; give them to the client: with_cookies()")
