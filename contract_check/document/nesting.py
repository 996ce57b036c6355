"""Schemas that lead back to themselves and never to a value, and schemas too deep for the generator."""

from collections.abc import Iterator
from typing import Any

from .defects import Defect, remove
from .tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    is_object,
    keyword_of,
    list_or_empty,
    object_or_empty,
    parse_pointer,
    place_in,
    walk,
)

DEEPEST = 50
"""Lists and unions in one another, counted without what a `$ref` leads to: the generator walks them by recursion."""
_LONGEST = 400
"""Keys on the way to a value; what reads a document walks these by recursion."""

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_NESTED = frozenset(("items", "additionalProperties", "prefixItems", *_IN_PLACE))


def check_depth(document: dict[str, Any]) -> Iterator[Defect]:
    """A value that is too deep for all that reads documents, the first one."""
    open_: list[tuple[JsonPath, Any]] = [((), document)]
    while open_:
        path, value = open_.pop()
        if len(path) > _LONGEST:
            yield Defect(path, f"this is more than {_LONGEST} levels deep. Move a part of it to components.")
            return
        items = value.items() if is_object(value) else enumerate(value)
        open_ += [((*path, key), item) for key, item in items if is_object(item) or is_array(item)]


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Every circle and every schema below the deepest level."""
    yield from _circles(document)
    for path, _ in walk(document):
        if len(path) > DEEPEST and keyword_of(path) in _NESTED and sum(part in _NESTED for part in path) == DEEPEST + 1:
            problem = f"this is more than {DEEPEST} lists or unions deep."
            yield Defect(path, f"{problem} Move an inner one to components/schemas and refer to it.")


def _circles(document: dict[str, Any]) -> Iterator[Defect]:
    """A schema, or another `$ref`, that leads by `$ref`, `allOf`, `anyOf` or `oneOf` alone back to itself."""
    ended: set[JsonPath] = set()
    for start, part in walk(document):
        if "$ref" in part or any(key in part for key in _IN_PLACE):
            yield from _circles_from(document, start, ended)


def _circles_from(document: dict[str, Any], start: JsonPath, ended: set[JsonPath]) -> Iterator[Defect]:
    """Depth first, without recursion: `open_` holds the way from `start` to where the search stands."""
    if start in ended:
        return
    open_ = {start: _next_steps(document, start)}
    while open_:
        here, steps = next(reversed(open_.items()))
        step = next(steps, None)
        if step is None:
            ended.add(here)
            del open_[here]
            continue
        edge, target = step
        if target in open_:
            problem = "this leads back to itself and never to a value."
            is_part = edge[-1] == "$ref" and edge[-3:-2] in [(key,) for key in _IN_PLACE]
            circle = list(open_)[list(open_).index(target) :]
            unions = [union for each in circle for union in _unions_of_children(document, each)]
            yield Defect(edge, problem, remove(unions[0] if unions else edge[:-1] if is_part else edge, problem))
        elif target not in ended:
            open_[target] = _next_steps(document, target)


def _unions_of_children(document: dict[str, Any], path: JsonPath) -> list[JsonPath]:
    """The union of a schema with a discriminator, which chooses among its children without it, too."""
    schema = object_or_empty(at(document, path))
    return [(*path, key) for key in ("oneOf", "anyOf") if key in schema and "discriminator" in schema]


def _next_steps(document: dict[str, Any], path: JsonPath) -> Iterator[tuple[JsonPath, JsonPath]]:
    """The places that a value at `path` must fit, too, each behind the place that says so."""
    schema = object_or_empty(at(document, path))
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = place_in(document, parse_pointer(reference))
        yield (*path, "$ref"), target
    if keyword_of(path) in SCHEMA_KEYWORDS:
        for key in _IN_PLACE:
            for index in range(len(list_or_empty(schema.get(key)))):
                yield (*path, key, index), (*path, key, index)
