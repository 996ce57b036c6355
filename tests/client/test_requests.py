"""Requests: where they go, what they carry, and what one of them leaves for the next."""

import re
import ssl
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay, Request
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video

TASK = Answer.json({"task_id": "t", "status": "queued"})
FILM = Answer(200, b"film", {"Content-Type": "video/mp4"})
SOUND = Answer(200, b"sound", {"Content-Type": "audio/mpeg"})


def test_an_undocumented_property_is_sent_and_reported_by_the_stand_in(caller: Caller, relay: Relay) -> None:
    body = KlingImageToVideoRequest.from_dict({"model": "m", "prompt": "走", "promt": "拼错"})
    caller.detailed(create_kling_image_to_video, body=body)
    assert relay.request.json == {"model": "m", "prompt": "走", "promt": "拼错"}
    assert ["promt" in problem for problem in relay.problems] == [True]
    relay.problems.clear()


@pytest.mark.parametrize("path", ["", "/", "//", "/v1", "/网关/"])
def test_a_base_url_may_have_a_path_and_end_in_slashes(path: str) -> None:
    seen: list[bytes] = []  # by httpx: Python's http.server collapses a doubled slash

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"task_id": "t", "status": "queued"})

    args = {"transport": httpx.MockTransport(answer)}
    with AuthenticatedClient(f"https://relay.example.com{path}", token=TOKEN, httpx_args=args) as own:
        Caller("sync", own).submit()
    assert seen == [f"{quote(path.rstrip('/'))}/kling/v1/videos/image2video".encode()]


@pytest.mark.every_way
def test_over_tls(caller: Caller, tls_relay: Relay, trusting: ssl.SSLContext) -> None:
    assert caller.submit(caller.connect(tls_relay.url, verify_ssl=trusting), prompt="走").status == "queued"
    assert tls_relay.request.json["prompt"] == "走"


# A request is copied from a template of the one before: what changes between them has to arrive.


def test_the_body_and_its_length_change(caller: Caller, relay: Relay) -> None:
    for prompt in ("走", "宇航员站起身走了", "a"):
        caller.submit(prompt=prompt)
    assert [request.headers.get_all("content-length") for request in relay.requests] == [["35"], ["56"], ["33"]]
    assert [len(request.body) for request in relay.requests] == [35, 56, 33]


@pytest.mark.every_way
def test_a_body_follows_none_and_none_follows_a_body(gateway_caller: Caller, gateway_relay: Relay) -> None:
    body = gateway_caller.load("models").SpeakBody()
    gateway_relay.always(SOUND)
    for given in ({"body": body}, {}, {"body": body}):
        gateway_caller.detailed("audio.speak", **given)
    sent = [(request.headers.get_all("content-type"), request.body) for request in gateway_relay.requests]
    assert sent == [(["application/json"], b"{}"), (None, b""), (["application/json"], b"{}")]


@pytest.mark.every_way
def test_headers_and_parameters_of_the_httpx_client_change(caller: Caller, relay: Relay) -> None:
    relay.always(TASK)
    caller.submit()
    for value in "12":
        caller.http().headers["X-Late"] = value
        caller.submit()
    del caller.http().headers["X-Late"]
    caller.http().params = {"group": "视频"}
    caller.submit()
    caller.http().params = {}
    caller.submit()
    assert [request.headers.get("x-late") for request in relay.requests] == [None, "1", "2", None, None]
    assert [request.query for request in relay.requests] == [[], [], [], [("group", "视频")], []]
    relay.problems.clear()


@pytest.mark.every_way
def test_cookies_headers_and_base_url_change(caller: Caller, relay: Relay) -> None:
    relay.always(Answer.json({"task_id": "t", "status": "queued"}, headers={"Set-Cookie": "given=g; Path=/"}))
    for number in "12":
        caller.submit()
        caller.submit(caller.client.with_headers({"X-Trace": number}).with_cookies({"c": number}))
    with pytest.raises(AttributeError, match="with_cookies"):
        caller.http().cookies = {"b": "2"}
    caller.client.base_url += "/v2"
    caller.submit()
    assert [request.headers.get("x-trace") for request in relay.requests] == [None, "1", None, "2", None]
    assert [request.headers.get("cookie") for request in relay.requests] == [None, "c=1", None, "c=2", None]
    assert [request.path.partition("/kling")[0] for request in relay.requests] == ["", "", "", "", "/v2"]
    relay.problems.clear()


@pytest.mark.every_way
def test_what_a_hook_changes_is_gone_with_the_request(caller: Caller, relay: Relay) -> None:
    relay.always(TASK)
    count = 0

    def change(request: httpx.Request) -> None:
        nonlocal count
        count += 1
        request.headers[f"X-{count}"] = "h"
        request.url = request.url.copy_merge_params({"n": str(count)})

    own = caller.connect(httpx_args={"event_hooks": {"request": [caller.hook(change)]}})
    caller.submit(own)
    caller.submit(own)
    assert [request.query for request in relay.requests] == [[("n", "1")], [("n", "2")]]
    assert [[name for name in ("x-1", "x-2") if name in r.headers] for r in relay.requests] == [["x-1"], ["x-2"]]
    relay.problems.clear()


def test_the_templates_of_many_paths_are_bounded(gateway_caller: Caller, gateway_relay: Relay) -> None:
    for number in range(250):
        gateway_caller.detailed("item.delete_v1_item_by_item_id", item_id=f"项目 {number}")
    assert len({request.target for request in gateway_relay.requests}) == 250
    assert gateway_relay.requests[0].target == f"/v1/Item/{quote('项目 0')}"
    assert len(gateway_caller.client._requests._templates) <= 100


# Forms


def _parts(request: Request) -> dict[str, list[bytes]]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: dict[str, list[bytes]] = {}
    for part in BytesParser().parsebytes(head + request.body).get_payload():
        assert isinstance(part, Message)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts.setdefault(str(part.get_param("name", header="content-disposition")), []).append(content)
    return parts


def _upload(caller: Caller, content: bytes, **fields: Any) -> None:
    made, types = caller.load("models"), caller.load("types")
    file = types.File(payload=BytesIO(content), file_name="图.png", mime_type="image/png")
    assert caller.parsed("upload.upload", body=made.UploadBody(file=file, **fields)) == b"film"


def test_a_file_cannot_add_parts_to_a_form(gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.always(FILM)
    boundaries = ["+++"]
    for _ in range(4):
        _upload(
            gateway_caller,
            content := b'\r\n--%b\r\nContent-Disposition: form-data; name="flag"\r\n\r\ntrue\r\n--%b--\r\n'
            % (boundaries[-1].encode(), boundaries[-1].encode()),
        )
        request = gateway_relay.requests[-1]
        assert _parts(request) == {"file": [content]}
        found = re.fullmatch(r"multipart/form-data; boundary=([\w'+_,./:=?-]{16,})", request.headers["content-type"])
        assert found
        boundaries.append(found[1])
    assert len(set(boundaries)) == 5


@pytest.mark.every_way
def test_a_form_has_a_part_for_each_field_and_item(gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.always(FILM)
    made, types = gateway_caller.load("models"), gateway_caller.load("types")
    _upload(
        gateway_caller,
        b"\x00\xff\r\n",
        files=[types.File(payload=BytesIO(b"1")), types.File(payload=BytesIO(b"2"))],
        tags=["甲", "b"],
        meta=made.UploadBodyMeta(a=1),
        n=2.0,
        flag=True,
        mode=made.UploadBodyMode.A,
    )
    assert _parts(gateway_relay.request) == {
        "file": [b"\x00\xff\r\n"],
        "files": [b"1", b"2"],
        "tags": ["甲".encode(), b"b"],
        "meta": [b'{"a": 1}'],
        "n": [b"2"],
        "flag": [b"true"],
        "mode": [b"a"],
    }


@pytest.mark.parametrize("size", [100_000, 2**20 + 1], ids=["one piece", "many pieces"])
def test_a_file_as_the_body(gateway_caller: Caller, gateway_relay: Relay, size: int) -> None:
    content = bytes(range(256)) * (size // 256)
    file = gateway_caller.load("types").File(payload=BytesIO(content))
    gateway_caller.detailed("raw.raw", body=file)
    assert gateway_relay.request.body == content
