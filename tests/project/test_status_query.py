"""The status query and the download return what the relay's software was recorded to answer, typed."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import httpx
import pytest

import recorded
from another import DOCUMENT, Package
from calling import TLS, TOKEN
from checkout import FROZEN, ROOT, contract_check
from contract_check.document import settings
from contract_check.history import revisions
from contract_check.relay.standin import Contract, Relay
from contract_check.relay.standin.command import Tasks
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video, errors

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


MARK = "not in relay.json; as recorded from the relay's software"


def test_what_the_overlay_adds_is_marked_wherever_a_user_meets_it() -> None:
    package = ROOT / "generated_client" / "api" / "videos"
    docstrings = [(package / f"{name}.py").read_text() for name in ("download_video", "get_kling_image_to_video")]

    assert all(text.count(f"{MARK[:1].upper()}{MARK[1:]}.") == 6 for text in docstrings)
    for command in (("document",), ("live",)):
        told = contract_check(*command).stdout
        assert f"GET /v1/videos/{{task_id}}/content: {MARK}\n" in told
        assert f"POST /kling/v1/videos/image2video: {MARK}" not in told


def test_a_document_that_has_the_operations_gets_no_mark_and_the_same_functions(package: Package) -> None:
    submission = package.operation("videos.create_kling_image_to_video")
    query = inspect.getdoc(package.operation("videos.get_kling_image_to_video").sync) or ""

    assert all(hasattr(submission, name) for name in ("poll", "apoll", "download", "adownload"))
    assert ("Not in relay.json" in query) == (package.folder.name == "with_status_query")


@pytest.mark.parametrize("document", [FROZEN, DOCUMENT], ids=["the line turned off", "a document without tasks"])
def test_a_document_that_declares_no_task_gets_no_functions(document: Any) -> None:
    overlays = [each for each in settings.read().overlays if document == DOCUMENT or each.name != "status-query.yaml"]
    made = revisions.make("relay.json", document.read_bytes(), {each.name: each.read_bytes() for each in overlays})
    operations = [each for each in (made.package / "api").rglob("*.py") if each.name != "__init__.py"]

    assert not [file for file in operations if "_tasks" in file.read_text() or "download_video" in file.name]
    assert document == DOCUMENT or [file.stem for file in operations] == ["create_kling_image_to_video"]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("success", "200012 bytes"),
        ("task_failure", "TaskFailed"),
        ("task_stuck", "PollTimeout"),
        ("video_html", "DecodeError"),
        ("video_empty", "DecodeError"),
        ("video_cut", "200012 bytes"),
        ("video_slow", "200012 bytes"),
    ],
)
def test_the_stand_in_plays_the_life_of_a_task(end: str, outcome: str, tmp_path: Path) -> None:
    states = list[str]()
    contract = Contract.of(FROZEN)
    with Relay(contract) as relay, AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS) as client:
        relay.amend = Tasks(contract.document, 0.05, end).answer
        body = KlingImageToVideoRequest(model="kling-v1", prompt="走")
        ids = {create_kling_image_to_video.sync(client=client, body=body).task_id for _ in range(2)}
        task_id = next(iter(ids))
        try:
            create_kling_image_to_video.poll(
                task_id, client=client, timeout=1, interval=0.01, on_update=lambda task: states.append(task.status)
            )
            done = create_kling_image_to_video.download(task_id, tmp_path / "video.mp4", client=client, timeout=5)
            found = f"{done.size} bytes"
        except (errors.TaskError, errors.ResponseError) as error:  # its name is what the table holds
            found = type(error).__name__
        with pytest.raises(errors.ApiError, match="task_not_exist"):
            create_kling_image_to_video.poll("task_of_nobody", client=client)
        assert relay.problems == []

    assert (found, len(ids)) == (outcome, 2)
    final = {"task_stuck": [], "task_failure": ["FAILURE"]}.get(end, ["SUCCESS"])
    expected = ["NOT_START"] if end == "task_stuck" else ["NOT_START", "SUBMITTED", "IN_PROGRESS", *final]
    assert list(dict.fromkeys(states)) == expected
