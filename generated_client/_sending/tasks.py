"""Poll a task until it ends and download its result, for operations that declare x-long-running-operation."""

import os
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, suppress
from typing import Any, BinaryIO, Final, NamedTuple, cast

import httpx

from ..errors import DeadlineExceeded, PollTimeout, ResponseError, TaskFailed
from ..types import UNSET, Download
from . import settings
from .base_client import BaseClient
from .deadline import LONGEST
from .retries import backoff, is_temporary

Target = str | os.PathLike[str] | BinaryIO
"""The target of a download: a path, or a file that is open for writing bytes."""
_LONGEST_PAUSE: Final = 15.0
"""Seconds between two attempts of a download, unless Retry-After is longer."""


class Polling(NamedTuple):
    """How to read the response to a status query, from x-long-running-operation."""

    result: tuple[str, ...]
    """The path of properties to the task; below, the paths to its state and to the reason of a failure."""
    state: tuple[str, ...]
    reason: tuple[str, ...]
    success: tuple[str, ...]
    """The final states of a success; below, those of a failure."""
    failure: tuple[str, ...]


def poll(
    polling: Polling,
    query: Callable[..., Any],
    task_id: str,
    *,
    client: BaseClient,
    timeout: float,
    interval: float,
    on_update: Callable[[Any], object] | None,
) -> Any:
    """Query a task until it succeeds; raises TaskFailed, PollTimeout, or an error that retrying cannot fix."""
    polled = _Poll(polling, task_id, client, timeout, interval, on_update)
    while True:
        answer = None
        with polled.attempt() as limited:
            answer = query(task_id, client=limited)
        if polled.is_done(answer):
            return polled.task
        time.sleep(polled.pause())


async def apoll(
    polling: Polling,
    query: Callable[..., Awaitable[Any]],
    task_id: str,
    *,
    client: BaseClient,
    timeout: float,
    interval: float,
    on_update: Callable[[Any], object] | None,
) -> Any:
    """Async version of poll()."""
    import asyncio  # slow to load, and not needed by threads

    polled = _Poll(polling, task_id, client, timeout, interval, on_update)
    while True:
        answer = None
        with polled.attempt() as limited:
            answer = await query(task_id, client=limited)
        if polled.is_done(answer):
            return polled.task
        await asyncio.sleep(polled.pause())


def download(
    stream: Callable[..., AbstractContextManager[httpx.Response]],
    task_id: str,
    to: Target,
    *,
    client: BaseClient,
    timeout: float,
    on_progress: Callable[[int, int | None], object] | None,
) -> Download:
    """Write the result of a task to a file; an interrupted transfer restarts from the beginning."""
    with _opened(to) as file:
        transfer = _Transfer(file, task_id, client, timeout, on_progress)
        while True:
            with transfer.attempt() as limited, stream(task_id, client=limited) as response:
                transfer.start(response)
                for piece in response.iter_bytes():
                    transfer.write(piece)
                transfer.finish(response)
            if transfer.is_done:
                break
            time.sleep(transfer.pause())
    return Download(_path(to), transfer.size)


async def adownload(
    stream: Callable[..., AbstractAsyncContextManager[httpx.Response]],
    task_id: str,
    to: Target,
    *,
    client: BaseClient,
    timeout: float,
    on_progress: Callable[[int, int | None], object] | None,
) -> Download:
    """Async version of download(); writing a piece blocks the event loop."""
    import asyncio

    with _opened(to) as file:
        transfer = _Transfer(file, task_id, client, timeout, on_progress)
        while True:
            with transfer.attempt() as limited:
                async with stream(task_id, client=limited) as response:
                    transfer.start(response)
                    async for piece in response.aiter_bytes():
                        transfer.write(piece)
                    transfer.finish(response)
            if transfer.is_done:
                break
            await asyncio.sleep(transfer.pause())
    return Download(_path(to), transfer.size)


class _Attempts:
    """Attempts that are free, each repeated until it succeeds or the time is up."""

    def __init__(self, task_id: str, client: BaseClient, timeout: float) -> None:
        self._task_id = task_id
        self._client = client
        self._timeout = settings.seconds("timeout", timeout)
        self._until = time.monotonic() + min(timeout, LONGEST)
        self._error: ResponseError | httpx.TransportError | None = None

    @contextmanager
    def attempt(self) -> Generator[BaseClient]:
        """Yield the client of one attempt, limited to the remaining time; suppress an error that retrying may fix."""
        self._error = None
        try:
            yield self._client.for_attempt(self._left())
        except (ResponseError, httpx.TransportError) as error:
            if not is_temporary(error):
                raise
            self._error = error

    def _left(self) -> float:
        return max(self._until - time.monotonic(), 0.001)

    def _pause(self, seconds: float) -> float | None:
        """The seconds until the next attempt, or None if there is no time left for it."""
        asked = self._error.retry_after if isinstance(self._error, ResponseError) else None
        pause = max(seconds, asked or 0)
        return pause if time.monotonic() + pause < self._until else None


class _Poll(_Attempts):
    """The queries of one task."""

    def __init__(
        self,
        polling: Polling,
        task_id: str,
        client: BaseClient,
        timeout: float,
        interval: float,
        on_update: Callable[[Any], object] | None,
    ) -> None:
        super().__init__(task_id, client, timeout)
        self._polling = polling
        self._interval = settings.seconds("interval", interval, may_be_0=True)
        self._on_update = on_update
        self.task: Any = None
        self._state: str | None = None

    def is_done(self, answer: Any) -> bool:
        """Whether the task has succeeded; raises TaskFailed. An unknown state is not final."""
        if answer is None:
            return False
        self.task = _at(answer, self._polling.result)
        self._state = str(_at(answer, self._polling.state) or "") or None
        if self._on_update:
            self._on_update(self.task)
        if self._state in self._polling.failure:
            reason = self._client.mask(str(_at(answer, self._polling.reason) or "no reason given"))
            raise TaskFailed(self._task_id, self._state, reason, self.task)
        return self._state in self._polling.success

    def pause(self) -> float:
        """The seconds until the next query; raises PollTimeout."""
        pause = self._pause(self._interval)
        if pause is None:
            last = f"; the last query failed: {self._error}" if self._error else ""
            text = f"it did not end within {self._timeout:g} s; the task is still running, poll it again{last}"
            raise PollTimeout(self._task_id, self._state, text, self.task) from self._error
        return pause


class _Transfer(_Attempts):
    """The transfers of one result, of which the last is kept."""

    def __init__(
        self,
        file: BinaryIO,
        task_id: str,
        client: BaseClient,
        timeout: float,
        on_progress: Callable[[int, int | None], object] | None,
    ) -> None:
        super().__init__(task_id, client, timeout)
        self._file = file
        self._begin = file.tell() if file.seekable() else None
        self._on_progress = on_progress
        self._total: int | None = None
        self._failures = 0
        self.size = 0
        self.is_done = False

    def start(self, response: httpx.Response) -> None:
        """Remove what an interrupted transfer wrote."""
        if self.size and self._begin is not None:
            self._file.seek(self._begin)
            self._file.truncate()
        self.size = 0
        length = response.headers.get("Content-Length", "")
        self._total = int(length) if length.isdecimal() and "Content-Encoding" not in response.headers else None

    def write(self, piece: bytes) -> None:
        """Write a piece of the body."""
        if time.monotonic() > self._until:  # the caller's own transport ignores the deadline
            raise httpx.ReadTimeout("the time is up")
        self._file.write(piece)
        self.size += len(piece)
        if self._on_progress:
            self._on_progress(self.size, self._total)

    def finish(self, response: httpx.Response) -> None:
        """Raise DecodeError if the body is empty."""
        if not self.size:
            raise self._client.unexpected_body(response, "empty")
        self.is_done = True

    def pause(self) -> float:
        """The seconds until the next transfer; raises DeadlineExceeded, or the error of a file that cannot restart."""
        assert self._error is not None
        pause = self._pause(min(backoff(self._failures), _LONGEST_PAUSE))
        self._failures += 1
        if self.size and self._begin is None:
            raise self._error
        if pause is None:
            text = f"the download of task {self._task_id} was not complete within {self._timeout:g} s; the last error: "
            raise DeadlineExceeded(f"{text}{self._error}; download it again, for free") from self._error
        return pause


@contextmanager
def _opened(to: Target) -> Generator[BinaryIO]:
    """Open the target; a path is written as PATH.part and renamed when it is complete."""
    path = _path(to)
    if path is None:
        yield cast("BinaryIO", to)
        return
    part = f"{path}.part"
    try:
        with open(part, "wb") as file:  # noqa: PTH123  # pathlib takes 10 ms to import
            yield file
        os.replace(part, path)  # noqa: PTH105  # the same
    except BaseException:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108  # the same
        raise


def _path(to: Target) -> str | None:
    return os.fspath(to) if isinstance(to, str | os.PathLike) else None


def _at(value: Any, names: tuple[str, ...]) -> Any:
    """The value at a path of properties of a model; None if it is absent."""
    for name in names:
        attributes = {sent: attribute for attribute, sent, _, _ in getattr(value, "__json_fields__", ())}
        value = getattr(value, attributes.get(name, ""), None)
    return None if value is UNSET else value
