"""`python workers.py FUNCTION URL ARGUMENT...`: use the client in several processes, and print the outcome as JSON.

This is a separate program, since fork and spawn copy what the parent has imported and started. frozen.play() runs it.
"""

import asyncio
import copy
import gc
import json
import multiprocessing
import os
import signal
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video as operation
from generated_client.errors import ApiError, DeadlineExceeded
from generated_client.models import KlingImageToVideoRequest
from generated_client.types import UNSET

BODY = KlingImageToVideoRequest(model="kling-v1", prompt="走")
CALLS = 10_000


def submit(client: AuthenticatedClient, body: KlingImageToVideoRequest = BODY) -> str:
    """Make a call; UNSET must be a singleton in every process."""
    assert body.duration is UNSET
    return operation.sync(client=client, body=body).status


async def submit_at_once(client: AuthenticatedClient, calls: int, body: KlingImageToVideoRequest = BODY) -> None:
    """Make calls on the running event loop."""
    tasks = (operation.asyncio(client=client, body=body) for _ in range(calls))
    assert {task.status for task in await asyncio.gather(*tasks)} == {"queued"}


def fail(client: AuthenticatedClient) -> None:
    """Make a call that the relay refuses."""
    submit(client.with_headers({"X-Fail": "1"}))


def child(client: AuthenticatedClient, body: KlingImageToVideoRequest = BODY) -> None:
    """Make calls in a child process, and close its own connection."""
    assert submit(client, body) == "queued"
    assert submit(client.with_timeout(9), body) == "queued"

    async def call() -> None:
        async with copy.deepcopy(client) as own:
            await submit_at_once(own, 1, body)

    asyncio.run(call())
    client.close()


def fork(client: AuthenticatedClient) -> int:
    """Fork a child, with an alarm in case it hangs; return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)
            child(client)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(client: AuthenticatedClient) -> list[int]:
    """Fork two children; the parent calls before and after each."""
    submit(client)
    codes = list[int]()
    for _ in range(2):
        codes.append(fork(client))
        submit(client)
    return codes


class _SlowMounts(dict[str, None]):
    """Empty mounts; in the process that created them, iteration waits for `go_on`."""

    def __init__(self) -> None:
        self.asked, self.go_on, self.home = Event(), Event(), os.getpid()

    def items(self) -> Any:
        if os.getpid() == self.home:
            self.asked.set()
            self.go_on.wait()
        return super().items()


def forked_amid_a_start(client: AuthenticatedClient) -> list[int]:
    """Fork a child while another thread creates the connection pool."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    mounts = _SlowMounts()
    with AuthenticatedClient(client.base_url, token="sk-" + "test", httpx_args={"mounts": mounts}) as starting:
        thread = Thread(target=submit, args=(starting,))
        thread.start()
        mounts.asked.wait()
        code = fork(starting)
        mounts.go_on.set()
        thread.join()
    return [code]


def started(client: AuthenticatedClient, method: str) -> list[int | None]:
    """Start a child by multiprocessing."""
    submit(client)
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=child, args=(client, BODY))
    process.start()
    process.join()
    submit(client)
    return [process.exitcode]


def _growth(calls: Callable[[int], None]) -> dict[str, list[int]]:
    """Return open files and memory after garbage collection, after a tenth of the calls and after all."""
    seen: dict[str, list[int]] = {"files": [], "bytes": []}
    calls(CALLS // 20)
    tracemalloc.start(1)
    for share in (CALLS // 20, CALLS - CALLS // 10):
        calls(share)
        seen["files"].append(sum(1 for _ in Path("/dev/fd").iterdir()))
        gc.collect()
        seen["bytes"].append(tracemalloc.get_traced_memory()[0])
    return seen


def lasting(client: AuthenticatedClient) -> dict[str, list[int]]:
    """Make 10,000 calls, each with a derived client; every tenth is refused."""

    def call(times: int) -> None:
        for number in range(times):
            if number % 10:
                submit(client.with_headers({"X-Trace": str(number)}))
                continue
            with suppress(ApiError):
                fail(client)

    return _growth(call)


def lasting_on_loops(client: AuthenticatedClient) -> dict[str, list[int]]:
    """Make 10,000 calls on event loops, 50 at a time, 100 on each loop."""

    async def some() -> None:
        for _ in range(2):
            await submit_at_once(client, 50)
        await client.aclose()

    def call(times: int) -> None:
        for _ in range(times // 100):
            asyncio.run(some())

    return _growth(call)


def large(client: AuthenticatedClient, way: str) -> dict[str, int]:
    """Send a large body five times; return the peak memory and the body's size."""
    body = KlingImageToVideoRequest(model="m", prompt="走", image="iVBORw0KGgo+/" * 500_000)
    with asyncio.Runner() as runner:

        def call(body: KlingImageToVideoRequest) -> None:
            if way == "asyncio":
                runner.run(submit_at_once(client, 1, body))
            else:
                submit(client, body)

        call(BODY)  # imports and connects
        tracemalloc.start(1)
        for _ in range(5):
            call(body)
        peak = tracemalloc.get_traced_memory()[1]
        runner.run(client.aclose())
    return {"peak": peak, "size": len(json.dumps(body.to_dict(), ensure_ascii=False, separators=(",", ":")).encode())}


def exceeded(client: AuthenticatedClient) -> str:
    """Exceed a deadline; the process must still exit."""
    try:
        return submit(client.with_deadline(0.2))
    except DeadlineExceeded:
        return "exceeded"


if __name__ == "__main__":
    # On a busy machine, a child may start more slowly than the default keepalive of 5 s.
    args = {"limits": httpx.Limits(max_connections=100, keepalive_expiry=60)}
    with AuthenticatedClient(sys.argv[2], token="sk-" + "test", httpx_args=args) as given:
        print(json.dumps(globals()[sys.argv[1]](given, *sys.argv[3:])))
