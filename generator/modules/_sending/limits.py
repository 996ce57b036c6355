"""How many connections there may be, how many of them are kept, and for how long."""

import math
import time
from collections import deque
from typing import Final, Generic, TypeVar
from urllib.request import getproxies

import httpx

_T = TypeVar("_T")

DEFAULT_LIMITS: Final = httpx.Limits(max_connections=100)


def sends_by_itself(options: dict[str, object]) -> bool:
    """Whether httpx's own pool has to send: for a transport, HTTP/2 or a proxy that was asked for."""
    is_proxied = options.get("trust_env", True) and any(map(getproxies().get, ("http", "https", "all")))
    return bool(is_proxied) or any(map(options.get, ("http2", "proxy", "transport")))


def most_connections(limits: httpx.Limits) -> float:
    """How many connections there may be at once."""
    return math.inf if limits.max_connections is None else limits.max_connections


class IdleConnections(Generic[_T]):
    """Connections that wait to be used again; the one that was used last comes first, so that others can expire."""

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
        """Keeps `connection`; returns those that are too many or too old, to be closed."""
        self._idle.append((time.monotonic(), connection))
        surplus = list[_T]()
        try:
            while len(self._idle) > self._kept or self._idle[0][0] + self._expiry < time.monotonic():
                surplus.append(self._idle.popleft()[1])
        except IndexError:  # other threads took the rest
            pass
        return surplus

    def end(self) -> list[_T]:
        """Keeps none from now on; returns those that were kept, to be closed."""
        self._kept = 0
        surplus = list[_T]()
        while (connection := self.take()) is not None:
            surplus.append(connection)
        return surplus
