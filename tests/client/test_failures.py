"""A failed call raises an error of one hierarchy, with all details except the token."""

import copy
import gzip
import json
import logging
import pickle
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
import trustme

from calling import Caller
from contract_check.relay.standin import RECORDED, SCENARIOS, Answer, Contract, Relay, Request, front_error, inner_error
from frozen import errors, variables
from servers import answering, deaf, reading_nothing, refusing, server_tls

PATH = "/kling/v1/videos/image2video"
SECRET = "sk-" + "geheim/0123456789+=="
HIDDEN = (SECRET, SECRET.replace("/", "\\/"))
ATTRIBUTES = ("status_code", "headers", "content", "request_id", "method", "path", "parsed")
FIELDS = ("message", "code", "type", "retry_after")
JSON = {"Content-Type": "application/json"}
GZIP = {"Content-Encoding": "gzip"}
TASK: dict[str, Any] = {"task_id": "任务", "status": "queued"}
WHOLE = json.dumps(TASK, ensure_ascii=False).encode()
PACKED = gzip.compress(WHOLE)
DEEP = b"[" * 200_000 + b"]" * 200_000


@dataclass(frozen=True)
class Case:
    """A response, and the error that it raises."""

    answer: Answer
    kind: type[Exception]
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    """The FIELDS that are not None."""
    line: str = ""
    """A part of the error's text."""
    limit: int = 2**21


def _refused(answer: Answer, line: str = "", **fields: Any) -> Case:
    return Case(answer, errors.ApiError, fields, line)


def _broken(body: bytes, line: str = "", **headers: str) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case(Answer(200, body, {**JSON, **named}), errors.DecodeError, line=line)


def _recorded(answer: Answer) -> Case:
    body = json.loads(answer.body)
    said = body.get("error", body)
    return _refused(answer, **{name: said[name] for name in FIELDS if said.get(name)})


BODIES: list[tuple[object, dict[str, Any]]] = [
    ({"error": "坏"}, {"message": "坏"}),
    ({"error": {"message": "坏", "code": "", "type": "t"}}, {"message": "坏", "type": "t"}),
    ({"error": {"message": "坏", "code": 1002}}, {"message": "坏", "code": "1002"}),
    ({"error": {"message": None, "code": None, "type": None}}, {}),
    ({"error": {"message": "内"}, "message": "外"}, {"message": "内"}),
    ({"error": None, "message": "坏", "code": "c"}, {"message": "坏", "code": "c"}),
    ({"code": "c", "data": None}, {"code": "c"}),
    ({"message": {"deep": 1}, "code": ["c"]}, {}),
    ({"error": {"message": "m", SECRET: 1}, SECRET: 2}, {"message": "m"}),
    ([1], {}),
    (None, {}),
]
"""Bodies of refusals, and the fields that are parsed from them."""
YEAR_2100 = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
WAITS: list[tuple[str, object, Any]] = [
    ("7", {"retry_after": 3}, 7),
    ("0.5", {}, 0.5),
    ("-3", {}, 0),
    ("", {"error": {"retry_after": 3}}, 3),
    ("", {"retry_after": "4"}, 4),
    ("soon", {}, None),
    ("nan", {}, None),
    ("", {"retry_after": {"deep": 1}}, None),
    ("Fri, 01 Jan 2100 00:00:00 GMT", {}, pytest.approx(YEAR_2100 - time.time(), abs=600)),
    ("Thu, 01 Jan 1970 00:00:00 GMT", {}, 0),
]
"""Retry-After, a body, and the seconds to wait."""
NO_TASK: list[bytes] = [
    *(b"", b" \r\n", b"null", b"[]", b'""', b"7", b"true", b"{}", WHOLE[:-5], WHOLE * 2),
    b'[["task_id", "x"], ["status", "y"]]',
    b'{"task_id": "\xff\xfe", "status": "queued"}',
    WHOLE.decode().encode("gbk"),
    b'{"task_id": "t", "status": "s", "deep": ' + DEEP + b"}",
    b'{"task_id": {"id": 5}, "status": "queued"}',
    b'{"task_id": "t", "status": ["queued"]}',
    b'{"%b": 1}' % SECRET.encode(),
]
"""Bodies of a 200 that are not a task."""
TERMINAL = "用户额度不足,\r\n剩余额度:\t\x1b[31m$0.00\u2028"

CASES: dict[str, Case] = {
    **{f"body {json.dumps(body)}": _refused(Answer.json(body, 400), **fields) for body, fields in BODIES},
    **{
        f"wait {header or body}": _refused(
            Answer.json(body, 429, headers={"Retry-After": header} if header else {}), retry_after=seconds
        )
        for header, body, seconds in WAITS
    },
    **{f"recorded {name}": _recorded(answer) for name, (_, answer) in RECORDED.items() if b'"message"' in answer.body},
    "HTML for an error": _refused(Answer.html(502)),
    "an error without a body": _refused(Answer(503)),
    "an error that breaks off": _refused(Answer(400, b'{"error": {"mess')),
    "an error in GBK": _refused(Answer(400, "错误".encode("gbk"))),
    "an error without end": _refused(Answer(400, b"[" * 100_000)),
    "an error that is no gzip": _refused(Answer(400, b"no gzip", GZIP)),
    "an error that is cut off": _refused(Answer(500, b'{"error": {"message": "m"}}', cut=9)),
    "an error that is reset": _refused(Answer(400, chunks=(b'{"error": ', b"{"), reset=True)),
    "status 599": _refused(Answer(599, b"{")),
    "the token in an error": _refused(
        front_error(401, f"令牌 {SECRET}", SECRET), message="令牌 ***", code="***", type="new_api_error"
    ),
    "the token in the other shape": _refused(
        inner_error(400, f"令牌 {SECRET}", SECRET), message="令牌 ***", code="***"
    ),
    "the token with escapes": _refused(
        Answer(401, b'{"error": {"message": "%b"}}' % SECRET.replace("/", "\\/").encode()), message="***"
    ),
    "the token alone": _refused(Answer(401, SECRET.encode())),
    "what acts on a terminal": _refused(
        front_error(403, TERMINAL, "quota"),
        "403: 用户额度不足, 剩余额度: ?[31m$0.00 (code=quota, type=new_api_error, request_id=",
        message=TERMINAL,
        code="quota",
        type="new_api_error",
    ),
    "a huge error": _refused(
        inner_error(500, "很长" * 200_000, "c" * 5_000), message="很长" * 200_000, code="c" * 5_000
    ),
    "another success": Case(Answer.json({"message": SECRET}, 201), errors.UnexpectedStatus, {"message": "***"}),
    "no content": Case(Answer(204), errors.UnexpectedStatus),
    "a redirect": Case(Answer(302, headers={"Location": "/x"}), errors.UnexpectedStatus, line="a redirect to /x"),
    "a redirect with the token": Case(
        Answer(302, headers={"Location": f"/{SECRET}"}), errors.UnexpectedStatus, line="a redirect to /***"
    ),
    "a redirect to nowhere": Case(Answer(302, headers={"Location": "https://:99999"}), errors.UnexpectedStatus),
    **{f"task {body[:50]!r}": _broken(body) for body in NO_TASK},
    "HTML for a task": Case(SCENARIOS["console"].answer, errors.DecodeError, line="base_url may be wrong"),
    "HTML after a line": _broken(b"\n<!doctype html>", "base_url may be wrong"),
    "events for a task": _broken(b"data: {}\n\n", "text/event-stream", Content_Type="text/event-stream"),
    "plain text for a task": _broken(b"ok", "text/plain, which", Content_Type="Text/Plain; charset=utf-8"),
    "null for a required field": _broken(b'{"task_id": null, "status": "queued"}', "VideoTask.task_id is null"),
    "a required field missing": _broken(b'{"status": "queued"}', "VideoTask.task_id is missing"),
    "gzip that is none": _broken(WHOLE, Content_Encoding="gzip"),
    "gzip that breaks off": _broken(PACKED[:-20], Content_Encoding="gzip"),
    "gzip that is damaged": _broken(PACKED[:12] + b"\xff" * 20, Content_Encoding="gzip"),
    "an error for a task": Case(
        Answer.json({"error": {"message": "坏", "code": "c", "type": SECRET}}),
        errors.DecodeError,
        {"message": "坏", "code": "c", "type": "***"},
    ),
    "too much": Case(
        Answer.json({**TASK, "message": SECRET}), errors.ResponseTooLarge, {"message": "***"}, "9 bytes", limit=9
    ),
    "too much of an error": Case(
        front_error(401, SECRET), errors.ResponseTooLarge, {"message": "***", "type": "new_api_error"}, limit=9
    ),
    "a body that is cut": Case(Answer(200, WHOLE, JSON, cut=9), httpx.RemoteProtocolError),
    "a body that is reset": Case(Answer(200, WHOLE, JSON, cut=9, reset=True), httpx.TransportError),
    "chunks that are reset": Case(Answer(200, chunks=(b'{"task_id": ',), reset=True), httpx.TransportError),
    "no answer": Case(Answer(silent=True), httpx.RemoteProtocolError),
    "a reset": Case(Answer(silent=True, reset=True), httpx.ReadError),
}


def _shown(error: BaseException) -> str:
    """Everything that a logger may print about an error, including local variables."""
    request = error.request if isinstance(error, httpx.RequestError) else None
    known = [f"{error} {error!r} {error.args} {vars(error)!r}", str(request.headers.raw) if request else ""]
    if isinstance(error, errors.ResponseError):
        known += [f"{error.headers.raw} {error.content!r} {error.parsed.to_dict() if error.parsed else ''}"]
    return "\n".join([*known, *variables(error)])


def _failure(caller: Caller, base_url: str = "", **settings: Any) -> Exception:
    """Return the error of a call, which must hide the token and name the operation."""
    own = caller.connect(base_url, **{"token": SECRET, **settings})
    with pytest.raises((errors.ResponseError, httpx.TransportError)) as raised:
        caller.submit(own)
    error: Exception = raised.value
    assert PATH in str(error)
    assert str(error).isprintable()
    shown, pickled = _shown(error), pickle.dumps(error)
    assert not [secret for secret in HIDDEN if secret in shown or secret.encode() in pickled]
    return error


def _arrives_whole(answer: Answer) -> bool:
    return not (answer.cut or answer.chunks or "Content-Encoding" in answer.headers or b"geheim" in answer.body)


@pytest.mark.parametrize("name", CASES)
def test_a_response_that_is_not_the_documented_success(caller: Caller, relay: Relay, name: str) -> None:
    case, answer = CASES[name], CASES[name].answer

    def repeat_the_token(_: Request, answer: Answer) -> None:
        answer.headers = {**answer.headers, "X-Seen": f"余额不足 {SECRET}"}

    relay.listener = repeat_the_token
    relay.answer(answer)
    error = _failure(caller, max_response_bytes=case.limit)
    assert isinstance(error, case.kind) if case.kind is httpx.TransportError else type(error) is case.kind
    assert not isinstance(error, errors.NOT_SENT)
    assert errors.may_have_been_charged(error) == (not 400 <= answer.status < 500)
    assert case.line in str(error)
    request = relay.request
    if not isinstance(error, errors.ResponseError):
        return
    found = (error.status_code, error.method, error.path, error.request_id, error.headers["X-Seen"])
    assert found == (answer.status, "POST", PATH, request.id, "余额不足 ***")
    assert str(error).startswith(f"POST {PATH}: {answer.status}")
    assert len(str(error)) < 1_000
    assert len(error.content) <= 65_536
    if _arrives_whole(answer):
        assert error.content == answer.body.replace(b"{request id}", request.id.encode())[:65_536]
    expected = dict.fromkeys(FIELDS) | case.fields
    if expected["message"]:
        expected["message"] = expected["message"].replace("{request id}", request.id)
    assert {name: getattr(error, name) for name in FIELDS} == expected
    assert (type(error.parsed).__name__ == "ErrorResponse") == (error.parsed is not None)
    assert bool(error.parsed) >= name.startswith("recorded")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
        assert all(getattr(twin, name) == getattr(error, name) for name in (*ATTRIBUTES, *FIELDS))
    relay.answer(answer, times=2)
    own = caller.connect(max_response_bytes=case.limit)
    if case.kind is errors.ApiError:
        response = caller.submit(own, detailed=True)
        assert (response.status_code, response.request_id) == (answer.status, relay.requests[1].id)
        assert (response.parsed is None) == (error.parsed is None)
    else:
        with pytest.raises(case.kind):
            caller.submit(own, detailed=True)
    if answer.status != 200:
        with pytest.raises(case.kind, match=f"POST {PATH}: {answer.status}"), caller.stream(own):
            pass


Serve = Callable[[], AbstractContextManager[str]]
SERVERS: dict[str, tuple[Serve, dict[str, float], type[Exception], bool]] = {
    "refuses": (refusing, {}, httpx.ConnectError, False),
    "accepts nobody": (deaf, {"connect": 0.3}, httpx.ConnectTimeout, False),
    "reads nothing": (reading_nothing, {"read": 0.1}, httpx.ReadTimeout, True),
    "speaks no HTTP": (lambda: answering(b"rubbish\r\n\r\n"), {}, httpx.RemoteProtocolError, True),
}
"""Servers, the timeouts of a client, what a call raises, and whether it may have been charged."""


@pytest.mark.parametrize("name", SERVERS)
def test_a_connection_that_fails(caller: Caller, name: str) -> None:
    serve, steps, kind, may_be_charged = SERVERS[name]
    with serve() as url:
        error = _failure(caller, url, timeout=httpx.Timeout(5, **steps))
    assert isinstance(error, kind)
    assert isinstance(error, errors.NOT_SENT) != may_be_charged
    assert errors.may_have_been_charged(error) == may_be_charged


def test_an_untrusted_certificate_gets_no_request(caller: Caller, contract: Contract, authority: trustme.CA) -> None:
    with Relay(contract, tls=server_tls(authority, "127.0.0.1")) as relay:
        assert type(_failure(caller, relay.url)) is httpx.ConnectError
        assert relay.requests == []


RAISED: dict[str, tuple[BaseException, bool]] = {
    "a time-out of wait_for": (TimeoutError(), True),
    "a hook's ValueError": (ValueError("bug"), True),
    "a group with a sent one": (BaseExceptionGroup("", [httpx.ConnectError(""), httpx.ReadError("")]), True),
    "a group of unsent ones": (ExceptionGroup("", [httpx.ConnectError(""), errors.InvalidArgument("")]), False),
    "an undocumented status": (errors.UnexpectedStatus("", status_code=418), True),
    "an argument": (errors.InvalidArgument("duration"), False),
}


@pytest.mark.parametrize("name", RAISED)
def test_may_have_been_charged_is_false_only_if_certain(name: str) -> None:
    error, expected = RAISED[name]
    assert errors.may_have_been_charged(error) == expected


def test_an_error_that_a_mock_reraises_is_explained_once(caller: Caller) -> None:
    transport = httpx.MockTransport(Mock(side_effect=httpx.ConnectError("down")))
    own = caller.connect("http://relay.test", httpx_args={"transport": transport})
    for _ in range(2):
        with pytest.raises(httpx.ConnectError) as raised:
            caller.submit(own)
        assert str(raised.value) == f"POST {PATH}: down"


@pytest.mark.parametrize("elsewhere", [None, httpx.Request("GET", "http://elsewhere.test/")])
def test_an_error_in_a_stream_is_explained_unless_it_is_of_another_request(caller: Caller, elsewhere: Any) -> None:
    error = httpx.ConnectError("down", request=elsewhere)
    with pytest.raises(httpx.ConnectError) as raised, caller.stream():
        raise error
    assert str(raised.value) == ("down" if elsewhere else f"POST {PATH}: down")


def test_a_path_does_not_show_the_token(sync: Caller, relay: Relay) -> None:
    own = sync.connect(f"{relay.url}/{SECRET}", token=SECRET)
    relay.always(Answer(200, b"{"))
    for detailed in (False, True):
        with pytest.raises(errors.DecodeError) as raised:
            sync.submit(own, detailed=detailed)
        assert raised.value.path == f"/***{PATH}"
        assert SECRET not in f"{raised.value} {vars(raised.value)!r}"
    relay.problems.clear()


def test_neither_log_nor_repr_shows_the_token(caller: Caller, relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    own = caller.connect(token=SECRET, prefix="", auth_header_name="X-Api-Key")
    relay.answer(Answer.json(TASK))
    caller.submit(own)
    assert relay.request.headers.get_all("x-api-key") == [SECRET]
    assert "authorization" not in relay.request.headers
    relay.answer(Answer(401, SECRET.encode(), {"X-Oneapi-Request-Id": SECRET}))
    with pytest.raises(errors.ApiError):
        caller.submit(own, prompt="宇航员")
    with pytest.raises(ValueError, match="nan") as raised:
        caller.submit(own, duration=float("nan"))
    assert SECRET not in str(variables(raised.value))
    logged = [f"{record.name} {record.getMessage()} {record.args!r}" for record in caplog.records]
    logged = [line for line in logged if "receive_response_headers" not in line]  # httpcore logs what the relay sent
    assert {line.split()[0].partition(".")[0] for line in logged} >= {"httpx", "httpcore", "generated_client"}
    assert [line for line in logged if "sent 41 bytes, receives 23 bytes of application/json" in line]
    assert not [line for line in logged if SECRET in line or "宇航员" in line]
    for client in (own, own.with_headers({"X-Trace": "t"}), copy.copy(own)):
        assert SECRET not in f"{client!r} {client} {vars(client)!r}"
        assert "AuthenticatedClient" in repr(client)
    assert SECRET not in f"{vars(caller.http(own))}"
    relay.problems.clear()  # the stand-in knows bearer tokens only
