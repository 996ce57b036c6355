"""The workers of a cluster, those that come later too, and the work that they are given.

All that decides is in the process that runs the batch; a worker knows the pieces that it is doing, and no more.
"""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from distributed import Client

from progress import Progress
from sender import Sender

_Piece = TypeVar("_Piece")


@dataclass
class Worker:
    """A worker that takes part."""

    sender: Any
    identity: str
    """What its sender has to be told with each item."""
    lost: bool = False
    """Whether a call of it has failed; it gets no further piece, for Dask tries 30 s long to reach one that is dead."""


class Work(ABC, Generic[_Piece]):
    """Pieces of work that any worker can take."""

    def __init__(self, progress: Progress, in_flight: int) -> None:
        self.progress = progress
        self.in_flight = in_flight
        """How many pieces a worker may have at once."""
        self.under_way = 0
        self.stopped = False
        self._changed = asyncio.Condition()

    @abstractmethod
    def goes_on(self) -> bool:
        """Whether a piece is left, or under way."""

    @abstractmethod
    def take(self) -> _Piece | None:
        """A piece that may be done now, or None."""

    @abstractmethod
    async def do(self, piece: _Piece, worker: Worker) -> Any:
        """Has `worker` do a piece; returns what came of it."""

    @abstractmethod
    def lost(self, why: str) -> Any:
        """What comes of a piece whose worker is lost."""

    @abstractmethod
    async def ended(self, piece: _Piece, result: Any) -> None:
        """Writes down what came of a piece."""

    def stop(self, why: str) -> None:
        """Gives out no further piece; those under way come to their end."""
        if not self.stopped:
            self.progress.say(f"{why}; waiting for {self.under_way} under way ...")
        self.stopped = True

    async def wake(self) -> None:
        """Has whoever waits for a piece look whether there is one now."""
        async with self._changed:
            self._changed.notify_all()

    async def consume(self, worker: Worker) -> None:
        """Has `worker` do one piece after another, until none is left or it is lost."""
        while (piece := await self._next(worker)) is not None:
            try:
                result = await self.do(piece, worker)
            except Exception as error:  # noqa: BLE001  # Dask has many errors for a worker that is gone
                worker.lost = True
                result = self.lost(f"its worker was lost: {error}")
            await self.ended(piece, result)
            self.under_way -= 1
            await self.wake()

    async def _next(self, worker: Worker) -> _Piece | None:
        async with self._changed:
            while self.goes_on() and not worker.lost:
                if (piece := self.take()) is not None:
                    self.under_way += 1
                    return piece
                await self._changed.wait()
        return None


async def do(work: Work[Any], client: Client, sender: type[Sender]) -> None:
    """Has workers do `work` until nothing is left; those that come later take part."""
    consumers = dict[str, list[asyncio.Task[None]]]()
    while work.goes_on():
        try:
            new = [address for address in await _workers(client) if address not in consumers]
        except OSError as error:
            work.stop(f"the scheduler does not answer ({error})")
            break
        for address in new:
            consumers[address] = await _employ(work, client, sender, address)
        running = [task for tasks in consumers.values() for task in tasks if not task.done()]
        if running:
            await asyncio.wait(running, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        else:
            work.progress.say("no worker takes part; waiting for one ...")
            await asyncio.sleep(1)
        await work.wake()
    await asyncio.gather(*(task for tasks in consumers.values() for task in tasks))


async def _workers(client: Client) -> list[str]:
    identity = await client.scheduler.identity(n_workers=-1)
    return sorted(identity["workers"])


async def _employ(work: Work[Any], client: Client, sender: type[Sender], address: str) -> list[asyncio.Task[None]]:
    """Makes a sender on the worker at `address`, and as many loops as it may have pieces in flight."""
    try:
        employed = await client.submit(sender, work.in_flight, actor=True, workers=[address], pure=False)
        worker = Worker(employed, await employed.identity())
    except Exception as error:  # noqa: BLE001  # whatever a worker lacks, the others go on
        work.progress.say(f"{address} takes no part: {error}")
        return []
    return [asyncio.create_task(work.consume(worker)) for _ in range(work.in_flight)]
