"""What travels when an operation is called: method, path, headers, token, body."""

import ssl
from urllib.parse import quote

import httpx
import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")


def test_a_property_of_ones_own_travels_too_and_the_stand_in_notices(caller: Caller, relay: Relay) -> None:
    body = KlingImageToVideoRequest.from_dict({"model": "m", "prompt": "走", "promt": "拼错"})
    caller.detailed(create_kling_image_to_video, body=body)
    assert relay.request.json == {"model": "m", "prompt": "走", "promt": "拼错"}
    assert ["promt" in problem for problem in relay.problems] == [True]
    relay.problems.clear()


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_base_url_may_end_in_slashes(end: str) -> None:
    seen: list[bytes] = []  # of httpx: Python's own server makes one slash of two

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"task_id": "t", "status": "queued"})

    args = {"transport": httpx.MockTransport(answer)}
    with AuthenticatedClient(f"https://relay.example.com/v1{end}", token=TOKEN, httpx_args=args) as own:
        create_kling_image_to_video.sync(client=own, body=PROMPTED)
    assert seen == [b"/v1/kling/v1/videos/image2video"]


def test_a_base_url_may_have_a_path(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer.json({"task_id": "1", "status": "queued"}))
    own = AuthenticatedClient(base_url=f"{relay.url}/{quote('网关')}", token=TOKEN)
    caller.enter(own)
    caller.detailed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert relay.request.target == f"/{quote('网关')}/kling/v1/videos/image2video"
    relay.problems.clear()


@pytest.mark.every_way
def test_calls_of_one_client_share_a_connection(caller: Caller, relay: Relay) -> None:
    for _ in range(3):
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert relay.connections == 1


@pytest.mark.every_way
def test_leaving_a_client_closes_its_connection(caller: Caller, relay: Relay) -> None:
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert relay.open_connections == 1
    caller.close()
    relay.wait_until_idle()


@pytest.mark.every_way
def test_over_tls(caller: Caller, tls_relay: Relay, trusting: ssl.SSLContext) -> None:
    own = AuthenticatedClient(base_url=tls_relay.url, token=TOKEN, verify_ssl=trusting)
    caller.enter(own)
    assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).status == "queued"
    assert tls_relay.request.json["prompt"] == "宇航员站起身走了"
