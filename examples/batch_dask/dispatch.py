"""Distribute items to the workers of a cluster, each at most once, as fast as the relay accepts them."""

import asyncio
import math
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from distributed import Client

from items import Item
from journal import ACCEPTED, IN_DOUBT, NOT_SENT, Journal

SUBMISSION = 300.0
"""Seconds for one submission."""
LOST = SUBMISSION + 30
"""Seconds after which a worker counts as lost."""
PATIENCE = 600.0
"""Seconds without an accepted item after which the batch ends, for want of workers or because the relay is busy."""
TICK = 1.0
"""Seconds between checks for new workers."""
REPORT = 10.0
"""Seconds between progress lines."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds; each pause without Retry-After is twice the last one."""


class Dispatch:
    """Assigns items to workers, and reacts to the results."""

    def __init__(
        self, client: Client, journal: Journal, items: Sequence[Item], *, in_flight: int, max_cost: int | None
    ) -> None:
        self._client = client
        self._journal = journal
        self._left = deque(items)
        self._in_flight = in_flight
        self._budget = math.inf if max_cost is None else max_cost
        self._known = set[str]()
        self._unfit = set[str]()
        self._usable = set[str]()
        self._load = Counter[str]()
        """The number of items in flight per worker."""
        self._limit = math.inf
        """The limit of items in flight on all workers together."""
        self._pause = FIRST_PAUSE
        self._resume_at = 0.0
        self._accepted_at = time.monotonic()
        self._stopped = False

    async def run(self, join: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Send all items: call `join` once on each worker, including later ones, and `send` for each item."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)
        calls = set[asyncio.Task[None]]()
        tick_at = report_at = time.monotonic()
        while calls or (self._left and self._budget > 0 and not self._stopped):
            if time.monotonic() >= tick_at and not self._stopped:
                calls |= {asyncio.create_task(self._join(join, address)) for address in await self._new_workers()}
                tick_at = time.monotonic() + TICK
            if time.monotonic() >= report_at:
                workers, in_flight = len(self._usable), self._load.total()
                print(f"{workers} workers, {in_flight} items in flight, {len(self._left)} to send", file=sys.stderr)
                report_at = time.monotonic() + REPORT
            while address := self._free_worker():
                calls.add(asyncio.create_task(self._send(send, self._take(address), address)))
            if calls:
                done, calls = await asyncio.wait(calls, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                for call in done:
                    call.result()
            elif self._unfit and not self._usable:
                self.stop("no worker can be used")
            else:
                await asyncio.sleep(TICK)

    def stop(self, why: str) -> None:
        """Stop sending; items in flight are completed."""
        if not self._stopped:
            print(f"{why}; waiting for {self._load.total()} in flight", file=sys.stderr)
        self._stopped = True

    def _interrupt(self) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)  # the next one raises KeyboardInterrupt
        self.stop("interrupted")

    async def _new_workers(self) -> set[str]:
        """The new workers since the last call."""
        if time.monotonic() - self._accepted_at > PATIENCE:
            self.stop(f"nothing was accepted for {PATIENCE:.0f} s")
        try:
            async with asyncio.timeout(30):
                workers = set((await self._client.scheduler.identity(n_workers=-1))["workers"])
        except OSError as error:
            self.stop(f"the scheduler does not respond: {error!r}")
            return set()
        new = workers - self._known
        self._known |= new
        return new

    async def _join(self, join: Callable[..., Any], address: str) -> None:
        """Set up a worker, or report why it can't be used."""
        try:
            async with asyncio.timeout(30):
                problem = (await self._client.run(join, self._in_flight, SUBMISSION, workers=[address]))[address]
        except Exception as error:  # noqa: BLE001  # Dask raises many errors for a lost worker
            problem = repr(error)
        if problem:
            self._unfit.add(address)
            print(f"{address} can't be used: {problem}", file=sys.stderr)
        else:
            self._usable.add(address)

    def _free_worker(self) -> str | None:
        """The least busy worker, if an item may be sent now."""
        is_full = self._load.total() >= min(self._limit, self._budget)
        if not self._left or self._stopped or is_full or time.monotonic() < self._resume_at:
            return None
        free = [address for address in self._usable if self._load[address] < self._in_flight]
        return min(free, key=self._load.__getitem__, default=None)

    def _take(self, address: str) -> Item:
        """Take the next item; it is in doubt until its result is known."""
        item = self._left.popleft()
        self._load[address] += 1
        sent_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        self._journal.write(item.key, IN_DOUBT, sent_at=sent_at, why="the batch ended before the response came")
        return item

    async def _send(self, send: Callable[..., Any], item: Item, address: str) -> None:
        """Send an item from a worker. Dask never repeats Client.run, unlike a task or an actor."""
        try:
            async with asyncio.timeout(LOST):
                result = (await self._client.run(send, item.body, workers=[address]))[address]
        except Exception as error:  # noqa: BLE001  # Dask raises many errors for a lost worker
            self._usable.discard(address)
            result = {"state": IN_DOUBT, "why": f"its worker was lost: {error!r}"}
        self._load[address] -= 1
        self._ended(item, **result)

    def _ended(self, item: Item, *, state: str, then: str = "", retry_after: float | None = None, **known: Any) -> None:
        self._journal.write(item.key, state, **known)
        if then == "stop":
            self.stop(known["why"])
        elif then == "slow down":
            self._slow_down(known["why"], retry_after)
            if state == NOT_SENT:
                self._left.append(item)
        elif state == ACCEPTED:
            self._accepted_at = time.monotonic()
            self._pause = FIRST_PAUSE
            self._limit += 1 / self._limit
        if state in (ACCEPTED, IN_DOUBT):
            self._budget -= 1

    def _slow_down(self, why: str, seconds: float | None) -> None:
        """Pause all workers, and halve the limit of items in flight, which accepted items raise again."""
        now = time.monotonic()
        is_first = now >= self._resume_at  # of a burst
        if is_first:
            self._limit = max(1.0, min(self._limit, self._load.total() + 1) / 2)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        pause = self._pause if seconds is None else seconds
        if is_first:
            print(f"{why}; {self._limit:.0f} in flight after a pause of {pause:g} s", file=sys.stderr)
        self._resume_at = max(self._resume_at, now + pause)
