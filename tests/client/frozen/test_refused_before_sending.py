"""A value of another kind than documented is a TypeError that names the field, before anything is sent."""

from datetime import date
from enum import Enum
from io import BytesIO
from typing import Any

import pytest

from another import Package
from calling import Caller
from contract_check.relay.standin import Answer, Relay
from frozen import KlingImageToVideoRequest, create_kling_image_to_video


class _Mode(Enum):
    """A type of the caller's."""

    STANDARD = "std"


itself: dict[str, Any] = {}
itself["deeper"] = itself

REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a number for text": ({"prompt": 5}, TypeError, "prompt: expected str, got int"),
    "nothing for text": ({"prompt": None}, TypeError, "prompt: expected str, got None"),
    "text for a number": ({"duration": "abc"}, TypeError, "duration: expected int or float, got str"),
    "a fraction for a whole number": ({"width": 1.5}, TypeError, "width: expected int, got float"),
    "true for a whole number": ({"width": True}, TypeError, "width: expected int, got bool"),
    "true for a number": ({"duration": True}, TypeError, "duration: expected int or float, got bool"),
    "bytes for text": ({"image": b"\x89PNG"}, TypeError, r"image: expected str, got bytes; base64\.b64encode"),
    "a list for an object": ({"metadata": [1]}, TypeError, "metadata: expected dict, got list"),
    "a key that is no text": ({"metadata": {1: 2}}, TypeError, "metadata: a key must be a str, not int"),
    "a date, which JSON has not": (
        {"metadata": {"a": [date(2026, 1, 2)]}},
        TypeError,
        r"metadata\.a\[0\]: date is not JSON",
    ),
    "bytes, which JSON has not": ({"metadata": {"a": b""}}, TypeError, r"metadata\.a: bytes is not JSON serializable"),
    "no number": ({"duration": float("nan")}, ValueError, "duration: nan is not JSON serializable"),
    "no end": ({"duration": float("inf")}, ValueError, "duration: inf is not JSON serializable"),
    "no number deep within": (
        {"metadata": {"a": {"b": float("-inf")}}},
        ValueError,
        r"metadata\.a\.b: -inf is not JSON",
    ),
    "what holds itself": ({"metadata": itself}, ValueError, "holds itself"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_of_another_kind(caller: Caller, relay: Relay, name: str) -> None:
    fields, kind, text = REFUSED[name]
    given: dict[str, Any] = {"model": "kling-v1", "prompt": "走", **fields}
    with pytest.raises(kind, match=text):
        caller.parsed(create_kling_image_to_video, body=KlingImageToVideoRequest(**given))
    assert relay.requests == []


def test_a_value_that_json_writes_in_the_same_way_is_taken(caller: Caller, relay: Relay) -> None:
    whole: Any = 640.0
    free = {"mode": _Mode.STANDARD, "tags": ("a", "b")}
    body = KlingImageToVideoRequest(model="kling-v1", prompt="走", width=whole, duration=5, metadata=free)
    caller.parsed(create_kling_image_to_video, body=body)
    assert relay.request.json == {
        "model": "kling-v1",
        "prompt": "走",
        "width": 640,
        "duration": 5,
        "metadata": {"mode": "std", "tags": ["a", "b"]},
    }
    assert b'"width":640,' in relay.request.body


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("item.get_v1_item_by_item_id", {"item_id": 7}, "item_id: expected str, got int"),
        ("item.get_v1_item_by_item_id", {"item_id": None}, "item_id: expected str, got None"),
        ("item.delete_v1_item_by_item_id", {"item_id": b"7"}, "item_id: expected str, got bytes"),
        ("item.get_v1_item_by_item_id", {"item_id": ".."}, r"item_id: '\.\.' cannot be part of a path"),
        ("item.get_v1_item_by_item_id", {"item_id": ""}, "item_id: '' cannot be part of a path"),
    ],
)
def test_a_parameter_of_another_kind(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, name: str, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        gateway_caller.detailed(gateway.operation(name), **arguments)
    assert gateway_relay.requests == []


def test_an_enumeration_takes_text_that_the_document_does_not_know_yet(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.always(Answer(200, b"film", {"Content-Type": "video/mp4"}))
    models, types = gateway.load("models"), gateway.load("types")
    file = types.File(payload=BytesIO(b"f"))
    gateway_caller.parsed(gateway.operation("upload.upload"), body=models.UploadBody(file=file, mode="c"))
    assert b'name="mode"\r\n\r\nc\r\n' in gateway_relay.request.body
    gateway_relay.problems.clear()
    with pytest.raises(TypeError, match=r"UploadBody\.mode: expected one of .*, got int"):
        gateway_caller.parsed(gateway.operation("upload.upload"), body=models.UploadBody(file=file, mode=5))


def test_a_default_of_the_document_does_not_travel(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.answer(Answer(200, b"sound", {"Content-Type": "audio/mpeg"}))
    body = gateway.load("models").SpeakBody(input_="走")
    assert "Default: 1." in (type(body).__doc__ or "")
    gateway_caller.parsed(gateway.operation("audio.speak"), body=body)
    assert gateway_relay.request.json == {"input": "走"}


def test_what_came_is_given_back_as_it_came_even_where_it_could_not_be_sent() -> None:
    came = {"model": 5, "prompt": "走", "width": "wide", "seed": None}
    read = KlingImageToVideoRequest.from_dict(came)
    assert read.to_dict() == {"model": 5, "prompt": "走", "width": "wide"}
