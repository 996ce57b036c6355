"""The deadline of a call: the time by which the whole call has to end."""

import math
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import httpx

from ..errors import DeadlineExceeded, in_doubt

EXTENSION: Final = "deadline"
"""The request extension that holds the Deadline."""
LONGEST: Final = 1e9
"""The longest timeout that sockets and locks accept (30 years); a longer one overflows."""


class Deadline:
    """The deadline of one call, and whether any of its request was written by then."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + min(seconds, LONGEST)
        self.is_sent: bool | None = None
        """None until a transport of this package has the request: other transports do not report it."""

    def lift(self) -> None:
        """Remove the limit for the rest of the call."""
        self.until = math.inf

    def left(self, timeout: float | None, exceeded: type[Exception]) -> float | None:
        """The remaining seconds for a step, at most `timeout`; raises `exceeded` if there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise exceeded("the deadline is over")
        if left == math.inf:
            return timeout
        return left if timeout is None else min(timeout, left)

    def error(self, request: httpx.Request) -> DeadlineExceeded:
        """The error of a call that exceeded its deadline."""
        nothing = "; nothing was sent" if self.is_sent is False else in_doubt(request.method)
        text = f"{request.method} {request.url.path}: the call exceeded its deadline of {self.seconds:g} s{nothing}"
        error = DeadlineExceeded(text, request=request)
        error.may_have_been_charged = self.is_sent is not False
        return error

    @contextmanager
    def enforced(self, request: httpx.Request) -> Generator[None]:
        """Raise DeadlineExceeded if a step times out because of the deadline."""
        try:
            yield
        except httpx.TimeoutException as timed_out:
            if time.monotonic() < self.until:
                raise
            timed_out.__traceback__ = None  # since Python 3.12 part of a cycle that would keep the request body
            raise self.error(request) from None

    @asynccontextmanager
    async def aenforced(self, request: httpx.Request) -> AsyncGenerator[None]:
        """Async version of enforced(), which cancels a step at the deadline."""
        import asyncio  # slow to load, and not needed by threads

        limit = asyncio.timeout(self.until - time.monotonic())
        try:
            with self.enforced(request):
                async with limit:
                    yield
        except TimeoutError as timed_out:
            if not limit.expired():
                raise
            timed_out.__traceback__ = None
            if timed_out.__cause__:  # the cancellation
                timed_out.__cause__.__traceback__ = None
            raise self.error(request) from None


def deadline_of(request: httpx.Request) -> Deadline | None:
    """The deadline of the call that `request` belongs to."""
    found: Deadline | None = request.extensions.get(EXTENSION)
    return found
