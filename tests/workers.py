"""`python workers.py SCENARIO URL`: uses the client from several processes, and prints what came of it as JSON.

A program of its own, because what it shows is how one starts: nothing was imported, and no thread runs.
"""

import asyncio
import copy
import json
import multiprocessing
import os
import pickle
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from typing import Any

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ApiError
from generated_client.models import KlingImageToVideoRequest
from generated_client.types import UNSET

TOKEN = "sk-" + "worker"
BODY = KlingImageToVideoRequest(prompt="走")
CALLS = 10_000


def submit(client: AuthenticatedClient, body: KlingImageToVideoRequest = BODY) -> str:
    """A call; tells whether what was not set is still known as such."""
    assert body.image is UNSET, "UNSET is no longer itself"
    return create_kling_image_to_video.sync(client=client, body=body).status


def submit_on_a_loop(client: AuthenticatedClient) -> str:
    """A call on an event loop that ends with it."""

    async def call() -> str:
        async with copy.deepcopy(client) as own:
            return (await create_kling_image_to_video.asyncio(client=own, body=BODY)).status

    return asyncio.run(call())


def fail(client: AuthenticatedClient) -> None:
    """A call that the relay refuses: it was told so."""
    create_kling_image_to_video.sync(client=client.with_headers({"X-Fail": "1"}), body=BODY)


def child(client: AuthenticatedClient, body: KlingImageToVideoRequest) -> None:
    """What a child process does: its calls, and leaving its own connection closed."""
    assert submit(client, body) == "queued"
    assert submit(client.with_timeout(9), body) == "queued"
    assert submit_on_a_loop(client) == "queued"
    client.close()


def forked(client: AuthenticatedClient) -> list[int]:
    """Children by fork, of a parent that has called already, that calls again, and that held the pool's lock."""
    submit(client)
    codes: list[int] = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(client, BODY)
                code = 0
            finally:
                os._exit(code)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        submit(client)
    return codes


def started(client: AuthenticatedClient, method: str) -> list[int | None]:
    """Children that multiprocessing starts."""
    submit(client)
    process = multiprocessing.get_context(method).Process(target=child, args=(client, BODY))
    process.start()
    process.join()
    submit(client)
    return [process.exitcode]


def copied(client: AuthenticatedClient) -> list[str]:
    """Copies of a client that has called already, and of one that derives from it; each closes its own only."""
    submit(client)
    derived = client.with_headers({"X-Trace": "t"})
    with ExitStack() as stack:
        copies = [
            pickle.loads(pickle.dumps(client)),
            copy.deepcopy(client),
            pickle.loads(pickle.dumps(derived)),
            copy.deepcopy(derived),
        ]
        said = [submit(stack.enter_context(twin)) for twin in copies]
    return [*said, submit(client), submit(derived)]


def pooled(client: AuthenticatedClient, method: str) -> dict[str, Any]:
    """A pool of processes, to which a client is sent with each call; the parent has called already."""
    submit(client)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        said = list(pool.map(submit, repeat(client, 200), repeat(BODY, 200), chunksize=5))
        error = pool.submit(fail, client).exception()
        again = pool.submit(submit, client).result()
    submit(client)
    assert isinstance(error, ApiError), repr(error)
    return {"said": sorted(set(said)), "calls": len(said), "error": [error.status_code, error.message], "again": again}


def threaded(client: AuthenticatedClient) -> dict[str, Any]:
    """Many calls from 32 threads on one client."""
    with ThreadPoolExecutor(32) as threads:
        said = list(threads.map(submit, repeat(client, 3_200)))
    return {"said": sorted(set(said)), "calls": len(said)}


def _growth(calls: Callable[[int], None]) -> dict[str, list[int]]:
    """The open files and the bytes in use after a tenth of the calls, and after all."""
    seen: dict[str, list[int]] = {"files": [], "bytes": []}
    calls(CALLS // 20)
    tracemalloc.start(1)
    for share in (CALLS // 20, CALLS - CALLS // 10):
        calls(share)
        seen["files"].append(len(os.listdir("/dev/fd")))
        seen["bytes"].append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return seen


def lasting(client: AuthenticatedClient) -> dict[str, list[int]]:
    """10,000 calls, each by a client that derives from the one; every tenth is refused."""

    def call(times: int) -> None:
        for number in range(times):
            if number % 10:
                submit(client.with_headers({"X-Trace": str(number)}))
                continue
            try:
                fail(client)
            except ApiError as error:
                assert error.status_code == 503

    return _growth(call)


def lasting_on_loops(client: AuthenticatedClient) -> dict[str, list[int]]:
    """10,000 calls on event loops, 50 at a time, each loop for 100 of them."""

    async def some(times: int) -> None:
        for _ in range(times // 50):
            calls = (create_kling_image_to_video.asyncio(client=client, body=BODY) for _ in range(50))
            assert {task.status for task in await asyncio.gather(*calls)} == {"queued"}
        await client.aclose()

    def call(times: int) -> None:
        for _ in range(times // 100):
            asyncio.run(some(100))

    return _growth(call)


SCENARIOS: dict[str, Callable[[AuthenticatedClient], Any]] = {
    "forked": forked,
    "spawned": lambda client: started(client, "spawn"),
    "by a fork server": lambda client: started(client, "forkserver"),
    "copied": copied,
    "pool by fork": lambda client: pooled(client, "fork"),
    "pool by spawn": lambda client: pooled(client, "spawn"),
    "threads": threaded,
    "lasting": lasting,
    "lasting on loops": lasting_on_loops,
}


def main() -> Iterator[str]:
    """Plays one scenario."""
    with AuthenticatedClient(sys.argv[2], token=TOKEN, deadline=None) as client:
        yield json.dumps(SCENARIOS[sys.argv[1]](client))


if __name__ == "__main__":
    for line in main():
        print(line)
