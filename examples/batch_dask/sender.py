"""What runs on a worker: one client on the worker's event loop, which sends each item at most once, and looks.

Dask may run a task twice: when a worker dies, its tasks go to another one, and a call whose connection broke is made
again. So a sender is an actor with an identity of its own, drawn when it was made, and it sends only what was meant
for this identity and has not come before.

The package is imported within the methods: the scheduler, which passes this class on to the workers, need not have it.
"""

import asyncio
import os
from importlib import import_module
from typing import Any
from uuid import uuid4

SECONDS_FOR_A_CALL = 300
DOWNLOADS = 4
"""At once on a worker, which holds each video whole until the batch has it."""


class Sender:
    """Sends to the relay at RELAY_BASE_URL, with the token in RELAY_TOKEN, both of the worker's own environment."""

    def __init__(self, in_flight: int) -> None:
        import httpx

        from generated_client import AuthenticatedClient

        missing = [name for name in ("RELAY_BASE_URL", "RELAY_TOKEN") if not os.environ.get(name)]
        if missing:
            raise RuntimeError(f"{' and '.join(missing)}: not set in this worker's environment")
        self._identity = uuid4().hex
        self._seen = set[int]()
        self._downloads = asyncio.Semaphore(DOWNLOADS)
        self._client = AuthenticatedClient(
            base_url=os.environ["RELAY_BASE_URL"],
            token=os.environ["RELAY_TOKEN"],
            deadline=SECONDS_FOR_A_CALL,
            httpx_args={"limits": httpx.Limits(max_connections=in_flight)},
        )

    async def identity(self) -> str:
        """What the batch has to say with each item that it sends by this sender."""
        return self._identity

    async def send(self, identity: str, attempt: int, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Sends one item, once for each `attempt`; returns its state and what is known of it.

        It raises nothing that a call raises.

        The states are the journal's, and "wait" for a refusal that names the seconds to wait.
        """
        import httpx

        from generated_client.api.videos import create_kling_image_to_video
        from generated_client.errors import NOT_SENT, ApiError, ResponseError
        from generated_client.models import KlingImageToVideoRequest

        if identity != self._identity or attempt in self._seen:
            return "in doubt", {"why": "Dask asked for it a second time, and it was not sent again"}
        self._seen.add(attempt)
        try:
            task = await create_kling_image_to_video.asyncio(
                client=self._client, body=KlingImageToVideoRequest.from_dict(body)
            )
        except NOT_SENT as error:
            return "not sent", {"why": repr(error)}
        except ApiError as error:
            known = {"why": str(error), "request_id": error.request_id}
            if error.status_code in (429, 503) and error.retry_after is not None:
                return "wait", {**known, "seconds": error.retry_after}
            return "in doubt" if error.may_have_been_charged else "refused", known
        except ResponseError as error:
            return "in doubt", {"why": str(error), "request_id": error.request_id}
        except httpx.TransportError as error:
            return "in doubt", {"why": repr(error)}
        return "accepted", {"task_id": task.task_id}

    async def look(self, task_id: str) -> tuple[str, dict[str, Any], bytes]:
        """Looks at a task once, and downloads its video where that is there; it may be repeated.

        It raises nothing that a call raises. The states are the journal's, and "wait" where another look may see more.
        """
        import httpx

        from generated_client.errors import ResponseError

        try:  # Only a package that was generated with the status query has these two.
            query = import_module("generated_client.api.videos.get_kling_image_to_video")
            download = import_module("generated_client.api.videos.download_video")
        except ModuleNotFoundError as error:
            return "accepted", {"why": f"the package of its worker has no status query: {error}"}, b""
        try:
            task = (await query.asyncio(task_id, client=self._client)).data
            if task.status == "FAILURE":
                return "failed", {"why": task.fail_reason}, b""
            if task.status != "SUCCESS":
                return "wait", {"why": f"last seen: {task.status}"}, b""
            async with self._downloads, download.astream(task_id, client=self._client) as video:
                return "video", {}, await video.aread()
        except ResponseError as error:
            known = {"why": str(error), "request_id": error.request_id}
            if error.status_code != 429 and error.status_code < 500:
                return "accepted", known, b""
            return "wait", known if error.retry_after is None else {**known, "seconds": error.retry_after}, b""
        except httpx.TransportError as error:
            return "wait", {"why": repr(error)}, b""

    async def close(self) -> None:
        """Closes the client's connections."""
        await self._client.aclose()
