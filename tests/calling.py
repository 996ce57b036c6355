"""Call operations in threads or on an event loop through one interface."""

import asyncio
import ssl
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

TOKEN = "sk-" + "test"
TLS = ssl.create_default_context()
"""Shared by all clients, since making one takes longer than most tests."""
WAYS = ("sync", "asyncio")
SUBMIT = "videos.create_kling_image_to_video"


class Caller:
    """A client and one kind of call: `sync` and `sync_detailed`, or `asyncio` and `asyncio_detailed` on one loop."""

    def __init__(self, way: str, client: Any) -> None:
        self.way = way
        self.client = client
        self._stack = ExitStack()
        self._loop = self._stack.enter_context(asyncio.Runner()) if way == "asyncio" else None

    def enter(self, client: Any) -> Any:
        """Enter `client` until the end of the test; return it."""
        if self._loop is None:
            return self._stack.enter_context(client)
        self._stack.callback(lambda: self.run(client.__aexit__(None, None, None)))
        return self.run(client.__aenter__())

    def connect(self, base_url: str = "", **settings: Any) -> Any:
        """Enter another client of the same package; by default for the same relay, with the same token."""
        made = type(self.client)(base_url or self.client.base_url, **{"token": TOKEN, "verify_ssl": TLS, **settings})
        return self.enter(made)

    def run(self, outcome: Any) -> Any:
        """The result of a call, or of its coroutine."""
        return outcome if self._loop is None else self._loop.run(outcome)

    def at_once(self, *works: Callable[[], Any]) -> list[Any]:
        """The results and exceptions of functions that run concurrently, in threads or as asyncio tasks."""
        if self._loop is None:
            with ThreadPoolExecutor(len(works)) as threads:
                futures = [threads.submit(work) for work in works]
            return [future.exception() or future.result() for future in futures]

        async def gather() -> list[Any]:
            return await asyncio.gather(*(work() for work in works), return_exceptions=True)

        return self._loop.run(gather())

    def load(self, module: str) -> Any:
        """A module of the client's package: `load("errors")`."""
        return import_module(f"{type(self.client).__module__.rpartition('.')[0]}.{module}")

    def parsed(self, operation: ModuleType | str, *, client: Any = None, **arguments: Any) -> Any:
        """Call `sync` or `asyncio` of an operation's module, given as such or by its name below `api`."""
        return self.run(self._call(operation, self.way, client, arguments))

    def detailed(self, operation: ModuleType | str, *, client: Any = None, **arguments: Any) -> Any:
        """Call `sync_detailed` or `asyncio_detailed`."""
        return self.run(self._call(operation, f"{self.way}_detailed", client, arguments))

    def submit(self, client: Any = None, *, detailed: bool = False, **fields: Any) -> Any:
        """Submit a task: the relay's one operation, with a body of `fields`."""
        return (self.detailed if detailed else self.parsed)(SUBMIT, client=client, body=self._body(fields))

    def submission(self, client: Any = None) -> Any:
        """A submission for at_once(): on an event loop, the coroutine."""
        return self._call(SUBMIT, self.way, client, {"body": self._body({})})

    @contextmanager
    def stream(self, client: Any = None) -> Generator[Any]:
        """Submit a task with `stream` or `astream`; yield the open response."""
        name = "stream" if self._loop is None else "astream"
        context = self._call(SUBMIT, name, client, {"body": self._body({})})
        if self._loop is None:
            with context as response:
                yield response
            return
        response = self.run(context.__aenter__())
        try:
            yield response
        except BaseException as error:
            self.run(context.__aexit__(type(error), error, error.__traceback__))
            raise
        self.run(context.__aexit__(None, None, None))

    def read(self, response: Any, most: int = 1_000) -> bytes:
        """The body of an open response, or its first `most` chunks."""
        if self._loop is None:
            return b"".join(piece for _, piece in zip(range(most), response.iter_bytes(), strict=False))

        async def read() -> bytes:
            pieces = list[bytes]()
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                if len(pieces) == most:
                    break
            return b"".join(pieces)

        return self._loop.run(read())

    def http(self, client: Any = None) -> Any:
        """The httpx client that sends for `client`."""
        found = client or self.client
        if self._loop is None:
            return found.get_httpx_client()

        async def get() -> Any:
            return found.get_async_httpx_client()

        return self.run(get())

    def reading_hook(self, see: Callable[[bytes], object]) -> Any:
        """A hook of the httpx client that reads the body of a request or response, and calls `see` with it."""

        def read(message: Any) -> None:
            see(message.read())

        async def aread(message: Any) -> None:
            see(await message.aread())

        return read if self._loop is None else aread

    def leave(self, client: Any) -> Any:
        """Close `client`; on an event loop, a coroutine for run() or at_once()."""
        return client.close() if self._loop is None else client.aclose()

    def close(self) -> None:
        """Close every entered client, and the event loop."""
        self._stack.close()

    def _call(self, operation: ModuleType | str, function: str, client: Any, arguments: dict[str, Any]) -> Any:
        module = self.load(f"api.{operation}") if isinstance(operation, str) else operation
        return getattr(module, function)(client=client or self.client, **arguments)

    def _body(self, fields: dict[str, Any]) -> Any:
        request = self.load("models").KlingImageToVideoRequest
        return request(**{"model": "kling-v1", "prompt": "宇航员站起身走了", **fields})
