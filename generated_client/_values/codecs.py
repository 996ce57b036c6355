"""A codec for each documented type: encode Python values to JSON, decode JSON to Python values."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from importlib import import_module
from typing import Any, Final, TypeGuard, cast

from attrs import define, evolve

from ..errors import InvalidArgument
from ..types import File
from .representation import short_repr

_NONE: Final = type(None)
_EXACT: Final = 2**53
"""Below this, a float represents every integer exactly."""
_CHOSEN: Final = 1000.0
"""The score of a model that a discriminator chooses; others score the number of matching keys."""
_EXPECTED_LIMIT: Final = 200
"""Characters of the expected values in an error."""


def is_list(data: object) -> TypeGuard[list[Any]]:
    """Whether `data` is sent as a JSON array."""
    return isinstance(data, (list, tuple))


def is_object(data: object) -> TypeGuard[dict[str, Any]]:
    """Whether `data` is sent as a JSON object."""
    return isinstance(data, (dict, Mapping))


@define(frozen=True, eq=False, repr=False)
class Codec:
    """Encode and decode one documented type; the defaults are those of any JSON value.

    encode and decode raise InvalidArgument, which names the field, their second argument. encode's third argument is
    True for a request, whose values must have the documented type. A response may have another scalar, because servers
    change before documents do; it is kept, and round-trips. In a union, `accepts` selects the variant that encodes a
    value, and `score` (more is better) the one that decodes it.
    """

    encode: Callable[[Any, str, bool], Any] = lambda value, where, strict: json_value(value, where)
    decode: Callable[[Any, str], Any] = lambda data, where: data
    accepts: Callable[[Any], bool] = lambda value: True
    score: Callable[[Any], float] = lambda data: 1
    nullable: bool = True


def json_value(value: Any, where: str) -> Any:
    """Check that a value is JSON serializable, and return it as JSON data."""
    if is_object(value):
        for key in cast("dict[Any, Any]", value):
            if not isinstance(key, str):
                raise InvalidArgument(f"{where}: a key must be a str, not {_kind(key)}")
        return {key: json_value(item, f"{where}.{key}") for key, item in value.items()}
    if is_list(value):
        return [json_value(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Enum):
        return json_value(value.value, where)
    if not _is_scalar(value):
        raise InvalidArgument(f"{where}: {_kind(value)} is not JSON serializable")
    return _finite(value, where) if isinstance(value, float) else value


def scalar(*kinds: type) -> Codec:
    """A string, number, boolean, null or file; int also accepts 10.0."""
    expected = " or ".join("None" if kind is _NONE else kind.__name__ for kind in kinds)

    def encode(value: Any, where: str, strict: bool) -> Any:
        if not accepts(value) and (strict or not _is_scalar(value)):
            raise _unexpected(where, expected, value)
        return _number(value, where) if isinstance(value, float) else value

    def decode(data: Any, where: str) -> Any:
        return _scalar(data, where, expected)

    def accepts(value: Any) -> bool:
        if isinstance(value, bool):
            return bool in kinds
        return isinstance(value, kinds) or (int in kinds and isinstance(value, float) and value.is_integer())

    return Codec(encode, decode, accepts, accepts, nullable=_NONE in kinds)


def matching(codec: Codec, pattern: str, expected: str) -> Codec:
    """A string that is sent only if its beginning matches `pattern`: the document sets x-enforced-pattern."""
    compiled = re.compile(pattern)

    def encode(value: Any, where: str, strict: bool) -> Any:
        if strict and isinstance(value, str) and not compiled.match(value):
            raise InvalidArgument(f"{where}: {short_repr(value)} is not {expected}")
        return codec.encode(value, where, strict)

    return evolve(codec, encode=encode)


def parsed(kind: type, parse: Callable[[Any], Any]) -> Codec:
    """A date, time or UUID, as a string; one that cannot be parsed is kept unchanged."""

    def encode(value: Any, where: str, strict: bool) -> Any:
        if accepts(value):
            if strict and isinstance(value, datetime) and value.tzinfo is None:
                raise InvalidArgument(f"{where}: a date-time needs a time zone (RFC 3339), such as timezone.utc")
            return value.isoformat() if hasattr(value, "isoformat") else str(value)
        if isinstance(value, str) or (_is_scalar(value) and not strict):
            return value
        raise _unexpected(where, kind.__name__, value)

    def decode(data: Any, where: str) -> Any:
        try:
            return parse(data)
        except (AttributeError, IndexError, TypeError, ValueError):
            return _scalar(data, where, kind.__name__)

    def accepts(value: Any) -> bool:
        return isinstance(value, kind) and isinstance(value, datetime) == (kind is datetime)

    def score(data: Any) -> bool:
        try:
            return parse(data) is not data
        except (AttributeError, IndexError, TypeError, ValueError):
            return False

    return Codec(encode, decode, accepts, score, nullable=False)


def _read_date(text: str) -> date:
    """Parse a date of RFC 3339; fromisoformat accepts 20260102, too, which would not round-trip."""
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(text)
    return found


def _read_date_time(text: str) -> datetime:
    """Parse a date-time of RFC 3339; fromisoformat accepts a date alone, too."""
    found = datetime.fromisoformat(text)
    if text[10] not in "Tt ":
        raise ValueError(text)
    return found


def choice(*given: Any, enum: tuple[str, str] | None = None) -> Codec:
    """An enum, by its module and name, or constants; an undocumented value of the same type is kept."""

    def values() -> list[Any]:
        return list(_model_module_member(*enum) if enum else given)

    def encode(value: Any, where: str, strict: bool) -> Any:
        if not accepts(value) and (strict or not _is_scalar(value)):
            raise _unexpected(where, f"one of {values()}"[:_EXPECTED_LIMIT], value)
        return value.value if isinstance(value, Enum) else value

    def decode(data: Any, where: str) -> Any:
        return next((value for value in values() if _equals(value, data)), _scalar(data, where, "str or int"))

    def accepts(value: Any) -> bool:
        known = values()
        kinds = [kind for kind in (str, int) if any(isinstance(each, kind) for each in known)]
        is_known = any(_equals(each, value) for each in known)
        return is_known or (isinstance(value, tuple(kinds)) and not isinstance(value, bool))

    def score(data: Any) -> bool:
        return any(_equals(value, data) for value in values())

    return Codec(encode, decode, accepts, score, nullable=None in given)


def free_object() -> Codec:
    """An object without documented fields: a dict."""

    def encode(value: Any, where: str, strict: bool) -> Any:
        if not is_object(value):
            raise _unexpected(where, "dict", value)
        return json_value(value, where)

    def decode(data: Any, where: str) -> dict[str, Any]:
        if not is_object(data):
            raise _unexpected(where, "an object", data)
        return data

    return Codec(encode, decode, is_object, is_object, nullable=False)


def model(module: str, name: str) -> Codec:
    """A model, by its module and name; it is imported on first use."""
    of = partial(_codec_of, module, name)

    def encode(value: Any, where: str, strict: bool) -> Any:
        return of().encode(value, where, strict)

    def decode(data: Any, where: str) -> Any:
        return of().decode(data, where)

    def accepts(value: Any) -> bool:
        return of().accepts(value)

    def score(data: Any) -> float:
        return of().score(data)

    return Codec(encode, decode, accepts, score, nullable=False)


@cache
def _codec_of(module: str, name: str) -> Codec:
    found = _model_module_member(module, name)
    return _model_codec(found) if isinstance(found, type) else OBJECT  # an object without documented fields is a dict


def _model_codec(made: Any) -> Codec:
    def encode(value: Any, where: str, strict: bool) -> Any:
        if accepts(value):
            return value.__json_encode__(strict)
        raise _unexpected(where, f"{made.__name__} (see its from_dict)", value)

    def decode(data: Any, where: str) -> Any:
        if not is_object(data):
            raise _unexpected(where, "an object", data)
        return made.from_dict(data)

    def accepts(value: Any) -> bool:
        return isinstance(value, made)

    def score(data: Any) -> float:
        fields: tuple[Field, ...] = made.__json_fields__
        if not is_object(data):
            return 0
        tags: dict[str, tuple[str, ...]] = made.__json_tags__
        if any(str(data.get(key)) in tags[key] for key in tags):
            return _CHOSEN
        if any(key not in data for _, key, required, _ in fields if required):
            return 0
        known = [codec.score(data[key]) for _, key, _, codec in fields if key in data]
        found = 1 + len(known) if all(known) else 0
        return found / _CHOSEN if tags.keys() & data.keys() else found  # another one's, or of an unknown kind

    return Codec(encode, decode, accepts, score, nullable=False)


def array(inner: Codec) -> Codec:
    """A list of values of one type."""

    def encode(value: Any, where: str, strict: bool) -> list[Any]:
        if not is_list(value):
            raise _unexpected(where, "list", value)
        return [inner.encode(item, f"{where}[{index}]", strict) for index, item in enumerate(value)]

    def decode(data: Any, where: str) -> list[Any]:
        if not is_list(data):
            raise _unexpected(where, "an array", data)
        return [inner.decode(item, f"{where}[{index}]") for index, item in enumerate(data)]

    def accepts(value: Any) -> bool:
        return is_list(value) and all(map(inner.accepts, value))

    def score(data: Any) -> bool:
        return is_list(data) and all(map(inner.score, data))

    return Codec(encode, decode, accepts, score, nullable=False)


def one_of(*variants: Codec) -> Codec:
    """A union: the variant that fits.

    Of several objects, it is the one that a discriminator selects, else the one with the most matching keys, else the
    first.
    """

    def encode(value: Any, where: str, strict: bool) -> Any:
        for variant in sorted(variants, key=lambda variant: variant is ANY):
            if variant.accepts(value):
                return variant.encode(value, where, strict)
        if strict or not _is_scalar(value):
            raise InvalidArgument(f"{where}: {_kind(value)} is none of the documented types")
        return value

    def decode(data: Any, where: str) -> Any:
        best = max(variants, key=lambda variant: variant.score(data))
        problem: Exception | None = None
        for variant in (best,) if best.score(data) else variants:
            try:
                return variant.decode(data, where)
            except (TypeError, ValueError) as error:
                problem = problem or error
        raise problem or TypeError(where)

    def accepts(value: Any) -> bool:
        return any(variant.accepts(value) for variant in variants)

    def score(data: Any) -> float:
        return max(variant.score(data) for variant in variants)

    return Codec(encode, decode, accepts, score, any(variant.nullable for variant in variants))


def _equals(one: Any, other: Any) -> bool:
    """Equality in JSON, where true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _scalar(data: Any, where: str, expected: str) -> Any:
    """Keep any scalar; refuse an object or an array."""
    if is_object(data) or is_list(data):
        raise _unexpected(where, expected, data)
    return data


def _number(value: float, where: str) -> float:
    """Write 10.0 as 10, which is the same number in JSON: a relay may accept only an integer."""
    return int(value) if _finite(value, where).is_integer() and abs(value) < _EXACT else value


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InvalidArgument(f"{where}: {value} is not JSON serializable")
    return value


def _unexpected(where: str, expected: str, value: Any) -> InvalidArgument:
    hint = "; encode bytes as text by base64.b64encode(...).decode()" if isinstance(value, bytes) else ""
    return InvalidArgument(f"{where}: expected {expected}, got {_kind(value)}{hint}")


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__


@cache
def _model_module_member(module: str, name: str) -> Any:
    return getattr(import_module(f"...models.{module}", __name__), name)


ANY: Final = Codec()
TEXT: Final = scalar(str)
INTEGER: Final = scalar(int)
NUMBER: Final = scalar(int, float)
BOOLEAN: Final = scalar(bool)
NULL: Final = scalar(_NONE)
FILE: Final = scalar(File)
OBJECT: Final = free_object()
DATE: Final = parsed(date, _read_date)
DATE_TIME: Final = parsed(datetime, _read_date_time)

Field = tuple[str, str, bool, Codec]
"""A field of a model: its attribute, its name in JSON, whether it is required, and its codec."""
