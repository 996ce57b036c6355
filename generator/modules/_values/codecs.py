"""How each documented type travels: Python to JSON, and JSON to Python."""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeGuard

from attrs import define

from ..types import File


def is_list(data: object) -> TypeGuard[list[Any]]:
    """Whether `data` is sent as a JSON array."""
    return isinstance(data, (list, tuple))


def is_object(data: object) -> TypeGuard[dict[str, Any]]:
    """Whether `data` is sent as a JSON object."""
    return isinstance(data, (dict, Mapping))


@define(frozen=True, eq=False, repr=False)
class Codec:
    """How one documented type travels; without arguments, any value as it is.

    encode (Python to JSON) and decode (JSON to Python) check structure; their TypeError or ValueError names the field,
    which is their second argument. A scalar of another kind than the documented one is kept as it came: servers change
    sooner than documents. In a union, `accepts` decides what is sent, and `matches` (more is better) what has come.
    """

    encode: Callable[[Any, str], Any] = lambda value, where: value
    decode: Callable[[Any, str], Any] = lambda data, where: data
    accepts: Callable[[Any], bool] = lambda value: True
    matches: Callable[[Any], int] = lambda data: 1
    nullable: bool = True


def scalar(*kinds: type) -> Codec:
    """A string, number, boolean or null. Of numbers, 10.0 travels as 10; NaN and infinity are refused."""

    def encode(value: Any, where: str) -> Any:
        if not isinstance(value, float) or float not in kinds:
            return value
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value} cannot travel as JSON")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def accepts(value: Any) -> bool:
        return isinstance(value, kinds) and isinstance(value, bool) == (bool in kinds)

    return Codec(encode, accepts=accepts, matches=accepts, nullable=type(None) in kinds)


def parsed(kind: type, parse: Callable[[Any], Any]) -> Codec:
    """A date, time or UUID, which travels as a string; one that cannot be read is kept as it came."""

    def encode(value: Any, where: str) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    def decode(data: Any, where: str) -> Any:
        try:
            return parse(data)
        except (AttributeError, TypeError, ValueError):
            return data

    def accepts(value: Any) -> bool:
        return isinstance(value, kind)

    def matches(data: Any) -> bool:
        return decode(data, "") is not data

    return Codec(encode, decode, accepts, matches, nullable=False)


def choice(*given: Any, enum: tuple[str, str] | None = None) -> Codec:
    """An enum, by its module and name, or a constant; a value that the document doesn't know is kept."""

    def values() -> list[Any]:
        return list(_model_module_member(*enum) if enum else given)

    def encode(value: Any, where: str) -> Any:
        return value.value if isinstance(value, Enum) else value

    def decode(data: Any, where: str) -> Any:
        return next((value for value in values() if value == data), data)

    def accepts(value: Any) -> bool:
        return isinstance(value, (str, int)) or value in values()

    def matches(data: Any) -> bool:
        return data in values()

    return Codec(encode, decode, accepts, matches, nullable=None in given)


def model(module: str, name: str) -> Codec:
    """A model, by its module and name: it loads at first use, so that a module loads only what it uses."""

    def accepts(value: Any) -> bool:
        return isinstance(value, _model_module_member(module, name))

    def encode(value: Any, where: str) -> Any:
        if accepts(value):
            return value.to_dict()
        raise TypeError(f"{where}: expected {name} (see its from_dict), got {type(value).__name__}")

    def decode(data: Any, where: str) -> Any:
        return _model_module_member(module, name).from_dict(data)

    def matches(data: Any) -> int:
        fields: tuple[Field, ...] = _model_module_member(module, name).__json_fields__
        if not is_object(data) or any(key not in data for _, key, required, _ in fields if required):
            return 0
        known = [codec.matches(data[key]) for _, key, _, codec in fields if key in data]
        return 1 + len(known) if all(known) else 0

    return Codec(encode, decode, accepts, matches, nullable=False)


def array(inner: Codec) -> Codec:
    """A list of values of one type."""

    def each(convert: Callable[[Any, str], Any], items: Any, where: str) -> list[Any]:
        if not is_list(items):
            raise TypeError(f"{where}: expected a list, got {type(items).__name__}")
        return [convert(item, f"{where}[{index}]") for index, item in enumerate(items)]

    def encode(value: Any, where: str) -> list[Any]:
        return each(inner.encode, value, where)

    def decode(data: Any, where: str) -> list[Any]:
        return each(inner.decode, data, where)

    def accepts(value: Any) -> bool:
        return is_list(value) and all(map(inner.accepts, value))

    def matches(data: Any) -> bool:
        return is_list(data) and all(map(inner.matches, data))

    return Codec(encode, decode, accepts, matches, nullable=False)


def one_of(*variants: Codec) -> Codec:
    """A union: the type that fits; of several objects the one that names the most of the keys, else the first."""

    def encode(value: Any, where: str) -> Any:
        for variant in sorted(variants, key=lambda variant: variant is ANY):
            if variant.accepts(value):
                return variant.encode(value, where)
        raise TypeError(f"{where}: {type(value).__name__} is none of the types that the document allows")

    def decode(data: Any, where: str) -> Any:
        best = max(variants, key=lambda variant: variant.matches(data))
        problem: Exception | None = None
        for variant in (best,) if best.matches(data) else variants:
            try:
                return variant.decode(data, where)
            except (TypeError, ValueError) as error:
                problem = problem or error
        raise problem or TypeError(where)

    def accepts(value: Any) -> bool:
        return any(variant.accepts(value) for variant in variants)

    def matches(data: Any) -> int:
        return max(variant.matches(data) for variant in variants)

    return Codec(encode, decode, accepts, matches, any(variant.nullable for variant in variants))


@cache
def _model_module_member(module: str, name: str) -> Any:
    return getattr(import_module(f"...models.{module}", __name__), name)


ANY: Final = Codec()
TEXT: Final = scalar(str)
NUMBER: Final = scalar(int, float)
BOOLEAN: Final = scalar(bool)
NULL: Final = scalar(type(None))
FILE: Final = scalar(File)

Field = tuple[str, str, bool, Codec]
"""A field of a model: its attribute, its name in JSON, whether it is required, and its codec."""
