"""Requests: their URLs, headers and bodies, and independence from each other."""

import json
import re
from collections.abc import Generator
from importlib.metadata import version
from io import BytesIO
from operator import mul
from typing import Any
from unittest import mock
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calling import TOKEN, WAYS, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, Client, errors, large_bodies, play

TASK = Answer.json({"task_id": "t", "status": "queued"})
SUBMISSION = "/kling/v1/videos/image2video"
FILM = Answer(200, b"film", {"Content-Type": "video/mp4"})
SOUND = Answer(200, b"sound", {"Content-Type": "audio/mpeg"})


@pytest.mark.parametrize("path", ["", "/", "//", "/v1", "/网关/"])
def test_a_base_url_may_have_a_path_and_end_in_slashes(sync: Caller, path: str) -> None:
    answer = mock.Mock(return_value=httpx.Response(200, content=TASK.body))  # http.server collapses a doubled slash
    args = {"transport": httpx.MockTransport(answer)}
    sync.submit(sync.connect(f"https://relay.example.com{path}", httpx_args=args))
    assert answer.call_args.args[0].url.raw_path == f"{quote(path.rstrip('/'))}{SUBMISSION}".encode()


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_derived_client_leaves_the_original_unchanged(sync: Caller, relay: Relay, used: bool) -> None:
    root = sync.connect(headers={"X-Trace": "t"}, cookies={"a": "1"})
    if used:
        sync.submit(root)
    derived = root.with_headers({"X-TRACE": "u", "User-Agent": "service/1"}).with_cookies({"b": "2"})
    derived = derived.with_timeout(7).with_deadline(70)
    assert type(derived) is AuthenticatedClient
    relay.forget()
    for client in (derived, root):
        sync.submit(client)
    names = ("x-trace", "user-agent", "cookie")
    of_derived, of_root = ([request.headers.get_all(name) for name in names] for request in relay.requests)
    assert of_derived == [["u"], ["service/1"], ["a=1; b=2"]]
    assert of_root == [["t"], [f"relay-client/{version('relay-client')}"], ["a=1"]]
    assert (derived.timeout, derived.deadline) == (httpx.Timeout(7), 70)
    assert (root.timeout, root.deadline) == (Client().timeout, None)


def test_a_new_token_goes_with_the_next_request_of_all_derived_clients(sync: Caller, relay: Relay) -> None:
    child = sync.client.with_headers({"X-Trace": "t"})
    family = (sync.client, child, child.with_timeout(9).with_cookies({"session": "s"}))
    for number, giver in enumerate(family):
        giver.set_token(f"{TOKEN}{number}")
        relay.forget()
        for member in family:
            sync.submit(member)
        assert [r.headers.get_all("authorization") for r in relay.requests] == [[f"Bearer {TOKEN}{number}"]] * 3


# Requests are copied from a template of the previous one: changes must be sent.


def test_a_derived_client_reuses_request_templates_unless_its_headers_differ(sync: Caller) -> None:
    http, own = sync.http(), sync.client
    with mock.patch.object(http, "build_request", wraps=http.build_request) as build:
        for client in (own, own.with_timeout(9), own.with_deadline(9), own.with_headers({"X-Trace": "t"})):
            sync.submit(client)
    assert build.call_count == 2


def test_requests_with_and_without_a_body_alternate(gateway_sync: Caller, gateway_relay: Relay) -> None:
    models = gateway_sync.load("models")
    gateway_relay.always(SOUND)
    for arguments in ({"body": models.SpeakBody()}, {}, {"body": models.SpeakBody(input_="走")}):
        gateway_sync.detailed("audio.speak", **arguments)
    names = ("content-type", "content-length")
    sent = [(*map(request.headers.get_all, names), request.body) for request in gateway_relay.requests]
    body = '{"input":"走"}'.encode()
    assert sent == [
        (["application/json"], ["2"], b"{}"),
        (None, ["0"], b""),
        (["application/json"], [str(len(body))], body),
    ]


def test_changes_to_the_client_and_to_its_httpx_client(sync: Caller, relay: Relay) -> None:
    relay.always(Answer.json({"task_id": "t", "status": "queued"}, headers={"Set-Cookie": "given=g; Path=/"}))
    http = sync.http()
    sync.submit()
    for number in "12":
        http.headers["X-Late"] = number
        sync.submit(sync.client.with_headers({"X-Trace": number}).with_cookies({"c": number}))
    del http.headers["X-Late"]
    http.params = {"group": "视频"}
    sync.submit()
    http.params = {}
    with pytest.raises(AttributeError, match="with_cookies"):
        http.cookies = {"b": "2"}
    sync.client.base_url += "/v2"
    sync.submit()
    names = ("x-late", "x-trace", "cookie")
    assert [[request.headers.get(name) for name in names] for request in relay.requests] == [
        [None, None, None],
        ["1", "1", "c=1"],
        ["2", "2", "c=2"],
        [None, None, None],
        [None, None, None],
    ]
    assert [request.query for request in relay.requests] == [[], [], [], [("group", "视频")], []]
    assert [request.path.partition("/kling")[0] for request in relay.requests] == ["", "", "", "", "/v2"]
    relay.problems.clear()


def test_a_hook_changes_only_its_request(sync: Caller, relay: Relay) -> None:
    relay.always(TASK)

    def change(request: httpx.Request) -> None:
        number = len(relay.requests)
        assert b"prompt" in request.content  # a small body is already loaded
        request.headers[f"X-{number}"] = "h"
        request.url = request.url.copy_merge_params({"n": str(number)})

    own = sync.connect(httpx_args={"event_hooks": {"request": [change]}})
    sync.submit(own)
    sync.submit(own)
    assert [request.query for request in relay.requests] == [[("n", "0")], [("n", "1")]]
    assert [[name for name in ("x-0", "x-1") if name in r.headers] for r in relay.requests] == [["x-0"], ["x-1"]]
    relay.problems.clear()


def test_the_templates_of_many_paths_are_bounded(gateway_sync: Caller, gateway_relay: Relay) -> None:
    for number in range(250):
        gateway_sync.detailed("item.delete_v1_item_by_item_id", item_id=f"项目 {number}")
    assert len({request.target for request in gateway_relay.requests}) == 250
    assert gateway_relay.requests[0].target == f"/v1/Item/{quote('项目 0')}"
    assert len(gateway_sync.client._requests._templates) <= 100


# Forms and files


def test_a_form_has_a_part_for_each_field_and_item(gateway_sync: Caller, gateway_relay: Relay) -> None:
    gateway_relay.answer(FILM)
    models, file = gateway_sync.load("models"), gateway_sync.load("types").File
    body = models.UploadBody(
        file=file(payload=BytesIO(b"\x00\xff\r\n"), file_name="图.png", mime_type="image/png"),
        files=[file(payload=BytesIO(b"1")), file(payload=BytesIO(b"2"))],
        tags=["甲", "b"],
        meta=models.UploadBodyMeta(a=1),
        n=2.0,
        flag=True,
        mode=models.UploadBodyMode.A,
    )
    assert gateway_sync.parsed("upload.upload", body=body) == b"film"
    parts = re.findall(rb'; name="(\w+)".*?\r\n\r\n(.*?)\r\n--', gateway_relay.request.body, re.DOTALL)
    assert sorted(parts) == [
        (b"file", b"\x00\xff\r\n"),
        *((b"files", content) for content in (b"1", b"2")),
        (b"flag", b"true"),
        (b"meta", b'{"a": 1}'),
        (b"mode", b"a"),
        (b"n", b"2"),
        *((b"tags", content) for content in (b"b", "甲".encode())),
    ]


@pytest.mark.parametrize("size", [100_000, 2**20], ids=["one piece", "many pieces"])
def test_a_file_as_the_body(gateway_sync: Caller, gateway_relay: Relay, size: int) -> None:
    content = bytes(range(256)) * (size // 256)
    file = gateway_sync.load("types").File(payload=BytesIO(content), mime_type="image/png")
    gateway_sync.detailed("raw.raw", body=file)
    assert (gateway_relay.request.media_type, gateway_relay.request.body) == ("image/png", content)


# Bodies of 1 MiB and more are sent in chunks: the same JSON on every attempt.

LARGE, PIECE, LargeBody = large_bodies.LARGE, large_bodies.PIECE, large_bodies.LargeBody
IMAGE: dict[str, Any] = {"prompt": "走", "image": "iVBORw0KGgo+/" * (LARGE // 10)}
BODIES: dict[str, dict[str, Any]] = {
    "Base64": IMAGE,
    "just large enough": {"image": "x" * LARGE},
    "mixed": {"image": "x" * LARGE, "metadata": {"a" * LARGE: [None, True, {"b": "é" * PIECE}]}},
}


def _json(data: object) -> bytes:
    """The output of json.dumps()."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _sent(fields: dict[str, Any]) -> bytes:
    return _json({"model": "kling-v1", "prompt": fields.get("prompt", "宇航员站起身走了"), **fields})


@pytest.mark.parametrize("fields", BODIES.values(), ids=BODIES)
def test_a_large_body_is_sent_as_json_dumps_writes_it(sync: Caller, relay: Relay, fields: dict[str, Any]) -> None:
    relay.always(TASK)
    sync.submit(**fields)
    request = relay.request
    assert request.body == _sent(fields)
    assert request.headers.get_all("content-length") == [str(len(request.body))]
    assert "transfer-encoding" not in request.headers
    relay.problems.clear()


# Few characters, since hypothesis takes seconds to list all of Unicode; repeated, since it is slow to generate many.
_SHORT = st.text(st.sampled_from('a"\\\n\x1f\x7fé走𠮷'), max_size=9)
_TEXT = st.builds(mul, _SHORT, st.sampled_from((0, 1, 60, 300, PIECE // 2, PIECE + 1)))
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from((None, True, -7, 1e300)) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_SHORT, inner, max_size=4),
    max_leaves=8,
)


@example("\\" * (PIECE + 1))
@settings(max_examples=30)
@given(_JSON)
def test_the_chunks_of_any_json(data: Any) -> None:
    pieces = LargeBody(data)
    assert b"".join(pieces) == b"".join(pieces) == _json(data)
    assert len(pieces) == len(_json(data))


def test_later_changes_of_a_large_body_are_not_sent() -> None:
    texts = ["a" * 300, "b"]
    pieces = LargeBody({"texts": texts})
    texts[0], texts[1] = "c", "d"
    texts.append("e")
    assert b"".join(pieces) == _json({"texts": ["a" * 300, "b"]})


class _Twice(httpx.Auth):
    """Resends a refused request."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == 401:
            yield request


def test_an_auth_flow_sends_a_large_body_twice(caller: Caller, relay: Relay) -> None:
    relay.answer("bad_token")
    caller.http().auth = _Twice()
    assert caller.submit(**IMAGE).status == "queued"
    assert [request.body for request in relay.requests] == [_sent(IMAGE)] * 2


def test_a_hook_reads_the_body(caller: Caller, relay: Relay) -> None:
    seen = list[bytes]()
    own = caller.connect(httpx_args={"event_hooks": {"request": [caller.reading_hook(seen.append)]}})
    caller.submit(own, **IMAGE)
    caller.submit(own)
    assert seen == [request.body for request in relay.requests]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_five_calls_take_a_fifth_of_a_large_body_s_memory(relay: Relay, way: str) -> None:
    relay.always(TASK)
    came = play("large", relay.url, way)
    assert [len(request.body) for request in relay.requests[-5:]] == [came["size"]] * 5
    assert came["peak"] < 0.2 * came["size"]


# Redirects of GET and HEAD are followed on request, without credentials for another origin.

RELAY = "https://relay.test"
CREDENTIALS: dict[str, Any] = {
    "headers": {"X-Session-Key": TOKEN, "Cookie2": TOKEN, "Proxy-Authorization": TOKEN, "X-Trace": "t"},
    "cookies": {"session": TOKEN},
}
REDIRECTS: dict[str, tuple[list[str], list[bool]]] = {
    "relative": (["/moved?a=1"], [True, True]),
    "absolute": ([f"{RELAY}/moved"], [True, True]),
    "to another host": (["https://elsewhere.test/moved"], [True, False]),
    "to another port": ([f"{RELAY}:8443/moved"], [True, False]),
    "to another scheme": (["http://relay.test/moved"], [True, False]),
    "to another host and back": (["https://elsewhere.test/moved", f"{RELAY}/again"], [True, False, False]),
}
"""The locations of redirects, and which requests have the credentials."""


def _get(caller: Caller, *steps: str | Exception, **settings: Any) -> list[httpx.Headers]:
    """GET an item after redirects to these locations, or until an error; return the headers of all requests."""
    sent, script = list[httpx.Headers](), iter(steps)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.copy())  # the package removes the token from the request
        step = next(script, None)
        if isinstance(step, Exception):
            raise step
        if step is None:
            return httpx.Response(200, json={"id": 7})
        return httpx.Response(307, headers={"Location": step, "Set-Cookie": f"given={TOKEN}"})

    args = {"transport": httpx.MockTransport(answer)}
    own = caller.connect(RELAY, httpx_args=args, follow_redirects=True, **CREDENTIALS, **settings)
    caller.detailed("item.get_v1_item_by_item_id", client=own, item_id="7")
    return sent


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "New-Api-User"])
@pytest.mark.parametrize("name", REDIRECTS)
def test_only_the_relay_gets_credentials(gateway_caller: Caller, name: str, header: str) -> None:
    locations, has_credentials = REDIRECTS[name]
    first, *others = _get(gateway_caller, *locations, auth_header_name=header)
    names = (header, "X-Session-Key", "Cookie2", "Proxy-Authorization", "X-Trace", "Cookie")
    assert first["cookie"] == f"session={TOKEN}"
    assert [all(headers.get(each) == first[each] for each in names) for headers in (first, *others)] == has_credentials
    for headers in (headers for headers, has in zip(others, has_credentials[1:], strict=True) if not has):
        assert not {*map(str.lower, names)} & headers.keys()
        assert TOKEN not in str(headers.raw)
        assert headers["user-agent"] == first["user-agent"]
    assert others[0]["host"] == httpx.URL(RELAY).join(locations[0]).netloc.decode()


def test_no_redirect_is_followed_by_default(gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.answer(Answer(307, headers={"Location": "/moved"}))
    with pytest.raises(gateway_caller.load("errors").UnexpectedStatus, match="/moved"):
        gateway_caller.parsed("item.get_v1_item_by_item_id", item_id="7")
    assert len(gateway_relay.requests) == 1


def test_a_redirect_loop_ends(gateway_caller: Caller) -> None:
    assert len(_get(gateway_caller, *["/moved"] * 20)) == 21
    with pytest.raises(httpx.TooManyRedirects, match="GET /moved: more than 20 redirects"):
        _get(gateway_caller, *["/moved"] * 21)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [(httpx.ConnectError("down"), httpx.ReadError, "redirect"), (httpx.RemoteProtocolError("cut"), None, "cut")],
)
def test_an_error_after_a_redirect(gateway_caller: Caller, error: httpx.TransportError, kind: Any, text: str) -> None:
    with pytest.raises(httpx.TransportError, match=text) as raised:
        _get(gateway_caller, "/moved", error)
    assert type(raised.value) is (kind or type(error))  # for a ConnectError, nothing would have been sent
    assert errors.may_have_been_charged(raised.value)
    assert TOKEN not in str(raised.value)
    assert raised.value.request.headers["authorization"] == "***"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_post_is_never_resent(caller: Caller, relay: Relay, status: int) -> None:
    relay.answer(Answer(status, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(errors.UnexpectedStatus, match=r"a redirect to https://elsewhere\.test/ ") as raised:
        caller.submit(caller.connect(follow_redirects=True))
    assert raised.value.headers["location"] == "https://elsewhere.test/"
    assert len(relay.requests) == 1
