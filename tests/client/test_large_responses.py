"""An answer larger than a limit is an error of the family, however it is packed, and never fills the memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from itertools import repeat

import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient, Client
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import DecodeError, ResponseError, ResponseTooLarge
from generated_client.models import KlingImageToVideoRequest

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
MIB = 2**20
LIMIT = 1 * MIB


def _answer_of(size: int, status: int = 200) -> Answer:
    """A sound answer of so many bytes."""
    answer = Answer.json({"task_id": "t", "status": "s", "pad": ""}, status)
    answer.body = answer.body.replace(b'""', b'"%b"' % (b"x" * (size - len(answer.body))))
    assert len(answer.body) == size
    return answer


def _bomb(size: int) -> bytes:
    """So many MiB of blanks in gzip, a thousandth of them."""
    packer = zlib.compressobj(9, wbits=31)
    block = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)  # without gzip's head: it can be repeated
    return block + again * (size - 1)


@contextmanager
def _little_memory(most: int) -> Generator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def _client(caller: Caller, relay: Relay, limit: int = LIMIT) -> AuthenticatedClient:
    own: AuthenticatedClient = caller.enter(
        AuthenticatedClient(relay.url, token=TOKEN, max_response_bytes=limit, verify_ssl=TLS)
    )
    return own


def test_the_limit_is_64_mib_by_default() -> None:
    assert Client().max_response_bytes == AuthenticatedClient(token=TOKEN).max_response_bytes == 64 * MIB


def test_the_default_limit_holds(client: AuthenticatedClient, relay: Relay) -> None:
    relay.answer(Answer(200, _bomb(65), {"Content-Encoding": "gzip"}))
    with client, pytest.raises(ResponseTooLarge):
        create_kling_image_to_video.sync(client=client, body=PROMPTED)


@pytest.mark.parametrize("limit", [LIMIT, 100], ids=["1 MiB", "100 bytes"])
def test_up_to_the_limit_all_is_well_and_beyond_it_nothing(caller: Caller, relay: Relay, limit: int) -> None:
    own = _client(caller, relay, limit)
    relay.answer(_answer_of(limit))
    assert caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED).status == "s"
    relay.answer(_answer_of(limit + 1))
    with pytest.raises(ResponseTooLarge) as raised:
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    error = raised.value
    assert isinstance(error, ResponseError)
    assert isinstance(error, DecodeError)
    assert (error.status_code, error.request_id) == (200, relay.requests[-1].id)
    assert len(error.content) <= 65_536
    assert str(limit) in str(error)


def test_derived_clients_have_the_limit_too(caller: Caller, relay: Relay) -> None:
    relay.answer(_answer_of(LIMIT + 1))
    derived = _client(caller, relay).with_timeout(9)
    with pytest.raises(ResponseTooLarge):
        caller.parsed(create_kling_image_to_video, client=derived, body=PROMPTED)


@pytest.mark.parametrize("detailed", [False, True], ids=["plain", "detailed"])
@pytest.mark.parametrize("status", [200, 400, 201])
def test_it_holds_for_every_status_and_both_calls(caller: Caller, relay: Relay, status: int, detailed: bool) -> None:
    relay.answer(_answer_of(LIMIT + 1, status))
    own = _client(caller, relay)
    with pytest.raises(ResponseTooLarge) as raised:
        (caller.detailed if detailed else caller.parsed)(create_kling_image_to_video, client=own, body=PROMPTED)
    assert raised.value.status_code == status


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", _bomb(128)),
        ("deflate", zlib.compress(b" " * 32 * MIB)),
        ("gzip, gzip", gzip.compress(_bomb(1024))),
        ("gzip,gzip", gzip.compress(_bomb(1024))),
        ("deflate, gzip", gzip.compress(zlib.compress(b" " * 32 * MIB))),
    ],
    ids=["gzip", "deflate", "gzip in gzip", "gzip in gzip, dense", "deflate in gzip"],
)
def test_a_bomb_does_not_go_off(caller: Caller, relay: Relay, encoding: str, packed: bytes) -> None:
    relay.answer(Answer(200, packed, {"Content-Encoding": encoding}))
    own = _client(caller, relay)
    with _little_memory(200 * MIB), pytest.raises(DecodeError) as raised:
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert len(raised.value.content) <= 65_536


def test_several_headers_pack_a_bomb_no_better(caller: Caller, relay: Relay) -> None:
    # http.server takes one header of a name; two lines in one are the same on the wire.
    relay.answer(Answer(200, gzip.compress(_bomb(1024)), {"Content-Encoding": "gzip\r\nContent-Encoding: gzip"}))
    own = _client(caller, relay)
    with _little_memory(200 * MIB), pytest.raises(DecodeError):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)


def test_an_answer_without_end_ends_at_the_limit(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, chunks=repeat(b"x" * 65_536)))
    own = _client(caller, relay)
    with _little_memory(50 * MIB), pytest.raises(ResponseTooLarge):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
