"""A plain call returns only a documented success, a detailed call any documented response, from relay or mock."""

import gzip
import json
import types
import typing
from contextlib import ExitStack, nullcontext
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from calling import WAYS, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import errors
from generated import Package

ITEM: dict[str, Any] = {"id": "i"}
ERR, MULTI = {"error": {"message": "坏了", "code": 1}}, {"Item", "Err", "MultiResponse202"}
GBK = Answer(200, "文本".encode("gbk"), {"Content-Type": "text/plain; charset=gbk"})
FILM = Answer(200, bytes(range(256)), {"Content-Type": "video/mp4"})
SUCCESSES: list[tuple[str, dict[str, Any], set[str], Answer, object]] = [
    ("multi.multi", {}, MULTI, Answer.json(ITEM), "Item"),
    ("multi.multi", {}, MULTI, Answer.json(ERR), "Err"),
    ("multi.multi", {}, MULTI, Answer.json(ITEM, 202), "MultiResponse202"),
    ("item.delete_v1_item_by_item_id", {"item_id": "i-1"}, {"NoneType"}, Answer(204), None),
    *(("range_.range_", {}, {"int"}, Answer.json(5, status), 5) for status in (200, 201, 206, 299)),
    ("form.form", {"body": "FormBody"}, {"str"}, GBK, "文本"),
    ("upload.upload", {"body": "UploadBody"}, {"bytes"}, FILM, FILM.body),
]
"""An operation, its arguments, the types that its plain call returns, a success, and its value or the value's type."""


def _returned(module: Any, function: str) -> set[str]:
    """The names of a function's return types."""
    hint = typing.get_type_hints(getattr(module, function))["return"]
    return {kind.__name__ for kind in (typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,))}


def test_documented_successes(gateway_caller: Caller, gateway_relay: Relay) -> None:
    models, file = gateway_caller.load("models"), gateway_caller.load("types").File(payload=BytesIO(b"image"))
    bodies = {"FormBody": models.FormBody(a="甲", b=2), "UploadBody": models.UploadBody(file=file)}
    for name, arguments, kinds, answer, value in SUCCESSES:
        module = gateway_caller.load(f"api.{name}")
        assert _returned(module, gateway_caller.way) == kinds
        given = {key: bodies.get(argument, argument) for key, argument in arguments.items()}
        gateway_relay.answer(answer, times=2)
        parsed, response = gateway_caller.parsed(module, **given), gateway_caller.detailed(module, **given)
        assert value in (type(parsed).__name__, parsed)
        assert (response.status_code, response.parsed) == (answer.status, parsed)


FAILURES: list[tuple[str, Answer, str, str]] = [
    *(("raw.raw", Answer.json(ERR, status), "ApiError", "Err") for status in (302, 404, 503, 520, 599)),
    ("range_.range_", Answer(404), "ApiError", "NoneType"),
    ("raw.raw", Answer.json(ITEM, 201), "UnexpectedStatus", "201"),
    *(("group_aux.list_", Answer.json(ERR, status), "UnexpectedStatus", "坏了") for status in (302, 418, 599)),
    *(("group_aux.list_", Answer.json(item), "DecodeError", "expected an array, got") for item in (ITEM, "text")),
    ("group_aux.list_", Answer.json([ITEM, {}]), "DecodeError", "id is missing"),
    ("group_aux.list_", Answer.json([["id", "i"]]), "DecodeError", "expected an object"),
    ("group_aux.list_", Answer.json([ITEM | {"arr": dict[str, Any]()}]), "DecodeError", "arr: expected an array"),
    ("group_aux.list_", Answer.json([ITEM | {"free": "text"}]), "DecodeError", "free: expected an object"),
    ("multi.multi", Answer.json("text"), "DecodeError", "got str"),
    ("multi.multi", Answer.json([]), "DecodeError", "got list"),
    ("range_.range_", Answer.json(None), "DecodeError", r"\(null\)"),
    ("raw.raw", Answer(200, b"x", {"Content-Type": "image/png"}), "DecodeError", "documented, but only stream"),
]
"""An operation, a response that is no documented success, its error, and the type of `parsed` or the error's text."""


@pytest.mark.parametrize(("name", "answer", "kind", "expected"), FAILURES)
def test_a_response_that_is_not_a_documented_success(
    gateway_sync: Caller, gateway_relay: Relay, name: str, answer: Answer, kind: str, expected: str
) -> None:
    gateway_relay.always(answer)
    error: Any = getattr(gateway_sync.load("errors"), kind)
    tolerant = gateway_sync.connect(raise_on_unexpected_status=False)
    for client in (gateway_sync.client, tolerant):
        with pytest.raises(error) as raised:
            gateway_sync.parsed(name, client=client)
        assert raised.value.status_code == answer.status
    if kind == "ApiError":
        response = gateway_sync.detailed(name)
        assert type(raised.value.parsed).__name__ == type(response.parsed).__name__ == expected
    else:
        with pytest.raises(error, match=expected):
            gateway_sync.detailed(name)
    if kind != "DecodeError":
        response = gateway_sync.detailed(name, client=tolerant)
        assert (type(response.status_code), response.status_code) == (int, answer.status)
        assert (response.parsed is None) == (kind == "UnexpectedStatus" or not answer.body)


def test_an_operation_without_a_success_has_detailed_calls_only(gateway_sync: Caller, gateway_relay: Relay) -> None:
    for name in ("not_.not_impl", "rt.realtime"):
        assert not any(hasattr(gateway_sync.load(f"api.{name}"), way) for way in WAYS)
    gateway_relay.answer(Answer.json(ERR, 501))
    response = gateway_sync.detailed("not_.not_impl")
    assert (response.status_code, type(response.parsed).__name__) == (501, "Err")


VIDEOS: dict[str, tuple[dict[str, str], bytes, bool]] = {
    "as documented": ({"Content-Type": "video/mp4"}, b"v", True),
    "another kind of video": ({"Content-Type": "video/quicktime"}, b"v", True),
    "no media type": ({}, b"v", True),
    "a page": ({"Content-Type": "text/html; charset=utf-8"}, b"<html>", False),
    "a problem": ({"Content-Type": "application/problem+json"}, b"{}", False),
    "nothing": ({"Content-Type": "video/mp4"}, b"", False),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_recognized_by_its_media_type(gateway: Package, gateway_sync: Caller, name: str) -> None:
    headers, content, is_video = VIDEOS[name]
    response = httpx.Response(200, headers=headers, content=content)
    body = gateway.module("models").UploadBody(file=gateway.module("types").File(payload=BytesIO(b"f")))
    args = {"transport": httpx.MockTransport(Mock(return_value=response))}
    own = gateway_sync.connect(httpx_args=args)
    with nullcontext() if is_video else pytest.raises(gateway.module("errors").DecodeError):
        assert gateway_sync.parsed("upload.upload", client=own, body=body) == content


# Mocks that services use in their tests

TASK = {"task_id": "t", "status": "queued"}
PACKED = gzip.compress(json.dumps(TASK).encode())


@pytest.mark.parametrize("by", ["transport", "mounts", "respx", "respx by httpcore", "pytest-httpx"])
def test_mocks(request: pytest.FixtureRequest, caller: Caller, by: str) -> None:
    responses = [
        httpx.Response(200, json=TASK, headers={"X-Oneapi-Request-Id": "r-1"}),
        httpx.Response(200, json=TASK),
        httpx.Response(403, json={"error": {"message": "额度不足"}}, headers={"X-Request-Id": "r-2"}),
        httpx.Response(200, text="<html>"),
    ]
    args: dict[str, Any] = {}
    with ExitStack() as stack:
        if by == "pytest-httpx":
            httpx_mock: HTTPXMock = request.getfixturevalue("httpx_mock")
            for each in responses:
                httpx_mock.add_response(status_code=each.status_code, headers=each.headers, content=each.content)
        else:
            responses.append(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(PACKED)))
            transport = httpx.MockTransport(Mock(side_effect=responses))
            if by in ("transport", "mounts"):
                args[by] = transport if by == "transport" else {"all://": transport}
            else:
                router = stack.enter_context(respx.mock(using="httpcore" if "httpcore" in by else "httpx"))
                router.post("https://relay.test/kling/v1/videos/image2video").mock(side_effect=responses)
        own = caller.connect("https://relay.test", httpx_args=args)
        response = caller.submit(own, detailed=True)
        assert (response.parsed.task_id, json.loads(response.content), response.request_id) == ("t", TASK, "r-1")
        with caller.stream(own.with_timeout(9)) as response:
            assert json.loads(caller.read(response)) == TASK
        with pytest.raises(errors.ApiError, match="额度不足") as refused:
            caller.submit(own)
        with pytest.raises(errors.DecodeError, match="HTML") as broken:
            caller.submit(own)
        assert (refused.value.request_id, broken.value.request_id) == ("r-2", None)
        if by != "pytest-httpx":  # httpx can't read a compressed body from it
            assert caller.submit(own).task_id == "t"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hook_reads_the_response(caller: Caller, relay: Relay, encoding: str) -> None:
    seen, content = list[bytes](), json.dumps(TASK).encode()
    relay.answer(Answer(200, PACKED if encoding == "gzip" else content, {"Content-Encoding": encoding}))
    own = caller.connect(httpx_args={"event_hooks": {"response": [caller.reading_hook(seen.append)]}})
    assert caller.submit(own).task_id == "t"
    assert seen == [content]
