"""Schemas that lead back to themselves and never to a value, and schemas too deep for the generator."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from .defects import Defect, remove
from .tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    is_object,
    keyword_of,
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
    steps = {path: _next_steps(document, path, part) for path, part in walk(document)}
    while True:
        try:
            TopologicalSorter({path: targets.keys() for path, targets in steps.items()}).prepare()
        except CycleError as error:
            ways = [(start, end) for end, start in pairwise(error.args[1])]
        else:
            return
        start, end = max(ways, key=lambda way: list(steps).index(way[0]))  # what stands last leads back
        edge = steps[start].pop(end)
        problem = "this leads back to itself and never to a value."
        is_part = edge[-1] == "$ref" and edge[-3:-2] in [(key,) for key in _IN_PLACE]
        unions = [union for each, _ in ways for union in _unions_of_children(document, each)]
        yield Defect(edge, problem, remove(unions[0] if unions else edge[:-1] if is_part else edge, problem))


def _unions_of_children(document: dict[str, Any], path: JsonPath) -> list[JsonPath]:
    """The union of a schema with a discriminator, which chooses among its children without it, too."""
    schema = object_or_empty(at(document, path))
    return [(*path, key) for key in ("oneOf", "anyOf") if key in schema and "discriminator" in schema]


def _next_steps(document: dict[str, Any], path: JsonPath, part: dict[str, Any]) -> dict[JsonPath, JsonPath]:
    """The places that a value at `path` must fit, too, each with the place that says so."""
    reference = str(part.get("$ref", ""))
    steps = {place_in(document, parse_pointer(reference)): (*path, "$ref")} if reference.startswith("#/") else {}
    for key in _IN_PLACE if keyword_of(path) in SCHEMA_KEYWORDS else ():
        steps |= {(*path, key, index): (*path, key, index) for index in range(len(part.get(key, ())))}
    return steps
