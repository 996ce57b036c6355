"""The status query and the download return the recorded responses of the relay's software, typed."""

import inspect
import json
from itertools import count
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import recorded
from calling import TLS, TOKEN
from checkout import FROZEN, ROOT, contract_check
from contract_check.relay.standin import Contract, Relay, command
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video, errors
from generated import Package, of_frozen_document, of_gateway, of_larger_document

FOUND = [state for state in recorded.STATES if recorded.status(state) == 200]
QUERY, DOWNLOAD = "videos.get_kling_image_to_video", "videos.download_video"
MARK = "not in relay.json; as recorded from the relay's software"


@pytest.fixture(scope="session", params=["from_an_overlay", "of_larger_document"])
def package(request: pytest.FixtureRequest, shared: Path) -> Package:
    """A package with the status query."""
    return of_frozen_document() if request.param == "from_an_overlay" else of_larger_document(shared)


def ask(package: Package, operation: str, body: Any, status: int = 200) -> Any:
    """Call an operation with httpx's mock transport."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    given = {"base_url": "https://relay.example.com", "token": TOKEN, "verify_ssl": TLS}
    client = package.module("client").AuthenticatedClient(**given, httpx_args={"transport": transport})
    return package.operation(operation).sync("task_1", client=client)


@pytest.mark.parametrize("state", [*FOUND, "one that nobody knows yet"])
def test_a_task_has_its_typed_fields_in_every_state(package: Package, state: str) -> None:
    body = recorded.body(state if state in FOUND else "succeed")
    if state not in FOUND:
        body["data"]["status"] = "ARCHIVED"
    models = package.module("models")
    answer = ask(package, QUERY, body)
    assert type(answer) is models.KlingTaskAnswer
    assert type(answer.data) is models.KlingTask
    for name in ("task_id", "status", "progress", "fail_reason", "submit_time", "start_time", "finish_time"):
        assert getattr(answer.data, name) == body["data"][name]
    assert answer.data.result_url == body["data"].get("result_url", package.module("types").UNSET)
    assert answer.to_dict() == body


@pytest.mark.parametrize("package", ["of_larger_document"], indirect=True)
@pytest.mark.parametrize("state", FOUND)
def test_the_openai_style_query_has_its_typed_fields_in_every_state(package: Package, state: str) -> None:
    body = recorded.body(state, recorded.VIDEO_QUERY)
    [file] = (package.folder / "api").rglob("get_task.py")
    answer = ask(package, f"{file.parent.name}.{file.stem}", body)
    assert type(answer) is package.module("models").KlingVideo
    assert (answer.id, answer.status, answer.progress) == (body["id"], body["status"], body["progress"])
    assert answer.to_dict() == body


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"task_id": "task_1"}, "body of task task_1 (VideoTask.status is missing)"),
        ({"id": "task_1", "status": "queued"}, "body of task task_1 (VideoTask.task_id is missing)"),
        ({"task_id": "", "id": 7}, "body of task 7 (VideoTask.status is missing)"),
        ({"status": "queued"}, "body (VideoTask.task_id is missing)"),
        (["task_1"], "body (body: expected an object, got list)"),
    ],
)
def test_the_error_of_an_undocumented_submission_names_the_task(body: Any, problem: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    client = AuthenticatedClient(token=TOKEN, httpx_args={"transport": transport})
    with pytest.raises(errors.DecodeError) as raised:
        create_kling_image_to_video.sync(client=client, body=KlingImageToVideoRequest(model="kling-v1", prompt="走"))
    assert problem in str(raised.value)


def test_an_openai_style_submission_needs_only_an_id(tmp_path: Path) -> None:
    document = json.loads(FROZEN.read_bytes())
    schema = {"type": "object", "required": ["id", "seconds"], "properties": {"seconds": {"type": "string"}}}
    submission = document["paths"]["/kling/v1/videos/image2video"]["post"] | {"operationId": "createVideo"}
    answer = {"description": "", "content": {"application/json": {"schema": schema}}}
    document["paths"]["/v1/videos"] = {"post": submission | {"responses": {"200": answer}}}
    (tmp_path / "relay.json").write_text(json.dumps(document), encoding="utf-8")

    loaded = Contract.of(tmp_path / "relay.json").document["paths"]["/v1/videos"]["post"]

    found = loaded["responses"]["200"]["content"]["application/json"]["schema"]
    assert (found["required"], set(found["properties"])) == (["id"], {"id", "seconds"})


def test_the_docstrings_of_a_submission_say_what_is_ignored() -> None:
    for documented in (create_kling_image_to_video.sync, KlingImageToVideoRequest):
        text = " ".join((inspect.getdoc(documented) or "").split())
        assert "ignores width, height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5" in text


@pytest.mark.parametrize(("called", "query"), [(QUERY, recorded.QUERY), (DOWNLOAD, recorded.CONTENT)])
def test_a_missing_task_is_an_error_with_the_relay_s_message(package: Package, called: str, query: str) -> None:
    body, status = recorded.body("unknown_id", query), recorded.status("unknown_id", query)
    with pytest.raises(package.module("errors").ApiError) as raised:
        ask(package, called, body, status)
    said = body.get("error", body)
    assert (raised.value.status_code, raised.value.message) == (status, said["message"])
    if called == QUERY:
        assert (raised.value.code, status) == ("task_not_exist", 400)
        assert type(raised.value.parsed) is package.module("models").ErrorResponse


def test_operations_that_the_overlay_adds_are_marked_everywhere() -> None:
    modules = [ROOT / "generated_client" / "api" / f"{name.replace('.', '/')}.py" for name in (QUERY, DOWNLOAD)]
    assert all(file.read_text().count(f"{MARK[:1].upper()}{MARK[1:]}.") == 6 for file in modules)
    assert contract_check("document").stdout.startswith("sound: ")
    for name in ("document", "live"):
        printed = contract_check(name).stdout
        assert f"GET /v1/videos/{{task_id}}/content: {MARK}\n" in printed
        assert f"POST /kling/v1/videos/image2video: {MARK}" not in printed


def test_a_document_that_has_the_operations_gets_no_mark_and_the_same_functions(package: Package) -> None:
    submission = package.operation("videos.create_kling_image_to_video")
    query = inspect.getdoc(package.operation(QUERY).sync) or ""
    assert all(hasattr(submission, name) for name in ("poll", "apoll", "download", "adownload"))
    assert ("Not in relay.json" in query) == (package.folder.name == "generated_client")


def test_a_document_that_declares_no_task_gets_no_functions(shared: Path) -> None:
    modules = list((of_gateway(shared).folder / "api").rglob("*.py"))
    assert len(modules) > 20
    assert [file for file in modules if "_tasks" in file.read_text() or "download_video" in file.name] == []


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
def test_the_stand_in_simulates_a_task(
    end: str, outcome: str, tmp_path: Path, frozen_contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, states = count(), list[str]()
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=lambda: next(clock) / 100))  # 1/5 state per poll
    with Relay(frozen_contract) as relay, AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS) as client:
        relay.amend = command.Tasks(frozen_contract.document, 0.05, end).answer
        body = KlingImageToVideoRequest(model="kling-v1", prompt="走")
        task_id, another_id = (create_kling_image_to_video.sync(client=client, body=body).task_id for _ in range(2))
        assert task_id != another_id
        with pytest.raises(errors.ApiError, match="task_not_exist"):
            create_kling_image_to_video.poll("task_of_nobody", client=client)
        with pytest.raises(errors.ApiError, match="Task not found"):
            create_kling_image_to_video.download("task_of_nobody", tmp_path / "video.mp4", client=client)
        with pytest.raises(errors.ApiError, match="not completed yet, current status: NOT_START"):
            create_kling_image_to_video.download(task_id, tmp_path / "video.mp4", client=client)
        timeout = 0.2 if end == "task_stuck" else 60
        try:
            create_kling_image_to_video.poll(
                task_id,
                client=client,
                timeout=timeout,
                interval=0.01,
                on_update=lambda task: states.append(f"{task.status} {task.progress}"),
            )
            began = monotonic()
            found = f"{create_kling_image_to_video.download(task_id, tmp_path / 'video.mp4', client=client).size} bytes"
            assert end != "video_slow" or monotonic() - began > 0.4
        except (errors.TaskError, errors.ResponseError) as error:  # the table has its name
            found = type(error).__name__
        assert relay.problems == []
    assert found == outcome
    last = {"task_stuck": [], "task_failure": ["FAILURE 100%"]}.get(end, ["SUCCESS 100%"])
    between = ["SUBMITTED 10%", "IN_PROGRESS 30%"] if last else []
    assert list(dict.fromkeys(states)) == ["NOT_START 0%", *between, *last]
