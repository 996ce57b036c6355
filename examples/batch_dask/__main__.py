"""A batch on a Dask cluster: each item is sent at most once, whatever dies on the way.

    python examples/batch_dask items.jsonl                              # workers on this machine, a stand-in relay
    python examples/batch_dask items.jsonl --scheduler tcp://host:8786  # a cluster that runs already

In a checkout, the python is `PYTHONPATH=. .venv/bin/python`; elsewhere one with the package, distributed and, for the
stand-in, contract_check.

Each line of the file is one request as JSON: {"model": "kling-v1", "prompt": "...", "image": "https://..."}. All are
checked before any is sent. Beside it come items.journal, an SQLite file that knows what became of each, and
items.results.jsonl, a line for each item. Run it again, and what certainly never left is sent; what is in doubt is
listed, and never sent by itself.

With --wait, the accepted tasks are then followed until each has its video, which comes into the folder items.videos,
or has failed; a task that takes longer is followed by the next run. Looking costs nothing. The package must have been
generated with the status query (generator/status-query.yaml).

Workers need the package and the variables RELAY_BASE_URL and RELAY_TOKEN in their own environment; they share no file
with this process, and the token never passes through Dask. Without --scheduler, workers are started here; without
RELAY_BASE_URL, they send to the stand-in relay, at no cost.

Ctrl-C takes no new item and waits for those under way; a second one doesn't wait.

Exit codes: 0 all items are accepted, with --wait all videos are there; 1 some are not; 2 a wrong call, file or
environment.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, LocalCluster

import crew
import items
import journal
import sender
from journal import ACCEPTED, VIDEO, Journal, JournalInUse
from progress import Progress
from submissions import Submissions
from videos import Videos

LOCAL_WORKERS = 4
STATUS_QUERY = "generated_client.api.videos.get_kling_image_to_video"


class Sender(sender.Sender):
    """What workers get of this folder: Dask sends a class that stands in the main module, and its bases, by value."""


def main() -> int:
    """Runs a batch; returns its exit code."""
    options = _options()
    if options.wait and find_spec(STATUS_QUERY) is None:
        print("--wait: this package has no status query; generate it with generator/status-query.yaml", file=sys.stderr)
        return 2
    results_file = options.items.with_suffix(".results.jsonl")
    try:
        all_items = items.read(options.items)
        book = Journal(options.items.with_suffix(".journal"))
    except (items.BadItems, JournalInUse, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        _work(book, all_items, options)
        book.abandon("the batch was interrupted while it was being sent")
        results = book.results(all_items)
    finally:
        book.close()
    _write(results_file, results)
    wanted = (VIDEO,) if options.wait else (VIDEO, ACCEPTED)
    print(journal.table(results, wanted))
    print(f"results: {results_file}", file=sys.stderr)
    return 0 if all(result["state"] in wanted for result in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="batch_dask", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("items", type=Path, metavar="ITEMS.jsonl", help="the requests, one a line")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a scheduler that runs already: tcp://host:8786")
    parser.add_argument("--in-flight", type=_positive, default=64, metavar="N", help="at once on each worker; 64")
    parser.add_argument("--max-cost", type=_positive, metavar="N", help="stop after N accepted submissions")
    parser.add_argument("--wait", action="store_true", help="follow the tasks to their videos, and download these")
    parser.add_argument(
        "--pause", type=_positive, default=15, metavar="SECONDS", help="between two looks at a task; 15"
    )
    parser.add_argument("--minutes", type=_positive, default=30, metavar="N", help="of waiting at most; 30")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)


def _work(book: Journal, all_items: list[items.Item], options: argparse.Namespace) -> None:
    """Sends what was never sent and, with --wait, follows what was accepted; returns early where Ctrl-C asks for it."""
    unsent = book.unsent(all_items)
    print(f"{len(unsent)} of {len(all_items)} items to send", file=sys.stderr)
    if not unsent and not (options.wait and book.accepted(all_items)):
        return
    cloudpickle.register_pickle_by_value(sender)
    try:
        with ExitStack() as stack:
            address = options.scheduler or stack.enter_context(_local_cluster())
            asyncio.run(_run(book, all_items, options, address))
    except KeyboardInterrupt:
        print("\nnot waiting for what is under way", file=sys.stderr)
    except OSError as error:
        print(f"the cluster can't be reached: {error}", file=sys.stderr)


async def _run(book: Journal, all_items: list[items.Item], options: argparse.Namespace, address: str) -> None:
    interrupted = asyncio.Event()
    current = list[crew.Work[Any]]()

    def stop() -> None:
        interrupted.set()
        for work in current:
            work.stop("interrupted")

    def interrupt(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(stop)

    loop = asyncio.get_running_loop()
    signal.signal(signal.SIGINT, interrupt)
    async with Client(address, asynchronous=True) as client:
        print(f"scheduler: {address}", file=sys.stderr)
        if unsent := book.unsent(all_items):
            with Progress(len(unsent)) as progress:
                settings = {"in_flight": options.in_flight, "max_cost": options.max_cost}
                current[:] = [Submissions(book, unsent, progress, **settings)]
                await crew.do(current[0], client, Sender)
        tasks = book.accepted(all_items) if options.wait else []
        if tasks and not interrupted.is_set():
            print(f"{len(tasks)} videos to wait for", file=sys.stderr)
            with Progress(len(tasks)) as progress:
                folder = options.items.with_suffix(".videos")
                waiting = {"in_flight": options.in_flight, "within": options.minutes * 60, "pause": options.pause}
                current[:] = [Videos(book, tasks, folder, progress, **waiting)]
                await crew.do(current[0], client, Sender)


@contextmanager
def _local_cluster() -> Iterator[str]:
    """Workers on this machine; with a relay of its own where the environment names none."""
    with ExitStack() as stack:
        if "RELAY_BASE_URL" not in os.environ:
            from contract_check.relay.standin import Contract, Relay

            relay = stack.enter_context(Relay(Contract.of()))
            os.environ.update(RELAY_BASE_URL=relay.url, RELAY_TOKEN="sk-" + "stand-in", NO_PROXY="127.0.0.1")
        size = {"n_workers": LOCAL_WORKERS, "threads_per_worker": 1}
        cluster = stack.enter_context(LocalCluster(**size, dashboard_address=":0"))
        yield cluster.scheduler_address


def _write(file: Path, results: list[dict[str, Any]]) -> None:
    """Puts the results in place whole, whatever happens meanwhile."""
    work = file.with_suffix(".tmp")
    with work.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(result, ensure_ascii=False) + "\n" for result in results)
    work.replace(file)


if __name__ == "__main__":
    sys.exit(main())
