"""The limits of connections: how many are open, how many are kept idle, and for how long."""

import math
import threading
import time
from collections import deque
from typing import Final, Generic, TypeVar

import httpx

from ..errors import ClientClosed

_T = TypeVar("_T")

DEFAULT_LIMITS: Final = httpx.Limits(max_connections=100)


def max_connections(limits: httpx.Limits) -> float:
    """The maximum number of open connections."""
    return math.inf if limits.max_connections is None else limits.max_connections


def closed() -> ClientClosed:
    """The error of a call whose client was closed before it had a connection."""
    return ClientClosed("this client, or the one that it derives from, was closed; nothing was sent")


class Gate:
    """A semaphore that serves threads in order: `threading.Semaphore` does not."""

    def __init__(self, places: float) -> None:
        self._free = places
        self._waiting = deque[threading.Lock]()
        self._lock = threading.Lock()
        self._is_closed = False

    def acquire(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds (None: forever); return whether it was acquired. Raises ClientClosed."""
        with self._lock:
            if self._is_closed:
                raise closed()
            if self._free > 0:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        is_mine = False
        try:
            is_mine = turn.acquire(timeout=-1 if timeout is None else timeout)
        finally:
            if not is_mine:
                with self._lock:
                    if turn in self._waiting:
                        self._waiting.remove(turn)
                    else:  # released to this thread just now
                        is_mine = True
        if self._is_closed:
            raise closed()
        return is_mine

    def release(self) -> None:
        """Let the thread continue that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def close(self) -> None:
        """Raise ClientClosed in every thread that waits or acquires later."""
        with self._lock:
            self._is_closed = True
            while self._waiting:
                self._waiting.popleft().release()


class IdleConnections(Generic[_T]):
    """Idle connections. The last used one is reused first, so that others can expire."""

    def __init__(self, limits: httpx.Limits) -> None:
        kept = limits.max_keepalive_connections
        expiry = limits.keepalive_expiry
        self._kept = math.inf if kept is None else kept
        self._expiry = math.inf if expiry is None else expiry
        self._idle = deque[tuple[float, _T]]()

    def take(self) -> _T | None:
        """The connection that was used last, or None."""
        try:
            return self._idle.pop()[1]
        except IndexError:
            return None

    def add(self, connection: _T) -> list[_T]:
        """Keep `connection`; return those that exceed the limit or have expired, to be closed."""
        self._idle.append((time.monotonic(), connection))
        surplus = list[_T]()
        try:
            while len(self._idle) > self._kept or self._idle[0][0] + self._expiry < time.monotonic():
                surplus.append(self._idle.popleft()[1])
        except IndexError:  # other threads took the rest
            pass
        return surplus

    def end(self) -> list[_T]:
        """Keep none from now on; return those that were idle, to be closed."""
        self._kept = 0
        surplus = list[_T]()
        while (connection := self.take()) is not None:
            surplus.append(connection)
        return surplus
