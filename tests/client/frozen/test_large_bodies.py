"""A body of a MiB and more is sent piece by piece, and is the same JSON; what is sent again, is sent whole."""

import json
import time
from collections.abc import Generator
from contextlib import suppress
from io import BytesIO
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from another import Package
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video, errors, large_bodies
from sockets import answering_at_once, reading_nothing
from workers import play

pytestmark = pytest.mark.every_way

LARGE, PIECE, LargeBody = large_bodies.LARGE, large_bodies.PIECE, large_bodies.LargeBody

TASK = Answer.json({"task_id": "t", "status": "queued"})
PATH = "/kling/v1/videos/image2video"

BODIES: dict[str, dict[str, Any]] = {
    "an image in Base64": {"image": "iVBORw0KGgo+/" * (LARGE // 10)},
    "a text in Chinese": {"prompt": "宇航员站起身走了。" * (LARGE // 8)},
    "characters beyond 16 bits": {"prompt": "🚀" * LARGE},
    "quotes and line breaks": {"prompt": 'He said: "\\now\\"\r\n\t\0\x1f\x7f' * (LARGE // 20)},
    "backslashes and nothing else": {"prompt": "\\" * (LARGE // 2)},
    "just large enough": {"image": "x" * LARGE},
    "many short texts": {"metadata": {"texts": [f"第 {n} 段\n" for n in range(LARGE // 5)]}},
    "many texts of a page": {"metadata": {"texts": [f'{n} "page"\n' * 99 for n in range(LARGE // 900)]}},
    "many numbers": {"metadata": {"numbers": [n / 7 for n in range(LARGE // 8)]}},
    "some of all": {
        "prompt": "走",
        "image": "x" * LARGE,
        "metadata": {"a" * LARGE: [None, True, {"b": "é" * PIECE}]},
    },
}


def _body(fields: dict[str, Any]) -> KlingImageToVideoRequest:
    return KlingImageToVideoRequest.from_dict(_whole(fields))


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    return {"model": "kling-v1", "prompt": "走", **fields}


def _json(data: object) -> bytes:
    """As Python's own encoder has it, all at once."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("fields", BODIES.values(), ids=BODIES)
def test_it_arrives_as_if_it_had_been_encoded_at_once(caller: Caller, relay: Relay, fields: dict[str, Any]) -> None:
    relay.always(TASK)
    caller.parsed(create_kling_image_to_video, body=_body(fields))
    arrived = relay.request
    assert arrived.body == _json(_whole(fields))
    assert arrived.headers.get_all("content-length") == [str(len(arrived.body))]
    assert "transfer-encoding" not in arrived.headers
    relay.problems.clear()


_TIMES = (0, 1, 60, 300, PIECE // 2, PIECE + 1)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def _grown(data: Any) -> Any:
    """The same with longer texts, which hypothesis would rather not make itself."""
    match data:
        case str():
            return data * _TIMES[len(data) % len(_TIMES)]
        case [*items]:
            return [_grown(item) for item in items]
        case {**fields}:
            return {key: _grown(value) for key, value in fields.items()}
        case _:
            return data


@given(_JSON)
def test_the_pieces_of_any_json_are_its_bytes(small: Any) -> None:
    data = _grown(small)
    pieces = LargeBody(data)
    assert b"".join(pieces) == b"".join(pieces) == _json(data)
    assert len(pieces) == len(_json(data))


def test_what_changes_later_is_sent_as_it_was() -> None:
    texts = ["a" * 300, "b"]
    pieces = LargeBody({"texts": texts})
    texts[0], texts[1] = "c", "d"
    texts.append("e")
    assert b"".join(pieces) == _json({"texts": ["a" * 300, "b"]})


def test_what_is_no_text_is_refused_before_anything_is_sent(caller: Caller, relay: Relay) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        caller.parsed(create_kling_image_to_video, body=_body({"image": "x" * LARGE + "\ud800"}))
    assert relay.requests == []


@pytest.mark.parametrize("size", [1, LARGE], ids=["small", "large"])
def test_what_holds_itself_is_refused_before_anything_is_sent(caller: Caller, relay: Relay, size: int) -> None:
    metadata: dict[str, Any] = {}
    metadata["itself"] = ["x" * size, metadata]
    with pytest.raises(ValueError, match="holds itself"):
        caller.parsed(create_kling_image_to_video, body=_body({"metadata": metadata}))
    assert relay.requests == []


IMAGE = {"model": "kling-v1", "prompt": "走", "image": "iVBORw0KGgo+/" * (LARGE // 10)}


class _Twice(httpx.Auth):
    """Sends again what was refused."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == 401:
            yield request


class _TwiceWithTheBody(_Twice):
    requires_request_body = True


@pytest.mark.parametrize("auth", [_Twice(), _TwiceWithTheBody()], ids=["as it is", "read before"])
def test_an_auth_flow_sends_it_again_intact(caller: Caller, relay: Relay, auth: httpx.Auth) -> None:
    relay.answer("bad_token")
    relay.answer(TASK)
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS))
    caller.http(own).auth = auth
    assert caller.parsed(create_kling_image_to_video, client=own, body=_body(IMAGE)).status == "queued"
    assert [request.body for request in relay.requests] == [_json(IMAGE)] * 2
    relay.problems.clear()


def test_a_hook_gets_it_by_reading_it(caller: Caller, relay: Relay) -> None:
    seen: list[bytes] = []

    def look(request: httpx.Request) -> None:
        with pytest.raises(httpx.RequestNotRead):
            _ = request.content
        seen.append(request.read())

    async def alook(request: httpx.Request) -> None:
        with suppress(httpx.RequestNotRead):
            seen.append(request.content)
        seen.append(await request.aread())

    hooks = {"event_hooks": {"request": [look if caller.way == "sync" else alook]}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks))
    caller.parsed(create_kling_image_to_video, client=own, body=_body(IMAGE))
    assert [*seen, relay.request.body] == [_json(IMAGE)] * 2


def test_a_hook_sees_a_small_one_as_it_is(caller: Caller, relay: Relay) -> None:
    seen: list[bytes] = []

    def look(request: httpx.Request) -> None:
        seen.append(request.content)

    async def alook(request: httpx.Request) -> None:
        look(request)

    hooks = {"event_hooks": {"request": [look if caller.way == "sync" else alook]}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=hooks))
    caller.parsed(create_kling_image_to_video, client=own, body=_body({"prompt": "走"}))
    assert seen == [relay.request.body] == ['{"model":"kling-v1","prompt":"走"}'.encode()]


@pytest.mark.parametrize("size", [100_000, LARGE + 1], ids=["of one piece", "of many"])
def test_bytes_arrive_as_they_are(gateway: Package, gateway_caller: Caller, gateway_relay: Relay, size: int) -> None:
    content = bytes(range(256)) * (size // 256)
    file = gateway.load("types").File(payload=BytesIO(content))
    gateway_caller.detailed(gateway.operation("raw.raw"), body=file)
    assert gateway_relay.request.body == content


def test_a_server_that_reads_nothing_is_left(caller: Caller) -> None:
    with reading_nothing() as url:
        timeout = httpx.Timeout(30, write=0.3)
        own = caller.enter(AuthenticatedClient(url, token=TOKEN, timeout=timeout, verify_ssl=TLS))
        with pytest.raises(httpx.WriteTimeout) as raised:
            caller.parsed(create_kling_image_to_video, client=own, body=_body({"image": "x" * 16 * LARGE}))
    assert not isinstance(raised.value, errors.NOT_SENT)


def test_a_server_that_refuses_before_it_has_read_all_is_left_too(caller: Caller) -> None:
    refusal = b'HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n{"message": "large"}'
    with answering_at_once(refusal) as url:
        settings: dict[str, Any] = {"token": TOKEN, "timeout": httpx.Timeout(30, write=0.3), "verify_ssl": TLS}
        leaving = Caller(caller.way, AuthenticatedClient(url, **settings))
        started = time.monotonic()
        leaving.enter(leaving.client)
        # httpx reads when it has written.
        with pytest.raises(httpx.WriteTimeout) as raised:
            leaving.parsed(create_kling_image_to_video, body=_body({"image": "x" * 16 * LARGE}))
        leaving.close()
        assert time.monotonic() - started < 10
    assert not isinstance(raised.value, errors.NOT_SENT)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["large", "large on a loop"])
def test_five_calls_take_a_small_part_of_its_memory(relay: Relay, scenario: str) -> None:
    relay.always(TASK)
    came = play(scenario, relay.url)
    assert [len(request.body) for request in relay.requests[-5:]] == [came["size"]] * 5
    assert came["peak"] < 0.2 * came["size"]
