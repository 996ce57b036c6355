"""A request is sent again where that is free and `max_retries` allows it, and never where it may have been charged."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

import recorded
from calling import Caller
from contract_check.relay.standin import Answer, Relay, front_error
from frozen import Client, errors, get_kling_image_to_video, types
from servers import answering_at_once, refusing

ID = recorded.body("succeed")["data"]["task_id"]
DONE = recorded.answer("succeed")
NOW = {"Retry-After": "0"}


@dataclass(frozen=True)
class Case:
    """The first answer, and whether it is followed by a second request of a submission and of a query."""

    answer: Answer
    submission: bool
    query: bool
    outcome: str


CASES: dict[str, Case] = {
    "429": Case(Answer(429, headers=NOW), True, True, "429"),
    "429 without Retry-After": Case(Answer(429), True, True, "429"),
    "502": Case(Answer(502, headers=NOW), False, True, "502"),
    "503": Case(front_error(503, "无可用渠道"), False, True, "503"),
    "504": Case(Answer(504), False, True, "504"),
    "500": Case(Answer(500), False, False, "500"),
    "400": Case(front_error(400, "坏"), False, False, "400"),
    "401": Case(front_error(401, "坏"), False, False, "401"),
    "a reset": Case(Answer(silent=True, reset=True), False, True, "ReadError"),
    "no answer": Case(Answer(silent=True), False, True, "RemoteProtocolError"),
    "a cut": Case(Answer(200, DONE.body, cut=99), False, True, "RemoteProtocolError"),
    "HTML": Case(Answer.html(), False, False, "200"),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no pauses but those that a relay asks for."""
    monkeypatch.setattr("random.uniform", Mock(return_value=0.001))


def _query(caller: Caller, client: Any) -> Any:
    return caller.parsed(get_kling_image_to_video, client=client, task_id=ID)


@pytest.mark.every_way
@pytest.mark.parametrize("called", ["submission", "query"])
@pytest.mark.parametrize("name", CASES)
def test_a_request_is_sent_again_where_that_is_free(
    caller: Caller, relay: Relay, name: str, called: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "generated_client")
    case, client = CASES[name], caller.client.with_max_retries(2)
    relay.answer(case.answer)

    def call() -> None:
        caller.submit(client) if called == "submission" else _query(caller, client)

    if is_repeated := getattr(case, called):
        call()
    else:
        with pytest.raises((errors.ResponseError, httpx.TransportError)):
            call()

    assert len(relay.requests) == (2 if is_repeated else 1)
    lines = [record.getMessage() for record in caplog.records if record.name == "generated_client"]
    assert len(lines) == len(relay.requests)
    for number, (line, request) in enumerate(zip(lines, relay.requests, strict=True), 1):
        assert line.startswith(f"{request.method} {request.path}: ")
        assert line.endswith(f" ms, attempt {number}")
        assert request.id in line or case.answer.silent
    assert case.outcome in lines[0]


@pytest.mark.every_way
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_as_many_times_as_allowed(caller: Caller, relay: Relay, retries: int) -> None:
    relay.always(Answer(429))
    caller.client.max_retries = retries

    with pytest.raises(errors.ApiError, match="429"):
        caller.submit()
    assert caller.submit(detailed=True).status_code == 429

    assert len(relay.requests) == 2 * (retries + 1)


@pytest.mark.every_way
def test_what_was_not_sent_is_sent_again(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "generated_client")

    with refusing() as url, pytest.raises(httpx.ConnectError):
        caller.submit(caller.connect(url, max_retries=2))

    assert [
        record.getMessage().rpartition(" ")[2] for record in caplog.records if "Connect" in record.getMessage()
    ] == [*"123"]


@pytest.mark.every_way
def test_a_proxy_that_refuses_is_not_asked_again(caller: Caller) -> None:
    with answering_at_once(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        client = caller.connect("https://relay.example.com", max_retries=2, httpx_args={"proxy": proxy})

        with pytest.raises(httpx.ProxyError):
            caller.submit(client)


@pytest.mark.every_way
@pytest.mark.parametrize(("asked", "deadline"), [("30", 20), ("", 0.2)])
def test_no_pause_lasts_beyond_the_deadline(caller: Caller, relay: Relay, asked: str, deadline: float) -> None:
    relay.always(Answer(429, headers={"Retry-After": asked} if asked else {}))

    with pytest.raises((errors.ApiError, errors.DeadlineExceeded)) as raised:
        caller.submit(caller.client.with_deadline(deadline).with_max_retries(1_000))

    assert (len(relay.requests) == 1) == bool(asked)
    assert isinstance(raised.value, errors.ApiError) or not asked


@pytest.mark.every_way
def test_a_stream_is_opened_again(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(429))

    with caller.stream(caller.client.with_max_retries(1)) as response:
        assert response.status_code == 200

    assert len(relay.requests) == 2


@pytest.mark.parametrize("value", [-1, 1.5, True, None])
def test_an_invalid_number_is_refused(caller: Caller, value: Any) -> None:
    with pytest.raises(errors.InvalidArgument, match="max_retries"):
        caller.client.with_max_retries(value)


def test_the_log_holds_no_token_and_no_body(caller: Caller, relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "generated_client")
    secret = "sk-" + "geheim" * 3
    caller.client.set_token(secret)
    relay.always(Answer(401, secret.encode(), {"X-Oneapi-Request-Id": secret}))

    with pytest.raises(errors.ApiError):
        caller.submit(prompt="宇航员")

    lines = [record.getMessage() for record in caplog.records if record.name == "generated_client"]
    assert len(lines) == 2
    assert not [line for line in lines if secret in line or "宇航员" in line]


@pytest.mark.every_way
def test_a_request_that_the_document_does_not_describe(caller: Caller, relay: Relay) -> None:
    request = caller.client.request if caller.way == "sync" else caller.client.arequest
    relay.answer(Answer(429))
    relay.answer(Answer.json({"data": []}))
    caller.client.max_retries = 1

    response = caller.run(request("POST", "/v1/models", json={"名": None}, params={"a": [1, "b c"]}))

    assert (response.status_code, response.json(), response.request.method) == (200, {"data": []}, "POST")
    assert [each.target for each in relay.requests] == ["/v1/models?a=1&a=b+c"] * 2
    assert relay.requests[1].json == {"名": None}
    assert "authorization" in relay.requests[1].headers
    with pytest.raises(errors.UnexpectedStatus, match="404"):
        caller.run(request("GET", "/v1/nothing"))
    for method, path in (("GET", "https://example.com/"), ("GET", "/a?b"), ("GET", ""), ("G T", "/")):
        with pytest.raises(errors.InvalidArgument, match=r"path|method"):
            caller.run(request(method, path))
    relay.problems.clear()


def test_the_environment_turns_the_log_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("generated_client")
    for value, level in (("info", logging.INFO), ("DEBUG", logging.DEBUG), ("", logging.NOTSET)):
        monkeypatch.setenv("RELAY_LOG", value)
        Client("https://relay.example.com")
        assert (log.level, len(log.handlers)) == (level, 1 if value else 0)
        log.handlers.clear()
        log.setLevel(logging.NOTSET)
    monkeypatch.setenv("RELAY_LOG", "loud")
    with pytest.raises(errors.InvalidArgument, match="RELAY_LOG must be info or debug"):
        Client("https://relay.example.com")


def test_a_picture_from_a_file(tmp_path: Path) -> None:
    (picture := tmp_path / "图.png").write_bytes(b"\x89PNG")
    assert types.base64_file(picture) == types.base64_file(str(picture)) == "iVBORw=="
    picture.write_bytes(b"")
    with pytest.raises(errors.InvalidArgument, match="empty"):
        types.base64_file(picture)
    with pytest.raises(FileNotFoundError):
        types.base64_file(tmp_path / "none.png")
