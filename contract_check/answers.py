"""A relay's answers against the document: its objects closed, and every departure named by kind and place."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jsonschema.exceptions import ValidationError, best_match

from . import values
from .tree import SCHEMA_ROLES, Path, at, mapping, parse_pointer, pointer, role, sequence, walk

_JSON = re.compile(r"(application|text)/(.+\+)?json")
_HTML = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
_PARTS = ("allOf", "anyOf", "oneOf")
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


@dataclass(frozen=True)
class Answer:
    """What a relay answered; `media_type` is bare and in lower case."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Departure:
    """One thing in which an answer is not what the document says; nothing of it quotes a value of the body."""

    kind: str
    where: str
    what: str


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """A copy in which an object that names its fields takes no other, unless the document says that it does.

    A schema is closed where it is used, not where it is named: there it may be a part of another one.
    """
    copy = deepcopy(document)
    for path, schema in walk(document):
        if role(path) in SCHEMA_ROLES - {"schemas", *_PARTS}:
            fields = _fields(document, schema)
            if fields:
                free = {name: dict[str, Any]() for name in fields}
                place = mapping(at(copy, path))
                place.update(properties=free | mapping(place.get("properties")), additionalProperties=False)
    return copy


def _fields(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> set[str] | None:
    """The fields that `schema` and its parts name, or None where it takes others, too."""
    reference = schema.get("$ref")
    parts = [mapping(part) for key in _PARTS for part in sequence(schema.get(key))]
    parts += [mapping(at(document, parse_pointer(reference)))] if isinstance(reference, str) else []
    inner = [_fields(document, part, depth + 1) for part in parts if depth < 20]
    own = set(mapping(schema.get("properties")))
    is_map = schema.get("type") == "object" and not own and not parts and depth > 0 and "required" not in schema
    if schema.get("additionalProperties", False) is not False or "patternProperties" in schema or is_map:
        return None
    return None if None in inner else own.union(*filter(None, inner))


def documented(document: dict[str, Any], operation: Path, status: int) -> Path | None:
    """Where the document says what stands behind `status`: under itself, its range, or `default`."""
    for key in (str(status), f"{status // 100}XX", "default"):
        path = (*operation, "responses", key)
        if at(document, path) is not None:
            return path
    return None


def judge(document: dict[str, Any], operation: Path, answer: Answer) -> Iterator[Departure]:
    """In what `answer` departs from the closed `document`."""
    place = documented(document, operation, answer.status)
    is_html = answer.media_type == "text/html" or _HTML.match(answer.body)
    if place is None:
        shape = " with HTML" if is_html else ""
        yield Departure("status", "status", f"the status {answer.status}{shape} is not documented")
        return
    while "$ref" in mapping(at(document, place)):
        place = parse_pointer(mapping(at(document, place))["$ref"])
    content = mapping(mapping(at(document, place)).get("content"))
    names = sorted(content, key=lambda name: name.count("*"))
    media_type = next((name for name in names if fnmatchcase(answer.media_type, _bare(name))), None)
    if operation[-1] == "head" or (not content and not answer.body):
        return
    if not content:
        yield Departure("body", "#", "a body, where none is documented")
    elif is_html and (media_type is None or _JSON.fullmatch(answer.media_type)):
        yield Departure("html", "#", f"HTML instead of {', '.join(names)}")
    elif media_type is None:
        yield Departure("media-type", "#", f"{answer.media_type or 'no Content-Type'} instead of {', '.join(names)}")
    elif _JSON.fullmatch(answer.media_type) and "schema" in content[media_type]:
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            yield Departure("not-json", "#", "a body that is not JSON" if answer.body else "no body")
            return
        for error in values.validator(document, (*place, "content", media_type, "schema")).iter_errors(value):
            yield from _departures(best_match([error]) or error)


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _departures(error: ValidationError) -> Iterator[Departure]:
    path, instance, wanted = tuple(error.absolute_path), error.instance, json.dumps(error.validator_value)[:80]
    match error.validator:
        case "required":
            for name in sequence(error.validator_value):
                if name not in mapping(instance):
                    yield Departure("missing", pointer((*path, name)), "a documented field is missing")
        case "additionalProperties":
            for name in mapping(instance).keys() - mapping(error.schema).get("properties", {}).keys():
                yield Departure("additional", pointer((*path, name)), "a field that is not documented")
        case "type":
            found = next(name for name in _TYPES if values.is_type(instance, name))
            yield Departure("type", pointer(path), f"{found} instead of {wanted}")
        case _:
            yield Departure("value", pointer(path), f"not what the documented `{error.validator}` asks for: {wanted}")
