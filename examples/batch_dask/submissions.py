"""The submissions: which item is sent next and by which worker, when to wait, and when to stop.

All that decides is in the process that runs the batch; a worker knows the items that it is sending, and no more.
"""

import asyncio
import math
from collections import deque
from itertools import count
from time import monotonic
from typing import Any

from crew import Worker
from items import Item
from journal import ACCEPTED, IN_DOUBT, NOT_SENT, Journal
from progress import Progress

PATIENCE = 600.0
"""Seconds without an accepted item after which a relay that goes on asking to wait is left alone."""


class Submissions:
    """Hands items to the workers' senders and writes down what becomes of them."""

    def __init__(
        self,
        book: Journal,
        items: list[Item],
        progress: Progress,
        *,
        in_flight: int,
        max_cost: int | None,
    ) -> None:
        self._book = book
        self._waiting = deque(items)
        self._progress = progress
        self.in_flight = in_flight
        self._budget = math.inf if max_cost is None else max_cost
        self._sending = 0
        self._attempts = count()
        self._allowed = math.inf  # how many may be in flight at all workers together
        self._resume_at = 0.0
        self._accepted_at = monotonic()
        self._stopped = False
        self._changed = asyncio.Condition()

    def stop(self, why: str) -> None:
        """Takes no new item; those under way come to their end."""
        if not self._stopped:
            self._progress.say(f"{why}; waiting for {self._sending} under way ...")
        self._stopped = True

    def goes_on(self) -> bool:
        """Whether an item is left that may be sent, or is under way."""
        return not self._stopped and self._budget > 0 and bool(self._waiting or self._sending)

    async def wake(self) -> None:
        """Lets whoever waits see whether the time to wait is over."""
        async with self._changed:
            self._changed.notify_all()

    async def consume(self, worker: Worker) -> None:
        """Sends one item after another by `worker`."""
        while (item := await self._next(worker)) is not None:
            self._book.sending(item)
            try:
                state, outcome = await worker.sender.send(worker.identity, next(self._attempts), item.body)
            except Exception as error:  # noqa: BLE001  # Dask has many errors for a worker that is gone
                worker.lost = True
                await self._ended(item, IN_DOUBT, {"why": f"its worker was lost: {error}"})
                return
            await self._ended(item, state, outcome)

    async def _next(self, worker: Worker) -> Item | None:
        """The next item for `worker`, once it may be sent; None when there will be none."""
        async with self._changed:
            while self.goes_on() and not worker.lost:
                is_free = self._sending < min(self._allowed, self._budget)
                if self._waiting and is_free and monotonic() >= self._resume_at:
                    self._sending += 1
                    return self._waiting.popleft()
                await self._changed.wait()
        return None

    async def _ended(self, item: Item, state: str, outcome: dict[str, Any]) -> None:
        if state == "wait":
            self._slow_down(outcome["seconds"])
            self._book.ended(item, NOT_SENT, outcome)
        else:
            self._book.ended(item, state, outcome)
            self._progress.one_more()
        if state == ACCEPTED:
            self._accepted_at = monotonic()
            self._allowed += 1 / max(self._allowed, 1)
        async with self._changed:
            self._sending -= 1
            if state == "wait":
                self._waiting.append(item)
            if state in (ACCEPTED, IN_DOUBT):
                self._budget -= 1
            self._changed.notify_all()

    def _slow_down(self, seconds: float) -> None:
        """Pauses all workers, and halves what may be in flight; each accepted item gives a little of it back."""
        now = monotonic()
        if now >= self._resume_at:
            self._allowed = max(1.0, min(self._allowed, self._sending) / 2)
            self._progress.say(f"the relay asks to wait {seconds:.0f} s; {self._allowed:.0f} at once from then on")
        self._resume_at = max(self._resume_at, now + seconds)
        if now - self._accepted_at > PATIENCE:
            self.stop(f"nothing was accepted for {PATIENCE:.0f} s")
