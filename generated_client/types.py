"""Contains some shared types for properties"""

import json
import math
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from enum import Enum
from functools import cache
from importlib import import_module
from typing import (
    IO,
    Any,
    BinaryIO,
    ClassVar,
    Final,
    Generic,
    Literal,
    Self,
    TypeGuard,
    TypeVar,
    cast,
)
from urllib.parse import quote, urlencode

import httpx
from attrs import define


class Unset(Enum):
    """The type of UNSET, which stands for a field that is not sent or did not come."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET

# The types that `httpx.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx will accept for multipart/form-data"""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response from an endpoint"""

    status_code: int
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]


def _is_list(data: object) -> TypeGuard[list[Any]]:
    return isinstance(data, (list, tuple))


def _is_dict(data: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(data, (dict, Mapping))


@cache
def _lookup(module: str, name: str) -> Any:
    return getattr(import_module(f"{__package__}.models.{module}"), name)


@define(frozen=True, eq=False, repr=False)
class Codec:
    """How one documented type travels; without arguments, any value as it is.

    encode (Python to JSON) and decode (JSON to Python) check structure; their TypeError or ValueError names the field,
    which is their second argument. A scalar of another kind than the documented one is kept as it came: servers change
    sooner than documents. In a union, holds decides what is sent, and fits (more is better) what has come.
    """

    encode: Callable[[Any, str], Any] = lambda value, where: value
    decode: Callable[[Any, str], Any] = lambda data, where: data
    holds: Callable[[Any], bool] = lambda value: True
    fits: Callable[[Any], int] = lambda data: 1
    nullable: bool = True


def leaf(*kinds: type) -> Codec:
    """A string, number, boolean or null. Of numbers, 10.0 travels as 10; NaN and infinity are refused."""

    def encode(value: Any, where: str) -> Any:
        if not isinstance(value, float) or float not in kinds:
            return value
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value} cannot travel as JSON")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def holds(value: Any) -> bool:
        return isinstance(value, kinds) and isinstance(value, bool) == (bool in kinds)

    return Codec(encode, holds=holds, fits=holds, nullable=type(None) in kinds)


def parsed(kind: type, parse: Callable[[Any], Any]) -> Codec:
    """A date, time or UUID, which travels as a string; one that cannot be read is kept as it came."""

    def encode(value: Any, where: str) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    def decode(data: Any, where: str) -> Any:
        try:
            return parse(data)
        except (AttributeError, TypeError, ValueError):
            return data

    return Codec(
        encode, decode, lambda v: isinstance(v, kind), lambda data: decode(data, "") is not data, False
    )


def choice(*given: Any, enum: tuple[str, str] | None = None) -> Codec:
    """An enum, by its module and name, or a constant; a value that the document doesn't know is kept."""

    def values() -> list[Any]:
        return list(_lookup(*enum) if enum else given)

    def encode(value: Any, where: str) -> Any:
        return value.value if isinstance(value, Enum) else value

    def decode(data: Any, where: str) -> Any:
        return next((value for value in values() if value == data), data)

    def holds(value: Any) -> bool:
        return isinstance(value, (str, int)) or value in values()

    return Codec(encode, decode, holds, lambda data: data in values(), None in given)


def model(module: str, name: str) -> Codec:
    """A model, by its module and name: it loads at first use, so that a module loads only what it uses."""

    def holds(value: Any) -> bool:
        return isinstance(value, _lookup(module, name))

    def encode(value: Any, where: str) -> Any:
        if holds(value):
            return value.to_dict()
        raise TypeError(f"{where}: expected {name} (see its from_dict), got {type(value).__name__}")

    def fits(data: Any) -> int:
        fields: tuple[Field, ...] = _lookup(module, name).__json_fields__
        if not _is_dict(data) or any(key not in data for _, key, required, _ in fields if required):
            return 0
        known = [codec.fits(data[key]) for _, key, _, codec in fields if key in data]
        return all(known) and 1 + len(known)

    return Codec(encode, lambda data, where: _lookup(module, name).from_dict(data), holds, fits, False)


def array(inner: Codec) -> Codec:
    """A list of values of one type."""

    def each(convert: Callable[[Any, str], Any], items: Any, where: str) -> list[Any]:
        if not _is_list(items):
            raise TypeError(f"{where}: expected a list, got {type(items).__name__}")
        return [convert(item, f"{where}[{index}]") for index, item in enumerate(items)]

    def encode(value: Any, where: str) -> list[Any]:
        return each(inner.encode, value, where)

    def decode(data: Any, where: str) -> list[Any]:
        return each(inner.decode, data, where)

    def holds(value: Any) -> bool:
        return _is_list(value) and all(map(inner.holds, value))

    return Codec(encode, decode, holds, lambda data: _is_list(data) and all(map(inner.fits, data)), False)


def one_of(*variants: Codec) -> Codec:
    """A union: the type that fits, of several objects the one that names the most of the keys, else the first."""

    def encode(value: Any, where: str) -> Any:
        for variant in sorted(variants, key=lambda variant: variant is ANY):
            if variant.holds(value):
                return variant.encode(value, where)
        raise TypeError(f"{where}: {type(value).__name__} is none of the types that the document allows")

    def decode(data: Any, where: str) -> Any:
        best, problem = max(variants, key=lambda variant: variant.fits(data)), None
        for variant in (best,) if best.fits(data) else variants:
            try:
                return variant.decode(data, where)
            except (TypeError, ValueError) as error:
                problem = problem or error
        raise problem or TypeError(where)

    def holds(value: Any) -> bool:
        return any(variant.holds(value) for variant in variants)

    def fits(data: Any) -> int:
        return max(variant.fits(data) for variant in variants)

    return Codec(encode, decode, holds, fits, any(variant.nullable for variant in variants))


ANY, TEXT, NUMBER, BOOLEAN, NULL, FILE = (
    Codec(),
    leaf(str),
    leaf(int, float),
    leaf(bool),
    leaf(type(None)),
    leaf(File),
)
Field = tuple[
    str, str, bool, Codec
]  # of a model: its attribute, its name in JSON, whether it is required, its codec


class Model:
    """Base of every model: keyword-only fields, and their way to and from JSON."""

    __slots__ = ()
    __json_fields__: ClassVar[tuple[Field, ...]] = ()
    __json_extra__: ClassVar[Codec | None] = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object to send, without what is UNSET. A TypeError or ValueError names the field that is wrong."""
        owner, extra = type(self).__name__, self.__json_extra__
        more: dict[str, Any] = getattr(self, "additional_properties", {})
        data = {key: extra.encode(item, f"{owner}.{key}") for key, item in more.items()} if extra else {}
        for attribute, name, _, codec in self.__json_fields__:
            if (value := getattr(self, attribute)) is not UNSET:
                data[name] = codec.encode(value, f"{owner}.{name}")
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """The model of a JSON object; TypeError where it is none, ValueError where a required field is missing."""
        if not _is_dict(src_dict):
            raise TypeError(f"{cls.__name__}: expected an object, got {type(src_dict).__name__}")
        rest, values = dict(src_dict), dict[str, Any]()
        for attribute, name, required, codec in cls.__json_fields__:
            data = rest.pop(name, UNSET)
            absent = data is UNSET or (data is None and not codec.nullable)
            if absent and required:
                raise ValueError(f"{cls.__name__}.{name} is missing")
            values[attribute] = UNSET if absent else codec.decode(data, f"{cls.__name__}.{name}")
        made = cls(**values)
        if extra := cls.__json_extra__:
            more = {key: extra.decode(item, f"{cls.__name__}.{key}") for key, item in rest.items()}
            setattr(made, "additional_properties", more)
        return made


def text(data: Any) -> str:
    """JSON data as the text of a parameter or form field."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, allow_nan=False)


def pairs(codec: Codec, name: str, value: Any, nested: bool = False) -> list[tuple[str, str]]:
    """A parameter or form field: a pair for each item of a list and, unless nested, for each field of an object."""
    data = None if value is UNSET else codec.encode(value, name)
    if _is_dict(data) and not nested:
        return [pair for key, item in data.items() for pair in pairs(ANY, key, item, nested=True)]
    return [(name, text(item)) for item in (data if _is_list(data) else [data]) if item is not None]


def segment(codec: Codec, name: str, value: Any) -> str:
    """A path parameter, quoted; one that would lead elsewhere (empty or dots) is a ValueError."""
    part = text(codec.encode(value, name))
    if part in ("", ".", ".."):
        raise ValueError(f"{name}: {part!r} cannot be part of a path")
    return quote(part, safe="")


def _part(item: Any) -> FileTypes:
    kind = "application/json" if isinstance(item, (dict, list)) else None
    return item.to_tuple() if isinstance(item, File) else (None, text(item).encode(), kind)


_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
SMALL, PIECE, LARGE = (
    1 << 16,
    1 << 17,
    1 << 20,
)  # bytes or, of a text, characters; what is LARGE is sent in pieces


def _characters(data: Any) -> int:
    return (
        len(data)
        if isinstance(data, str)
        else sum(map(_characters, data.values() if _is_dict(data) else data if _is_list(data) else ()))
    )


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A large body, made each time that it is sent, piece by piece: of JSON, the long strings are never held encoded."""

    def __init__(self, data: Any) -> None:
        self._mark, self._strings = os.urandom(16).hex(), list[str | bytes]()
        between = (
            [data]
            if isinstance(data, bytes)
            else _encode(self._take(data)).encode().split(self._mark.encode())
        )
        self._parts = [part for pair in zip(between, [*self._strings, b""]) for part in pair]
        self._length = sum(map(len, self))

    def _take(self, data: Any) -> Any:  # puts a mark for each string
        if isinstance(data, str) and len(data) >= 256:
            self._strings.append(data if len(data) > PIECE else _encode(data)[1:-1].encode())
            return self._mark
        if _is_list(data):
            return [self._take(item) for item in data]
        return {key: self._take(value) for key, value in data.items()} if _is_dict(data) else data

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        piece = bytearray()
        for part in self._parts:
            for start in range(0, len(part), PIECE):
                some = part[start : start + PIECE]
                if isinstance(some, str) and any(
                    letter in some for letter in ('"', "\\", *map(chr, range(32)))
                ):
                    some = _encode(some)[1:-1]
                piece += some.encode() if isinstance(some, str) else some
                if len(piece) >= PIECE:
                    yield bytes(piece)
                    piece.clear()
        yield bytes(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def body(kinds: tuple[tuple[str, str, Codec], ...], value: Any) -> dict[str, Any]:
    """A request body as httpx takes it: of the documented media types, the first whose type holds the value."""
    if value is UNSET:
        return {}
    media_type, way, codec = next((kind for kind in kinds if kind[2].holds(value)), kinds[0])
    try:
        data = codec.encode(value, "body")
        if way == "json":
            data = cast(Any, _encode(data).encode() if _characters(data) < LARGE else Pieces(data))
    except RecursionError:
        raise ValueError("body: it is nested too deeply, or holds itself") from None
    if way == "files":
        fields = [
            (name, item) for name in data for item in (data[name] if _is_list(data[name]) else [data[name]])
        ]
        return {"files": [(name, _part(item)) for name, item in fields if item is not None]}
    if way == "data":
        data = urlencode(pairs(ANY, "body", data)).encode()
    elif isinstance(data, File):
        data = data.payload.read()
    if isinstance(data, str):
        data = data.encode()
    return {
        "content": Pieces(data) if isinstance(data, bytes) and len(data) >= LARGE else data,
        "headers": {"Content-Type": media_type},
    }
