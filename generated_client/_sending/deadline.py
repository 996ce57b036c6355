"""The deadline: a call may take so many seconds in all, whatever each of its steps may take."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

import httpx

from ..errors import DeadlineExceeded
from .sync_transport import ABORTS

_T = TypeVar("_T")


def run(seconds: float, request: httpx.Request, work: Callable[[], _T]) -> _T:
    """Waits for `work` in a thread of its own: httpx cannot end a response that comes a byte at a time."""
    exceeded = _exceeded(seconds, request)
    until = time.monotonic() + seconds
    aborts = list[Callable[[], None]]()
    request.extensions[ABORTS] = aborts
    future: Future[_T] = Future()

    def work_and_tell() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  # raised where the result is awaited
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(work_and_tell,), daemon=True).start()
    try:
        return future.result(seconds)
    except httpx.TimeoutException:
        if time.monotonic() < until:
            raise
        raise exceeded from None  # a step's limit is never above the deadline, so that both may be over at once
    except TimeoutError as error:
        if future.done() and future.exception() is error:  # not the wait's time-out, but one of the work's own
            raise
        future.add_done_callback(_close)
        for abort in aborts:
            abort()
        raise exceeded from None


async def arun(seconds: float, request: httpx.Request, work: Callable[[], Awaitable[_T]]) -> _T:
    """Waits for `work` on the event loop, and cancels it at the deadline."""
    exceeded = _exceeded(seconds, request)
    until = time.monotonic() + seconds
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await work()
    except httpx.TimeoutException:
        if time.monotonic() < until:
            raise
        raise exceeded from None
    except TimeoutError:
        if not limit.expired():
            raise
        raise exceeded from None


def _close(late: "Future[Any]") -> None:
    """Closes an open response that nobody waits for any more."""
    if late.exception() is None and isinstance(response := late.result(), httpx.Response):
        response.close()


def _exceeded(seconds: float, request: httpx.Request) -> DeadlineExceeded:
    """The error for when it is needed, with a copy of the request as it is before it gets the token."""
    text = f"{request.method} {request.url.path}: the call took longer than its deadline of {seconds:g} s"
    return DeadlineExceeded(text, request=httpx.Request(request.method, request.url, headers=request.headers))
