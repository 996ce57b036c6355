"""Bodies from 1 MiB on are sent piece by piece: the same JSON, however often it is sent."""

import json
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling import Caller
from contract_check.relay.standin import Answer, Relay
from frozen import large_bodies, play
from servers import reading_nothing

LARGE, PIECE, LargeBody = large_bodies.LARGE, large_bodies.PIECE, large_bodies.LargeBody
TASK = Answer.json({"task_id": "t", "status": "queued"})
IMAGE: dict[str, Any] = {"prompt": "走", "image": "iVBORw0KGgo+/" * (LARGE // 10)}
BODIES: dict[str, dict[str, Any]] = {
    "Base64": IMAGE,
    "quotes and line breaks": {"prompt": 'He said: "\\now\\"\r\n\t\0\x1f\x7f' * (LARGE // 20)},
    "backslashes": {"prompt": "\\" * (LARGE // 2)},
    "just large enough": {"image": "x" * LARGE},
    "short texts": {"metadata": {"texts": [f"第 {n} 段\n" for n in range(LARGE // 5)]}},
    "mixed": {"image": "x" * LARGE, "metadata": {"a" * LARGE: [None, True, {"b": "é" * PIECE}]}},
}


def _json(data: object) -> bytes:
    """As Python's own encoder writes it, all at once."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _sent(fields: dict[str, Any]) -> bytes:
    return _json({"model": "kling-v1", "prompt": fields.get("prompt", "宇航员站起身走了"), **fields})


@pytest.mark.every_way
@pytest.mark.parametrize("fields", BODIES.values(), ids=BODIES)
def test_it_is_sent_as_one_encoding_would_be(caller: Caller, relay: Relay, fields: dict[str, Any]) -> None:
    relay.always(TASK)
    caller.submit(**fields)
    request = relay.request
    assert request.body == _sent(fields)
    assert request.headers.get_all("content-length") == [str(len(request.body))]
    assert "transfer-encoding" not in request.headers
    relay.problems.clear()


_TIMES = (0, 1, 60, 300, PIECE // 2, PIECE + 1)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def _grown(data: Any) -> Any:
    """The same with longer texts, which hypothesis is slow to make."""
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
def test_the_pieces_of_any_json(small: Any) -> None:
    data = _grown(small)
    pieces = LargeBody(data)
    assert b"".join(pieces) == b"".join(pieces) == _json(data)
    assert len(pieces) == len(_json(data))


def test_later_changes_are_not_sent() -> None:
    texts = ["a" * 300, "b"]
    pieces = LargeBody({"texts": texts})
    texts[0], texts[1] = "c", "d"
    texts.append("e")
    assert b"".join(pieces) == _json({"texts": ["a" * 300, "b"]})


class _Twice(httpx.Auth):
    """Sends a refused request again."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == 401:
            yield request


class _TwiceWithTheBody(_Twice):
    requires_request_body = True


@pytest.mark.every_way
@pytest.mark.parametrize("auth", [_Twice(), _TwiceWithTheBody()], ids=["streamed", "read"])
def test_an_auth_flow_sends_it_twice(caller: Caller, relay: Relay, auth: httpx.Auth) -> None:
    relay.answer("bad_token")
    relay.answer(TASK)
    caller.http().auth = auth
    assert caller.submit(**IMAGE).status == "queued"
    assert [request.body for request in relay.requests] == [_sent(IMAGE)] * 2
    relay.problems.clear()


@pytest.mark.every_way
def test_a_hook_reads_it(caller: Caller, relay: Relay) -> None:
    seen: list[bytes] = []

    def look(request: httpx.Request) -> None:
        with suppress(httpx.RequestNotRead):
            seen.append(request.content)
        seen.append(request.read())

    async def alook(request: httpx.Request) -> None:
        with suppress(httpx.RequestNotRead):
            seen.append(request.content)
        seen.append(await request.aread())

    hooks = {"event_hooks": {"request": [look if caller.way == "sync" else alook]}}
    own = caller.connect(httpx_args=hooks)
    caller.submit(own, **IMAGE)
    caller.submit(own)
    large, small = (request.body for request in relay.requests)
    assert seen == [large, small, small]  # a small one needs no reading


@pytest.mark.every_way
def test_a_server_that_reads_nothing_is_left(caller: Caller) -> None:
    with reading_nothing() as url:
        own = caller.connect(url, timeout=httpx.Timeout(30, write=0.3))
        with pytest.raises(httpx.WriteTimeout):
            caller.submit(own, image="x" * 16 * LARGE)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["large", "large on a loop"])
def test_five_calls_take_a_fifth_of_its_memory(relay: Relay, scenario: str) -> None:
    relay.always(TASK)
    came = play(scenario, relay.url)
    assert [len(request.body) for request in relay.requests[-5:]] == [came["size"]] * 5
    assert came["peak"] < 0.2 * came["size"]
