"""Examples of a schema: those that the document gives, and, for want of them, made-up ones."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from . import values
from .tree import JsonPath, at, follow, is_object, list_or_empty, object_or_empty, resolve

_STRINGS = {
    "date-time": "2026-11-23T10:59:12+08:00",
    "date": "2026-11-23",
    "uuid": "6f1f5c1e-8d0e-4b57-9a5b-0d7a1c2e3f40",
    "uri": "https://example.com/图片.jpg",
    "email": "someone@example.com",
    "binary": "字节",
}
_DEEPEST = 6  # Below so many levels, only required fields are made up, and no items of a list.


class _Made(dict[tuple[JsonPath, int], Any]):
    """The examples of one run, by place and depth: of many ways to a place, one is gone."""


def documented_example(document: dict[str, Any], path: JsonPath, depth: int = 0, made: _Made | None = None) -> Any:
    """What the document's examples say of the schema at `path`, or None; nothing is made up."""
    path, made = follow(document, path), _Made() if made is None else made
    if (path, depth) not in made:
        made[path, depth] = _documented(document, path, depth, made)
    return deepcopy(made[path, depth])


def _documented(document: dict[str, Any], path: JsonPath, depth: int, made: _Made) -> Any:
    schema = object_or_empty(at(document, path))
    for value in _given(schema):
        return value
    names = object_or_empty(schema.get("properties")) if depth < 10 else ()
    fields = {name: documented_example(document, (*path, "properties", name), depth + 1, made) for name in names}
    return {name: value for name, value in fields.items() if value is not None} or None


def example(document: dict[str, Any], path: JsonPath, depth: int = 0, made: _Made | None = None) -> Any:
    """A value that fits the schema at `path`: the document's own where it is a true one, else a made-up one.

    A made-up object has every property that the schema names.
    """
    path, made = follow(document, path), _Made() if made is None else made
    if (path, depth) not in made:
        made[path, depth] = _example(document, path, depth, made)
    return deepcopy(made[path, depth])


def _example(document: dict[str, Any], path: JsonPath, depth: int, made: _Made) -> Any:
    schema = object_or_empty(at(document, path))
    for value in (*_given(schema), *list_or_empty(schema.get("enum"))):
        if next(values.errors(document, path, value), None) is None:
            return value
    for keyword in ("oneOf", "anyOf"):
        for index, branch in enumerate(list_or_empty(schema.get(keyword))):
            if resolve(document, branch).get("type") != "null":
                return example(document, (*path, keyword, index), depth, made)
    if "allOf" in schema:
        parts = [example(document, (*path, "allOf", index), depth, made) for index in range(len(schema["allOf"]))]
        objects = [part for part in parts if is_object(part)]
        merged = {name: value for part in objects for name, value in part.items()}
        return merged if len(objects) == len(parts) else parts[0]
    return _made_up(document, path, schema, depth, made)


def _given(schema: dict[str, Any]) -> Iterator[Any]:
    yield from list_or_empty(schema.get("examples"))
    yield from (schema[key] for key in ("example", "const", "default") if key in schema)


def _made_up(document: dict[str, Any], path: JsonPath, schema: dict[str, Any], depth: int, made: _Made) -> Any:
    given: str | list[str] = schema.get("type") or ("object" if "properties" in schema else "string")
    types = [given] if isinstance(given, str) else given
    match next((name for name in types if name != "null"), "null"):
        case "object":
            names = schema.get("properties", {}) if depth < _DEEPEST else schema.get("required", [])
            return {name: example(document, (*path, "properties", name), depth + 1, made) for name in names}
        case "array":
            has_items = depth < _DEEPEST or schema.get("minItems")
            return [example(document, (*path, "items"), depth + 1, made)] if has_items else []
        case "integer":
            return max(7, int(schema.get("minimum", 7)))
        case "number":
            return max(0.5, float(schema.get("minimum", 0.5)))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _STRINGS.get(schema.get("format", ""), "文本").ljust(schema.get("minLength", 0), "字")
