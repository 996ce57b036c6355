"""The Dask batch example: its rules with workers in this process, and Dask itself with processes."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, nullcontext, redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import DEFAULT, Mock, patch

import distributed
import pytest

from calling import TLS, TOKEN
from checkout import ROOT, run
from contract_check.relay.standin import Answer, Relay, Request, inner_error
from contract_check.relay.standin.command import Tasks
from generated_client.api.videos import create_kling_image_to_video
from readme import blocks

EXAMPLE = ROOT / "examples" / "batch_dask"
MODULES = [file.stem for file in EXAMPLE.glob("*.py") if file.stem != "__main__"]


class Cluster:
    """A fake of Dask's client, with workers in this process."""

    def __init__(self) -> None:
        self.scheduler = self
        self.workers = {"tcp://a": SimpleNamespace(), "tcp://b": SimpleNamespace()}
        self.without_token, self.lost = set[str](), set[str]()

    def __await__(self) -> Generator[Any]:
        yield from ()

    async def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": self.workers}

    async def run(self, function: Any, *arguments: Any, workers: list[str]) -> dict[str, Any]:
        [address] = workers
        with patch.dict(os.environ, {"RELAY_TOKEN": ""} if address in self.without_token else {}):
            result = function(*arguments, dask_worker=self.workers[address])
        result = await result if asyncio.iscoroutine(result) else result
        if address in self.lost:
            raise OSError("the connection broke")
        return {address: result}

    async def close(self) -> None:
        for worker in self.workers.values():
            if hasattr(worker, "relay_client"):
                await worker.relay_client.aclose()


class Batch:
    """The example, run in this process with the items in `file`."""

    def __init__(self, main: Any, relay: Relay, folder: Path) -> None:
        self.main, self.relay, self.cluster = main, relay, Cluster()
        self.file = folder / "图 items.jsonl"
        self.printed = ""

    def write(self, amount: int, step: int = 1) -> None:
        lines = [json.dumps({"model": "kling-v1", "prompt": f"走 {number}"}) for number in range(amount)]
        self.file.write_text("\n".join(lines[::step]), encoding="utf-8")

    def __call__(self, *options: object) -> int:
        """Run it; return the exit code."""
        self.relay.forget()
        arguments = ["batch_dask", "--scheduler", "tcp://s", str(self.file), *map(str, options)]
        with patch.object(sys, "argv", arguments), redirect_stdout(StringIO()) as printed, redirect_stderr(printed):
            code: int = self.main.main()
        self.printed = printed.getvalue()
        return code

    @property
    def results(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.with_suffix(".results.jsonl").read_bytes().splitlines()]

    @property
    def states(self) -> dict[str, int]:
        return dict(Counter(result["state"] for result in self.results))

    @property
    def prompts(self) -> Counter[str]:
        return Counter(request.json["prompt"] for request in self.relay.requests)

    def hold(self, acts: Mapping[int, Callable[[], object]]) -> threading.Event:
        """Delay responses until the event is set, and act after each number of requests in `acts`."""
        go = threading.Event()

        def listen(_: Request, answer: Answer) -> None:
            answer.wait = go
            if not go.is_set():
                acts.get(len(self.relay.requests), int)()

        self.relay.listener = listen
        return go


@pytest.fixture(scope="module")
def main() -> Iterator[Any]:
    """The example's main module."""
    main, file = ModuleType("batch_dask"), EXAMPLE / "__main__.py"
    with patch.object(sys, "path", [str(EXAMPLE), *sys.path]):
        exec(compile(file.read_text(encoding="utf-8"), file, "exec"), vars(main))
    yield main
    for name in MODULES:
        del sys.modules[name]


@pytest.fixture
def batch(main: Any, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    monkeypatch.setattr(import_module("dispatch"), "TICK", 0.01)
    monkeypatch.setattr(import_module("dispatch"), "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(ssl, "create_default_context", Mock(return_value=TLS))
    batch = Batch(main, relay, tmp_path)
    monkeypatch.setattr(main, "Client", Mock(return_value=batch.cluster))
    return batch


# The first response for three items; their states, the number of requests, and their states after a second run.
ALL, NONE, STOPPED = {"accepted": 3}, {"not sent": 3}, {"in doubt": 1, "not sent": 2}
REFUSED, DOUBT, LATER = ({state: 1, "accepted": 2} for state in ("refused", "in doubt", "not sent"))
NO_TOKEN_QUOTA = inner_error(403, "token quota is not enough", "pre_consume_token_quota_failed")
FIRST_RESPONSES: dict[str, tuple[Answer | str | Exception | None, dict[str, int], int, dict[str, int]]] = {
    "accepted": (None, ALL, 3, ALL),
    "a bad request": ("no_prompt", REFUSED, 3, REFUSED),
    "a busy upstream": ("too_many", ALL, 4, ALL),
    "unavailable": (Answer(503), DOUBT, 3, DOUBT),
    "a failed upstream": ("upstream", DOUBT, 3, DOUBT),
    "HTML": ("console", STOPPED, 1, DOUBT),
    "a redirect": (Answer(302, headers={"Location": "/login"}), STOPPED, 1, DOUBT),
    "a wrong path": ("wrong_path", NONE, 1, ALL),
    "no response": ("hang_up", DOUBT, 3, DOUBT),
    "any other exception": (MemoryError(), DOUBT, 2, DOUBT),
    "no channel for the model": ("no_channel", LATER, 3, ALL),
    "no permission for the model": ("no_permission", LATER, 3, ALL),
    "a wrong token": ("bad_token", NONE, 1, ALL),
    "no quota": ("no_quota", NONE, 1, ALL),
    "no quota of the token": (NO_TOKEN_QUOTA, NONE, 1, ALL),
}


@pytest.mark.parametrize("name", FIRST_RESPONSES)
def test_each_response_decides_what_is_sent_in_this_run_and_the_next(
    batch: Batch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, first, requests, second = FIRST_RESPONSES[name]
    del batch.cluster.workers["tcp://b"]
    batch.write(3)
    if isinstance(answer, Exception):
        failing = Mock(wraps=create_kling_image_to_video.asyncio, side_effect=[answer, DEFAULT, DEFAULT])
        monkeypatch.setattr(create_kling_image_to_video, "asyncio", failing)
    elif answer:
        batch.relay.answer(answer)

    assert batch("--in-flight", 1) == (0 if first == ALL else 1)
    assert (batch.states, len(batch.relay.requests)) == (first, requests)

    assert batch() == (0 if second == ALL else 1)
    assert (batch.states, len(batch.relay.requests)) == (second, first.get("not sent", 0))


def test_a_lost_worker_leaves_its_items_in_doubt_and_the_others_to_the_other(batch: Batch) -> None:
    batch.write(60)
    go = batch.hold({19: lambda: batch.cluster.lost.add("tcp://a"), 20: lambda: go.set()})
    assert batch("--in-flight", 10) == 1
    assert batch.states == {"accepted": 50, "in doubt": 10}
    assert len(batch.relay.requests) == 60


def test_a_worker_that_never_returns_is_lost(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("dispatch"), "LOST", 0.2)
    batch.write(2)
    go = batch.hold({})
    assert batch() == 1
    assert [result["why"] for result in batch.results] == ["its worker was lost: TimeoutError()"] * 2
    go.set()


def test_a_worker_that_joins_later_is_used(batch: Batch) -> None:
    batch.write(3)
    go = batch.hold({2: lambda: batch.cluster.workers.update({"tcp://c": SimpleNamespace()}), 3: lambda: go.set()})
    assert batch("--in-flight", 1) == 0


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_waits_for_what_is_in_flight_and_the_second_time_does_not(
    batch: Batch, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def stopped(self: Any, why: str) -> None:
        stop(self, why)
        go.set() if times == 1 else interrupt()

    stop = import_module("dispatch").Dispatch.stop
    monkeypatch.setattr(import_module("dispatch").Dispatch, "stop", stopped)
    batch.write(40)
    go = batch.hold({8: interrupt})
    assert batch("--in-flight", 4) == 1
    go.set()
    assert "interrupted; waiting for 8 in flight" in batch.printed
    assert batch.states == {"accepted" if times == 1 else "in doubt": 8, "not sent": 32}
    first = batch.prompts

    batch.write(40, -1)
    assert batch() == times - 1
    assert (len(batch.prompts - first), batch.prompts.total()) == (32, 32)


@pytest.mark.parametrize(("headers", "pause"), [({"Retry-After": "1.2"}, 1.2), ({}, 1.0)])
def test_a_429_slows_the_batch_down(
    batch: Batch, headers: dict[str, str], pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("dispatch"), "FIRST_PAUSE", 0.5)
    batch.write(20)
    batch.relay.answer(Answer(429, headers=headers), times=8)
    arrived = list[float]()

    def note_time(_request: Any, _answer: Answer) -> None:
        arrived.append(time.monotonic())

    batch.relay.listener = note_time
    assert batch("--in-flight", 4) == 0
    assert arrived[8] - arrived[0] >= pause
    assert batch.printed.count(f"4 in flight after a pause of {pause:g} s") == 1
    assert len(batch.relay.requests) == 28


def test_accepted_items_restore_the_speed(batch: Batch) -> None:
    def listen(_: Request, answer: Answer) -> None:
        number = len(batch.relay.requests)
        if number == 4:
            answer.wait = another_in_flight
        elif number == 5:
            batch.relay.answer(Answer(429))
            another_in_flight.set()

    another_in_flight = threading.Event()
    del batch.cluster.workers["tcp://b"]
    batch.write(6)
    batch.relay.answer(Answer(429))
    batch.relay.listener = listen
    assert batch("--in-flight", 2) == 0
    assert batch.printed.count("; 1 in flight after a pause of 0.02 s") == 2


# A failure, the states of the 20 items afterwards, and a message that is printed exactly once.
IN_VAIN = "nothing was accepted for 1 s"
UNFIT = "tcp://a can't be used: RELAY_TOKEN: not set in the worker's environment"
ENDS: dict[str, tuple[Callable[[Batch], object], dict[str, int], str]] = {
    "a failing relay": (lambda b: b.relay.always("upstream"), {"in doubt": 4, "not sent": 16}, IN_VAIN),
    "no relay": (lambda b: os.environ.update(RELAY_BASE_URL="http://127.0.0.1:1"), {"not sent": 20}, IN_VAIN),
    "no worker": (lambda b: b.cluster.workers.clear(), {"not sent": 20}, IN_VAIN),
    "one worker without a token": (lambda b: b.cluster.without_token.add("tcp://a"), {"accepted": 20}, UNFIT),
    "no token": (lambda b: b.cluster.without_token.update(b.cluster.workers), {"not sent": 20}, UNFIT),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_batch_always_ends(batch: Batch, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil, states, message = ENDS[name]
    monkeypatch.setattr(import_module("dispatch"), "PATIENCE", 1)
    monkeypatch.setattr(import_module("dispatch"), "FIRST_PAUSE", 5)
    batch.write(20)
    spoil(batch)
    assert batch("--in-flight", 2) == (states != {"accepted": 20})
    assert batch.states == states
    assert batch.printed.count(message) == 1


def test_a_batch_stops_at_its_highest_cost(batch: Batch) -> None:
    batch.write(20)
    assert batch("--in-flight", 2, "--max-cost", 7) == 1
    assert batch.states == {"accepted": 7, "not sent": 13}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", ":1: not JSON"),
        ('{"model": "m", "prompt": "走", "promt": "走"}', ":1: unknown field promt"),
        ('{"model": "m", "prompt": 5}', ":1: KlingImageToVideoRequest.prompt: expected str, got int"),
        ('{"model": "m", "prompt": "走", "image": "./a.jpg"}', ":1: KlingImageToVideoRequest.image"),
        (None, "items.jsonl"),
    ],
)
def test_items_are_checked_before_anything_is_sent(batch: Batch, line: str | None, problem: str) -> None:
    if line:
        batch.file.write_text(f'{line}\n{{"model": "m", "prompt": "走"}}', encoding="utf-8")
    assert batch() == 2
    assert problem in batch.printed
    assert batch.relay.requests == []


@pytest.mark.parametrize(("settled", "state"), [(["--task", "t-9"], "accepted"), (["--resend"], "not sent")])
def test_an_item_in_doubt_is_settled_once(batch: Batch, settled: list[str], state: str) -> None:
    batch.relay.answer("upstream")
    batch.write(1)
    assert batch() == 1
    [item] = re.findall(r"^  (\S+) \(line 1, sent .* UTC\): ApiError: .*502", batch.printed, re.MULTILINE)

    assert batch("resolve", item, *settled) == 0
    assert batch.printed == f"{item}: {state}\n"
    assert batch("resolve", item, *settled) == 2
    assert f"{item} is not in doubt: {state}" in batch.printed
    assert batch() == 0
    assert len(batch.relay.requests) == (state == "not sent")
    assert state == "not sent" or batch.results[0]["task_id"] == "t-9"


def test_a_journal_in_use_is_reported(batch: Batch) -> None:
    batch.write(1)
    book = import_module("journal").Journal(batch.file.with_suffix(".journal"))
    assert batch() == 2
    assert "is another batch running on it?" in batch.printed
    book.close()


def test_a_server_that_is_not_a_scheduler_is_reported(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert batch.main.CONNECT < 30
    batch.write(1)
    monkeypatch.setattr(batch.main, "Client", distributed.Client)
    monkeypatch.setattr(batch.main, "CONNECT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert batch("--scheduler", address) == 2
    assert f"no scheduler at {address}: TimeoutError()" in batch.printed


# The state of an item for each scenario of its task and download, the reason, and the time limit in minutes.
VIDEO_ENDS: dict[str, tuple[str, str, float]] = {
    "success": ("video", "", 1),
    "task_failure": ("failed", "risk control", 1),
    "task_stuck": ("accepted", "^PollTimeout: .*NOT_START.*the task is still running", 0.01),
    "video_html": ("accepted", "^DecodeError: .*text/html", 1),
    "video_slow": ("accepted", "^DeadlineExceeded: the download of task .* was not complete", 0.01),
}


@pytest.mark.parametrize("end", VIDEO_ENDS)
def test_each_end_of_a_task_and_of_its_download(batch: Batch, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state, why, minutes = VIDEO_ENDS[end]
    monkeypatch.setattr(import_module("videos"), "INTERVAL", 0.05)
    pace = 0.2 if end == "video_slow" else 0.0
    batch.relay.amend = Tasks(batch.relay.contract.document, pace, end).answer
    batch.write(2)
    assert batch() == 0
    time.sleep(3 * pace)  # by then the stand-in's tasks have ended
    assert batch("--wait", "--minutes", minutes) == (state != "video")
    assert batch.states == {state: 2}
    assert all(re.search(why, result.get("why", "")) for result in batch.results)
    files = {str(path) for path in batch.file.with_suffix(".videos").iterdir()}
    assert files == {result["video"] for result in batch.results if state == "video"}


def test_the_documented_commands_run_as_written(batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [shown] = [block.code for block in blocks("json") if "prompt" in block.code]
    [commands] = [block.code for block in blocks("sh") if "batch_dask" in block.code]
    local = nullcontext(SimpleNamespace(scheduler_address="tcp://local"))
    monkeypatch.setattr(batch.main, "LocalCluster", Mock(return_value=local))
    batch.relay.amend = Tasks(batch.relay.contract.document, 0.0).answer
    monkeypatch.chdir(tmp_path)
    for line in commands.splitlines():
        Path("items.journal").unlink(missing_ok=True)
        Path("items.jsonl").write_text(shown, encoding="utf-8")
        _, python, example, *arguments = shlex.split(line, comments=True)
        assert (python, ROOT / example) == (".venv/bin/python", EXAMPLE)
        with patch.object(sys, "argv", ["batch_dask", *arguments, "--wait"]), patch.dict(os.environ):
            if "--scheduler" not in arguments:
                del os.environ["RELAY_BASE_URL"]
            assert batch.main.main() == 0
    assert len(batch.relay.chargeable) == 2, "the first command sends to a stand-in that it starts itself"


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "killed", ["worker", *(pytest.param(name, marks=pytest.mark.slow) for name in ("scheduler", "batch"))]
)
def test_nothing_is_sent_twice_if_any_process_dies(
    killed: str, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    to_relay = {"RELAY_BASE_URL": batch.relay.url, "RELAY_TOKEN": TOKEN}

    def start(*command: object, **environment: str) -> Any:
        """Start a process in an environment without a relay."""
        process = subprocess.Popen(
            [sys.executable, "-P", *map(str, command)],
            env={**plain, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        stack.enter_context(process)
        stack.callback(process.kill)
        return process

    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        local = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard")
        scheduler = start("-m", "distributed.cli.dask_scheduler", *local)
        address = next(found[1] for line in scheduler.stdout if (found := re.search(r"Scheduler at: *(tcp:\S+)", line)))
        worker = ("-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", 1, "--no-dashboard")
        workers = [start(*worker, **to_relay) for _ in range(2)]
        batch.write(60)
        go = batch.hold({})
        command = (EXAMPLE, batch.file, "--scheduler", address, "--in-flight", 10)
        running = start(*command)
        batch.relay.wait_for(20, timeout=90)
        {"worker": workers[0], "scheduler": scheduler, "batch": running}[killed].kill()
        go.set()
        printed = running.communicate()[0]
        if killed == "batch":
            running = start(*command)
            printed = running.communicate()[0]
        logs = ""
        for process in (scheduler, *workers):
            process.kill()
            logs += process.communicate()[0]

    assert running.returncode == 1, printed
    assert "Traceback" not in printed
    assert TOKEN not in printed + logs
    assert set(batch.prompts.values()) == {1}
    assert batch.states.get("not sent", 0) == 60 - len(batch.prompts), (
        "what may have been sent is not listed as not sent"
    )
    if killed != "scheduler":
        assert batch.states["in doubt"] == (10 if killed == "worker" else 20)
        assert len(batch.prompts) == 60


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_thousand_items_are_each_sent_once_by_local_workers(batch: Batch) -> None:
    batch.write(2000)
    done = run([sys.executable, "-P", EXAMPLE, batch.file])
    assert done.returncode == 0, done.stderr
    assert batch.states == {"accepted": 2000}
    assert [result["line"] for result in batch.results] == list(range(1, 2001))
    assert (len(batch.prompts), batch.prompts.total()) == (2000, 2000)
    assert not [word for word in ("Traceback", TOKEN) if word in done.stdout + done.stderr]
