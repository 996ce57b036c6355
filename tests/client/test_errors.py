"""Every answer that is not the one that was asked for raises an error of one family, with all that the answer says."""

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path as File
from typing import Any

import pytest

from another import Package, prepare
from calling import TLS, TOKEN, Caller
from checkout import ROOT
from contract_check.relay.standin import RECORDED, Answer, Contract, Relay, Request, front_error, inner_error
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ApiError, DecodeError, ResponseError, ResponseTooLarge, UnexpectedStatus
from generated_client.models import ErrorResponse, KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
ERRORS = {name: answer for name, (_, answer) in RECORDED.items() if answer.status >= 400 and answer.body}
ATTRIBUTES = ["status_code", "headers", "content", "request_id", "method", "path"]
SAID = ["message", "code", "type", "retry_after"]


def _raised(caller: Caller, relay: Relay, answer: Answer | str, **options: Any) -> ResponseError:
    relay.answer(answer)
    with pytest.raises(ResponseError) as raised:
        caller.parsed(create_kling_image_to_video, body=PROMPTED, **options)
    return raised.value


@pytest.mark.every_way
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_the_relay_says_what_its_answer_says(caller: Caller, relay: Relay, name: str) -> None:
    answer = ERRORS[name]
    error = _raised(caller, relay, name)
    content = answer.body.replace(b"{request id}", relay.request.id.encode())
    body = json.loads(content)
    said = body.get("error", body)
    assert type(error) is ApiError
    assert error.status_code == answer.status
    assert error.content == content
    assert error.headers["content-type"] == "application/json; charset=utf-8"
    assert error.request_id == relay.request.id
    assert (error.method, error.path) == ("POST", "/kling/v1/videos/image2video")
    assert error.message == said["message"]
    assert error.code == (said["code"] or None)
    assert error.type == said.get("type")
    assert error.retry_after is None
    assert isinstance(error.parsed, ErrorResponse)


@pytest.mark.parametrize(
    ("body", "message", "code", "kind"),
    [
        ({"error": {"message": "坏", "code": "", "type": "t"}}, "坏", None, "t"),
        ({"error": {"message": "坏", "code": 1002}}, "坏", "1002", None),
        ({"error": {"message": None, "code": None, "type": None}}, None, None, None),
        ({"error": {"message": "内"}, "message": "外"}, "内", None, None),
        ({"error": "坏"}, "坏", None, None),
        ({"error": None, "message": "坏", "code": "c"}, "坏", "c", None),
        ({"code": "c", "data": None}, None, "c", None),
        ({"message": {"deep": 1}, "code": ["c"]}, None, None, None),
        ({}, None, None, None),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "",
)
def test_what_an_error_lacks_is_none(
    caller: Caller, relay: Relay, body: object, message: str | None, code: str | None, kind: str | None
) -> None:
    error = _raised(caller, relay, Answer.json(body, 400))
    assert (error.message, error.code, error.type) == (message, code, kind)


@pytest.mark.every_way
@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        Answer(400, b""),
        Answer(400, b'{"error": {"mess'),
        Answer(400, b"[1]"),
        Answer(400, b"null"),
        Answer(400, b'{"error": "text"}'),
        Answer(400, "错误".encode("gbk")),
        Answer(400, b"[" * 100_000),
        Answer(400, b"no gzip", {"Content-Encoding": "gzip"}),
        Answer(400, b'{"error": {"message": "m"}}', cut=9),
        Answer(400, chunks=(b'{"error": ', b"{"), reset=True),
        Answer(599, b"{"),
    ],
    ids=["html", "empty", "truncated", "array", "null", "text", "gbk", "deep", "gzip", "cut off", "reset", "of 599"],
)
def test_an_error_status_is_never_hidden_by_its_body(caller: Caller, relay: Relay, answer: Answer) -> None:
    error = _raised(caller, relay, answer)
    assert type(error) is ApiError
    assert (error.status_code, error.parsed, error.request_id) == (answer.status, None, relay.request.id)
    relay.answer(answer)
    detailed = caller.detailed(create_kling_image_to_video, body=PROMPTED)
    assert (detailed.status_code, detailed.parsed) == (answer.status, None)


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("7", {}, 7),
        ("0.5", {}, 0.5),
        ("-3", {}, 0),
        (None, {"error": {"retry_after": 3}}, 3),
        (None, {"retry_after": "4"}, 4),
        ("5", {"error": {"retry_after": 3}}, 5),
        ("soon", {}, None),
        ("nan", {}, None),
        (None, {"retry_after": {"deep": 1}}, None),
        (None, {}, None),
    ],
)
def test_how_long_to_wait(
    caller: Caller, relay: Relay, header: str | None, body: object, seconds: float | None
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    assert _raised(caller, relay, Answer.json(body, 429, headers=headers)).retry_after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(60, 50, 61), (-60, 0, 0)], ids=["ahead", "past"])
def test_until_when_to_wait(caller: Caller, relay: Relay, ahead: int, least: int, most: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    error = _raised(caller, relay, Answer.json({}, 503, headers={"Retry-After": date}))
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


def test_an_error_reads_well_on_one_line(caller: Caller, relay: Relay) -> None:
    line = str(_raised(caller, relay, front_error(403, "用户额度不足,\r\n剩余额度:\t\x1b[31m$0.00\u2028", "quota")))
    assert line.startswith("POST /kling/v1/videos/image2video: 403: 用户额度不足, 剩余额度: ")
    for word in ("code=quota", "type=new_api_error", f"request_id={relay.request.id}"):
        assert word in line
    assert line.isprintable()


def test_a_huge_error_is_cut_short(caller: Caller, relay: Relay) -> None:
    answer = inner_error(500, "很长" * 200_000, "c" * 5_000)
    error = _raised(caller, relay, answer)
    assert error.content == answer.body[:65_536]
    assert len(str(error)) < 1_000
    assert error.message == "很长" * 200_000


def test_a_request_id_may_have_its_common_name(caller: Caller, relay: Relay) -> None:
    headers = {"X-Request-Id": "r-1"}

    def only(_: Request, answer: Answer) -> None:
        answer.headers = headers

    relay.listener = only
    assert _raised(caller, relay, "no_channel").request_id == "r-1"
    headers.clear()
    assert _raised(caller, relay, "no_channel").request_id is None


@pytest.mark.parametrize("status", [201, 204, 302])
def test_a_status_that_the_document_does_not_have_is_unexpected(caller: Caller, relay: Relay, status: int) -> None:
    answer = Answer(status, headers={"Location": "/elsewhere"})
    error = _raised(caller, relay, answer)
    assert type(error) is UnexpectedStatus
    assert (error.status_code, error.parsed, error.request_id) == (status, None, relay.request.id)


@pytest.mark.parametrize("status", [302, 418, 499, 503, 520, 530, 599])
def test_an_undocumented_status_is_raised_or_if_told_so_returned(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, status: int
) -> None:
    undocumented, module = gateway.load("errors").UnexpectedStatus, gateway.operation("group_aux.list_")
    gateway_relay.always(inner_error(status, "意外", "c"))
    for call in (gateway_caller.parsed, gateway_caller.detailed):
        with pytest.raises(undocumented) as raised:
            call(module)
        assert (raised.value.status_code, raised.value.message, raised.value.code) == (status, "意外", "c")
    tolerant = gateway.load("client").AuthenticatedClient(
        gateway_relay.url, token=TOKEN, verify_ssl=TLS, raise_on_unexpected_status=False
    )
    gateway_caller.enter(tolerant)
    response = gateway_caller.detailed(module, client=tolerant)
    assert type(response.status_code) is int
    assert (response.status_code, response.parsed) == (status, None)
    with pytest.raises(undocumented):
        gateway_caller.parsed(module, client=tolerant)


def _pickled(error: ResponseError) -> Any:
    return pickle.loads(pickle.dumps(error))


def _too_large(caller: Caller, relay: Relay) -> ResponseError:
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, max_response_bytes=5)
    caller.enter(own)
    return _raised(caller, relay, inner_error(400, "太大", "c"), client=own)


KINDS: dict[type[ResponseError], Callable[[Caller, Relay], ResponseError]] = {
    ApiError: lambda caller, relay: _raised(caller, relay, front_error(429, "稍后再试", "too_many")),
    UnexpectedStatus: lambda caller, relay: _raised(caller, relay, inner_error(302, "别处", "moved")),
    DecodeError: lambda caller, relay: _raised(caller, relay, inner_error(200, "不是任务", "odd")),
    ResponseTooLarge: _too_large,
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("duplicate", [_pickled, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_an_error_survives_pickle_and_copy(
    caller: Caller, relay: Relay, kind: type[ResponseError], duplicate: Callable[[ResponseError], ResponseError]
) -> None:
    error = KINDS[kind](caller, relay)
    twin = duplicate(error)
    assert type(twin) is type(error) is kind
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    for name in [*ATTRIBUTES, *SAID, "parsed"]:
        assert getattr(twin, name) == getattr(error, name)
    assert error.message


def test_every_operation_documents_errors_of_both_ranges(contract: Contract) -> None:
    for operation in contract.operations:
        assert {"4XX", "5XX"} <= operation.responses.keys() or "default" in operation.responses


def test_the_overlay_adds_errors_of_both_ranges_to_any_document(gateway: Package, tmp_path: File) -> None:
    prepare(tmp_path / "own", gateway.folder.parent / "gateway.yaml", ROOT / "generator" / "overlay.yaml")
    contract = Contract(json.loads((tmp_path / "own" / "document.json").read_text(encoding="utf-8")))
    before = {f"{found.method} {found.route}": found for found in gateway.contract.operations}
    assert len(contract.operations) == len(before) > 10
    for operation in contract.operations:
        given = before[str(operation)].responses
        answers = operation.responses
        for status in ("4XX", "5XX"):
            shared = answers[status].get("content", {}).get("application/json", {}).get("schema")
            assert status in given or shared == {"$ref": "#/components/schemas/ErrorResponse"}
