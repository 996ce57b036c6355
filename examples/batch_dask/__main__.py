"""Send a batch through a Dask cluster: each item is submitted at most once, even if a process dies.

    python examples/batch_dask items.jsonl                              # workers on this machine, a stand-in relay
    python examples/batch_dask items.jsonl --scheduler tcp://host:8786  # an existing cluster
    python examples/batch_dask items.jsonl resolve ITEM --task ID       # or --resend: settle an item in doubt

In a checkout, the python is `PYTHONPATH=. .venv/bin/python`; elsewhere one with the package, distributed and, for the
stand-in, contract_check.

Each line of the file is one request as JSON: {"model": "kling-v1", "prompt": "...", "image": "https://..."}. All are
checked before any is sent. The batch writes items.journal, an SQLite file with the state of each item, and
items.results.jsonl, with a line for each item. Run the batch again to send the remaining
items. Items in doubt are listed, and resent only after `resolve --resend`.

With --wait, the batch then polls the accepted tasks and downloads their videos into the folder items.videos. This is
free, and uses RELAY_BASE_URL and RELAY_TOKEN as set for this command. If it is interrupted, run it again to continue.

Workers need the package, {versions}, and
RELAY_BASE_URL and RELAY_TOKEN in their own environment; they share no file with the batch, and the token never passes
through Dask. Without --scheduler, workers are started here; without RELAY_BASE_URL, they send to the stand-in relay.

A 429, an unreachable relay or an item in doubt slows the batch down. A wrong token, a used-up quota or a wrong base_url
(404, HTML, a redirect) ends it; fix the cause, and run it again. The first Ctrl-C stops submitting and waits for the
items in flight; the second exits immediately.

Exit codes: 0 all items are accepted, with --wait all videos are there; 1 some are not; 2 an invalid call, file or
environment.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

import items
import journal
import videos
from dispatch import Dispatch
from generated_client import AuthenticatedClient
from journal import ACCEPTED, IN_DOUBT, NOT_SENT, REFUSED, VIDEO, Journal

LOCAL_WORKERS = 4
CONNECT = 15.0
"""Seconds to wait for the scheduler."""
VERSIONS = f"Python {sys.version_info[0]}.{sys.version_info[1]} and distributed {version('distributed')}"


def join(in_flight: int, seconds: float, dask_worker: Any) -> str:
    """Make a client on the worker that runs this; return what the worker lacks.

    Dask pickles this function and the next by value, since they are in the main module.
    """
    missing = [name for name in ("RELAY_BASE_URL", "RELAY_TOKEN") if not os.environ.get(name)]
    if missing:
        return f"{' and '.join(missing)}: not set in the worker's environment"
    try:
        import httpx

        from generated_client import AuthenticatedClient

        limits = {"limits": httpx.Limits(max_connections=in_flight)}
        dask_worker.relay_client = AuthenticatedClient.from_env(deadline=seconds, httpx_args=limits)
    except (ImportError, ValueError) as error:
        return repr(error)
    return ""


async def send(body: dict[str, Any], dask_worker: Any) -> dict[str, Any]:
    """Submit one item from the worker that runs this; return its new state with details, and never raise."""
    from generated_client import DecodeError, InvalidArgument, ResponseError, UnexpectedStatus, may_have_been_charged
    from generated_client.api.videos import create_kling_image_to_video
    from generated_client.models import KlingImageToVideoRequest

    try:
        request = KlingImageToVideoRequest.from_dict(body)
        task = await create_kling_image_to_video.asyncio(client=dask_worker.relay_client, body=request)
    except Exception as error:  # noqa: BLE001  # each is the outcome of this item
        status, code = getattr(error, "status_code", None), getattr(error, "code", None) or ""
        has_no_channel = status == 503 and code == "model_not_found"  # refused before anything was charged
        if may_have_been_charged(error) and not has_no_channel:
            # An undocumented response is probably not the relay's, so that each further item would be in doubt, too.
            state, then = IN_DOUBT, "stop" if isinstance(error, DecodeError | UnexpectedStatus) else "slow down"
        elif status == 429 or not isinstance(error, ResponseError | InvalidArgument):
            state, then = NOT_SENT, "slow down"
        elif status in (401, 404) or (status == 403 and "quota" in code):  # the item is not at fault
            state, then = NOT_SENT, "stop"
        else:
            state, then = NOT_SENT if has_no_channel or status == 403 else REFUSED, ""
        known = {name: getattr(error, name, None) for name in ("request_id", "retry_after")}
        return {"state": state, "then": then, "why": f"{type(error).__name__}: {error}", **known}
    return {"state": ACCEPTED, "task_id": task.task_id}


def main() -> int:
    """Run a batch; return the exit code."""
    options = _options()
    try:
        with ExitStack() as stack:
            all_items = items.read(options.items)
            book = Journal(options.items.with_suffix(".journal"))
            stack.callback(book.close)
            if options.command == "resolve":
                return _resolve(book, options)
            if not options.scheduler:
                stack.enter_context(_relay())
            _work(book, all_items, options)
            results = book.results(all_items)
    except (items.InvalidItems, journal.JournalInUse, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    results_file = options.items.with_suffix(".results.jsonl")
    lines = (json.dumps(result, ensure_ascii=False) + "\n" for result in results)
    results_file.write_text("".join(lines), encoding="utf-8")
    final = (VIDEO,) if options.wait else (VIDEO, ACCEPTED)
    print(journal.table(results, final))
    print(f"results: {results_file}", file=sys.stderr)
    return 0 if all(result["state"] in final for result in results) else 1


def _options() -> argparse.Namespace:
    description = str(__doc__).replace("{versions}", VERSIONS)
    parser = argparse.ArgumentParser(
        prog="batch_dask", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("items", type=Path, metavar="ITEMS.jsonl", help="the requests, one per line")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="an existing scheduler: tcp://host:8786")
    parser.add_argument("--in-flight", type=_positive, default=64, metavar="N", help="per worker; default: 64")
    parser.add_argument("--max-cost", type=_positive, metavar="N", help="stop after N accepted submissions")
    parser.add_argument("--wait", action="store_true", help="poll the tasks, and download their videos")
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="limit for --wait; default: 30")
    commands = parser.add_subparsers(dest="command")
    resolve = commands.add_parser("resolve", help="settle an item in doubt")
    resolve.add_argument("item", metavar="ITEM", help="its name in the results")
    answer = resolve.add_mutually_exclusive_group(required=True)
    answer.add_argument("--task", metavar="ID", help="the relay has this task for the item")
    answer.add_argument("--resend", action="store_true", help="the relay has no task for it: the next run resends it")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not an integer above 0")
    return int(text)


def _resolve(book: Journal, options: argparse.Namespace) -> int:
    if (state := book.state(options.item)) != IN_DOUBT:
        print(f"{options.item} is not in doubt: {state}", file=sys.stderr)
        return 2
    if options.resend:
        book.write(options.item, NOT_SENT, why="settled: the relay has no task for it")
    else:
        book.write(options.item, ACCEPTED, task_id=options.task)
    print(f"{options.item}: {book.state(options.item)}", file=sys.stderr)
    return 0


def _work(book: Journal, all_items: list[items.Item], options: argparse.Namespace) -> None:
    """Send the unsent items and, with --wait, download the videos of accepted ones."""
    client = AuthenticatedClient.from_env() if options.wait else None
    unsent = [item for item in all_items if book.state(item.key) == NOT_SENT]
    print(f"{len(unsent)} of {len(all_items)} items to send", file=sys.stderr)
    try:
        if unsent:
            with nullcontext(options.scheduler) if options.scheduler else _local_cluster() as address:
                asyncio.run(_submit(book, unsent, address, options))
        if client:
            folder = options.items.with_suffix(".videos")
            asyncio.run(videos.fetch(client, book, all_items, folder, options.minutes * 60))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)


async def _submit(book: Journal, unsent: list[items.Item], address: str, options: argparse.Namespace) -> None:
    client = Client(address, asynchronous=True)
    try:
        try:
            async with asyncio.timeout(CONNECT):
                await client
        except OSError as error:
            raise OSError(f"no scheduler at {address}: {error!r}") from error
        dispatch = Dispatch(client, book, unsent, in_flight=options.in_flight, max_cost=options.max_cost)
        await dispatch.run(join, send)
    finally:
        await client.close()


@contextmanager
def _relay() -> Iterator[None]:
    """Run a stand-in relay if the environment names none."""
    if os.environ.get("RELAY_BASE_URL"):
        yield
        return
    from contract_check.relay.standin import Contract, Relay
    from contract_check.relay.standin.command import Tasks

    with Relay(Contract.of()) as relay:
        relay.amend = Tasks(relay.contract.document, 0).answer
        os.environ.update(RELAY_BASE_URL=relay.url, RELAY_TOKEN="sk-" + "stand-in", NO_PROXY="127.0.0.1")
        yield


@contextmanager
def _local_cluster() -> Iterator[str]:
    with LocalCluster(n_workers=LOCAL_WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


if __name__ == "__main__":
    sys.exit(main())
