"""Poll each accepted task, and download its video."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from generated_client import AuthenticatedClient, TaskFailed
from generated_client.api.videos import create_kling_image_to_video
from items import Item
from journal import ACCEPTED, FAILED, VIDEO, Journal

DOWNLOADS = 4
"""Parallel downloads."""
INTERVAL = 15.0
"""The shortest time in seconds between two polls of a task."""
QUERIES = 10
"""Polls per second of all tasks."""


async def fetch(
    client: AuthenticatedClient, journal: Journal, items: Sequence[Item], folder: Path, seconds: float
) -> None:
    """Poll and download the videos of all accepted items within `seconds`."""
    ends = time.monotonic() + seconds
    downloads = asyncio.Semaphore(DOWNLOADS)
    accepted = [result for result in journal.results(items) if result["state"] == ACCEPTED]
    interval = max(INTERVAL, len(accepted) / QUERIES)

    def left() -> float:
        return max(ends - time.monotonic(), 0.1)

    async def follow(key: str, task_id: str, delay: float) -> None:
        to = folder / f"{key}.mp4"
        await asyncio.sleep(min(delay, left()))
        try:
            await create_kling_image_to_video.apoll(task_id, client=client, timeout=left(), interval=interval)
            async with downloads:
                await create_kling_image_to_video.adownload(task_id, to, client=client, timeout=left())
        except TaskFailed as error:
            journal.write(key, FAILED, task_id=task_id, why=error.reason)
        except Exception as error:  # noqa: BLE001  # one failure must not stop the others
            journal.write(key, ACCEPTED, task_id=task_id, why=f"{type(error).__name__}: {error}")
        else:
            journal.write(key, VIDEO, task_id=task_id, video=str(to))

    print(f"{len(accepted)} videos to wait for", file=sys.stderr)
    folder.mkdir(exist_ok=True)
    async with client:
        tasks = ((result["item"], result["task_id"]) for result in accepted)
        await asyncio.gather(*(follow(*task, number / QUERIES) for number, task in enumerate(tasks)))
