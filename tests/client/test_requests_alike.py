"""What one request has in common with the one before is not made anew; what has changed between them arrives."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from another import Package
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

TASK = Answer.json({"task_id": "t", "status": "queued"})


def _submit(caller: Caller, prompt: str = "走", client: Any = None) -> None:
    caller.parsed(
        create_kling_image_to_video, client=client, body=KlingImageToVideoRequest(model="kling-v1", prompt=prompt)
    )


@pytest.fixture(autouse=True)
def any_task(relay: Relay) -> None:
    """The relay takes whatever comes."""
    relay.always(TASK)


def test_the_body_and_its_length(caller: Caller, relay: Relay) -> None:
    prompts = ["走", "宇航员站起身走了", "a"]
    for prompt in prompts:
        _submit(caller, prompt)
    assert [request.json["prompt"] for request in relay.requests] == prompts
    assert [int(request.headers["content-length"]) for request in relay.requests] == [35, 56, 33]
    assert {len(request.headers.get_all("content-length", [])) for request in relay.requests} == {1}


@pytest.mark.every_way
def test_no_body_after_one_and_one_after_none(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    submit, body = gateway.operation("audio.speak"), gateway.load("models").SpeakBody(input_="a")
    gateway_relay.always(Answer(200, b"sound", {"Content-Type": "audio/mpeg"}))
    for given in ({"body": body}, {}, {"body": body}):
        gateway_caller.detailed(submit, **given)
    assert [len(request.body) for request in gateway_relay.requests] == [13, 0, 13]
    assert ["content-type" in request.headers for request in gateway_relay.requests] == [True, False, True]


@pytest.mark.every_way
def test_a_header_of_the_httpx_client_underneath(caller: Caller, relay: Relay) -> None:
    _submit(caller)
    caller.http().headers["X-Late"] = "1"
    _submit(caller)
    caller.http().headers["X-Late"] = "2"
    _submit(caller)
    del caller.http().headers["X-Late"]
    _submit(caller)
    assert [request.headers.get("x-late") for request in relay.requests] == [None, "1", "2", None]


def test_its_parameters(caller: Caller, relay: Relay) -> None:
    _submit(caller)
    caller.http().params = {"group": "视频"}
    _submit(caller)
    caller.http().params = {}
    _submit(caller)
    assert [request.query for request in relay.requests] == [[], [("group", "视频")], []]
    relay.problems.clear()


def test_its_cookies_which_only_a_caller_gives(caller: Caller, relay: Relay) -> None:
    _submit(caller)
    _submit(caller, client=caller.client.with_cookies({"a": "1"}))
    _submit(caller)
    with pytest.raises(AttributeError, match="with_cookies"):
        caller.http().cookies = {"b": "2"}
    assert [request.headers.get("cookie") for request in relay.requests] == [None, "a=1", None]


def test_where_it_goes(caller: Caller, relay: Relay) -> None:
    _submit(caller)
    caller.client.base_url += "/v2"
    _submit(caller)
    assert [request.path.partition("/kling")[0] for request in relay.requests] == ["", "/v2"]
    relay.problems.clear()


def test_a_header_of_a_client_that_derives_from_it(caller: Caller, relay: Relay) -> None:
    for number in "12":
        _submit(caller)
        _submit(caller, client=caller.client.with_headers({"X-Trace": number}).with_cookies({"c": number}))
    assert [request.headers.get("x-trace") for request in relay.requests] == [None, "1", None, "2"]
    assert [request.headers.get("cookie") for request in relay.requests] == [None, "c=1", None, "c=2"]


@pytest.mark.every_way
def test_what_a_hook_changes_is_gone_with_the_request(caller: Caller, relay: Relay) -> None:
    count = 0

    def change(request: httpx.Request) -> None:
        nonlocal count
        count += 1
        request.headers[f"X-{count}"] = "h"
        request.url = request.url.copy_merge_params({"n": str(count)})

    async def achange(request: httpx.Request) -> None:
        change(request)

    hooks = {"event_hooks": {"request": [change if caller.way == "sync" else achange]}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks))
    for _ in range(2):
        _submit(caller, client=own)
    assert [request.query for request in relay.requests] == [[("n", "1")], [("n", "2")]]
    assert [[name for name in ("x-1", "x-2") if name in r.headers] for r in relay.requests] == [["x-1"], ["x-2"]]
    relay.problems.clear()


def test_paths_that_all_differ_do_not_fill_the_memory(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    delete = gateway.operation("item.delete_v1_item_by_item_id")
    for number in range(250):
        gateway_caller.detailed(delete, item_id=f"项目 {number}")
    assert len({request.target for request in gateway_relay.requests}) == 250
    assert gateway_relay.requests[0].target == f"/v1/Item/{quote('项目 0')}"
    assert len(gateway_caller.client._requests._templates) <= 100
