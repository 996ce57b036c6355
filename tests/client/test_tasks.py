"""Each end of a task, and of a download, is one result or error, sync and async, and leaves one state of the file."""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import recorded
from calling import Caller
from contract_check.relay.standin import Answer, Relay, front_error
from frozen import create_kling_image_to_video, errors, types, variables

ID = recorded.body("succeed")["data"]["task_id"]
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 500
MP4 = {"Content-Type": "video/mp4"}
DONE = recorded.answer("succeed")
WHOLE = Answer(200, VIDEO, MP4)
CUT = Answer(200, VIDEO, MP4, cut=70_000)
BUSY = Answer(429)
SOON = Answer(429, headers={"Retry-After": "0.01"})
LATE = Answer(503, headers={"Retry-After": "180"})
SILENT = Answer(silent=True)
HTML = Answer.html()


def _in_state(state: str) -> Answer:
    body = recorded.body("processing")
    return Answer.json({**body, "data": {**body["data"], "status": state}})


@dataclass(frozen=True)
class Case:
    """What the relay answers, the last of it for ever, and what comes of it."""

    answers: list[Answer]
    outcome: str | type[Exception]
    """The final state, or the error."""
    requests: int | None = None
    """None where it is a matter of time."""
    text: str = ""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


SHORT = {"timeout": 0.3, "interval": 0.05}
POLLS: dict[str, Case] = {
    "done at once": Case([DONE], "SUCCESS", 1),
    "every state": Case(
        [*(recorded.answer(state) for state in ("just_submitted", "submitted", "processing")), DONE], "SUCCESS", 4
    ),
    "an unknown state": Case([_in_state("WARMING_UP"), DONE], "SUCCESS", 2),
    "an empty state": Case([_in_state(""), DONE], "SUCCESS", 2),
    "what is free to repeat": Case([front_error(503, "无可用渠道"), SOON, SILENT, Answer(502), DONE], "SUCCESS", 5),
    "failed": Case([recorded.answer("failed")], errors.TaskFailed, 1, "FAILURE: Failure to pass the risk control"),
    "an unknown id": Case([recorded.answer("unknown_id")], errors.ApiError, 1, "task_not_exist"),
    "a wrong token": Case([front_error(401, "Invalid token")], errors.ApiError, 1, "Invalid token"),
    "no permission": Case([front_error(403, "forbidden")], errors.ApiError, 1, "forbidden"),
    "another path": Case([front_error(404, "Invalid URL")], errors.ApiError, 1, "Invalid URL"),
    "HTML": Case([HTML], errors.DecodeError, 1, "base_url may be wrong"),
    "an envelope without a task": Case([Answer.json({"code": "success"})], errors.DecodeError, 1, "data is missing"),
    "never begun": Case([recorded.answer("upstream_no_id")], errors.PollTimeout, None, "NOT_START.*running", SHORT),
    "never answered": Case([SILENT], errors.PollTimeout, None, "unknown state.*last query failed", SHORT),
    "a query that hangs": Case(
        [recorded.answer("processing"), Answer(200, chunks=[b" "] * 99, pause=0.1)],
        errors.PollTimeout,
        2,
        "IN_PROGRESS.*deadline",
        SHORT,
    ),
    "a pause beyond the end": Case([LATE], errors.PollTimeout, 1, "503", {"timeout": 179}),
    "an interval beyond the end": Case([BUSY], errors.PollTimeout, 1, "429", {"timeout": 9, "interval": 10}),
}


def _call(caller: Caller, name: str, *arguments: Any, **settings: Any) -> Any:
    function = getattr(create_kling_image_to_video, name if caller.way == "sync" else f"a{name}")
    return caller.run(function(*arguments, client=caller.client, **settings))


def _script(relay: Relay, answers: list[Answer]) -> None:
    for answer in answers[:-1]:
        relay.answer(answer)
    relay.always(answers[-1])


@pytest.mark.every_way
@pytest.mark.parametrize("name", POLLS)
def test_every_end_of_a_task(caller: Caller, relay: Relay, name: str) -> None:
    case = POLLS[name]
    updates = list[Any]()
    _script(relay, case.answers)

    def poll() -> Any:
        return _call(caller, "poll", ID, on_update=updates.append, **{"interval": 0, **case.settings})

    if isinstance(case.outcome, str):
        task = poll()
        assert (task.task_id, task.status) == (ID, case.outcome)
        assert updates[-1] is task
    else:
        with pytest.raises(case.outcome, match=case.text) as raised:
            poll()
        assert type(raised.value) is case.outcome
        if isinstance(raised.value, errors.TaskError):
            _check(raised.value, updates)
    assert case.requests is None or len(relay.requests) == case.requests
    assert {request.method for request in relay.requests} == {"GET"}
    relay.problems.clear()


def _check(error: errors.TaskError, updates: list[Any]) -> None:
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.task_id, copied.state) == (str(error), ID, error.state)
    assert error.task is (updates[-1] if updates else None)
    assert error.state == (error.task.status if error.task else None)
    assert errors.may_have_been_charged(error)


def test_no_token_in_the_reason_of_a_failure(caller: Caller, relay: Relay) -> None:
    secret = "sk-" + "geheim" * 3
    body = recorded.body("failed")
    relay.always(Answer.json({**body, "data": {**body["data"], "fail_reason": f"bad\x1b {secret}"}}))
    caller.client.set_token(secret)

    with pytest.raises(errors.TaskFailed, match=r"bad\? \*\*\*") as raised:
        _call(caller, "poll", ID)

    assert not [shown for shown in variables(raised.value) if secret in shown and "KlingTask" not in shown]


@dataclass(frozen=True)
class Transfer:
    """What the relay answers, and what comes of a download: complete, or an error."""

    answers: list[Answer]
    error: type[Exception] | None = None
    requests: int | None = 1
    text: str = ""
    timeout: float = 30


TRANSFERS: dict[str, Transfer] = {
    "at once": Transfer([WHOLE]),
    "without a length": Transfer([Answer(200, headers=MP4, chunks=[VIDEO[:99], VIDEO[99:]])]),
    "as octets": Transfer([Answer(200, VIDEO, {"Content-Type": "application/octet-stream"})]),
    "interrupted": Transfer([CUT, WHOLE], requests=2),
    "interrupted in chunks": Transfer([Answer(200, headers=MP4, chunks=[VIDEO], reset=True), WHOLE], requests=2),
    "what is free to repeat": Transfer([SOON, Answer(500, headers={"Retry-After": "0"}), SILENT, WHOLE], requests=4),
    "HTML": Transfer([HTML], errors.DecodeError, text="expected video/mp4, got text/html"),
    "JSON": Transfer([Answer.json({"message": "坏"})], errors.DecodeError, text="坏"),
    "empty": Transfer([Answer(200, b"", MP4)], errors.DecodeError, text="empty"),
    "not done": Transfer([recorded.answer("submitted", recorded.CONTENT)], errors.ApiError, text="not completed yet"),
    "unknown id": Transfer([recorded.answer("unknown_id", recorded.CONTENT)], errors.ApiError, text="not found"),
    "a wrong token": Transfer([front_error(401, "Invalid token")], errors.ApiError, text="Invalid token"),
    "another success": Transfer([Answer(204)], errors.UnexpectedStatus, text="204"),
    "always interrupted": Transfer([CUT], errors.DeadlineExceeded, None, "not complete within.*for free", 0.5),
    "too slow": Transfer(
        [Answer(200, headers=MP4, chunks=[b"\0"] * 99, pause=0.1)], errors.DeadlineExceeded, 1, "within 0.3 s", 0.3
    ),
    "a pause beyond the end": Transfer([LATE], errors.DeadlineExceeded, 1, "503", 179),
}


@pytest.mark.every_way
@pytest.mark.parametrize("name", TRANSFERS)
def test_every_end_of_a_download(caller: Caller, relay: Relay, name: str, tmp_path: Path) -> None:
    case, to = TRANSFERS[name], tmp_path / "视频 1.mp4"
    progress = list[tuple[int, int | None]]()
    _script(relay, case.answers)

    def note(size: int, total: int | None) -> None:
        progress.append((size, total))

    def download() -> Any:
        return _call(caller, "download", ID, to, timeout=case.timeout, on_progress=note)

    if case.error:
        with pytest.raises(case.error, match=case.text) as raised:
            download()
        assert type(raised.value) is case.error
        assert list(tmp_path.iterdir()) == []
    else:
        assert download() == types.Download(str(to), len(VIDEO))
        assert to.read_bytes() == VIDEO
        assert list(tmp_path.iterdir()) == [to]
        assert progress[-1][0] == len(VIDEO)
        assert progress[-1][1] in (len(VIDEO), None)
    assert case.requests is None or len(relay.requests) == case.requests
    relay.problems.clear()


def test_a_failed_download_leaves_the_file_as_it_was(caller: Caller, relay: Relay, tmp_path: Path) -> None:
    (to := tmp_path / "video.mp4").write_bytes(b"before")
    relay.always(HTML)

    with pytest.raises(errors.DecodeError):
        _call(caller, "download", ID, to)

    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]


def test_a_download_into_a_file_restarts_where_it_began(caller: Caller, relay: Relay) -> None:
    file = io.BytesIO(b"head")
    file.seek(4)
    _script(relay, [CUT, WHOLE])

    assert _call(caller, "download", ID, file) == types.Download(None, len(VIDEO))

    assert file.getvalue() == b"head" + VIDEO


def test_a_pipe_cannot_restart(caller: Caller, relay: Relay) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    _script(relay, [CUT, WHOLE])

    with pytest.raises(httpx.RemoteProtocolError, match="/content: "):
        _call(caller, "download", ID, Pipe())

    assert len(relay.requests) == 1


def test_a_place_that_cannot_be_written_is_told_before_any_request(
    caller: Caller, relay: Relay, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"video\.mp4"):
        _call(caller, "download", ID, tmp_path / "missing" / "video.mp4")

    assert relay.requests == []


@pytest.mark.parametrize(
    ("name", "settings"),
    [("poll", {"timeout": 0}), ("poll", {"interval": -1}), ("download", {"to": "x", "timeout": float("nan")})],
)
def test_an_invalid_setting_is_refused(
    caller: Caller, name: str, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(errors.InvalidArgument, match=r"timeout|interval"):
        _call(caller, name, ID, **settings)

    assert list(tmp_path.iterdir()) == []


def test_a_time_out_of_the_client_bounds_a_query_and_not_the_poll(caller: Caller, relay: Relay) -> None:
    _script(relay, [Answer(200, chunks=[b" "] * 99, pause=0.1), DONE])

    task = _call_with(caller, caller.client.with_deadline(0.2), lambda task: task.status)

    assert (task.status, len(relay.requests)) == ("SUCCESS", 2)
    relay.problems.clear()


def _call_with(caller: Caller, client: Any, on_update: Callable[[Any], object]) -> Any:
    function = create_kling_image_to_video.poll if caller.way == "sync" else create_kling_image_to_video.apoll
    return caller.run(function(ID, client=client, interval=0, on_update=on_update))
