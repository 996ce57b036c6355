"""The workers of a cluster, those that come later too, and the work that they are given."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from distributed import Client

from progress import Progress
from sender import Sender


@dataclass
class Worker:
    """A worker that takes part."""

    sender: Any
    identity: str
    """What its sender has to be told with each item."""
    lost: bool = False
    """Whether a call of it has failed; it gets no further piece, for Dask tries 30 s long to reach one that is dead."""


class Work(Protocol):
    """Pieces of work that any worker can take."""

    in_flight: int
    """How many pieces a worker may have at once."""

    def goes_on(self) -> bool:
        """Whether a piece is left, or under way."""
        ...

    def stop(self, why: str) -> None:
        """Gives out no further piece; those under way come to their end."""
        ...

    async def consume(self, worker: Worker) -> None:
        """Has `worker` do one piece after another, until none is left or it is lost."""
        ...

    async def wake(self) -> None:
        """Has whoever waits for a piece look whether there is one now."""
        ...


async def do(work: Work, client: Client, sender: type[Sender], progress: Progress) -> None:
    """Has workers do `work` until nothing is left; those that come later take part."""
    consumers = dict[str, list[asyncio.Task[None]]]()
    while work.goes_on():
        try:
            new = [address for address in await _workers(client) if address not in consumers]
        except OSError as error:
            work.stop(f"the scheduler does not answer ({error})")
            break
        for address in new:
            consumers[address] = await _employ(work, client, sender, progress, address)
        running = [task for tasks in consumers.values() for task in tasks if not task.done()]
        if running:
            await asyncio.wait(running, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        else:
            progress.say("no worker takes part; waiting for one ...")
            await asyncio.sleep(1)
        await work.wake()
    await asyncio.gather(*(task for tasks in consumers.values() for task in tasks))


async def _workers(client: Client) -> list[str]:
    identity = await client.scheduler.identity(n_workers=-1)
    return sorted(identity["workers"])


async def _employ(
    work: Work, client: Client, sender: type[Sender], progress: Progress, address: str
) -> list[asyncio.Task[None]]:
    """Makes a sender on the worker at `address`, and as many loops as it may have pieces in flight."""
    try:
        employed = await client.submit(sender, work.in_flight, actor=True, workers=[address], pure=False)
        worker = Worker(employed, await employed.identity())
    except Exception as error:  # noqa: BLE001  # whatever a worker lacks, the others go on
        progress.say(f"{address} takes no part: {error}")
        return []
    return [asyncio.create_task(work.consume(worker)) for _ in range(work.in_flight)]
