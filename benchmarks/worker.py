"""The measured process: one library, one kind of work. Each line on standard input is a round; print its figures.

`worker.py KIND PEER URL CALLS`, where KIND is sync, threads, async, burst, or image or text with -sync or -async.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from calls import ASYNC, SMALL, SYNC, AsyncCall, Call

IN_FLIGHT = 100
THREADS = 64
LARGE: dict[str, Callable[[], dict[str, Any]]] = {
    # Like an image: one long Base64 string.
    "image": lambda: {**SMALL, "image": "iVBORw0KGgoAAAANSUhEUgAAB4AAAAQ4+/" * (20 * 1024 * 1024 * 4 // 3 // 34)},
    # Like a long text: many characters that JSON escapes, and a string per paragraph.
    "text": lambda: {
        **SMALL,
        "metadata": {"text": [f'{n:06} The astronaut: "now"!\n' * 36 for n in range(27_000)]},
    },
}


def main() -> None:
    """Set up, print "ready", and measure a round for each line."""
    kind, peer, url, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if kind == "sync":
        with SYNC[peer](url) as call:
            _sync(call, SMALL, calls // 10 + 1)
            _rounds(lambda: {"seconds": _sync(call, SMALL, calls) / calls})
    elif kind == "threads":
        with SYNC[peer](url) as call:
            _threads(call, SMALL, THREADS)
            _rounds(lambda: {"seconds": _threads(call, SMALL, calls) / calls})
    elif kind.endswith("-sync"):
        with SYNC[peer](url) as call:
            _sync(call, SMALL, 1)
            _rounds(lambda: _large(kind, lambda body: _sync(call, body, calls)))
    else:
        with asyncio.Runner() as runner:
            runner.run(_async(kind, peer, url, calls))


async def _async(kind: str, peer: str, url: str, calls: int) -> None:
    async with ASYNC[peer](url, calls if kind == "burst" else 0) as call:
        before = IN_FLIGHT if kind == "async" else 1
        await _some(call, SMALL, before, before)
        for _ in _lines():
            if kind == "async":
                _print({"seconds": await _some(call, SMALL, calls, IN_FLIGHT) / calls})
            elif kind == "burst":
                with _Peak() as peak:
                    seconds = await _some(call, SMALL, calls, calls)
                _print({"seconds": seconds, "memory": peak.bytes / calls})
            else:
                body, peak = LARGE[kind.partition("-")[0]](), _Peak()
                with peak:
                    seconds = await _some(call, body, calls, 1)
                _print({"seconds": seconds, "memory": peak.bytes / _size(body)})


def _sync(call: Call, body: dict[str, Any], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        _check(call(body))
    return time.perf_counter() - started


def _threads(call: Call, body: dict[str, Any], times: int) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(_sync, call, body, times // THREADS) for _ in range(THREADS)]:
            done.result()
    return time.perf_counter() - started


async def _some(call: AsyncCall, body: dict[str, Any], times: int, in_flight: int) -> float:
    left = iter(range(times))

    async def work() -> None:
        for _ in left:
            _check(await call(body))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())
    return time.perf_counter() - started


def _large(kind: str, send: Any) -> dict[str, float]:
    body = LARGE[kind.partition("-")[0]]()
    with _Peak() as peak:
        seconds = send(body)
    return {"seconds": seconds, "memory": peak.bytes / _size(body)}


def _size(body: dict[str, Any]) -> int:
    return len(json.dumps(body, ensure_ascii=False).encode())


def _check(task_id: str) -> None:
    if task_id != "task-1":
        raise ValueError(f"another answer than the relay's: {task_id!r}")


class _Peak:
    """The growth of the process within the block, in bytes; on other systems than Linux, since its start."""

    bytes = 0

    def __enter__(self) -> "_Peak":
        gc.collect()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.before = psutil.Process().memory_info().rss
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = max(0, _peak() - self.before)


def _peak() -> int:
    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _lines() -> Any:
    print("ready", flush=True)
    return sys.stdin


def _rounds(measure: Any) -> None:
    for _ in _lines():
        _print(measure())


def _print(figures: dict[str, float]) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
