"""The status query and the download return what the relay's software was recorded to answer, typed."""

import asyncio
from typing import Any

import httpx
import pytest

import recorded
from another import Package
from calling import TLS, TOKEN

FOUND = [state for state in recorded.STATES if recorded.status(state) == 200]
NO_VIDEO = [state for state in recorded.STATES if recorded.status(state, recorded.CONTENT) != 200]


def ask(package: Package, operation: str, style: str, body: Any, status: int = 200) -> Any:
    """What the operation comes to where httpx's own mock answers."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    settings = {"base_url": "https://relay.example.com", "token": TOKEN, "verify_ssl": TLS}
    client = package.load("client").AuthenticatedClient(**settings, httpx_args={"transport": transport})
    called = getattr(package.operation(operation), style)("task_1", client=client)
    return asyncio.run(called) if style == "asyncio" else called


@pytest.mark.parametrize("style", ["sync", "asyncio"])
@pytest.mark.parametrize("state", FOUND)
def test_a_task_has_its_typed_fields_in_every_state(package: Package, state: str, style: str) -> None:
    body = recorded.body(state)
    models = package.load("models")

    answer = ask(package, "videos.get_kling_image_to_video", style, body)

    assert type(answer) is models.KlingTaskAnswer
    assert type(answer.data) is models.KlingTask
    for name in ("task_id", "status", "progress", "fail_reason", "submit_time", "start_time", "finish_time"):
        assert getattr(answer.data, name) == body["data"][name]
    assert answer.data.result_url == body["data"].get("result_url", package.load("types").UNSET)
    assert answer.to_dict() == body


def test_a_state_that_nobody_knows_yet_is_text_as_the_others_are(package: Package) -> None:
    body = recorded.body("succeed")
    body = {**body, "data": {**body["data"], "status": "ARCHIVED"}}

    assert ask(package, "videos.get_kling_image_to_video", "sync", body).data.status == "ARCHIVED"


def test_an_unknown_id_is_a_400_with_its_code(package: Package) -> None:
    body, status = recorded.body("unknown_id"), recorded.status("unknown_id")

    with pytest.raises(package.load("errors").ApiError) as raised:
        ask(package, "videos.get_kling_image_to_video", "sync", body, status)

    assert (raised.value.status_code, raised.value.code) == (400, "task_not_exist")
    assert type(raised.value.parsed) is package.load("models").ErrorResponse


@pytest.mark.parametrize("state", NO_VIDEO)
def test_a_video_that_is_not_there_is_an_error_with_the_relays_words(package: Package, state: str) -> None:
    body, status = recorded.body(state, recorded.CONTENT), recorded.status(state, recorded.CONTENT)

    with pytest.raises(package.load("errors").ApiError) as raised:
        ask(package, "videos.download_video", "sync", body, status)

    assert raised.value.status_code == status
    assert raised.value.message == body["error"]["message"]


@pytest.mark.parametrize("package", ["of_larger_document"], indirect=True)
@pytest.mark.parametrize("state", FOUND)
def test_the_query_in_the_manner_of_openai_has_its_typed_fields_in_every_state(package: Package, state: str) -> None:
    body = recorded.body(state, recorded.VIDEO_QUERY)
    [file] = (package.folder / "api").rglob("get_task.py")

    answer = ask(package, f"{file.parent.name}.{file.stem}", "sync", body)

    assert type(answer) is package.load("models").KlingVideo
    assert (answer.id, answer.status, answer.progress) == (body["id"], body["status"], body["progress"])
    assert answer.to_dict() == body
