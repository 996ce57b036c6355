"""The videos: each accepted task is looked at until its video is there, or the relay has given it up.

Looking costs nothing, so whatever becomes of a worker, its tasks are looked at again by another.
"""

import asyncio
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from crew import Worker
from items import Item
from journal import ACCEPTED, FAILED, VIDEO, Journal
from progress import Progress


class _Task(NamedTuple):
    due: float
    order: int
    item: Item
    task_id: str


class Videos:
    """Hands tasks to the workers' senders, and puts each video into `folder`."""

    def __init__(
        self,
        book: Journal,
        tasks: list[tuple[Item, str]],
        folder: Path,
        progress: Progress,
        *,
        in_flight: int,
        within: float,
        pause: float,
    ) -> None:
        self._book = book
        self._order = count()
        self._waiting = [_Task(0.0, next(self._order), *task) for task in tasks]
        heapify(self._waiting)
        self._folder = folder
        self._progress = progress
        self.in_flight = in_flight
        self._ends = monotonic() + within
        self._pause = pause
        self._looking = 0
        self._stopped = False
        self._changed = asyncio.Condition()

    def stop(self, why: str) -> None:
        """Looks at no further task; what is being downloaded comes to its end."""
        if not self._stopped:
            self._progress.say(f"{why}; waiting for {self._looking} under way ...")
        self._stopped = True

    def goes_on(self) -> bool:
        """Whether a task is left that may be looked at, or is being looked at."""
        if monotonic() > self._ends and (self._waiting or self._looking):
            self.stop("the time for waiting is over")
        return not self._stopped and bool(self._waiting or self._looking)

    async def wake(self) -> None:
        """Lets whoever waits see whether a task is due."""
        async with self._changed:
            self._changed.notify_all()

    async def consume(self, worker: Worker) -> None:
        """Looks at one task after another by `worker`; whether Dask repeats a look does not matter."""
        while (task := await self._next(worker)) is not None:
            try:
                state, outcome, video = await worker.sender.look(task.task_id)
            except Exception as error:  # noqa: BLE001  # Dask has many errors for a worker that is gone
                worker.lost = True
                await self._seen(task, "wait", {"why": f"its worker was lost: {error}", "seconds": 0.0}, b"")
                return
            await self._seen(task, state, outcome, video)

    async def _next(self, worker: Worker) -> _Task | None:
        """The task for `worker` that has waited longest, once it is due; None when there will be none."""
        async with self._changed:
            while self.goes_on() and not worker.lost:
                if self._waiting and self._waiting[0].due <= monotonic():
                    self._looking += 1
                    return heappop(self._waiting)
                await self._changed.wait()
        return None

    async def _seen(self, task: _Task, state: str, outcome: dict[str, Any], video: bytes) -> None:
        known = {"task_id": task.task_id, **outcome}
        if state == VIDEO:
            try:
                known["video"] = str(await asyncio.to_thread(self._keep, task.item, video))
            except OSError as error:
                state, known["why"] = ACCEPTED, f"its video could not be kept: {error}"
        self._book.ended(task.item, state if state in (VIDEO, FAILED) else ACCEPTED, known)
        if state != "wait":
            self._progress.one_more()
        async with self._changed:
            self._looking -= 1
            if state == "wait":
                due = monotonic() + outcome.get("seconds", self._pause)
                heappush(self._waiting, task._replace(due=due, order=next(self._order)))
            self._changed.notify_all()

    def _keep(self, item: Item, video: bytes) -> Path:
        """Puts a video in place whole; its name is the item's key, which is the same in each run."""
        self._folder.mkdir(exist_ok=True)
        file = self._folder / f"{item.key}.mp4"
        part = file.with_suffix(".part")
        part.write_bytes(video)
        part.replace(file)
        return file
