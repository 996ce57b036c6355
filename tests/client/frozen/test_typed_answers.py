"""An answer comes back as the document's types, whatever else the relay puts in or leaves out."""

from typing import Any

import pytest

from calling import Caller
from contract_check.relay.standin import Answer, Relay, inner_error
from frozen import ErrorResponse, KlingImageToVideoRequest, create_kling_image_to_video, types

UNSET = types.UNSET
PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")


def test_fields_that_the_document_does_not_name_are_kept(caller: Caller) -> None:
    task = caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert task["object"] == "video"
    assert task["progress"] == 0
    assert set(task.additional_keys) == {"id", "object", "model", "progress", "created_at"}
    assert "created_at" in task
    assert "updated_at" not in task


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({}, UNSET, UNSET),
        ({"param": None, "code": None}, None, None),
        ({"param": "image"}, "image", UNSET),
    ],
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
