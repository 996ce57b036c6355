"""Serialize values as text, for URLs, headers, cookies and form fields."""

import json
from typing import Any
from urllib.parse import quote

from ..errors import InvalidArgument
from ..types import UNSET
from .codecs import ANY, Codec, is_list, is_object


def text(data: Any, name: str) -> str:
    """JSON data as the text of the parameter or form field `name`."""
    written = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, allow_nan=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name}: UTF-8 cannot encode lone surrogates") from None
    return written


def pairs(codec: Codec, name: str, value: Any, *, is_nested: bool = False) -> list[tuple[str, str]]:
    """A parameter or form field: one pair for each item of a list and, unless nested, for each field of an object."""
    data = None if value is UNSET else codec.encode(value, name, True)
    if is_object(data) and not is_nested:
        return [pair for key, item in data.items() for pair in pairs(ANY, key, item, is_nested=True)]
    items = data if is_list(data) else [data]
    return [(name, text(item, name)) for item in items if item is not None]


def deep(codec: Codec, name: str, value: Any) -> list[tuple[str, str]]:
    """A query parameter with the style deepObject: `filter[from]=1`, at any depth of the object."""
    data = None if value is UNSET else codec.encode(value, name, True)
    return _deep(name, data)


def _deep(name: str, data: Any) -> list[tuple[str, str]]:
    if is_object(data):
        return [pair for key, item in data.items() for pair in _deep(f"{name}[{key}]", item)]
    return pairs(ANY, name, data)


def joined(codec: Codec, name: str, value: Any, delimiter: str) -> list[str]:
    """A parameter or form field that is not exploded: `ids=1,2`, quoted except for the delimiter."""
    data = None if value is UNSET else codec.encode(value, name, True)
    if is_object(data):
        items = [each for key, item in data.items() if item is not None for each in (key, item)]
    else:
        items = data if is_list(data) else [data]
    texts = [quote(text(item, name), safe="") for item in items if item is not None]
    return [f"{quote(name, safe='')}={delimiter.join(texts)}"] if texts else []


def segment(codec: Codec, name: str, value: Any) -> str:
    """A path parameter, quoted; an empty one or dots, which would change the path, raise InvalidArgument."""
    part = text(codec.encode(value, name, True), name)
    if part in ("", ".", ".."):
        raise InvalidArgument(f"{name}: {part!r} cannot be part of a path")
    return quote(part, safe="")
