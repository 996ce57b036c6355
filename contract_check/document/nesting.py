"""Report schemas that refer to themselves without end, and schemas too deep for the generator."""

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
"""Nested lists and unions, not counting the targets of `$ref`s: the generator processes them by recursion."""
_LONGEST = 400
"""Keys on the path to a value: documents are processed by recursion."""

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_NESTED = frozenset(("items", "additionalProperties", "prefixItems", *_IN_PLACE))


def check_depth(document: dict[str, Any]) -> Iterator[Defect]:
    """Report the first value that is nested too deeply."""
    open_: list[tuple[JsonPath, Any]] = [((), document)]
    while open_:
        path, value = open_.pop()
        if len(path) > _LONGEST:
            yield Defect(path, f"this is more than {_LONGEST} levels deep. Move a part of it to components.")
            return
        items = value.items() if is_object(value) else enumerate(value)
        open_ += [((*path, key), item) for key, item in items if is_object(item) or is_array(item)]


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Report every cycle and every schema below the deepest level."""
    yield from _cycles(document)
    for path, _ in walk(document):
        if len(path) > DEEPEST and keyword_of(path) in _NESTED and sum(part in _NESTED for part in path) == DEEPEST + 1:
            problem = f"this is more than {DEEPEST} lists or unions deep."
            yield Defect(path, f"{problem} Move an inner one to components/schemas and refer to it.")


def _cycles(document: dict[str, Any]) -> Iterator[Defect]:
    """Report a schema, or another `$ref`, that reaches itself by `$ref`, `allOf`, `anyOf` and `oneOf` alone."""
    steps = {path: _next_steps(document, path, part) for path, part in walk(document)}
    while True:
        try:
            TopologicalSorter({path: targets.keys() for path, targets in steps.items()}).prepare()
        except CycleError as error:
            edges = [(start, end) for end, start in pairwise(error.args[1])]
        else:
            return
        start, end = max(edges, key=lambda each: list(steps).index(each[0]))  # the last one in the document
        edge = steps[start].pop(end)
        problem = "this refers to itself and never reaches a value."
        is_part = edge[-1] == "$ref" and edge[-3:-2] in [(key,) for key in _IN_PLACE]
        unions = [union for each, _ in edges for union in _unions_of_children(document, each)]
        yield Defect(edge, problem, remove(unions[0] if unions else edge[:-1] if is_part else edge, problem))


def _unions_of_children(document: dict[str, Any], path: JsonPath) -> list[JsonPath]:
    """The unions of a schema with a discriminator, which selects among the schema's children even without a union."""
    schema = object_or_empty(at(document, path))
    return [(*path, key) for key in ("oneOf", "anyOf") if key in schema and "discriminator" in schema]


def _next_steps(document: dict[str, Any], path: JsonPath, part: dict[str, Any]) -> dict[JsonPath, JsonPath]:
    """The other schemas that a value at `path` must fit, each with the place that refers to it."""
    reference = str(part.get("$ref", ""))
    steps = {place_in(document, parse_pointer(reference)): (*path, "$ref")} if reference.startswith("#/") else {}
    for key in _IN_PLACE if keyword_of(path) in SCHEMA_KEYWORDS else ():
        steps |= {(*path, key, index): (*path, key, index) for index in range(len(part.get(key, ())))}
    return steps
