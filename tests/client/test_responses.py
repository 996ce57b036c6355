"""Responses: a plain call returns a documented success only, a detailed one each documented response."""

import inspect
import types
import typing
from io import BytesIO
from typing import Any

import pytest

from another import Package
from calling import Caller
from contract_check.relay.standin import Answer, Relay, front_error, inner_error
from frozen import ErrorResponse, create_kling_image_to_video, errors
from frozen import types as package_types

UNSET = package_types.UNSET
STYLES = ("sync", "asyncio")
STATUSES = (400, 401, 403, 404, 418, 429, 451, 499, 500, 503, 520, 530, 599)


def _returned(module: Any, function: str = "sync") -> set[str]:
    """The names of the types of which a function returns one."""
    hint = typing.get_type_hints(getattr(module, function))["return"]
    return {kind.__name__ for kind in (typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,))}


@pytest.mark.parametrize("style", STYLES)
def test_a_plain_call_is_typed_as_the_documented_success(style: str) -> None:
    assert _returned(create_kling_image_to_video, style) == {"VideoTask"}
    assert _returned(create_kling_image_to_video, f"{style}_detailed") == {"Response"}


def test_documented_errors(caller: Caller, relay: Relay) -> None:
    for status in STATUSES:
        relay.answer(front_error(status, "出错了"), times=2)
        with pytest.raises(errors.ApiError) as raised:
            caller.submit()
        assert (raised.value.status_code, raised.value.message) == (status, "出错了")
        response = caller.submit(detailed=True)
        assert type(response.status_code) is int
        assert (response.status_code, response.parsed.error.message) == (status, "出错了")
        assert "出错了".encode() in response.content
        assert response.headers["X-Oneapi-Request-Id"] == response.request_id == relay.requests[-1].id


def test_undocumented_fields_are_kept(caller: Caller) -> None:
    task = caller.submit()
    assert task["object"] == "video"
    assert task.additional_keys == ["object"]
    assert "object" in task
    assert "updated_at" not in task


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [({}, UNSET, UNSET), ({"param": None, "code": None}, None, None), ({"param": "image"}, "image", UNSET)],
    ids=["missing", "null", "given"],
)
def test_null_differs_from_missing(caller: Caller, relay: Relay, given: dict[str, Any], param: Any, code: Any) -> None:
    relay.answer(Answer.json({"error": {"message": "坏", "type": "t", **given}}, 400))
    detail = caller.submit(detailed=True).parsed.error
    assert (detail.param, detail.code) == (param, code)
    assert detail.to_dict() == {"message": "坏", "type": "t", **given}


@pytest.mark.parametrize("answer", [inner_error(400, "坏", "c"), Answer.json({"error": None}, 400)], ids=["no", "null"])
def test_an_error_response_without_its_error(caller: Caller, relay: Relay, answer: Answer) -> None:
    relay.answer(answer)
    parsed = caller.submit(detailed=True).parsed
    assert isinstance(parsed, ErrorResponse)
    assert parsed.error is UNSET


# The other document: several successes, ranges, `default`, responses without a body or of other media types.

ITEM, ERR, MULTI = {"id": "i"}, {"error": {"message": "坏了", "code": 1}}, {"Item", "Err", "MultiResponse202"}
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


@pytest.mark.every_way
def test_documented_successes(gateway_caller: Caller, gateway_relay: Relay) -> None:
    models, file = gateway_caller.load("models"), gateway_caller.load("types").File(payload=BytesIO(b"image"))
    bodies = {"FormBody": models.FormBody(a="甲", b=2), "UploadBody": models.UploadBody(file=file)}
    for name, arguments, kinds, answer, value in SUCCESSES:
        module = gateway_caller.load(f"api.{name}")
        assert _returned(module) == _returned(module, "asyncio") == kinds
        given = {key: bodies.get(argument, argument) for key, argument in arguments.items()}
        gateway_relay.answer(answer, times=2)
        parsed, response = gateway_caller.parsed(module, **given), gateway_caller.detailed(module, **given)
        assert value in (type(parsed).__name__, parsed)
        assert (response.status_code, response.parsed) == (answer.status, parsed)


FAILURES: list[tuple[str, Answer, str, str]] = [
    *(("raw.raw", Answer.json(ERR, status), "ApiError", "Err") for status in (302, 404, 503, 520, 599)),
    ("raw.raw", Answer.json(ITEM, 201), "UnexpectedStatus", ""),
    ("range_.range_", Answer(404), "ApiError", "NoneType"),
]
"""An operation, a response that is no documented success, its error, and the type of what is parsed."""


@pytest.mark.parametrize(("name", "answer", "kind", "parsed"), FAILURES)
def test_default_and_responses_without_a_body(
    gateway_caller: Caller, gateway_relay: Relay, name: str, answer: Answer, kind: str, parsed: str
) -> None:
    gateway_relay.answer(answer, times=2)
    with pytest.raises(getattr(gateway_caller.load("errors"), kind)) as raised:
        gateway_caller.parsed(name)
    assert raised.value.status_code == answer.status
    if kind == "ApiError":
        response = gateway_caller.detailed(name)
        assert response.status_code == answer.status
        assert type(raised.value.parsed).__name__ == type(response.parsed).__name__ == parsed


@pytest.mark.parametrize("name", ["not_.not_impl", "rt.realtime"])
def test_an_operation_without_a_success_has_detailed_calls_only(gateway: Package, name: str) -> None:
    module = gateway.operation(name)
    for style in STYLES:
        assert not hasattr(module, style)
        assert inspect.isfunction(getattr(module, f"{style}_detailed"))


def test_the_documented_error_of_an_operation_without_a_success(gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.answer(Answer.json(ERR, 501))
    response = gateway_caller.detailed("not_.not_impl")
    assert (response.status_code, type(response.parsed).__name__) == (501, "Err")
