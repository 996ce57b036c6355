"""In what a message departs from the document: each thing by its kind and place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from ..document import patterns
from ..document.tree import list_or_empty, object_or_empty, pointer

_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


@dataclass(frozen=True)
class Departure:
    """One thing in which a message is not what the document says; it quotes names of the body, never values."""

    kind: str
    where: str
    what: str


def of_json(schema: Validator, body: bytes) -> Iterator[Departure]:
    """In what `body` is not the JSON that `schema` asks for."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        yield Departure("not-json", "#", "a body that is not JSON" if body else "no body")
        return
    yield from of_value(schema, value)


def of_value(schema: Validator, value: Any) -> Iterator[Departure]:
    """In what `value` is not what `schema` asks for."""
    for error in schema.iter_errors(value):
        yield from _of_error(error)


def _of_error(error: ValidationError) -> Iterator[Departure]:
    while error.context:  # of several branches, the one that fits best: it fails deepest
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    path, fields, instance = tuple(error.absolute_path), object_or_empty(error.instance), cast("Any", error.instance)
    wanted = json.dumps(error.validator_value, ensure_ascii=False)[:80]
    match error.validator:
        case "required":
            for name in (name for name in list_or_empty(error.validator_value) if name not in fields):
                yield Departure("missing", pointer((*path, name)), "a required field is missing")
        case "additionalProperties":
            schema = object_or_empty(error.schema)
            known = object_or_empty(schema.get("properties")).keys()
            by_pattern = object_or_empty(schema.get("patternProperties"))
            for name in (n for n in fields if n not in known and not any(patterns.matches(p, n) for p in by_pattern)):
                yield Departure("additional", pointer((*path, name)), "a field that is not documented")
        case "type":
            found = next(name for name in _TYPES if Draft202012Validator({}).is_type(instance, name))
            yield Departure("type", pointer(path), f"{found} instead of {wanted}")
        case "fraction":
            yield Departure("fraction", pointer(path), error.message)
        case _:
            yield Departure("value", pointer(path), f"not what the documented `{error.validator}` asks for: {wanted}")
