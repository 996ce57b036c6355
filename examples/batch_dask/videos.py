"""The videos: each accepted task is looked at until its video is there, or the relay has given it up.

Looking costs nothing, so whatever becomes of a worker, its tasks are looked at again by another.
"""

import asyncio
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from crew import Work, Worker
from items import Item
from journal import ACCEPTED, FAILED, VIDEO, Journal
from progress import Progress

_Result = tuple[str, dict[str, Any], bytes]
"""A state of the journal's, or "wait", what is known of the task, and its video."""


class Task(NamedTuple):
    """A task that is to be looked at; the one that is due first is the least."""

    due: float
    order: int
    item: Item
    task_id: str


class Videos(Work[Task]):
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
        super().__init__(progress, in_flight)
        self._book = book
        self._order = count()
        self._waiting = [Task(0.0, next(self._order), *task) for task in tasks]
        heapify(self._waiting)
        self._folder = folder
        self._ends = monotonic() + within
        self._pause = pause

    def goes_on(self) -> bool:
        is_left = bool(self._waiting or self.under_way)
        if is_left and monotonic() > self._ends:
            self.stop("the time for waiting is over")
        return is_left and not self.stopped

    def take(self) -> Task | None:
        is_due = bool(self._waiting) and self._waiting[0].due <= monotonic()
        return heappop(self._waiting) if is_due else None

    async def do(self, piece: Task, worker: Worker) -> _Result:
        result: _Result = await worker.sender.look(piece.task_id)
        return result

    def lost(self, why: str) -> _Result:
        return "wait", {"why": why, "seconds": 0.0}, b""

    async def ended(self, piece: Task, result: _Result) -> None:
        state, outcome, video = result
        known = {"task_id": piece.task_id, **outcome}
        if state == VIDEO:
            try:
                known["video"] = str(await asyncio.to_thread(self._keep, piece.item, video))
            except OSError as error:
                state, known["why"] = ACCEPTED, f"its video could not be kept: {error}"
        self._book.ended(piece.item, state if state in (VIDEO, FAILED) else ACCEPTED, known)
        if state == "wait":
            due = monotonic() + outcome.get("seconds", self._pause)
            heappush(self._waiting, piece._replace(due=due, order=next(self._order)))
        else:
            self.progress.one_more()

    def _keep(self, item: Item, video: bytes) -> Path:
        """Puts a video in place whole; its name is the item's key, which is the same in each run."""
        self._folder.mkdir(exist_ok=True)
        file = self._folder / f"{item.key}.mp4"
        part = file.with_suffix(".part")
        part.write_bytes(video)
        part.replace(file)
        return file
