"""A batch on a local Dask cluster of processes: each item is sent at most once, whatever dies on the way.

    PYTHONPATH=. .venv/bin/python examples/batch_dask.py batch.sqlite    # 1,000 tasks to a stand-in relay, at no cost

With RELAY_BASE_URL and RELAY_TOKEN set it sends for real, and each task is charged. The journal, an SQLite file, has an
item on the disk as `sending` before it is sent; none is sent twice, and a rerun sends what never was. States: done,
refused, unknown (perhaps charged: look before you send it by hand), not sent (safe). Exit code 0: all done, 1: the rest
is told.
"""

import argparse
import os
import sqlite3
import sys
from contextlib import ExitStack, closing

import dask
import httpx
from distributed import Client, LocalCluster, Worker, WorkerPlugin, as_completed, get_worker

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, ApiError, ResponseError
from generated_client.models import KlingImageToVideoRequest

CLAIM = """INSERT INTO journal VALUES (?, 'sending', '') ON CONFLICT (item)
           DO UPDATE SET state = 'sending', outcome = '' WHERE state = 'not sent'"""


class Sender(WorkerPlugin):
    """One client for each worker, made there: the token comes from its environment, and never passes through Dask."""

    def setup(self, worker: Worker) -> None:
        worker.relay = AuthenticatedClient(base_url=os.environ["RELAY_BASE_URL"], token=os.environ["RELAY_TOKEN"])

    def teardown(self, worker: Worker) -> None:
        worker.relay.close()


def journal(path: str) -> "closing[sqlite3.Connection]":
    """The journal; what is written is on the disk when the call returns."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS journal (item TEXT PRIMARY KEY, state TEXT, outcome TEXT)")
    return closing(connection)


def send(item: str, path: str) -> None:
    """Sends one item, unless the journal knows it; runs on a worker, and raises nothing that a call raises."""
    with journal(path) as book:
        if not book.execute(CLAIM, [item]).rowcount:
            return
        body = KlingImageToVideoRequest(model="kling-v1", prompt=f"走 {item}", image="https://example.com/image.jpg")
        try:
            state, outcome = "done", create_kling_image_to_video.sync(client=get_worker().relay, body=body).task_id
        except NOT_SENT as error:
            state, outcome = "not sent", repr(error)
        except (ResponseError, httpx.TransportError) as error:
            refused = isinstance(error, ApiError) and error.status_code < 500
            state, outcome = "refused" if refused else "unknown", repr(error)
        book.execute("UPDATE journal SET state = ?, outcome = ? WHERE item = ?", [state, outcome, item])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=os.path.abspath)
    for name, default in (("--items", 1000), ("--processes", 4), ("--threads", 8)):
        parser.add_argument(name, type=int, default=default)
    options = parser.parse_args()
    # Nothing is tried again, and a worker is given no more than it runs.
    dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": 1.0})
    with journal(options.journal) as book, ExitStack() as stack:
        known = {item for (item,) in book.execute("SELECT item FROM journal WHERE state != 'not sent'")}
        todo = [item for item in (f"item-{number:04}" for number in range(options.items)) if item not in known]
        if "RELAY_BASE_URL" not in os.environ:
            from contract_check.relay.standin import Contract, Relay

            relay = stack.enter_context(Relay(Contract.of()))
            os.environ.update(RELAY_BASE_URL=relay.url, RELAY_TOKEN="sk-" + "stand-in", NO_PROXY="127.0.0.1")
        size = {"n_workers": options.processes, "threads_per_worker": options.threads}
        cluster = stack.enter_context(LocalCluster(**size, dashboard_address=None))
        client = stack.enter_context(Client(cluster))
        client.register_plugin(Sender())
        print(f"{len(todo)} of {options.items} to send; scheduler: {cluster.scheduler_address}", flush=True)
        tasks = [client.submit(send, item, options.journal, retries=0, pure=False) for item in todo]
        for n, _ in enumerate(as_completed(tasks, raise_errors=False), 1):
            if sys.stderr.isatty():
                print(f"\r{n}/{len(todo)} {'#' * (40 * n // len(todo))}", end="\n" * (n == len(todo)), file=sys.stderr)
        book.execute("UPDATE journal SET state = 'unknown', outcome = 'its worker died' WHERE state = 'sending'")
        states = dict(book.execute("SELECT state, count(*) FROM journal GROUP BY state"))
        print(states, "never sent:", options.items - sum(states.values()))
        for row in book.execute("SELECT * FROM journal WHERE state != 'done'"):
            print(*row)
        return 0 if states.get("done", 0) == options.items else 1


if __name__ == "__main__":
    sys.exit(main())
