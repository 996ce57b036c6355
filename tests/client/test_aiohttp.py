"""The extra `aiohttp` is chosen by one argument, and changes nothing for those who don't install it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TASK = {"task_id": "t", "status": "queued"}
CALL = """
import asyncio, json, sys
if sys.argv[2] == "not installed":
    sys.modules["aiohttp"] = None
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

async def main(**options):
    async with AuthenticatedClient(sys.argv[1], token="sk-" + "extra", **options) as client:
        body = KlingImageToVideoRequest(model="kling-v1", prompt="走")
        said = [create_kling_image_to_video.sync(client=client, body=body).status]
        return [*said, (await create_kling_image_to_video.asyncio(client=client, body=body)).status]

said = asyncio.run(main())
loaded = sys.modules.get("aiohttp") is not None
try:
    asyncio.run(main(aiohttp=True))
    refused = ""
except ImportError as error:
    refused = str(error)
print(json.dumps({"said": said, "loaded": loaded, "refused": refused, "after": sys.modules.get("aiohttp") is not None}))
"""


def _call(relay: Relay, installed: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-W", "error", "-c", CALL, relay.url, installed]
    done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_it_is_loaded_only_where_it_is_asked_for(relay: Relay) -> None:
    said = _call(relay, "installed")
    assert said == {"said": ["queued"] * 2, "loaded": False, "refused": "", "after": True}


def test_without_it_all_else_works_and_the_argument_says_what_to_install(relay: Relay) -> None:
    said = _call(relay, "not installed")
    assert (said["said"], said["loaded"], said["after"]) == (["queued"] * 2, False, False)
    assert "aiohttp=True" in said["refused"]
    assert "pip install 'relay-client[aiohttp]'" in said["refused"]
    assert len(relay.requests) == 2


# What differs between the libraries underneath, and must not for a caller.


def test_a_cookie_that_the_relay_sets_is_kept_by_none(caller: Caller, relay: Relay) -> None:
    # By its name: from an address, aiohttp would keep none.
    own = caller.enter(AuthenticatedClient(relay.url.replace("127.0.0.1", "localhost"), token=TOKEN, verify_ssl=TLS))
    relay.answer(Answer.json(TASK, headers={"Set-Cookie": "given=g; Path=/"}))
    for _ in range(2):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert [request.headers.get_all("cookie") for request in relay.requests] == [None, None]


def test_a_long_header_of_an_answer_is_taken(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer.json(TASK, headers={"X-Policy": "p" * 50_000}))
    response = caller.detailed(create_kling_image_to_video, body=PROMPTED)
    assert len(response.headers["X-Policy"]) == 50_000


def test_the_same_headers_go_out(relay: Relay) -> None:
    for way in ("sync", "asyncio", "asyncio"):
        relay.answer(Answer.json(TASK))
        over = len(relay.requests) == 2
        client = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, aiohttp=over, headers={"X-Trace": "t"})
        caller = Caller(way, client)
        caller.enter(client)
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
        caller.close()
    sent = [sorted((name.lower(), value) for name, value in request.headers.items()) for request in relay.requests]
    assert sent[0] == sent[1] == sent[2]
