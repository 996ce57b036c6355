"""A success whose body is not what the document promises is an error that says so, never a wrong result."""

import gzip
import json
from typing import Any

import httpx
import pytest

from another import Package
from calling import Caller
from contract_check.relay.standin import SCENARIOS, Answer, Relay
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, DecodeError
from generated_client.models import KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK: dict[str, Any] = {"task_id": "任务", "status": "queued"}
WHOLE = json.dumps(TASK, ensure_ascii=False)
PACKED = gzip.compress(WHOLE.encode())

BROKEN = {
    "html": SCENARIOS["console"].answer,
    "empty": Answer(200, b""),
    "blank": Answer(200, b" \r\n"),
    "truncated": Answer(200, WHOLE.encode()[:-5]),
    "more than one": Answer(200, WHOLE.encode() * 2),
    "null": Answer(200, b"null"),
    "array": Answer(200, b"[]"),
    "pairs": Answer(200, b'[["task_id", "x"], ["status", "y"]]'),
    "text": Answer(200, b'""'),
    "number": Answer(200, b"7"),
    "true": Answer(200, b"true"),
    "gbk": Answer(200, WHOLE.encode("gbk"), {"Content-Type": "application/json; charset=gbk"}),
    "not utf-8": Answer(200, b'{"task_id": "\xff\xfe", "status": "queued"}'),
    "no gzip": Answer(200, WHOLE.encode(), {"Content-Encoding": "gzip"}),
    "truncated gzip": Answer(200, PACKED[:-20], {"Content-Encoding": "gzip"}),
    "damaged gzip": Answer(200, PACKED[:12] + b"\xff" * 20, {"Content-Encoding": "gzip"}),
    "too deep": Answer(200, b'{"task_id": "t", "status": "s", "deep": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "nothing of it": Answer(200, b"{}"),
    "required field missing": Answer(200, b'{"status": "queued"}'),
    "required field null": Answer(200, b'{"task_id": null, "status": "queued"}'),
    "an object for text": Answer.json({"task_id": {"id": 5}, "status": "queued"}),
    "an array for text": Answer.json({"task_id": "t", "status": ["queued"]}),
    "an error's body": Answer.json({"error": {"message": "坏", "code": "c", "type": "t"}}),
}


@pytest.mark.parametrize("media_type", ["text/event-stream", "text/plain; charset=utf-8"])
def test_a_stream_in_the_place_of_json_is_named(caller: Caller, relay: Relay, media_type: str) -> None:
    relay.answer(Answer(200, b"data: {}\n\n", {"Content-Type": media_type}))
    named = rf"it came as {media_type.partition(';')[0]}, which stream\(\) can read"
    with pytest.raises(DecodeError, match=named):
        caller.parsed(create_kling_image_to_video, body=PROMPTED)


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_document_does_not_promise(caller: Caller, relay: Relay, name: str) -> None:
    relay.answer(BROKEN[name], times=2)
    with pytest.raises(DecodeError):
        caller.detailed(create_kling_image_to_video, body=PROMPTED)
    relay.forget()
    with pytest.raises(DecodeError) as raised:
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    error = raised.value
    assert (error.status_code, error.parsed) == (200, None)
    assert error.request_id == relay.request.id
    assert (error.method, error.path) == ("POST", "/kling/v1/videos/image2video")
    if "gzip" not in name:
        assert error.content == BROKEN[name].body[:65_536]
    assert str(error).isprintable()
    assert len(str(error)) < 1_000
    assert ("base_url may be wrong" in str(error)) == (name == "html")


def test_an_error_in_a_success_is_read(caller: Caller, relay: Relay) -> None:
    relay.answer(BROKEN["an error's body"])
    with pytest.raises(DecodeError) as raised:
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert (raised.value.message, raised.value.code, raised.value.type) == ("坏", "c", "t")


def test_what_is_missing_is_named(caller: Caller, relay: Relay) -> None:
    relay.answer(BROKEN["required field missing"])
    with pytest.raises(DecodeError, match=r"VideoTask\.task_id is missing"):
        caller.parsed(create_kling_image_to_video, body=PROMPTED)


@pytest.mark.every_way
def test_an_answer_in_good_gzip_is_read(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, PACKED, {"Content-Encoding": "gzip"}))
    assert caller.parsed(create_kling_image_to_video, body=PROMPTED).task_id == "任务"


@pytest.mark.every_way
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, WHOLE.encode(), cut=9),
        Answer(200, WHOLE.encode(), cut=9, reset=True),
        Answer(200, chunks=(b'{"task_id": ',), reset=True),
    ],
    ids=["closed", "reset", "reset among chunks"],
)
def test_a_connection_that_breaks_off_is_a_transport_error(caller: Caller, relay: Relay, answer: Answer) -> None:
    relay.answer(answer)
    with pytest.raises(httpx.TransportError) as raised:
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert not isinstance(raised.value, NOT_SENT)


ELSEWHERE: list[tuple[str, Any]] = [
    ("group_aux.list_", {"id": "an object"}),
    ("group_aux.list_", [{"id": "i"}, {}]),
    ("group_aux.list_", [["id", "i"]]),
    ("group_aux.list_", [{"id": "i", "arr": {}}]),
    ("group_aux.list_", [{"id": "i", "free": "text"}]),
    ("multi.multi", "text"),
    ("multi.multi", []),
    ("range_.range_", None),
]


@pytest.mark.every_way
@pytest.mark.parametrize(("name", "body"), ELSEWHERE, ids=str)
def test_in_lists_unions_and_nested_objects_too(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, name: str, body: object
) -> None:
    gateway_relay.answer(Answer.json(body))
    with pytest.raises(gateway.load("errors").DecodeError):
        gateway_caller.parsed(gateway.operation(name))
