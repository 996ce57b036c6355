"""A plain call returns a documented success and nothing else; a detailed one, any documented answer."""

import inspect
import types
import typing
from io import BytesIO
from typing import Any

import pytest

from another import Package
from calling import Caller
from contract_check.relay.standin import Answer, Contract, Relay, front_error
from generated_client.errors import ApiError
from generated_client.models import ErrorResponse
from operations import Operation

STYLES = ["sync", "asyncio"]
STATUSES = [400, 401, 403, 404, 418, 429, 451, 499, 500, 503, 520, 530, 599]


def _returned(module: Any, function: str) -> set[Any]:
    """The types of which a function returns one."""
    hint = typing.get_type_hints(getattr(module, function))["return"]
    return set(typing.get_args(hint)) if isinstance(hint, types.UnionType) else {hint}


def test_a_plain_call_is_typed_as_the_documented_successes(operation: Operation, contract: Contract) -> None:
    answers = operation.documented.responses
    successes = [answer for status, answer in answers.items() if status.startswith("2")]
    for style in STYLES:
        if not successes:
            assert not hasattr(operation.module, style)
            continue
        returned = _returned(operation.module, style)
        assert ErrorResponse not in returned
        assert (type(None) in returned) == any(not answer.get("content") for answer in successes)
        detailed = _returned(operation.module, f"{style}_detailed")
        assert all(kind.__origin__.__name__ == "Response" for kind in detailed)


def test_a_plain_call_never_returns_an_error(operation: Operation, caller: Caller, relay: Relay) -> None:
    for status in STATUSES if hasattr(operation.module, caller.way) else []:
        relay.answer(front_error(status, "出错了"))
        with pytest.raises(ApiError) as raised:
            caller.parsed(operation.module, **operation.arguments)
        assert (raised.value.status_code, raised.value.message) == (status, "出错了")


def test_a_detailed_call_returns_every_documented_error(operation: Operation, caller: Caller, relay: Relay) -> None:
    for status in STATUSES:
        relay.answer(front_error(status, "出错了"))
        response = caller.detailed(operation.module, **operation.arguments)
        assert type(response.status_code) is int
        assert response.status_code == status
        assert response.parsed.error.message == "出错了"
        assert "出错了".encode() in response.content
        assert response.headers["X-Oneapi-Request-Id"] == relay.requests[-1].id


# What follows holds for a document with every kind of response.


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, {"id": "i"}, "Item"), (200, {"error": {"code": 1}}, "Err"), (202, {"id": "i"}, "MultiResponse202")],
)
def test_each_of_several_successes_has_its_type(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, status: int, body: object, kind: str
) -> None:
    multi = gateway.operation("multi.multi")
    assert {returned.__name__ for returned in _returned(multi, "sync")} == {"Item", "Err", "MultiResponse202"}
    gateway_relay.answer(Answer.json(body, status))
    assert type(gateway_caller.parsed(multi)).__name__ == kind


def test_a_success_without_a_body_is_none(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    delete = gateway.operation("item.delete_v1_item_by_item_id")
    assert _returned(delete, "sync") == {type(None)}
    gateway_relay.answer(Answer(204), times=2)
    assert gateway_caller.parsed(delete, item_id="i-1") is None
    assert gateway_caller.detailed(delete, item_id="i-1").status_code == 204


@pytest.mark.parametrize("status", [200, 201, 206, 299])
def test_a_range_covers_its_statuses(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, status: int
) -> None:
    ranged = gateway.operation("range_.range_")
    assert _returned(ranged, "sync") == {int}
    gateway_relay.answer(Answer.json(5, status), times=2)
    assert gateway_caller.parsed(ranged) == 5
    assert gateway_caller.detailed(ranged).status_code == status


@pytest.mark.parametrize("status", [302, 404, 503, 520, 599])
def test_default_stands_for_every_other_error(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, status: int
) -> None:
    raw = gateway.operation("raw.raw")
    assert {kind.__name__ for kind in _returned(raw, "sync")} == {"Item"}
    gateway_relay.answer(Answer.json({"error": {"message": "坏了"}}, status), times=2)
    with pytest.raises(gateway.load("errors").ApiError) as raised:
        gateway_caller.parsed(raw)
    assert (raised.value.status_code, raised.value.message) == (status, "坏了")
    assert type(raised.value.parsed).__name__ == "Err"
    assert gateway_caller.detailed(raw).status_code == status


def test_a_success_that_only_default_could_mean_is_unexpected(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.answer(Answer.json({"id": "i"}, 201))
    with pytest.raises(gateway.load("errors").UnexpectedStatus):
        gateway_caller.parsed(gateway.operation("raw.raw"))


@pytest.mark.parametrize("name", ["not_.not_impl", "rt.realtime"])
@pytest.mark.parametrize("style", STYLES)
def test_an_operation_without_a_success_has_the_detailed_calls_only(gateway: Package, name: str, style: str) -> None:
    module = gateway.operation(name)
    assert not hasattr(module, style)
    assert inspect.isfunction(getattr(module, f"{style}_detailed"))


def test_an_operation_without_a_success_returns_its_documented_error(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.answer(Answer.json({"error": {"message": "没有实现"}}, 501))
    response = gateway_caller.detailed(gateway.operation("not_.not_impl"))
    assert response.status_code == 501
    assert type(response.parsed).__name__ == "Err"


def test_a_documented_error_without_a_body_has_none(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    ranged = gateway.operation("range_.range_")
    gateway_relay.answer(Answer(404), times=2)
    assert gateway_caller.detailed(ranged).parsed is None
    with pytest.raises(gateway.load("errors").ApiError) as raised:
        gateway_caller.parsed(ranged)
    assert (raised.value.status_code, raised.value.parsed, raised.value.message) == (404, None, None)


def test_text_comes_in_the_encoding_that_its_header_names(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.answer(Answer(200, "文本".encode("gbk"), {"Content-Type": "text/plain; charset=gbk"}))
    body = gateway.load("models").FormBody(a="甲", b=2)
    assert gateway_caller.parsed(gateway.operation("form.form"), body=body) == "文本"


def test_bytes_come_as_they_are(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    film = bytes(range(256)) + b"\r\n"
    gateway_relay.answer(Answer(200, film, {"Content-Type": "video/mp4"}))
    body = gateway.load("models").UploadBody(file=gateway.load("types").File(payload=BytesIO(b"image")))
    assert gateway_caller.parsed(gateway.operation("upload.upload"), body=body) == film
