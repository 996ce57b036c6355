"""A relay's answers against the document: its objects closed, and every departure named by kind and place."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..document import values
from ..document.media_types import JSON
from ..document.tree import (
    JsonPath,
    at,
    follow,
    list_or_empty,
    object_or_empty,
    pointer,
)

_HTML = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


@dataclass(frozen=True)
class Answer:
    """What a relay answered; `failure` says why there is no status."""

    status: int
    media_type: str = ""
    body: bytes = b""
    failure: str = ""


@dataclass(frozen=True)
class Departure:
    """One thing in which an answer is not what the document says; it quotes names of the body, never values."""

    kind: str
    where: str
    what: str


def documented(document: dict[str, Any], operation: JsonPath, status: int) -> str | None:
    """The key under which the document says what stands behind `status`: itself, its range, or `default`."""
    keys = (str(status), f"{status // 100}XX", "default")
    return next((key for key in keys if at(document, (*operation, "responses", key)) is not None), None)


def judge(document: dict[str, Any], operation: JsonPath, answer: Answer) -> Iterator[Departure]:
    """In what `answer` departs from the closed `document`."""
    key = documented(document, operation, answer.status)
    bare = answer.media_type.partition(";")[0].strip().lower()
    is_html = bare == "text/html" or _HTML.match(answer.body)
    if key is None:
        yield Departure("status", "status", f"the status {answer.status} is not documented")
        return
    place = (*follow(document, (*operation, "responses", key)), "content")
    names = sorted(object_or_empty(at(document, place)), key=lambda name: name.count("*"))
    media_type = next((n for n in names if fnmatchcase(bare, n.partition(";")[0].strip().lower())), None)
    if operation[-1] == "head" or (not names and not answer.body):
        return
    if not names:
        yield Departure("body", "#", "a body, where none is documented")
    elif is_html and (media_type is None or JSON.fullmatch(bare)):
        yield Departure("html", "#", f"HTML instead of {', '.join(names)}")
    elif media_type is None:
        yield Departure("media-type", "#", f"{bare or 'no Content-Type'} instead of {', '.join(names)}")
    elif JSON.fullmatch(bare) and at(document, (*place, media_type, "schema")) is not None:
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            yield Departure("not-json", "#", "a body that is not JSON" if answer.body else "no body")
            return
        for error in values.validator(document, (*place, media_type, "schema")).iter_errors(value):
            yield from _departures(error)


def _departures(error: ValidationError) -> Iterator[Departure]:
    while error.context:  # of several branches, the one that fits best: it fails deepest
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    path, fields, instance = tuple(error.absolute_path), object_or_empty(error.instance), cast("Any", error.instance)
    wanted = json.dumps(error.validator_value, ensure_ascii=False)[:80]
    match error.validator:
        case "required":
            for name in (name for name in list_or_empty(error.validator_value) if name not in fields):
                yield Departure("missing", pointer((*path, name)), "a required field is missing")
        case "additionalProperties":
            for name in fields.keys() - object_or_empty(object_or_empty(error.schema).get("properties")).keys():
                yield Departure("additional", pointer((*path, name)), "a field that is not documented")
        case "type":
            found = next(name for name in _TYPES if Draft202012Validator({}).is_type(instance, name))
            yield Departure("type", pointer(path), f"{found} instead of {wanted}")
        case _:
            yield Departure("value", pointer(path), f"not what the documented `{error.validator}` asks for: {wanted}")
