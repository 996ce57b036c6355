"""An answer comes back as the document's types, whatever else the relay puts in or leaves out."""

from typing import Any

import pytest

from calling import Caller
from contract_check.relay.standin import Answer, Relay, inner_error
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import ErrorDetail, ErrorResponse, KlingImageToVideoRequest, VideoTask
from generated_client.types import UNSET

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")


def test_a_task(caller: Caller) -> None:
    task = caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert isinstance(task, VideoTask)
    assert (task.task_id, task.status) == ("abcd1234efgh", "queued")


def test_fields_that_the_document_does_not_name_are_kept(caller: Caller) -> None:
    task = caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert task["object"] == "video"
    assert task["progress"] == 0
    assert set(task.additional_keys) == {"id", "object", "model", "progress", "created_at"}
    assert "created_at" in task
    assert "updated_at" not in task


def test_the_response_of_a_detailed_call_has_status_headers_and_content(caller: Caller, relay: Relay) -> None:
    response = caller.detailed(create_kling_image_to_video, body=PROMPTED)
    assert response.status_code == 200
    assert response.headers["x-oneapi-request-id"] == relay.request.id
    assert b"abcd1234efgh" in response.content
    assert isinstance(response.parsed, VideoTask)


def test_a_documented_error(caller: Caller, relay: Relay) -> None:
    detail = {"message": "图片无法下载", "type": "invalid_request_error", "param": "image", "code": "bad_image"}
    relay.answer(Answer.json({"error": detail}, 400))
    response = caller.detailed(create_kling_image_to_video, body=PROMPTED)
    assert isinstance(response.parsed, ErrorResponse)
    assert isinstance(response.parsed.error, ErrorDetail)
    assert response.parsed.error.message == "图片无法下载"
    assert response.parsed.error.type_ == "invalid_request_error"
    assert response.parsed.to_dict() == {"error": detail}


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [({}, UNSET, UNSET), ({"param": None, "code": None}, None, None), ({"param": "image"}, "image", UNSET)],
    ids=["missing", "null", "given"],
)
def test_null_is_not_missing(caller: Caller, relay: Relay, given: dict[str, Any], param: Any, code: Any) -> None:
    relay.answer(Answer.json({"error": {"message": "坏", "type": "t", **given}}, 400))
    detail = caller.detailed(create_kling_image_to_video, body=PROMPTED).parsed.error
    assert detail.param is param or detail.param == param
    assert detail.code is code
    assert detail.to_dict() == {"message": "坏", "type": "t", **given}


def test_an_error_of_the_other_shape_has_no_error(caller: Caller, relay: Relay) -> None:
    relay.answer(inner_error(400, "提示词不能为空", "invalid_request"))
    parsed = caller.detailed(create_kling_image_to_video, body=PROMPTED).parsed
    assert isinstance(parsed, ErrorResponse)
    assert parsed.error is UNSET
    assert parsed.to_dict() == {"code": "invalid_request", "message": "提示词不能为空", "data": None}


def test_an_object_that_is_null_is_read_as_absent(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer.json({"error": None}, 400))
    assert caller.detailed(create_kling_image_to_video, body=PROMPTED).parsed.error is UNSET
