"""The submissions: which item is sent next, when to wait, and when to stop."""

import math
from collections import deque
from itertools import count
from time import monotonic
from typing import Any

from crew import Work, Worker
from items import Item
from journal import ACCEPTED, IN_DOUBT, NOT_SENT, Journal
from progress import Progress

PATIENCE = 600.0
"""Seconds without an accepted item after which a relay that goes on asking to wait is left alone."""

_Result = tuple[str, dict[str, Any]]
"""A state of the journal's, or "wait", and what is known of the item."""


class Submissions(Work[Item]):
    """Hands items to the workers' senders and writes down what becomes of them."""

    def __init__(
        self, book: Journal, items: list[Item], progress: Progress, *, in_flight: int, max_cost: int | None
    ) -> None:
        super().__init__(progress, in_flight)
        self._book = book
        self._waiting = deque(items)
        self._budget = math.inf if max_cost is None else max_cost
        self._attempts = count()
        self._allowed = math.inf  # how many may be in flight at all workers together
        self._resume_at = 0.0
        self._accepted_at = monotonic()

    def goes_on(self) -> bool:
        return not self.stopped and self._budget > 0 and bool(self._waiting or self.under_way)

    def take(self) -> Item | None:
        is_free = self.under_way < min(self._allowed, self._budget)
        if self._waiting and is_free and monotonic() >= self._resume_at:
            item = self._waiting.popleft()
            self._book.sending(item)
            return item
        return None

    async def do(self, piece: Item, worker: Worker) -> _Result:
        result: _Result = await worker.sender.send(worker.identity, next(self._attempts), piece.body)
        return result

    def lost(self, why: str) -> _Result:
        return IN_DOUBT, {"why": why}

    async def ended(self, piece: Item, result: _Result) -> None:
        state, outcome = result
        if state == "wait":
            self._slow_down(outcome["seconds"])
            self._book.ended(piece, NOT_SENT, outcome)
            self._waiting.append(piece)
            return
        self._book.ended(piece, state, outcome)
        self.progress.one_more()
        if state == ACCEPTED:
            self._accepted_at = monotonic()
            self._allowed += 1 / max(self._allowed, 1)
        if state in (ACCEPTED, IN_DOUBT):
            self._budget -= 1

    def _slow_down(self, seconds: float) -> None:
        """Pauses all workers, and halves what may be in flight; each accepted item gives a little of it back."""
        now = monotonic()
        if now >= self._resume_at:
            self._allowed = max(1.0, min(self._allowed, self.under_way) / 2)
            self.progress.say(f"the relay asks to wait {seconds:.0f} s; {self._allowed:.0f} at once from then on")
        self._resume_at = max(self._resume_at, now + seconds)
        if now - self._accepted_at > PATIENCE:
            self.stop(f"nothing was accepted for {PATIENCE:.0f} s")
