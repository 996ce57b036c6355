"""How far a batch is: a line that is drawn anew on a terminal, a line a minute elsewhere."""

import sys
from time import monotonic
from typing import Self

_EVERY = {True: 0.2, False: 60.0}
"""Seconds between two lines, on a terminal and elsewhere."""


class Progress:
    """Tells on standard error how many of `total` are through, at which rate, and how long the rest will take."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._through = 0
        self._terminal = sys.stderr.isatty()
        self._started = monotonic()
        self._told = self._started

    def one_more(self) -> None:
        """One item is through."""
        self._through += 1
        now = monotonic()
        if now - self._told >= _EVERY[self._terminal]:
            self._told = now
            self._tell()

    def say(self, text: str) -> None:
        """Tells something that a person should know now."""
        print(f"\r\033[K{text}" if self._terminal else text, file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last line standing."""
        if self._terminal and self._through:
            self._tell()
            print(file=sys.stderr)

    def _tell(self) -> None:
        rate = self._through / max(monotonic() - self._started, 0.001)
        left = round((self._total - self._through) / max(rate, 0.001))
        line = f"{self._through} of {self._total}, {rate:.1f} a second, {left // 60}:{left % 60:02} left"
        print(f"\r\033[K{line}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()
