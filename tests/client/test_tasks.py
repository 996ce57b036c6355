"""A request is retried if that is free, and each outcome of a task or download is one result or error."""

import io
import logging
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

import recorded
from calling import Caller
from contract_check.relay.standin import Answer, Relay, front_error
from frozen import create_kling_image_to_video, errors, get_kling_image_to_video, types, variables
from servers import refusing

ID = recorded.body("succeed")["data"]["task_id"]
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 500
MP4 = {"Content-Type": "video/mp4"}
DONE = recorded.answer("succeed")
WHOLE = Answer(200, VIDEO, MP4)
CUT = Answer(200, VIDEO, MP4, cut=70_000)
BUSY = Answer(429)
SOON = Answer(429, headers={"Retry-After": "0"})
LATE = Answer(503, headers={"Retry-After": "180"})
SILENT = Answer(silent=True)
HTML = Answer.html()
KINDS = (errors.ResponseError, httpx.TransportError)

FREE: dict[str, tuple[Answer, str, str]] = {
    "429": (SOON, "submission, query", "429"),
    "429 without Retry-After": (BUSY, "submission, query", "429"),
    "502": (Answer(502, headers={"Retry-After": "0"}), "query", "502"),
    "503": (front_error(503, "无可用渠道"), "query", "503"),
    "504": (Answer(504), "query", "504"),
    "500": (Answer(500), "", "500"),
    "400": (front_error(400, "坏"), "", "400"),
    "a reset": (Answer(silent=True, reset=True), "query", "ReadError"),
    "no answer": (SILENT, "query", "RemoteProtocolError"),
    "a cut": (Answer(200, DONE.body, cut=99), "query", "RemoteProtocolError"),
    "HTML": (HTML, "", "200"),
}
"""The first response, what is retried after it, and the log."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set all pauses to 0, except those that a relay or a test sets."""
    monkeypatch.setattr("random.uniform", Mock(return_value=0.001))


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines that the client has logged."""
    caplog.set_level(logging.INFO, "generated_client")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "generated_client"]


@pytest.mark.parametrize("called", ["submission", "query"])
@pytest.mark.parametrize("name", FREE)
def test_a_request_is_retried_if_that_is_free(
    caller: Caller, relay: Relay, name: str, called: str, log: Callable[[], list[str]]
) -> None:
    answer, retried, outcome = FREE[name]
    client = caller.client.with_max_retries(2)
    relay.answer(answer)
    with nullcontext() if called in retried else pytest.raises(KINDS):
        if called == "submission":
            caller.submit(client)
        else:
            caller.parsed(get_kling_image_to_video, client=client, task_id=ID)
    assert len(relay.requests) == len(log()) == (2 if called in retried else 1)
    for number, (line, request) in enumerate(zip(log(), relay.requests, strict=True), 1):
        assert line.startswith(f"{request.method} {request.path}: ")
        assert line.endswith(f" ms, attempt {number}")
        assert request.id in line or answer.silent
    assert outcome in log()[0]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_the_number_of_retries(caller: Caller, relay: Relay, retries: int, log: Callable[[], list[str]]) -> None:
    relay.always(BUSY)
    caller.client.max_retries = retries
    with pytest.raises(errors.ApiError, match="429"):
        caller.submit()
    with pytest.raises(errors.ApiError, match="429"), caller.stream():
        pass
    assert caller.submit(detailed=True).status_code == 429
    assert len(relay.requests) == 3 * (retries + 1)
    with refusing() as url, pytest.raises(httpx.ConnectError):
        caller.submit(caller.connect(url, max_retries=retries))
    assert len([line for line in log() if "ConnectError" in line]) == retries + 1


@pytest.mark.parametrize(("asked", "deadline"), [("30", 20), ("", 0.2)])
def test_no_pause_lasts_beyond_the_deadline(caller: Caller, relay: Relay, asked: str, deadline: float) -> None:
    relay.always(Answer(429, headers={"Retry-After": asked} if asked else {}))
    with pytest.raises((errors.ApiError, errors.DeadlineExceeded)) as raised:
        caller.submit(caller.client.with_deadline(deadline).with_max_retries(1_000))
    assert (len(relay.requests) == 1) == bool(asked)
    assert isinstance(raised.value, errors.ApiError) or not asked


def test_an_undocumented_request(caller: Caller, relay: Relay) -> None:
    request = caller.client.request if caller.way == "sync" else caller.client.arequest
    relay.answer(BUSY)
    relay.answer(Answer.json({"data": []}))
    caller.client.max_retries = 1
    response = caller.run(request("POST", "/v1/models", json={"名": None}, params={"a": [1, "b c"]}))
    assert (response.status_code, response.json(), response.request.method) == (200, {"data": []}, "POST")
    assert str(response.request.url) == f"{relay.url}/v1/models"
    assert [each.target for each in relay.requests] == ["/v1/models?a=1&a=b+c"] * 2
    assert relay.requests[1].json == {"名": None}
    assert "authorization" in relay.requests[1].headers
    with pytest.raises(errors.UnexpectedStatus, match="404"):
        caller.run(request("GET", "/v1/nothing"))
    for method, path in (("GET", "https://example.com/"), ("GET", "/a?b"), ("GET", ""), ("G T", "/")):
        with pytest.raises(errors.InvalidArgument, match=r"path|method"):
            caller.run(request(method, path))
    relay.problems.clear()


# Polling


def _call(caller: Caller, name: str, *arguments: Any, client: Any = None, **settings: Any) -> Any:
    function = getattr(create_kling_image_to_video, name if caller.way == "sync" else f"a{name}")
    return caller.run(function(*arguments, client=client or caller.client, **settings))


def _script(relay: Relay, answers: list[Answer]) -> None:
    """Script the relay's responses; the last one repeats."""
    for answer in answers[:-1]:
        relay.answer(answer)
    relay.always(answers[-1])


def _changed(state: str, **fields: str) -> Answer:
    body = recorded.body(state)
    return Answer.json({**body, "data": {**body["data"], **fields}})


@dataclass(frozen=True)
class Case:
    """The relay's responses, the last one repeated, and the outcome of a poll or a download."""

    answers: list[Answer]
    outcome: str | type[Exception] = ""
    """The final state, or the error."""
    requests: int | None = 1
    """None if it depends on time."""
    text: str = ""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


SHORT = {"timeout": 0.3, "interval": 0.05}
STATES = [recorded.answer(state) for state in ("just_submitted", "submitted", "processing", "succeed")]
POLLS: dict[str, Case] = {
    "every state": Case(STATES, "SUCCESS", 4),
    "an unknown state": Case([_changed("processing", status="WARMING_UP"), DONE], "SUCCESS", 2),
    "an empty state": Case([_changed("processing", status=""), DONE], "SUCCESS", 2),
    "what is free to repeat": Case([front_error(503, "无可用渠道"), SOON, SILENT, Answer(502), DONE], "SUCCESS", 5),
    "failed": Case([recorded.answer("failed")], errors.TaskFailed, text="FAILURE: Failure to pass the risk control"),
    "an unknown id": Case([recorded.answer("unknown_id")], errors.ApiError, text="task_not_exist"),
    "HTML": Case([HTML], errors.DecodeError, text="base_url may be wrong"),
    "an envelope without a task": Case([Answer.json({"code": "success"})], errors.DecodeError, text="data is missing"),
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
        error = raised.value
        assert type(error) is case.outcome
        if isinstance(error, errors.TaskError):
            copied = pickle.loads(pickle.dumps(error))
            assert (str(copied), copied.task_id, copied.state) == (str(error), ID, error.state)
            assert error.task is (updates[-1] if updates else None)
            assert error.state == (error.task.status if error.task else None)
            assert errors.may_have_been_charged(error)
    assert case.requests is None or len(relay.requests) == case.requests
    assert {request.method for request in relay.requests} == {"GET"}
    relay.problems.clear()


def test_no_token_in_the_reason_of_a_failure(sync: Caller, relay: Relay) -> None:
    secret = "sk-" + "geheim" * 3
    relay.always(_changed("failed", fail_reason=f"bad\x1b {secret}"))
    sync.client.set_token(secret)
    with pytest.raises(errors.TaskFailed, match=r"bad\? \*\*\*") as raised:
        _call(sync, "poll", ID)
    assert not [shown for shown in variables(raised.value) if secret in shown and "KlingTask" not in shown]


def test_a_deadline_of_the_client_bounds_a_query_and_not_the_poll(sync: Caller, relay: Relay) -> None:
    _script(relay, [Answer(200, chunks=[b" "] * 99, pause=0.1), DONE])
    task = _call(sync, "poll", ID, client=sync.client.with_deadline(0.2), interval=0)
    assert (task.status, len(relay.requests)) == ("SUCCESS", 2)
    relay.problems.clear()


# Downloads

TRANSFERS: dict[str, Case] = {
    "at once": Case([WHOLE]),
    "without a length": Case([Answer(200, headers=MP4, chunks=[VIDEO[:99], VIDEO[99:]])]),
    "as octets": Case([Answer(200, VIDEO, {"Content-Type": "application/octet-stream"})]),
    "interrupted": Case([CUT, WHOLE], requests=2),
    "interrupted in chunks": Case([Answer(200, headers=MP4, chunks=[VIDEO], reset=True), WHOLE], requests=2),
    "what is free to repeat": Case([SOON, Answer(500, headers={"Retry-After": "0"}), SILENT, WHOLE], requests=4),
    "HTML": Case([HTML], errors.DecodeError, text="expected video/mp4, got text/html"),
    "JSON": Case([Answer.json({"message": "坏"})], errors.DecodeError, text="坏"),
    "empty": Case([Answer(200, b"", MP4)], errors.DecodeError, text="empty"),
    "not done": Case([recorded.answer("submitted", recorded.CONTENT)], errors.ApiError, text="not completed yet"),
    "another success": Case([Answer(204)], errors.UnexpectedStatus, text="204"),
    "always interrupted": Case([CUT], errors.DeadlineExceeded, None, "not complete within.*for free", {"timeout": 0.5}),
    "too slow": Case(
        [Answer(200, headers=MP4, chunks=[b"\0"] * 99, pause=0.1)],
        errors.DeadlineExceeded,
        text="within 0.3 s",
        settings={"timeout": 0.3},
    ),
    "a pause beyond the end": Case([LATE], errors.DeadlineExceeded, text="503", settings={"timeout": 179}),
}


@pytest.mark.parametrize("name", TRANSFERS)
def test_every_end_of_a_download(caller: Caller, relay: Relay, name: str, tmp_path: Path) -> None:
    case, to = TRANSFERS[name], tmp_path / "视频 1.mp4"
    progress = list[tuple[int, int | None]]()
    _script(relay, case.answers)

    def note(size: int, total: int | None) -> None:
        progress.append((size, total))

    def download() -> Any:
        return _call(caller, "download", ID, to, on_progress=note, **case.settings)

    if isinstance(case.outcome, str):
        assert download() == types.Download(str(to), len(VIDEO))
        assert to.read_bytes() == VIDEO
        assert list(tmp_path.iterdir()) == [to]
        assert progress[-1] == (len(VIDEO), None if case.answers[-1].chunks else len(VIDEO))
    else:
        to.write_bytes(b"before")
        with pytest.raises(case.outcome, match=case.text) as raised:
            download()
        assert type(raised.value) is case.outcome
        assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]
    assert case.requests is None or len(relay.requests) == case.requests
    relay.problems.clear()


def test_a_download_into_a_file_restarts_at_its_first_position(sync: Caller, relay: Relay) -> None:
    file = io.BytesIO(b"head")
    file.seek(4)
    _script(relay, [CUT, WHOLE])
    assert _call(sync, "download", ID, file) == types.Download(None, len(VIDEO))
    assert file.getvalue() == b"head" + VIDEO


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_a_pipe_cannot_restart(sync: Caller, relay: Relay) -> None:
    _script(relay, [CUT, WHOLE])
    with pytest.raises(httpx.RemoteProtocolError, match="/content: "):
        _call(sync, "download", ID, _Pipe())
    assert len(relay.requests) == 1


REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("poll", {"timeout": 0}, errors.InvalidArgument, "timeout"),
    ("poll", {"interval": -1}, errors.InvalidArgument, "interval"),
    ("download", {"to": "x", "timeout": float("nan")}, errors.InvalidArgument, "timeout"),
    ("download", {"to": "missing/video.mp4"}, FileNotFoundError, r"video\.mp4"),
]


def test_an_invalid_setting_is_refused_before_any_request(
    sync: Caller, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, settings, kind, text in REFUSED:
        with pytest.raises(kind, match=text):
            _call(sync, name, ID, **settings)
    assert [*relay.requests, *tmp_path.iterdir()] == []
