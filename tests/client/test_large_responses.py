"""A response above the limit is an error of the family, however it is packed, and never fills the memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from itertools import repeat

import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, Client, errors

MIB = 2**20


def _answer_of(size: int, status: int = 200) -> Answer:
    """A sound answer of so many bytes."""
    answer = Answer.json({"task_id": "t", "status": "s", "pad": ""}, status)
    answer.body = answer.body.replace(b'""', b'"%b"' % (b"x" * (size - len(answer.body))))
    return answer


def _bomb(size: int) -> bytes:
    """So many MiB of blanks in gzip, a thousandth of them."""
    packer = zlib.compressobj(9, wbits=31)
    block = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)  # without gzip's header, so repeatable
    return block + again * (size - 1)


@contextmanager
def _peak_below(most: int) -> Generator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most * MIB
    finally:
        tracemalloc.stop()


def test_the_default_limit(client: AuthenticatedClient, relay: Relay) -> None:
    assert Client().max_response_bytes == AuthenticatedClient(token=TOKEN).max_response_bytes == 64 * MIB
    relay.answer(Answer(200, _bomb(65), {"Content-Encoding": "gzip"}))
    with client, pytest.raises(errors.ResponseTooLarge):
        Caller("sync", client).submit()


@pytest.mark.every_way
@pytest.mark.parametrize("limit", [MIB, 100])
def test_up_to_the_limit_and_beyond(caller: Caller, relay: Relay, limit: int) -> None:
    own = caller.connect(max_response_bytes=limit)
    relay.answer(_answer_of(limit))
    assert caller.submit(own).status == "s"
    for detailed in (False, True):
        for status in (200, 400, 201):
            relay.answer(_answer_of(limit + 1, status))
            with pytest.raises(errors.ResponseTooLarge, match=str(limit)) as raised:
                caller.submit(own.with_timeout(9), detailed=detailed)
            assert isinstance(raised.value, errors.DecodeError)
            assert (raised.value.status_code, raised.value.request_id) == (status, relay.requests[-1].id)
            assert len(raised.value.content) <= 65_536


GZIP_BOMB = gzip.compress(_bomb(1024))
BOMBS: list[tuple[str, bytes]] = [
    ("gzip", _bomb(128)),
    ("deflate", zlib.compress(b" " * 32 * MIB)),
    ("gzip, gzip", GZIP_BOMB),
    ("gzip,gzip", GZIP_BOMB),
    ("deflate, gzip", gzip.compress(zlib.compress(b" " * 32 * MIB))),
    ("gzip\r\nContent-Encoding: gzip", GZIP_BOMB),  # the same as two headers: http.server takes one of a name
]


@pytest.mark.every_way
@pytest.mark.parametrize(("encoding", "packed"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb(caller: Caller, relay: Relay, encoding: str, packed: bytes) -> None:
    relay.answer(Answer(200, packed, {"Content-Encoding": encoding}))
    own = caller.connect(max_response_bytes=MIB)
    with _peak_below(200), pytest.raises(errors.DecodeError) as raised:
        caller.submit(own)
    assert len(raised.value.content) <= 65_536


@pytest.mark.every_way
def test_a_response_without_end(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, chunks=repeat(b"x" * 65_536)))
    own = caller.connect(max_response_bytes=MIB)
    with _peak_below(50), pytest.raises(errors.ResponseTooLarge):
        caller.submit(own)
