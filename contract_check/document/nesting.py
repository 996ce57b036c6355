"""Schemas that lead back to themselves and never to a value, and schemas too deep for the generator."""

from collections.abc import Iterator
from typing import Any

from .defects import Defect, remove
from .tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    keyword_of,
    is_array,
    list_or_empty,
    object_or_empty,
    parse_pointer,
    walk,
)

DEEPEST = 50
"""Schemas within schemas, counted without what a `$ref` leads to: the generator walks them by recursion."""

_IN_PLACE = ("allOf", "anyOf", "oneOf")


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Every circle and every schema below the deepest level."""
    yield from _circles(document)
    for path, _ in walk(document):
        if len(path) > DEEPEST and _level(path) == DEEPEST + 1:
            problem = f"this is more than {DEEPEST} schemas deep."
            yield Defect(path, f"{problem} Move an inner one to components/schemas and refer to it.")


def _level(path: JsonPath) -> int:
    """How many schemas the one at `path` is in, itself included; 0 where no schema stands there."""
    levels = [keyword_of(path[:end]) in SCHEMA_KEYWORDS for end in range(1, len(path) + 1)]
    return sum(levels) if levels[-1] else 0


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
            yield Defect(edge, problem, remove(edge, problem))
        elif target not in ended:
            open_[target] = _next_steps(document, target)


def _next_steps(document: dict[str, Any], path: JsonPath) -> Iterator[tuple[JsonPath, JsonPath]]:
    """The places that a value at `path` must fit, too, each behind the place that says so."""
    schema = object_or_empty(at(document, path))
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = _numbered(document, parse_pointer(reference))
        yield (*path, "$ref"), target
    if keyword_of(path) in SCHEMA_KEYWORDS:
        for key in _IN_PLACE:
            for index in range(len(list_or_empty(schema.get(key)))):
                yield (*path, key, index), (*path, key, index)


def _numbered(document: Any, path: JsonPath) -> JsonPath:
    """`path` with the indices of arrays as numbers, as `walk` has them."""
    numbered: list[str | int] = []
    for part in path:
        is_index = is_array(document) and str(part).isdecimal()
        numbered.append(int(part) if is_index else part)
        document = at(document, (numbered[-1],))
    return tuple(numbered)
