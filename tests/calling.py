"""The ways of calling an operation, behind one face, so that a test says once what holds for both."""

import asyncio
import ssl
from contextlib import ExitStack
from types import ModuleType
from typing import Any

TOKEN = "sk-" + "test"
TLS = ssl.create_default_context()
"""What httpx makes for each client, made once: it takes longer than most of the tests."""
WAYS = ("sync", "asyncio")
"""With threads, and on an event loop."""


class Caller:
    """One way of calling: `sync` and `sync_detailed`, or `asyncio` and `asyncio_detailed` on one event loop."""

    def __init__(self, way: str, client: Any) -> None:
        self.way = way
        self.client = client
        self._stack = ExitStack()
        self._loop = self._stack.enter_context(asyncio.Runner()) if way == "asyncio" else None

    def enter(self, client: Any) -> Any:
        """Enters `client` until the end of the test; returns it."""
        if self._loop is None:
            return self._stack.enter_context(client)
        self._stack.callback(lambda: self.run(client.__aexit__(None, None, None)))
        return self.run(client.__aenter__())

    def run(self, outcome: Any) -> Any:
        """What a call comes to: its value, or that of its coroutine."""
        if self._loop is None:
            return outcome
        return self._loop.run(outcome)

    def parsed(self, module: ModuleType, *, client: Any = None, **arguments: Any) -> Any:
        """What `sync` or `asyncio` returns."""
        return self.run(getattr(module, self.way)(client=client or self.client, **arguments))

    def detailed(self, module: ModuleType, *, client: Any = None, **arguments: Any) -> Any:
        """What `sync_detailed` or `asyncio_detailed` returns."""
        return self.run(getattr(module, f"{self.way}_detailed")(client=client or self.client, **arguments))

    def http(self, client: Any = None) -> Any:
        """The httpx client that sends for `client`."""
        found = client or self.client
        if self._loop is None:
            return found.get_httpx_client()

        async def get() -> Any:
            return found.get_async_httpx_client()

        return self.run(get())

    def close(self) -> None:
        """Leaves every client that was entered, and the event loop."""
        self._stack.close()
