"""The example of a batch on Dask: its rules with workers in this process, and Dask itself with processes."""

import asyncio
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest

import recorded
from calling import TOKEN
from checkout import ROOT
from contract_check.relay.standin import Answer, Relay, Request
from flavours import flavour
from readme import found

EXAMPLE = ROOT / "examples" / "batch_dask"
MODULES = ("generated_client", *(file.stem for file in EXAMPLE.glob("*.py") if file.stem != "__main__"))
Start = Callable[..., "subprocess.Popen[str]"]


class Actor:
    """A sender on a worker. Once it is `dead`, no call returns, though its requests may have been sent."""

    def __init__(self, sender: Any) -> None:
        self.sender = sender
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            result = await getattr(self.sender, name)(*arguments)
            if self.dead:
                raise OSError("the connection broke")
            return result

        return call


class Cluster:
    """Take the place of Dask's client: two workers, each with the environment that is given here."""

    def __init__(self) -> None:
        self.workers: dict[str, dict[str, str]] = {"tcp://a": {}, "tcp://b": {}}
        self.actors: list[Actor] = []
        self.scheduler = self

    def __call__(self, address: str, *, asynchronous: bool) -> "Cluster":
        assert asynchronous
        return self

    async def __aenter__(self) -> "Cluster":
        return self

    async def __aexit__(self, *_: object) -> None:
        for actor in self.actors:
            await actor.sender.close()
        self.actors.clear()

    async def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": self.workers}

    async def submit(self, sender: Any, in_flight: int, *, actor: bool, workers: list[str], pure: bool) -> Actor:
        assert (actor, pure) == (True, False)
        [address] = workers
        with patch.dict(os.environ, self.workers[address]):
            self.actors.append(Actor(sender(in_flight)))
        return self.actors[-1]


@contextmanager
def imported(*path: Path) -> Generator[Any]:
    """The example's main module, imported anew with `path` before all else; generated_client as well."""

    def pop() -> dict[str, Any]:
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in MODULES}

    before = pop()
    spec = spec_from_file_location("batch_dask", EXAMPLE / "__main__.py")
    assert spec
    assert spec.loader
    main = module_from_spec(spec)
    try:
        with patch.object(sys, "path", [str(EXAMPLE), *map(str, path), *sys.path]):
            spec.loader.exec_module(main)
            yield main
    finally:
        pop()
        sys.modules.update(before)


class Batch:
    """The example, run in this process."""

    def __init__(self, main: Any, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
        self.main, self.cluster = main, Cluster()
        monkeypatch.setattr(main, "Client", self.cluster)
        monkeypatch.setenv("RELAY_BASE_URL", relay.url)
        monkeypatch.setenv("RELAY_TOKEN", TOKEN)

    def __call__(self, items: Path, *options: str) -> int:
        """Run it; returns its exit code."""
        before = signal.getsignal(signal.SIGINT)
        try:
            with patch.object(sys, "argv", ["batch_dask", str(items), "--scheduler", "tcp://s", *options]):
                code: int = self.main.main()
                return code
        finally:
            signal.signal(signal.SIGINT, before)


@pytest.fixture
def batch(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Batch]:
    """The example with the installed package."""
    with imported() as main:
        yield Batch(main, relay, monkeypatch)


@pytest.fixture
def video_relay(shared: Path) -> Iterator[Relay]:
    """A stand-in that knows the status query: at the first look a task is in progress, and done at the next."""
    looks, numbers = Counter[str](), itertools.count()

    def answer(request: Request, answer: Answer) -> None:
        if request.method == "GET" and request.path.endswith("/content"):
            answer.body, answer.headers = b"video", {"Content-Type": "video/mp4"}
        elif request.method == "GET":
            looks[request.path] += 1
            answer.body = json.dumps(recorded.body("succeed" if looks[request.path] > 1 else "processing")).encode()
        else:
            answer.body = json.dumps({**json.loads(answer.body), "task_id": f"task-{next(numbers)}"}).encode()

    with Relay(flavour(shared, "with_status_query").contract, listener=answer) as relay:
        yield relay


@pytest.fixture
def video_batch(shared: Path, video_relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Batch]:
    """The example with a package that has the status query."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "generated_client").symlink_to(flavour(shared, "with_status_query").folder)
    with imported(tmp_path / "package") as main:
        yield Batch(main, video_relay, monkeypatch)


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


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        (None, "accepted", ""),
        (Answer.json({}, 400), "refused", "400"),
        (Answer(429, headers={"Retry-After": "7"}), "wait", "429"),
        (Answer(503, headers={"Retry-After": "7"}), "wait", "503"),
        (Answer(429), "refused", "429"),
        (Answer(500, headers={"Retry-After": "7"}), "in doubt", "500"),
        (Answer.html(), "in doubt", "HTML"),
        (Answer(silent=True), "in doubt", "RemoteProtocolError"),
        ("no relay", "not sent", "ConnectError"),
    ],
)
def test_a_sender_sends_once_and_tells_the_state(
    batch: Batch, relay: Relay, answer: Answer | str | None, state: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(answer, Answer):
        relay.answer(answer)
    elif answer:
        monkeypatch.setenv("RELAY_BASE_URL", "http://127.0.0.1:1")
    body = {"model": "kling-v1", "prompt": "走", "image": "https://example.com/i.jpg"}

    async def send() -> list[tuple[str, dict[str, Any]]]:
        sender = batch.main.Sender(1)
        identity = await sender.identity()
        told = [await sender.send(*call, body) for call in ((identity, 0), (identity, 0), ("another", 1))]
        await sender.close()
        return told

    (first, known), *again = asyncio.run(send())
    assert first == state
    assert why in known.get("why", "")
    assert known.get("seconds") == (7 if state == "wait" else None)
    assert again == [("in doubt", {"why": "Dask asked for it a second time, and it was not sent again"})] * 2
    assert len(relay.requests) == (state != "not sent")


def test_a_worker_that_dies_leaves_what_it_was_sending_in_doubt(
    batch: Batch, relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def kill() -> None:
        batch.cluster.actors[0].dead = True
        go.set()

    items, go = items_file(tmp_path, 60), hold(relay, 20, lambda: kill())
    assert batch(items, "--in-flight", "10") == 1
    assert states(items) == {"accepted": 50, "in doubt": 10}
    assert "in doubt: it may have been charged" in capsys.readouterr().out
    assert batch(items) == 1
    assert len(sent(relay)) == 60
    assert set(sent(relay).values()) == {1}, "what is in doubt is never sent by itself"


def test_the_workers_that_are_left_take_the_items_of_one_that_is_lost(batch: Batch, tmp_path: Path) -> None:
    crew, journal, progress, submissions = map(import_module, ("crew", "journal", "progress", "submissions"))
    items = import_module("items").read(items_file(tmp_path, 3))
    book = journal.Journal(tmp_path / "items.journal")

    async def lose() -> None:
        work = submissions.Submissions(book, items, progress.Progress(3), in_flight=2, max_cost=None)
        worker = crew.Worker(SimpleNamespace(), "its sender cannot send")
        await work.consume(worker)
        await work.consume(worker)

    asyncio.run(lose())
    assert [result["state"] for result in book.results(items)] == ["in doubt", "not sent", "not sent"]
    book.close()


def test_a_batch_that_was_killed_goes_on_where_it_was(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    def kill() -> None:
        """Keep what is on the disk at this moment."""
        for file in tmp_path.glob("*.js*"), tmp_path.glob("*.journal*"):
            for part in file:
                shutil.copy(part, killed)
        go.set()

    items, killed = items_file(tmp_path, 40), tmp_path / "killed"
    killed.mkdir()
    go = hold(relay, 8, lambda: kill())
    assert batch(items, "--in-flight", "4") == 0
    first = sent(relay)
    assert batch(items) == 0
    assert sent(relay) == first, "what is done is not sent again"

    in_flight = set(itertools.islice(first, 8))
    relay.forget()
    items = killed / items.name
    lines = items.read_text(encoding="utf-8").splitlines()
    items.write_text("\n".join(reversed(lines)), encoding="utf-8")
    assert batch(items) == 1
    assert states(items) == {"accepted": 32, "in doubt": 8}
    assert Counter(result.get("why") for result in results(items))["the batch was killed while it was being sent"] == 8
    assert sent(relay).keys() == first.keys() - in_flight


def test_an_interrupt_waits_for_what_is_in_flight(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work = import_module("crew").Work
    stop = work.stop

    def stopped(self: Any, why: str) -> None:
        stop(self, why)
        go.set()

    monkeypatch.setattr(work, "stop", stopped)
    items, go = items_file(tmp_path, 40), hold(relay, 8, interrupt)
    assert batch(items, "--in-flight", "4") == 1
    assert "waiting for 8 under way" in capsys.readouterr().err
    assert states(items) == {"accepted": 8, "not sent": 32}
    assert len(relay.requests) == 8


def test_a_refusal_that_asks_to_wait_slows_the_batch_down(
    batch: Batch, relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    relay.answer(Answer(429, headers={"Retry-After": "1"}), times=8)
    assert batch(items_file(tmp_path, 20), "--in-flight", "4") == 0
    assert "asks to wait 1 s; 4 at once from then on" in capsys.readouterr().err
    assert len(relay.requests) == 28


def test_a_relay_that_goes_on_asking_to_wait_is_left_alone(
    batch: Batch, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("submissions"), "PATIENCE", 0.0)
    relay.always(Answer(429, headers={"Retry-After": "1"}))
    items = items_file(tmp_path, 20)
    assert batch(items, "--in-flight", "1") == 1
    assert len(relay.requests) == 2
    assert states(items) == {"not sent": 20}


def test_the_cost_is_limited(batch: Batch, relay: Relay, tmp_path: Path) -> None:
    items = items_file(tmp_path, 20)
    assert batch(items, "--max-cost", "7") == 1
    assert len(relay.requests) == 7
    assert states(items) == {"accepted": 7, "not sent": 13}


def test_a_worker_without_a_token_takes_no_part(
    batch: Batch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch.cluster.workers["tcp://a"] = {"RELAY_TOKEN": ""}
    assert batch(items_file(tmp_path, 20)) == 0
    assert "tcp://a takes no part: RELAY_TOKEN: not set in this worker's environment" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", ":1: this is not JSON"),
        ("[]", ":1: KlingImageToVideoRequest: expected an object"),
        ('{"model": "m", "prompt": "走", "promt": "走"}', ":1: promt: no field of this name"),
        (None, "items.jsonl"),
    ],
)
def test_items_are_checked_before_anything_is_sent(
    batch: Batch, tmp_path: Path, line: str | None, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.jsonl"
    if line:
        file.write_text(line, encoding="utf-8")
    assert batch(file) == 2
    assert problem in capsys.readouterr().err


def test_a_journal_in_use_and_a_package_without_the_status_query_are_said(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = items_file(tmp_path, 4)
    monkeypatch.setattr(batch.main, "STATUS_QUERY", "generated_client.api.videos.none")
    assert batch(items, "--wait") == 2
    assert "status-query.yaml" in capsys.readouterr().err
    book = import_module("journal").Journal(items.with_suffix(".journal"))
    assert batch(items) == 2
    assert "is another batch running on it?" in capsys.readouterr().err
    book.close()


@pytest.mark.parametrize("readme", ["docs/batches.md", "docs/batches.zh-CN.md"])
def test_readme_s_batch_runs_as_it_is_written(
    readme: str,
    batch: Batch,
    relay: Relay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [shown] = [block.code for block in found(readme) if block.language == "json"]
    [commands] = [block.code for block in found(readme) if "batch_dask" in block.code]
    local = nullcontext(SimpleNamespace(scheduler_address="tcp://local"))
    monkeypatch.setattr(batch.main, "LocalCluster", Mock(return_value=local))
    for number, line in enumerate(commands.splitlines()):
        monkeypatch.chdir(tmp_path)
        Path(f"{number}").mkdir()
        monkeypatch.chdir(f"{number}")
        Path("items.jsonl").write_text(shown, encoding="utf-8")
        _, python, example, *arguments = shlex.split(line, comments=True)
        assert (python, ROOT / example) == (".venv/bin/python", EXAMPLE)
        with patch.object(sys, "argv", ["batch_dask", *arguments]), patch.dict(os.environ):
            if "--scheduler" not in arguments:
                del os.environ["RELAY_BASE_URL"]
            assert batch.main.main() == 0
        assert capsys.readouterr().out == "      2 accepted\n"
        assert states(Path("items.jsonl").resolve()) == {"accepted": 2}
    assert len(relay.requests) == 2, "those of the first command went to a stand-in of its own"


def test_videos_are_waited_for_though_a_worker_dies_and_nothing_is_submitted_twice(
    video_batch: Batch, video_relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 12)
    assert video_batch(items, "--in-flight", "4") == 0
    answer = video_relay.listener

    def kill(request: Request, given: Answer) -> None:
        video_batch.cluster.actors[0].dead = True
        answer(request, given)

    video_relay.listener = kill
    assert video_batch(items, "--in-flight", "4", "--wait", "--pause", "1") == 0

    all_results = results(items)
    assert {result["state"] for result in all_results} == {"video"}
    assert {Path(result["video"]).read_bytes() for result in all_results} == {b"video"}
    assert len({result["video"] for result in all_results}) == 12
    assert Counter(request.method for request in video_relay.requests)["POST"] == 12


def test_a_task_that_fails_takes_too_long_or_cannot_be_kept_is_said(
    video_batch: Batch, video_relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = items_file(tmp_path, 4)
    items.with_suffix(".videos").write_text("a file where the folder would be", encoding="utf-8")
    submit = video_relay.listener
    looks = {"task-0": "failed", "task-1": "unknown_id", "task-2": "processing", "task-3": "succeed"}
    unseen = {*looks, "content"}

    def answer(request: Request, answer: Answer) -> None:
        task = request.path.rpartition("/")[2]
        if (state := looks.get(task)) is not None:
            answer.status, answer.body = recorded.status(state), json.dumps(recorded.body(state)).encode()
        else:
            submit(request, answer)
        if task in unseen:
            unseen.remove(task)
            if not unseen:
                interrupt()

    video_relay.listener = answer
    assert video_batch(items, "--wait") == 1

    failed, unknown, slow, unkept = sorted(results(items), key=lambda result: result["task_id"])
    assert failed["state"] == "failed"
    assert "risk control" in failed["why"]
    assert (unknown["state"], slow["state"], unkept["state"]) == ("accepted", "accepted", "accepted")
    assert "could not be kept" in unkept["why"]
    assert "task_not_exist" in unknown["why"]
    assert slow["why"] == "last seen: IN_PROGRESS"
    assert "run the batch with --wait, again if need be" in capsys.readouterr().out


def test_a_worker_whose_package_lacks_the_status_query_is_said(
    video_batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = items_file(tmp_path, 2)
    monkeypatch.setattr(import_module("sender"), "import_module", Mock(side_effect=ModuleNotFoundError()))
    assert video_batch(items, "--wait") == 1
    assert states(items) == {"accepted": 2}
    assert "the package of its worker has no status query" in results(items)[0]["why"]


@pytest.fixture
def start(tmp_path: Path, relay: Relay) -> Iterator[Start]:
    """Start a process in a folder of its own. What it prints stands in its `stdout`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    numbers = itertools.count()
    with ExitStack() as stack:

        def start(*command: object, **environment: str) -> "subprocess.Popen[str]":
            folder = tmp_path / f"进程 {next(numbers)}"
            folder.mkdir()
            popen = subprocess.Popen(
                [sys.executable, "-P", *map(str, command)],
                cwd=folder,
                env={**plain, "HOME": str(folder), "PYTHONUTF8": "1", **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            )
            stack.enter_context(popen)
            stack.callback(popen.kill)
            return popen

        yield start


@pytest.fixture
def processes(start: Start, relay: Relay) -> "list[Any]":
    """A scheduler's address, the scheduler, and two workers, whose environment alone names the stand-in and a token."""
    scheduler = start("-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
    assert scheduler.stdout
    lines = (re.search(r"Scheduler at: *(tcp:\S+)", line) for line in scheduler.stdout)
    address = next(match[1] for match in lines if match)
    options = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
    worker = ("-m", "distributed.cli.dask_worker", address, *options)
    environment = {"RELAY_BASE_URL": relay.url, "RELAY_TOKEN": TOKEN}
    return [address, scheduler, start(*worker, **environment), start(*worker, **environment)]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("killed", ["worker", pytest.param("scheduler", marks=pytest.mark.slow)])  # Dask waits 30 s.
def test_nothing_is_sent_twice_whatever_process_dies(
    killed: str, processes: "list[Any]", start: Start, relay: Relay, tmp_path: Path
) -> None:
    address, scheduler, worker, other = processes
    items, go = items_file(tmp_path, 60), hold(relay, 20, lambda: None)
    running = start(EXAMPLE, items, "--scheduler", address, "--in-flight", "10", PYTHONWARNINGS="default")
    relay.wait_for(20, timeout=90)
    (worker if killed == "worker" else scheduler).kill()
    go.set()
    told = running.communicate()[0]
    assert running.returncode == 1, told

    known = states(items)
    if killed == "worker":
        assert known == {"accepted": 50, "in doubt": 10}
    else:
        assert known.keys() <= {"accepted", "in doubt", "not sent"}
        assert known["not sent"] == 60 - len(sent(relay)), "what may have been sent is not listed as not sent"
    assert set(sent(relay).values()) == {1}
    for process in (scheduler, worker, other):
        process.kill()
        told += process.communicate()[0]
    assert TOKEN not in told


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_thousand_items_are_sent_once_each_by_workers_on_this_machine(
    start: Start, relay: Relay, tmp_path: Path
) -> None:
    items = items_file(tmp_path, 2000)
    running = start(EXAMPLE, items, RELAY_BASE_URL=relay.url, RELAY_TOKEN=TOKEN, PYTHONWARNINGS="default")
    told = running.communicate()[0]
    assert running.returncode == 0, told
    assert [result["line"] for result in results(items)] == list(range(1, 2001))
    assert states(items) == {"accepted": 2000}
    assert len(sent(relay)) == 2000
    assert set(sent(relay).values()) == {1}
    assert TOKEN not in told
