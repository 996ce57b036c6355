"""Text in any script, and images of up to 20 MB, arrive as they were sent."""

import base64
import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling import Caller
from contract_check.relay.standin import Answer, Relay
from frozen import KlingImageToVideoRequest, create_kling_image_to_video

MB = 10**6


TEXTS = {
    "chinese": "宇航员站起身走了",
    "beyond the basic plane": "𠮷野家 👩\u200d🚀 e\u0301",
    "escapes": '"\\ / \b\f\n\r\t',
    "controls": "\x00\x1f\x7f\u2028\u2029\ufeff",
    "blank": " ",
    "long": "字" * 10_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_arrives_as_it_was_written(caller: Caller, relay: Relay, text: str) -> None:
    caller.parsed(
        create_kling_image_to_video, body=KlingImageToVideoRequest(model="kling-v1", prompt=f"文{text}", user=text)
    )
    assert relay.request.json == {"model": "kling-v1", "prompt": f"文{text}", "user": text}


def test_chinese_travels_as_utf_8_not_as_escapes(caller: Caller, relay: Relay) -> None:
    caller.parsed(create_kling_image_to_video, body=KlingImageToVideoRequest(model="kling-v1", prompt="宇航员"))
    assert "宇航员".encode() in relay.request.body


# One client serves all the examples of a test, which is what the health check warns about.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip))
def test_any_text_arrives(caller: Caller, relay: Relay, text: str) -> None:
    relay.forget()
    caller.parsed(create_kling_image_to_video, body=KlingImageToVideoRequest(model="kling-v1", prompt=text))
    assert relay.request.json["prompt"] == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_of_an_answer_is_read_as_it_was_written(caller: Caller, relay: Relay, text: str) -> None:
    relay.answer(Answer.json({"task_id": text, "status": text}))
    task = caller.parsed(create_kling_image_to_video, body=KlingImageToVideoRequest(model="kling-v1", prompt="走"))
    assert (task.task_id, task.status) == (text, text)


@pytest.mark.parametrize("size", [0, 1, 100_000, MB, 5 * MB, 20 * MB], ids=lambda size: f"{size} bytes")
def test_an_image_arrives_whole(caller: Caller, relay: Relay, size: int) -> None:
    image = hashlib.shake_128(b"image").digest(size)
    body = KlingImageToVideoRequest(model="kling-v1", prompt="走", image=base64.b64encode(image).decode(), duration=5)
    assert caller.parsed(create_kling_image_to_video, body=body).status == "queued"
    sent = relay.request
    assert base64.b64decode(sent.json["image"]) == image
    assert {name: value for name, value in sent.json.items() if name != "image"} == {
        "model": "kling-v1",
        "prompt": "走",
        "duration": 5,
    }
    assert int(sent.headers["content-length"]) == len(sent.body)


def test_an_image_as_a_data_url_arrives_whole(caller: Caller, relay: Relay) -> None:
    image = "data:image/png;base64," + base64.b64encode(bytes(range(256))).decode()
    caller.parsed(
        create_kling_image_to_video, body=KlingImageToVideoRequest(model="kling-v1", prompt="走", image=image)
    )
    assert relay.request.json["image"] == image
