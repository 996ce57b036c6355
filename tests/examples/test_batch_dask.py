"""The example of a batch on Dask: a scheduler, workers and the batch as separate processes that share no file."""

import asyncio
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import recorded
from calling import TOKEN
from checkout import ROOT, run
from contract_check.relay.standin import Answer, Relay, Request
from flavours import flavour
from readme import READMES, found

pytestmark = [pytest.mark.timeout(180)]

EXAMPLE = ROOT / "examples" / "batch_dask"
READY = {"scheduler": r"Scheduler at: *(tcp:\S+)", "worker": "Registered to"}


class Process:
    """A process, and what it has said so far."""

    def __init__(self, command: list[object], folder: Path, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
        self.popen = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**plain, "HOME": str(folder), "PYTHONUTF8": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.said = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            with self._changed:
                self.said += line
                self._changed.notify_all()

    def wait_for(self, pattern: str, timeout: float = 60) -> re.Match[str]:
        """Returns once it has said so."""
        with self._changed:
            assert self._changed.wait_for(lambda: re.search(pattern, self.said), timeout), self.said
            found = re.search(pattern, self.said)
        assert found
        return found

    def end(self) -> int:
        """Its exit code, once it has come to its end and all that it said was read."""
        code = self.popen.wait(timeout=120)
        self._reader.join()
        return code

    def close(self) -> None:
        """Ends it, and what it was read by."""
        self.popen.kill()
        self.end()
        assert self.popen.stdout
        self.popen.stdout.close()


class Cluster:
    """A scheduler and its workers, each with a folder and a home of its own."""

    def __init__(self, stack: ExitStack, folder: Path, relay: Relay, **environment: str) -> None:
        self._stack = stack
        self._folder = folder
        self._environment = {"RELAY_BASE_URL": relay.url, "RELAY_TOKEN": TOKEN, **environment}
        self.scheduler = self.start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
        self.address = self.scheduler.wait_for(READY["scheduler"])[1]
        self.workers = list[Process]()

    def start(self, kind: str, *options: object, **environment: str) -> Process:
        """Starts a scheduler or a worker."""
        folder = self._folder / f"{kind} {len(list(self._folder.iterdir()))}"
        command = [sys.executable, "-P", "-m", "distributed.cli.dask_" + kind, *options]
        process = Process(command, folder, **environment)
        self._stack.callback(process.close)
        return process

    def add_worker(self, **environment: str) -> Process:
        """A worker that is registered with the scheduler."""
        told = {**self._environment, **environment}
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
        self.workers.append(self.start("worker", self.address, *options, **told))
        self.workers[-1].wait_for(READY["worker"])
        return self.workers[-1]


@pytest.fixture
def cluster(relay: Relay, tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler with two workers, whose environment names the stand-in and a token."""
    with ExitStack() as stack:
        (tmp_path / "集群 a").mkdir()
        cluster = Cluster(stack, tmp_path / "集群 a", relay)
        cluster.add_worker()
        cluster.add_worker()
        yield cluster


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts the batch, in a folder of its own, with a home of its own and no token."""
    with ExitStack() as stack:

        def start(items: Path, *options: object, **environment: str) -> Process:
            command = [sys.executable, "-P", EXAMPLE, items, *options]
            process = Process(command, tmp_path / "batch", PYTHONWARNINGS="default", **environment)
            stack.callback(process.close)
            return process

        yield start


def items_file(folder: Path, amount: int) -> Path:
    file = folder / "图 items.jsonl"
    lines = (
        json.dumps({"model": "kling-v1", "prompt": f"走 item-{number:04}", "image": "https://example.com/i.jpg"})
        for number in range(amount)
    )
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def results(items: Path) -> list[dict[str, Any]]:
    text = items.with_suffix(".results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def sent(relay: Relay) -> Counter[str]:
    return Counter(found for request in relay.requests for found in re.findall("item-[0-9]{4}", str(request.json)))


@contextmanager
def holding(relay: Relay) -> Generator[threading.Event]:
    """The relay receives, and answers only after the event is set."""
    go = threading.Event()

    def wait(_: Request, answer: Answer) -> None:
        answer.wait = go

    relay.listener = wait
    yield go
    go.set()


@pytest.mark.slow
def test_two_thousand_items_are_sent_once_each(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 2000)
    running = batch(items, "--scheduler", cluster.address)
    assert running.end() == 0, running.said

    all_results = results(items)
    assert [result["line"] for result in all_results] == list(range(1, 2001))
    assert {result["state"] for result in all_results} == {"accepted"}
    assert len(sent(relay)) == 2000
    assert set(sent(relay).values()) == {1}
    again = batch(items, "--scheduler", cluster.address)
    assert again.end() == 0
    assert len(relay.requests) == 2000, "what is done is not sent again"
    assert all(TOKEN not in process.said for process in (running, again, cluster.scheduler, *cluster.workers))


def test_a_worker_that_dies_leaves_what_it_was_sending_in_doubt(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 60)
    with holding(relay) as go:
        running = batch(items, "--scheduler", cluster.address, "--in-flight", "10")
        relay.wait_for(20, timeout=60)
        cluster.workers[0].popen.kill()
        go.set()
        assert running.end() == 1, running.said

    states = Counter(result["state"] for result in results(items))
    assert states == {"accepted": 50, "in doubt": 10}
    assert "in doubt: it may have been charged" in running.said
    assert set(sent(relay).values()) == {1}
    assert batch(items, "--scheduler", cluster.address).end() == 1
    assert set(sent(relay).values()) == {1}, "what is in doubt is never sent by itself"


@pytest.mark.slow  # Dask tries 30 s long to reach it
def test_a_scheduler_that_dies_leaves_nothing_to_be_sent_twice(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 60)
    with holding(relay) as go:
        running = batch(items, "--scheduler", cluster.address, "--in-flight", "10")
        relay.wait_for(20, timeout=60)
        cluster.scheduler.popen.kill()
        go.set()
        assert running.end() == 1, running.said

    known = Counter(result["state"] for result in results(items))
    assert known.keys() <= {"accepted", "in doubt", "not sent"}
    assert known["not sent"] == 60 - len(sent(relay)), "what may have left is not taken for what did not"
    assert set(sent(relay).values()) == {1}


def test_a_worker_that_is_lost_gets_no_further_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(EXAMPLE), *sys.path])
    crew, journal, progress, submissions = map(import_module, ("crew", "journal", "progress", "submissions"))
    items = import_module("items").read(items_file(tmp_path, 3))
    book = journal.Journal(tmp_path / "items.journal")

    class Lost:
        async def send(self, *_: object) -> None:
            raise OSError("the connection broke")

    async def two_loops_of_one_worker() -> None:
        work = submissions.Submissions(book, items, progress.Progress(3), in_flight=2, max_cost=None)
        worker = crew.Worker(Lost(), "its sender")
        await work.consume(worker)
        await work.consume(worker)

    asyncio.run(two_loops_of_one_worker())
    assert [result["state"] for result in book.results(items)] == ["in doubt", "not sent", "not sent"]
    book.close()


def test_a_batch_that_was_killed_goes_on_where_it_was(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 40)
    with holding(relay):
        killed = batch(items, "--scheduler", cluster.address, "--in-flight", "4")
        relay.wait_for(8, timeout=60)
        killed.popen.kill()
        killed.end()
    again = batch(items, "--scheduler", cluster.address, "--in-flight", "4")
    assert again.end() == 1, again.said

    states = Counter(result["state"] for result in results(items))
    assert states == {"accepted": 32, "in doubt": 8}
    assert len(sent(relay)) == 40
    assert set(sent(relay).values()) == {1}


def test_an_interrupt_waits_for_what_is_under_way(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 40)
    with holding(relay) as go:
        running = batch(items, "--scheduler", cluster.address, "--in-flight", "4")
        relay.wait_for(8, timeout=60)
        running.popen.send_signal(signal.SIGINT)
        running.wait_for("waiting for 8 under way")
        go.set()
        assert running.end() == 1, running.said
    assert Counter(result["state"] for result in results(items)) == {"accepted": 8, "not sent": 32}
    assert len(relay.requests) == 8


def test_a_refusal_that_asks_to_wait_slows_the_batch_down(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 20)
    relay.answer(Answer(429, headers={"Retry-After": "1"}), times=8)
    running = batch(items, "--scheduler", cluster.address, "--in-flight", "4")
    assert running.end() == 0, running.said
    assert "asks to wait 1 s" in running.said
    assert len(relay.requests) == 28


def test_the_cost_is_limited(cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path) -> None:
    items = items_file(tmp_path, 20)
    running = batch(items, "--scheduler", cluster.address, "--max-cost", "7")
    assert running.end() == 1, running.said
    assert len(relay.requests) == 7
    assert Counter(result["state"] for result in results(items)) == {"accepted": 7, "not sent": 13}


def test_a_worker_without_a_token_takes_no_part(
    cluster: Cluster, batch: Callable[..., Process], tmp_path: Path
) -> None:
    cluster.add_worker(RELAY_TOKEN="")
    running = batch(items_file(tmp_path, 20), "--scheduler", cluster.address)
    assert running.end() == 0, running.said
    assert re.search("takes no part: RELAY_TOKEN: not set in this worker's environment", running.said)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "1: this is not JSON"),
        ("[]", "1: KlingImageToVideoRequest: expected an object"),
        ('{"model": "m", "prompt": "走", "promt": "走"}', "1: promt: no field of this name"),
    ],
)
def test_items_are_checked_before_anything_is_sent(
    batch: Callable[..., Process], tmp_path: Path, line: str, problem: str
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(line, encoding="utf-8")
    running = batch(file)
    assert running.end() == 2
    assert problem in running.said


def test_a_missing_file_and_a_journal_in_use_are_said(
    cluster: Cluster, batch: Callable[..., Process], relay: Relay, tmp_path: Path
) -> None:
    missing = batch(tmp_path / "none.jsonl")
    assert missing.end() == 2
    assert "none.jsonl" in missing.said
    items = items_file(tmp_path, 4)
    with holding(relay):
        running = batch(items, "--scheduler", cluster.address)
        relay.wait_for(4, timeout=60)
        second = batch(items, "--scheduler", cluster.address)
        assert second.end() == 2
        assert "is another batch running on it?" in second.said
    assert running.end() == 0, running.said


@pytest.mark.parametrize("readme", READMES)
def test_readme_s_batch_runs_as_it_is_written(readme: str, cluster: Cluster, relay: Relay, tmp_path: Path) -> None:
    shown = list(found(readme))
    [shown_items] = [block.code for block in shown if block.language == "json"]
    [commands] = [block.code for block in shown if "batch_dask" in block.code]
    for number, line in enumerate(commands.splitlines()):
        items = tmp_path / f"批 {number}" / "items.jsonl"
        items.parent.mkdir()
        items.write_text(shown_items, encoding="utf-8")
        variable, _, example, _, *options = shlex.split(line, comments=True)
        options = [option.replace("tcp://dask:8786", cluster.address) for option in options]
        done = run([sys.executable, example, items, *options], cwd=ROOT, env=dict([variable.split("=")]))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "      2 accepted\n"
        assert {result["state"] for result in results(items)} == {"accepted"}
    assert len(relay.requests) == 2, "those of the first command went to a stand-in of its own"


@pytest.fixture
def asked_for_videos(shared: Path) -> Iterator[Relay]:
    """A stand-in that knows the status query: at the first look a task is under way, and done at the next."""
    looks = Counter[str]()
    with Relay(flavour(shared, "with_status_query").contract) as relay:

        def answer(request: Request, answer: Answer) -> None:
            if request.method == "GET" and request.path.endswith("/content"):
                answer.body, answer.headers = b"video", {"Content-Type": "video/mp4"}
            elif request.method == "GET":
                looks[request.path] += 1
                said = recorded.body("succeed" if looks[request.path] > 1 else "processing")
                answer.body = json.dumps(said).encode()
            else:
                answer.body = json.dumps({**json.loads(answer.body), "task_id": f"task-{next(numbers)}"}).encode()

        numbers = itertools.count()
        relay.listener = answer
        yield relay


@pytest.fixture
def knows_the_query(shared: Path, tmp_path: Path) -> dict[str, str]:
    """The environment in which generated_client has the status query."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "generated_client").symlink_to(flavour(shared, "with_status_query").folder)
    return {"PYTHONPATH": str(folder)}


def test_videos_are_waited_for_though_a_worker_dies_and_nothing_is_submitted_twice(
    asked_for_videos: Relay, knows_the_query: dict[str, str], batch: Callable[..., Process], tmp_path: Path
) -> None:
    items = items_file(tmp_path, 12)
    with ExitStack() as stack:
        (tmp_path / "cluster").mkdir()
        cluster = Cluster(stack, tmp_path / "cluster", asked_for_videos, **knows_the_query)
        cluster.add_worker()
        options = ("--scheduler", cluster.address, "--in-flight", "4", "--pause", "1")
        submitted = batch(items, *options, **knows_the_query)
        assert submitted.end() == 0, submitted.said
        cluster.add_worker()
        running = batch(items, *options, "--wait", **knows_the_query)
        asked_for_videos.wait_for(20, timeout=60)
        cluster.workers[0].popen.kill()
        assert running.end() == 0, running.said

    all_results = results(items)
    assert {result["state"] for result in all_results} == {"video"}
    assert {Path(result["video"]).read_bytes() for result in all_results} == {b"video"}
    assert len({result["video"] for result in all_results}) == 12
    assert Counter(request.method for request in asked_for_videos.requests)["POST"] == 12


def test_a_task_that_fails_takes_too_long_or_cannot_be_kept_is_said(
    asked_for_videos: Relay, knows_the_query: dict[str, str], batch: Callable[..., Process], tmp_path: Path
) -> None:
    items = items_file(tmp_path, 4)
    items.with_suffix(".videos").write_text("a file where the folder would be", encoding="utf-8")
    submitting = asked_for_videos.listener
    unseen, all_seen = {"task-0", "task-1", "task-2", "content"}, threading.Event()

    def answer(request: Request, answer: Answer) -> None:
        if request.method == "GET":
            unseen.discard(request.path.rpartition("/")[2])
        if not unseen:
            all_seen.set()
        if request.method == "POST" or "task-3" in request.path:
            submitting(request, answer)
        elif request.path.endswith("0"):
            answer.body = json.dumps(recorded.body("failed")).encode()
        elif request.path.endswith("1"):
            answer.status, answer.body = recorded.status("unknown_id"), json.dumps(recorded.body("unknown_id")).encode()
        else:
            answer.body = json.dumps(recorded.body("processing")).encode()

    asked_for_videos.listener = answer
    with ExitStack() as stack:
        (tmp_path / "cluster").mkdir()
        cluster = Cluster(stack, tmp_path / "cluster", asked_for_videos, **knows_the_query)
        cluster.add_worker()
        options = ("--scheduler", cluster.address, "--wait", "--pause", "1")
        running = batch(items, *options, **knows_the_query)
        assert all_seen.wait(60), running.said
        running.popen.send_signal(signal.SIGINT)
        assert running.end() == 1, running.said

    failed, unknown, slow, unkept = sorted(results(items), key=lambda result: result["task_id"])
    assert failed["state"] == "failed"
    assert "risk control" in failed["why"]
    assert (unknown["state"], slow["state"], unkept["state"]) == ("accepted", "accepted", "accepted")
    assert "could not be kept" in unkept["why"]
    assert "task_not_exist" in unknown["why"]
    assert slow["why"] == "last seen: IN_PROGRESS"
    assert "run the batch with --wait, again if need be" in running.said


def test_a_worker_whose_package_lacks_the_status_query_is_said(
    cluster: Cluster, knows_the_query: dict[str, str], batch: Callable[..., Process], tmp_path: Path
) -> None:
    items = items_file(tmp_path, 2)
    running = batch(items, "--scheduler", cluster.address, "--wait", **knows_the_query)
    assert running.end() == 1, running.said
    assert {result["state"] for result in results(items)} == {"accepted"}
    assert "the package of its worker has no status query" in results(items)[0]["why"]


def test_waiting_needs_a_package_with_the_status_query(batch: Callable[..., Process], tmp_path: Path) -> None:
    running = batch(items_file(tmp_path, 1), "--wait")
    assert running.end() == 2
    assert "status-query.yaml" in running.said
