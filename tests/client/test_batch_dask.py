"""The example of a batch on Dask: at most one send for each item, though a worker dies, and no token in the engine."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path as File
from threading import Event

import pytest

from calling import TOKEN
from checkout import ROOT
from contract_check.relay.standin import Answer, Relay, Request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ITEMS = 40
# What the scheduler holds of the tasks, and what it and the workers log; read by a process of its own.
LOOK = """
import os, sys
from distributed import Client
from distributed.protocol.pickle import dumps

def held(dask_scheduler):
    return [dumps([task.run_spec, str(task.exception_text)]) for task in dask_scheduler.tasks.values()]

with Client(sys.argv[1]) as client:
    tasks = client.run_on_scheduler(held)
    logs = repr([client.get_scheduler_logs(), client.get_worker_logs(), client.get_events()])
    workers = client.run(os.getpid)
print(len(tasks), any(sys.argv[2].encode() in task for task in tasks), sys.argv[2] in logs, *workers.values())
"""


@contextmanager
def _batch(relay: Relay, book: File) -> Generator[subprocess.Popen[str]]:
    environment = {**os.environ, "RELAY_BASE_URL": relay.url, "RELAY_TOKEN": TOKEN, "PYTHONWARNINGS": "default"}
    size = ("--items", str(ITEMS), "--processes", "2", "--threads", "3")
    command = [sys.executable, "-P", str(ROOT / "examples/batch_dask.py"), str(book), *size]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        yield process
        process.kill()


def _journal(book: File) -> dict[str, str]:
    with closing(sqlite3.connect(book)) as connection:
        return dict(connection.execute("SELECT item, state FROM journal"))


def _sent(relay: Relay) -> Counter[str]:
    return Counter(re.findall("item-[0-9]+", json.dumps([request.json for request in relay.requests])))


def test_a_batch(relay: Relay, tmp_path: File) -> None:
    book, go = tmp_path / "batch.sqlite", Event()

    def wait(_: Request, answer: Answer) -> None:
        answer.wait = go

    relay.listener = wait
    with _batch(relay, book) as batch:
        assert batch.stdout
        said = batch.stdout.readline()
        relay.wait_for(6, timeout=60)
        assert list(_journal(book).values()) == ["sending"] * 6, "what is under way is in the journal, and no more is"
        address = said.split()[-1]
        command = [sys.executable, "-P", "-c", LOOK, address, TOKEN]
        looked = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split()
        assert looked[:3] == [str(ITEMS), "False", "False"], (
            "Dask holds all tasks; the token is neither there nor in its logs"
        )
        os.kill(int(looked[3]), signal.SIGKILL)
        go.set()
        said += batch.stdout.read()
        assert batch.wait() == 1, said
    first = _journal(book)
    unknown = {item for item, state in first.items() if state == "unknown"}
    assert 1 <= len(unknown) <= 3, said
    assert all(item in said for item in unknown)
    assert TOKEN not in said

    with _batch(relay, book) as batch:
        assert batch.stdout
        said = batch.stdout.read()
        assert batch.wait() == 1, said
    second = _journal(book)
    assert {item for item, state in second.items() if state == "unknown"} == unknown
    assert Counter(second.values()) == {"done": ITEMS - len(unknown), "unknown": len(unknown)}
    assert _sent(relay) == dict.fromkeys(second, 1), "each item was sent once, in both runs together"
    assert TOKEN not in said
