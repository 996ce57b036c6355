"""A Content-Type goes only with a body, and no file can break out of its part of a form."""

import re
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from typing import Any

import pytest

from another import Package
from calling import Caller
from contract_check.relay.standin import Answer, Relay, Request

FILM = Answer(200, b"film", {"Content-Type": "video/mp4"})


@pytest.mark.every_way
def test_without_a_body_there_is_no_content_type(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.always(Answer(200, b"sound", {"Content-Type": "audio/mpeg"}))
    gateway_caller.detailed(gateway.operation("audio.speak"))
    gateway_caller.detailed(gateway.operation("audio.speak"), body=gateway.load("models").SpeakBody())
    without, empty = gateway_relay.requests
    assert ("content-type" in without.headers, without.body) == (False, b"")
    assert (empty.headers.get_all("content-type"), empty.body) == (["application/json"], b"{}")


def _parts(request: Request) -> dict[str, list[bytes]]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: dict[str, list[bytes]] = {}
    for part in BytesParser().parsebytes(head + request.body).get_payload():
        assert isinstance(part, Message)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts.setdefault(str(part.get_param("name", header="content-disposition")), []).append(content)
    return parts


def _boundary(request: Request) -> str:
    found = re.fullmatch(r"multipart/form-data; boundary=([\w'+_,./:=?-]+)", request.headers["content-type"])
    assert found
    return found[1]


def _upload(gateway: Package, caller: Caller, content: bytes, **fields: Any) -> None:
    made, types = gateway.load("models"), gateway.load("types")
    body = made.UploadBody(
        file=types.File(payload=BytesIO(content), file_name="图.png", mime_type="image/png"), **fields
    )
    assert caller.parsed(gateway.operation("upload.upload"), body=body) == b"film"


def test_each_form_has_a_boundary_of_its_own(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.always(FILM)
    for _ in range(5):
        _upload(gateway, gateway_caller, b"image")
    boundaries = {_boundary(request) for request in gateway_relay.requests}
    assert len(boundaries) == 5
    assert all(len(boundary) >= 16 for boundary in boundaries)


def test_a_file_cannot_add_parts_to_the_form(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.always(FILM)
    injected = b'\r\nContent-Disposition: form-data; name="flag"\r\n\r\ntrue\r\n--'
    _upload(gateway, gateway_caller, b"image")
    known = ("+++", _boundary(gateway_relay.requests[0]))
    for boundary in known:
        content = b"\r\n--" + boundary.encode() + injected + boundary.encode() + b"--\r\n"
        _upload(gateway, gateway_caller, content)
        assert _parts(gateway_relay.requests[-1]) == {"file": [content]}


@pytest.mark.every_way
def test_a_form_has_a_part_for_each_field_and_item(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    gateway_relay.always(FILM)
    made, types = gateway.load("models"), gateway.load("types")
    _upload(
        gateway,
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


def test_a_dict_within_a_form_is_refused_too(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    with pytest.raises(TypeError, match=r"UploadBody\.meta"):
        _upload(gateway, gateway_caller, b"image", meta={"a": 1})
    assert gateway_relay.requests == []
