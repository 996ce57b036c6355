"""Large bodies, such as a picture in Base64: encoded while they are sent, so that they are in memory once."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from itertools import zip_longest
from typing import Any, Final

import httpx

from .codecs import is_list, is_object

LARGE: Final = 1 << 20
"""The number of bytes (of text: characters) from which a body is sent in pieces."""
PIECE: Final = 1 << 17
"""Bytes, or characters, of a piece."""
_LONG_STRING: Final = 256
"""The number of characters from which a string is encoded separately from the JSON around it."""

_to_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_ESCAPED: Final = ('"', "\\", *map(chr, range(32)))
"""Characters that a JSON string must escape."""


class LargeBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A large body that is encoded each time it is sent; long strings of JSON are never held encoded."""

    def __init__(self, data: Any) -> None:
        self._mark = os.urandom(16).hex()
        self._strings = list[str | bytes]()
        if isinstance(data, bytes):
            between = [data]
        else:
            between = _to_json(self._without_long_strings(data)).encode().split(self._mark.encode())
        pairs = zip_longest(between, self._strings, fillvalue=b"")
        self._parts: list[str | bytes] = [part for pair in pairs for part in pair]
        self._length = sum(map(len, self))

    def _without_long_strings(self, data: Any) -> Any:
        """Replace each long string of `data` by a mark."""
        if isinstance(data, str) and len(data) >= _LONG_STRING:
            self._strings.append(data if len(data) > PIECE else _to_json(data)[1:-1].encode())
            return self._mark
        if is_list(data):
            return [self._without_long_strings(item) for item in data]
        if is_object(data):
            return {key: self._without_long_strings(value) for key, value in data.items()}
        return data

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        piece = bytearray()
        for part in self._parts:
            for start in range(0, len(part), PIECE):
                piece += _encoded(part[start : start + PIECE])
                if len(piece) >= PIECE:
                    yield bytes(piece)
                    piece.clear()
        yield bytes(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def _encoded(some: str | bytes) -> bytes:
    if isinstance(some, bytes):
        return some
    # Searching for each character is ten times as fast as a regular expression; Base64 has none of them.
    if any(letter in some for letter in _ESCAPED):
        return _to_json(some)[1:-1].encode()
    return some.encode()
