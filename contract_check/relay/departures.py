"""In what a message departs from the document: each thing by its kind and place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from ..document.tree import JsonPath, pointer
from ..document.values import Schemas, json_type, place_of


@dataclass(frozen=True)
class Departure:
    """One thing in which a message is not what the document says; it quotes names of the body, never values."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def of_json(schemas: Schemas, schema: JsonPath, body: bytes) -> Iterator[Departure]:
    """In what `body` is not the JSON that the schema at a place asks for."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        yield Departure("not-json", "#", "a body that is not JSON" if body else "no body")
        return
    yield from of_value(schemas, schema, value)


def of_value(schemas: Schemas, schema: JsonPath, value: Any) -> Iterator[Departure]:
    """In what `value` is not what the schema at a place asks for."""
    for error in schemas.errors(schema, value):
        yield from _of_error(error, value)


def _of_error(error: ValidationError, value: Any) -> Iterator[Departure]:
    while branches := [inner for branch in getattr(error.kind, "context", ()) for inner in branch]:
        error = max(branches, key=lambda inner: len(inner.instance_path))  # the branch that fits best fails deepest
    place = place_of(error, value)
    match error.kind:
        case Kind.Required(name):
            yield Departure("missing", pointer((*place, name)), "a required field is missing")
        case Kind.AdditionalProperties(names):
            for name in names:
                yield Departure("additional", pointer((*place, name)), "a field that is not documented")
        case Kind.Type(types):
            wanted = json.dumps(types if len(types) > 1 else types[0])
            yield Departure("type", pointer(place), f"{json_type(error.instance)} instead of {wanted}")
        case Kind.Custom(keyword, message):
            yield Departure(keyword, pointer(place), message)
        case kind:
            wanted = json.dumps(kind.value, ensure_ascii=False)[:80]
            yield Departure("value", pointer(place), f"not what the documented `{kind.name}` asks for: {wanted}")
