"""A service that is built of README's blocks: one client for its life, readiness, errors, the log, mocks."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path as File
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from contract_check.relay.standin import Answer, Relay
from generated_client import ApiError, AuthenticatedClient, DeadlineExceeded
from readme import READMES, Block, blocks
from servers import refusing

TOKEN = "sk-" + "service"
PICTURE = b"\x89PNG picture"
TASK = {"task_id": "t-1", "status": "queued"}
URL = "https://relay.test/kling/v1/videos/image2video"
BLOCKS = [block for block in blocks("python") if block.file in READMES and "async def lifespan" in block.code]


@pytest.fixture(params=BLOCKS, ids=str)
def service(request: pytest.FixtureRequest) -> Any:
    """What the block defines."""
    block: Block = request.param
    names: dict[str, Any] = {"__name__": "service"}
    exec(compile(block.code, block.file, "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture
def picture(tmp_path: File) -> File:
    path = tmp_path / "图片.png"
    path.write_bytes(PICTURE)
    return path


def _run(service: Any, relay: Relay, monkeypatch: pytest.MonkeyPatch, act: Callable[[Any], Awaitable[Any]]) -> Any:
    """What `act` makes of the client that the service has while it lives."""
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    app = SimpleNamespace(state=SimpleNamespace())

    async def live() -> Any:
        async with service.lifespan(app):
            return await act(app.state.relay)

    return asyncio.run(live())


def test_both_languages_show_it() -> None:
    assert [block.file for block in BLOCKS] == list(READMES)


def test_it_submits_a_picture_from_a_file(
    service: Any, relay: Relay, picture: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.answer(Answer.json({"task_id": "任务 1", "status": "queued"}))
    task = _run(service, relay, monkeypatch, lambda client: service.submit(client, "走", picture))
    assert task == "任务 1"
    assert base64.b64decode(relay.request.json["image"]) == PICTURE
    assert relay.request.headers["authorization"] == f"Bearer {TOKEN}"
    relay.wait_until_idle()


def test_a_refusal_is_in_the_log_with_its_request_id(
    service: Any, relay: Relay, picture: File, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    relay.answer("no_quota")
    with caplog.at_level(logging.DEBUG), pytest.raises(ApiError) as raised:
        _run(service, relay, monkeypatch, lambda client: service.submit(client, "走", picture))
    assert not raised.value.may_have_been_charged
    assert relay.request.id in caplog.text
    assert TOKEN not in caplog.text


def test_it_is_ready_where_the_relay_takes_its_token(
    service: Any, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(service, relay, monkeypatch, service.is_ready)
    assert not relay.request.chargeable
    relay.problems.clear()  # That the prompt is empty is what is refused.
    for refusal in ("bad_token", "console", "upstream"):
        relay.answer(refusal)
        assert not _run(service, relay, monkeypatch, service.is_ready)
    relay.problems.clear()


def test_it_is_not_ready_where_no_relay_is(service: Any) -> None:
    async def ask() -> Any:
        async with AuthenticatedClient(url, token=TOKEN) as client:
            return await service.is_ready(client)

    with refusing() as url:
        assert asyncio.run(ask()) is False


def test_its_deadline_holds(service: Any, picture: File) -> None:
    async def late(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def submit() -> None:
        mock = {"transport": httpx.MockTransport(late)}
        async with AuthenticatedClient("https://relay.test", token=TOKEN, deadline=0.1, httpx_args=mock) as client:
            await service.submit(client, "走", picture)

    with pytest.raises(DeadlineExceeded):
        asyncio.run(submit())


def _submitted(service: Any, picture: File, **arguments: Any) -> Any:
    async def submit() -> Any:
        async with AuthenticatedClient("https://relay.test", token=TOKEN, **arguments) as client:
            return await service.submit(client, "走", picture)

    return asyncio.run(submit())


def test_its_own_tests_may_give_it_a_mock_transport(service: Any, picture: File) -> None:
    mock = {"transport": httpx.MockTransport(lambda request: httpx.Response(200, json=TASK))}
    assert _submitted(service, picture, httpx_args=mock) == "t-1"


def test_its_own_tests_may_use_respx(service: Any, picture: File) -> None:
    with respx.mock:
        route = respx.post(URL).respond(200, json=TASK)
        assert _submitted(service, picture) == "t-1"
        assert route.call_count == 1


def test_its_own_tests_may_use_pytest_httpx(service: Any, picture: File, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=URL, json=TASK)
    assert _submitted(service, picture) == "t-1"
