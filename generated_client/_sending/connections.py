"""The connections of a client: one httpx client for the threads of a process, and one for each event loop."""

import os
import ssl
import threading
from typing import Any

import httpx

from .limits import closed


class Connections:
    """The httpx clients of a client and its derived clients; a deep copy, a pickle and a fork start without any."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        # By process: a fork must not use its parent's sockets, nor locks that its parent holds.
        self._locks = dict[int, threading.Lock]()
        self._open = dict[tuple[int, Any], Any]()
        self._context: ssl.SSLContext | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Connections, (self._options,)

    def __deepcopy__(self, memo: Any) -> "Connections":
        return Connections(self._options)

    def get(self, make: Any, loop: Any = None) -> Any:
        """The httpx client of this process for `loop` (None: for threads), created on first use."""
        process = os.getpid()
        key = process, loop
        with self._locks.setdefault(process, threading.Lock()):
            if key not in self._open:
                self._forget_closed_loops(process)
                self._open[key] = make(self._ssl_context, **self._options)
            if self._open[key] is None:
                raise closed()
            return self._open[key]

    def replace(self, http: Any, loop: Any = None) -> Any:
        """Replace the httpx client and return the previous one; None closes it permanently."""
        process = os.getpid()
        with self._locks.setdefault(process, threading.Lock()):
            before = self._open.get((process, loop))
            self._open[process, loop] = http
        return before

    def _ssl_context(self) -> ssl.SSLContext:
        """The SSL context that all connections share: loading the certificates takes 60 ms."""
        if self._context is None:
            self._context = httpx.create_ssl_context(
                self._options["verify"], self._options.get("cert"), self._options.get("trust_env", True)
            )
        return self._context

    def _forget_closed_loops(self, process: int) -> None:
        for key in list(self._open):
            if key[0] == process and key[1] is not None and key[1].is_closed():
                del self._open[key]
