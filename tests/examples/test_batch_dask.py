"""The example of a batch on Dask: its rules with workers in this process, and Dask itself with processes."""

import asyncio
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, nullcontext
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest

from calling import TOKEN
from checkout import ROOT
from contract_check.relay.standin import Answer, Relay, Request, inner_error
from contract_check.relay.standin.tasks import Tasks
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from readme import FILES, found

EXAMPLE = ROOT / "examples" / "batch_dask"
MODULES = tuple(file.stem for file in EXAMPLE.glob("*.py") if file.stem != "__main__")
Start = Callable[..., "subprocess.Popen[str]"]


class Cluster:
    """In place of Dask's client: workers in this process, each with an environment of its own."""

    def __init__(self) -> None:
        self.scheduler = self
        self.workers = {address: SimpleNamespace(env={}, is_lost=False) for address in ("tcp://a", "tcp://b")}

    def __call__(self, address: str, **_: Any) -> "Cluster":
        return self

    def __await__(self) -> Generator[Any]:
        yield from ()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        for worker in self.workers.values():
            if hasattr(worker, "relay_client"):
                await worker.relay_client.aclose()

    async def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": self.workers}

    async def run(self, function: Any, *arguments: Any, workers: list[str]) -> dict[str, Any]:
        [address] = workers
        with patch.dict(os.environ, self.workers[address].env):
            result = function(*arguments, dask_worker=self.workers[address])
        result = await result if asyncio.iscoroutine(result) else result
        if self.workers[address].is_lost:
            raise OSError("the connection broke")
        return {address: result}


class Batch:
    """The example, run in this process."""

    def __init__(self, main: Any) -> None:
        self.main, self.cluster = main, Cluster()

    def __call__(self, items: Path, *options: object) -> int:
        """Run it; returns its exit code."""
        arguments = ["batch_dask", "--scheduler", "tcp://s", str(items), *map(str, options)]
        with patch.object(sys, "argv", arguments), patch.object(self.main, "Client", self.cluster):
            code: int = self.main.main()
            return code


@pytest.fixture(scope="module")
def main() -> Iterator[Any]:
    """The example's main module."""
    spec = spec_from_file_location("batch_dask", EXAMPLE / "__main__.py")
    assert spec
    assert spec.loader
    main = module_from_spec(spec)
    with patch.object(sys, "path", [str(EXAMPLE), *sys.path]):
        spec.loader.exec_module(main)
    yield main
    for name in MODULES:
        del sys.modules[name]


@pytest.fixture
def batch(main: Any, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    monkeypatch.setattr(import_module("dispatch"), "TICK", 0.01)
    return Batch(main)


def items_file(folder: Path, amount: int) -> Path:
    file = folder / "图 items.jsonl"
    lines = (json.dumps({"model": "kling-v1", "prompt": f"走 item-{number:04}"}) for number in range(amount))
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def results(items: Path) -> list[dict[str, Any]]:
    text = items.with_suffix(".results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def states(items: Path) -> Counter[str]:
    return Counter(result["state"] for result in results(items))


def sent(relay: Relay) -> Counter[str]:
    return Counter(found for request in relay.requests for found in re.findall("item-[0-9]{4}", str(request.json)))


def hold(relay: Relay, amount: int, then: Callable[[], object]) -> threading.Event:
    """Answer nothing before the event is set. When `amount` requests have arrived, call `then`."""
    go = threading.Event()

    def listen(_: Request, answer: Answer) -> None:
        answer.wait = go
        if len(relay.requests) == amount:
            then()

    relay.listener = listen
    return go


def interrupt() -> None:
    """Press Ctrl-C; from another thread, so that the event loop's is interrupted."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


SOON = {"Retry-After": "0.01"}
ALL = {"accepted": 3}
DOUBT = {"in doubt": 1, "accepted": 2}
PUT_BACK = {"not sent": 1, "accepted": 2}
NONE = {"not sent": 3}
FIRST_RESPONSES: dict[str, tuple[Answer | str | None, dict[str, int], int, dict[str, int]]] = {
    "accepted": (None, ALL, 3, ALL),
    "a bad request": ("no_prompt", {"refused": 1, "accepted": 2}, 3, {"refused": 1, "accepted": 2}),
    "too many requests": (Answer(429, headers=SOON), ALL, 4, ALL),
    "a busy upstream": ("too_many", ALL, 4, ALL),
    "unavailable for a while": (Answer(503, headers=SOON), DOUBT, 3, DOUBT),
    "a failed upstream": ("upstream", DOUBT, 3, DOUBT),
    "HTML": ("console", DOUBT, 3, DOUBT),
    "no response": ("hang_up", DOUBT, 3, DOUBT),
    "no channel": ("no_channel", PUT_BACK, 3, ALL),
    "no permission for the model": ("no_permission", PUT_BACK, 3, ALL),
    "a wrong token": ("bad_token", NONE, 1, ALL),
    "no quota": ("no_quota", NONE, 1, ALL),
    "a token without quota": (inner_error(403, "token quota", "pre_consume_token_quota_failed"), NONE, 1, ALL),
}


@pytest.mark.parametrize("name", FIRST_RESPONSES)
def test_each_response_decides_what_is_sent_in_this_run_and_the_next(
    batch: Batch, relay: Relay, name: str, tmp_path: Path
) -> None:
    answer, first, requests, second = FIRST_RESPONSES[name]
    del batch.cluster.workers["tcp://b"]
    items = items_file(tmp_path, 3)
    if answer:
        relay.answer(answer)

    assert batch(items, "--in-flight", 1, "--max-cost", 3) == (0 if first == ALL else 1)
    assert (states(items), len(relay.requests)) == (first, requests)

    relay.forget()
    assert batch(items) == (0 if second == ALL else 1)
    assert states(items) == second
    assert len(relay.requests) == first.get("not sent", 0)


def test_any_exception_of_a_call_is_the_outcome_of_its_item(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create_kling_image_to_video, "asyncio", Mock(side_effect=[MemoryError(), KeyError("x")]))
    items = items_file(tmp_path, 2)
    assert batch(items) == 1
    assert [result["why"] for result in results(items)] == ["MemoryError: ", "KeyError: 'x'"]
    assert states(items) == {"in doubt": 2}


def test_a_worker_that_is_lost_leaves_what_it_was_sending_in_doubt(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    def lose() -> None:
        batch.cluster.workers["tcp://a"].is_lost = True
        go.set()

    items, go = items_file(tmp_path, 60), hold(relay, 20, lambda: lose())
    assert batch(items, "--in-flight", 10) == 1
    assert states(items) == {"accepted": 50, "in doubt": 10}
    assert batch(items) == 1
    assert set(sent(relay).values()) == {1}, "what is in doubt is never sent again by itself"
    assert len(sent(relay)) == 60


def test_a_worker_that_never_returns_is_lost(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("dispatch"), "LOST", 0.1)
    items, go = items_file(tmp_path, 2), hold(relay, 3, lambda: None)
    assert batch(items) == 1
    assert states(items) == {"in doubt": 2}
    assert results(items)[0]["why"] == "its worker was lost: TimeoutError()"
    go.set()


def test_a_batch_that_was_killed_goes_on_where_it_was(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    def kill() -> None:
        """Keep what is on the disk at this moment."""
        for pattern in "*.jsonl", "*.journal*":
            for file in tmp_path.glob(pattern):
                shutil.copy(file, killed)
        go.set()

    items, killed = items_file(tmp_path, 40), tmp_path / "killed"
    killed.mkdir()
    go = hold(relay, 8, lambda: kill())
    assert batch(items, "--in-flight", 4) == 0
    first = sent(relay)

    relay.forget()
    items = killed / items.name
    lines = items.read_text(encoding="utf-8").splitlines()
    items.write_text("\n".join(reversed(lines)), encoding="utf-8")
    assert batch(items) == 1
    assert states(items) == {"accepted": 32, "in doubt": 8}
    assert sent(relay).keys() == first.keys() - set(itertools.islice(first, 8))


def test_an_interrupt_waits_for_what_is_in_flight(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dispatch = import_module("dispatch").Dispatch
    stop = dispatch.stop

    def stopped(self: Any, why: str) -> None:
        stop(self, why)
        go.set()

    monkeypatch.setattr(dispatch, "stop", stopped)
    items, go = items_file(tmp_path, 40), hold(relay, 8, interrupt)
    assert batch(items, "--in-flight", 4) == 1
    assert "interrupted; waiting for 8 in flight" in capsys.readouterr().err
    assert states(items) == {"accepted": 8, "not sent": 32}
    assert len(relay.requests) == 8


def test_a_second_interrupt_exits_immediately(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = import_module("dispatch").Dispatch
    stop = dispatch.stop

    def stopped(self: Any, why: str) -> None:
        stop(self, why)
        interrupt()

    monkeypatch.setattr(dispatch, "stop", stopped)
    items, go = items_file(tmp_path, 4), hold(relay, 2, interrupt)
    assert batch(items, "--in-flight", 1) == 1
    assert states(items) == {"in doubt": 2, "not sent": 2}
    go.set()


def test_refusals_that_ask_to_wait_slow_the_batch_down(
    batch: Batch, relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    relay.answer(Answer(429, headers={"Retry-After": "0.3"}), times=8)
    assert batch(items_file(tmp_path, 20), "--in-flight", 4) == 0
    assert capsys.readouterr().err.count("4 in flight after a pause") == 1
    assert len(relay.requests) == 28


@pytest.mark.parametrize("reason", ["429", "ConnectError", "no worker"])
def test_a_batch_that_comes_no_further_ends(
    batch: Batch, relay: Relay, tmp_path: Path, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("dispatch"), "PATIENCE", 0.2)
    relay.always(Answer(429, headers=SOON))
    if reason == "ConnectError":
        monkeypatch.setenv("RELAY_BASE_URL", "http://127.0.0.1:1")
    elif reason == "no worker":
        batch.cluster.workers.clear()
    items = items_file(tmp_path, 20)
    assert batch(items, "--in-flight", 1) == 1
    assert states(items) == {"not sent": 20}
    if reason != "no worker":
        assert reason in str(results(items))


def test_the_cost_is_limited(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    items = items_file(tmp_path, 20)
    assert batch(items, "--max-cost", 7) == 1
    assert len(relay.requests) == 7
    assert states(items) == {"accepted": 7, "not sent": 13}


@pytest.mark.parametrize(("addresses", "code"), [(["tcp://a"], 0), (["tcp://a", "tcp://b"], 1)])
def test_a_worker_without_a_token_is_named_once_and_takes_no_part(
    batch: Batch, tmp_path: Path, addresses: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in addresses:
        batch.cluster.workers[address].env = {"RELAY_TOKEN": ""}
    assert batch(items_file(tmp_path, 20)) == code
    told = capsys.readouterr().err
    for address in addresses:
        assert told.count(f"{address} takes no part: RELAY_TOKEN: not set in the worker's environment") == 1


def test_a_worker_that_comes_later_takes_part(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    def come() -> None:
        batch.cluster.workers["tcp://c"] = SimpleNamespace(env={}, is_lost=False)
        threading.Timer(0.1, go.set).start()

    items, go = items_file(tmp_path, 8), hold(relay, 2, lambda: come())
    assert batch(items, "--in-flight", 1) == 0
    assert hasattr(batch.cluster.workers["tcp://c"], "relay_client")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", ":1: not JSON"),
        ("[]", ":1: KlingImageToVideoRequest: expected an object"),
        ('{"model": "m", "prompt": "走", "promt": "走"}', ":1: unknown field promt"),
        ('{"model": "m", "prompt": 5}', ":1: KlingImageToVideoRequest.prompt: expected str, got int"),
        ('{"model": "m", "prompt": "走", "image": "./a.jpg"}', ":1: KlingImageToVideoRequest.image"),
        (None, "items.jsonl"),
    ],
)
def test_items_are_checked_before_anything_is_sent(
    batch: Batch, relay: Relay, tmp_path: Path, line: str | None, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    if line:
        file.write_text(f'{line}\n{{"model": "m", "prompt": "走"}}', encoding="utf-8")
    assert batch(file) == 2
    assert problem in capsys.readouterr().err
    assert relay.requests == []


@pytest.mark.parametrize(("answer", "state"), [(["--task", "t-9"], "accepted"), (["--resend"], "not sent")])
def test_an_item_in_doubt_is_settled_once(
    batch: Batch, relay: Relay, tmp_path: Path, answer: list[str], state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    relay.answer("upstream")
    items = items_file(tmp_path, 1)
    assert batch(items) == 1
    [item] = re.findall(r"^  (\S+) \(line 1, sent .* UTC\): ApiError: .*502", capsys.readouterr().out, re.MULTILINE)

    assert batch(items, "resolve", item, *answer) == 0
    assert batch(items, "resolve", item, *answer) == 2
    assert f"{item} is not in doubt: {state}" in capsys.readouterr().err
    assert batch(items) == 0
    assert len(relay.requests) == (2 if state == "not sent" else 1)
    assert state == "not sent" or results(items)[0]["task_id"] == "t-9"


def test_a_journal_in_use_is_said(batch: Batch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = items_file(tmp_path, 1)
    book = import_module("journal").Journal(items.with_suffix(".journal"))
    assert batch(items) == 2
    assert "is another batch running on it?" in capsys.readouterr().err
    book.close()


def test_what_is_no_scheduler_is_said(batch: Batch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert batch.main.CONNECT < 30
    with socket.create_server(("127.0.0.1", 0)) as server, patch.object(batch.main, "CONNECT", 0.3):
        batch.cluster = batch.main.Client
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert batch(items_file(tmp_path, 1), "--scheduler", address) == 2
    assert f"there is no scheduler at {address}" in capsys.readouterr().err


# What becomes of a task and its download, its state, what is said of it, and the seconds that are given.
VIDEO_ENDS: dict[str, tuple[str, str, float]] = {
    "success": ("video", "", 60),
    "video_cut": ("video", "", 60),
    "task_failure": ("failed", "risk control", 60),
    "task_stuck": ("accepted", "^PollTimeout: .*NOT_START.*the task goes on", 0.5),
    "video_html": ("accepted", "^DecodeError: .*text/html", 60),
    "video_empty": ("accepted", "^DecodeError: .*empty", 60),
    "video_slow": ("accepted", "^DeadlineExceeded: the download of task .* was not complete within 1", 1.2),
}


@pytest.mark.parametrize("end", VIDEO_ENDS)
def test_each_end_of_a_task_and_of_its_download(
    batch: Batch, relay: Relay, tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, why, seconds = VIDEO_ENDS[end]
    journal, videos = import_module("journal"), import_module("videos")
    monkeypatch.setattr(videos, "INTERVAL", 0.05)
    pace = 0.2 if end == "video_slow" else 0.0
    relay.tasks = Tasks(relay.contract.document, pace, end)
    file, folder = items_file(tmp_path, 2), tmp_path / "videos"
    assert batch(file) == 0
    time.sleep(3 * pace)  # the stand-in's tasks end then
    items, book = import_module("items").read(file), journal.Journal(file.with_suffix(".journal"))
    began = time.monotonic()

    asyncio.run(videos.fetch(AuthenticatedClient.from_env(), book, items, folder, seconds))

    known = book.results(items)
    book.close()
    assert time.monotonic() - began < 20
    assert [result["state"] for result in known] == [state, state]
    assert all(re.search(why, result.get("why", "")) for result in known)
    assert {str(path) for path in folder.iterdir()} == {result["video"] for result in known if state == "video"}
    assert len(relay.chargeable) == 2


@pytest.mark.parametrize("file", [file for file in FILES if any("batch_dask" in block.code for block in found(file))])
def test_the_documented_commands_run_as_written(
    file: str, batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [shown] = [block.code for block in found(file) if block.language == "json" and "prompt" in block.code]
    [commands] = [block.code for block in found(file) if "batch_dask" in block.code]
    local = nullcontext(SimpleNamespace(scheduler_address="tcp://local"))
    monkeypatch.setattr(batch.main, "LocalCluster", Mock(return_value=local))
    monkeypatch.setattr(batch.main, "Client", batch.cluster)
    for number, line in enumerate(commands.splitlines()):
        (tmp_path / f"{number}").mkdir()
        monkeypatch.chdir(tmp_path / f"{number}")
        Path("items.jsonl").write_text(shown, encoding="utf-8")
        _, python, example, *arguments = shlex.split(line, comments=True)
        assert (python, ROOT / example) == (".venv/bin/python", EXAMPLE)
        with patch.object(sys, "argv", ["batch_dask", *arguments, "--wait"]), patch.dict(os.environ):
            if "--scheduler" not in arguments:
                del os.environ["RELAY_BASE_URL"]
            relay.tasks = Tasks(relay.contract.document, 0.0)
            assert batch.main.main() == 0
        assert states(Path("items.jsonl").resolve()) == {"video": 2}
    assert len(relay.chargeable) == 2, "those of the first command went to a stand-in of its own"


@pytest.fixture
def start(tmp_path: Path, relay: Relay) -> Iterator[Start]:
    """Start a process in a folder of its own, with the stand-in and a token if `is_worker`; its output is piped."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    relay_environment = {"RELAY_BASE_URL": relay.url, "RELAY_TOKEN": TOKEN}
    numbers = itertools.count()
    with ExitStack() as stack:

        def start(*command: object, is_worker: bool = False) -> "subprocess.Popen[str]":
            folder = tmp_path / f"进程 {next(numbers)}"
            folder.mkdir()
            popen = subprocess.Popen(
                [sys.executable, "-P", *map(str, command)],
                cwd=folder,
                env={**plain, "HOME": str(folder), "PYTHONUTF8": "1", **(relay_environment if is_worker else {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            )
            stack.enter_context(popen)
            stack.callback(popen.kill)
            return popen

        yield start


@pytest.mark.timeout(180)
@pytest.mark.parametrize("killed", ["worker", pytest.param("scheduler", marks=pytest.mark.slow)])  # Dask waits 30 s.
def test_nothing_is_sent_twice_whatever_process_dies(killed: str, start: Start, relay: Relay, tmp_path: Path) -> None:
    scheduler = start("-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
    assert scheduler.stdout
    address = next(match[1] for line in scheduler.stdout if (match := re.search(r"Scheduler at: *(tcp:\S+)", line)))
    options = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
    workers = [start("-m", "distributed.cli.dask_worker", address, *options, is_worker=True) for _ in range(2)]
    items, go = items_file(tmp_path, 60), hold(relay, 20, lambda: None)
    running = start(EXAMPLE, items, "--scheduler", address, "--in-flight", "10")
    relay.wait_for(20, timeout=90)
    (workers[0] if killed == "worker" else scheduler).kill()
    go.set()
    told = running.communicate()[0]
    assert running.returncode == 1, told
    assert "Traceback" not in told

    known = states(items)
    if killed == "worker":
        assert known == {"accepted": 50, "in doubt": 10}
    else:
        assert known.keys() <= {"accepted", "in doubt", "not sent"}
        assert known["not sent"] == 60 - len(sent(relay)), "what may have been sent is not listed as not sent"
    assert set(sent(relay).values()) == {1}
    for process in (scheduler, *workers):
        process.kill()
        told += process.communicate()[0]
    assert TOKEN not in told


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_thousand_items_are_sent_once_each_by_workers_on_this_machine(
    start: Start, relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 2000)
    running = start(EXAMPLE, items, is_worker=True)
    told = running.communicate()[0]
    assert running.returncode == 0, told
    assert "Traceback" not in told
    assert [result["line"] for result in results(items)] == list(range(1, 2001))
    assert states(items) == {"accepted": 2000}
    assert len(sent(relay)) == 2000
    assert set(sent(relay).values()) == {1}
    assert TOKEN not in told
