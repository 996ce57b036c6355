"""Validate values against the schemas of a document: defaults, examples, requests and responses.

jsonschema_rs compiles the schemas: it supports regular expressions of ECMA-262, matches in bounded time, follows each
`$ref` once, and classifies errors.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from datetime import date, datetime
from functools import cache, partial
from types import NoneType
from typing import Any
from urllib.parse import quote
from uuid import UUID

from jsonschema_rs import Draft202012, Draft202012Validator, Registry, ValidationError, ValidationErrorKind

from .text import short
from .tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    is_object,
    keyword_of,
    object_or_empty,
    parse_pointer,
    part_places,
    place_in,
    pointer,
    walk,
)

_JOINED = ("allOf", "anyOf", "oneOf")
_URI = "urn:relay-client:document"
_READERS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "uuid": UUID,
}


def _is_read(name: str, text: str) -> bool:
    try:
        return _READERS[name](text) is not None
    except ValueError:
        return False


READ_FORMATS = {name: partial(_is_read, name) for name in _READERS}
"""The formats that generated code parses."""


class Schemas:
    """The schemas of a sound document, each compiled on first use."""

    def __init__(
        self,
        document: dict[str, Any],
        formats: Mapping[str, Callable[[str], bool] | None] = READ_FORMATS,
        keywords: dict[str, Any] | None = None,
    ) -> None:
        """Check `formats` by their functions, or as jsonschema_rs does, and custom `keywords` by their classes."""
        self.document = document
        self._formats = {name: judge for name, judge in formats.items() if judge}
        self._keywords = keywords
        self._registry = Registry([(_URI, _checkable(document, formats))], draft=Draft202012)
        self.validator = cache(self._validator)
        self.types = cache(self._types)

    def _validator(self, path: JsonPath) -> Draft202012Validator:
        """Compile the schema at `path`; a missing schema accepts any value."""
        is_given = at(self.document, path) is not None
        reference = {"$ref": _URI + quote(pointer(path), safe="#/~")} if is_given else {}
        options: dict[str, Any] = {"formats": self._formats, "validate_formats": True, "keywords": self._keywords}
        return Draft202012Validator(reference, registry=self._registry, **options)

    def errors(self, path: JsonPath, value: Any) -> Iterator[ValidationError]:
        """Validate `value` against the schema at `path`; ignore patterns that exceed the backtracking limit."""
        for error in self.validator(path).iter_errors(value):
            if not isinstance(error.kind, ValidationErrorKind.BacktrackLimitExceeded):
                yield error

    def problem(self, path: JsonPath, value: Any) -> str:
        """The first error as one line, or an empty string."""
        for error in self.errors(path, value):
            steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place_of(error, value))
            quoted = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
            return f"${''.join(steps)}: {error.message.replace(quoted, short(error.instance), 1)[:200]}"
        return ""

    def _types(self, path: JsonPath) -> set[str] | None:
        """The JSON types that the schema at `path` allows, or None if it doesn't restrict them."""
        schema = object_or_empty(at(self.document, path))
        listed = schema.get("type")
        said = [set(map(str, listed)) if is_array(listed) else {str(listed)}] if listed else []
        options = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
        said += [set(map(json_type, options))] if options else []
        for keyword in ("oneOf", "anyOf"):
            branches = [self.types((*path, keyword, index)) for index in range(len(schema.get(keyword, ())))]
            said += [set[str]().union(*filter(None, branches))] if branches and None not in branches else []
        parts = [(*path, "allOf", index) for index in range(len(schema.get("allOf", [])))]
        parts += [parse_pointer(schema["$ref"])] if "$ref" in schema else []
        said += filter(None, map(self.types, parts))
        said = [each | {"integer"} if "number" in each else each for each in said]
        nullable = {"null"} if schema.get("nullable") is True else set[str]()  # without a type, as in the generator
        return said[0].intersection(*said) | nullable if said else None


def place_of(error: ValidationError, value: Any) -> JsonPath:
    """Locate an error in `value`: jsonschema_rs omits empty names, and turns numeric ones into indices."""
    place: JsonPath = ()
    for part in (*error.instance_path, None):
        here = at(value, place)
        if is_object(here) and "" in here and (here != error.instance if part is None else str(part) not in here):
            place = (*place, "")
        place = (*place, part) if part is not None else place
    return place_in(value, place)


@cache
def is_checked(pattern: str) -> bool:
    """Whether jsonschema_rs supports a pattern; it lacks a few features of ECMA-262."""
    try:
        Draft202012Validator({"pattern": pattern})
    except ValidationError:
        return False
    return True


def _checkable(document: dict[str, Any], formats: Collection[Any]) -> dict[str, Any]:
    """A copy of `document` with only the given formats, and without unsupported patterns."""
    copy = deepcopy(document)
    for _, part in list(walk(copy)):
        if part.get("format") not in formats:
            part.pop("format", None)
        if isinstance(part.get("pattern"), str) and not is_checked(part["pattern"]):
            del part["pattern"]
        if is_object(part.get("patternProperties")):
            by_pattern = part["patternProperties"].items()
            part["patternProperties"] = {key: each for key, each in by_pattern if is_checked(key)}
    return copy


JSON_TYPES: dict[type, str] = {
    NoneType: "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}


def json_type(value: Any) -> str:
    """The JSON type of a value; 1.0 is an integer."""
    return "integer" if isinstance(value, float) and value.is_integer() else JSON_TYPES[type(value)]


def close_objects(document: dict[str, Any]) -> dict[str, Any]:
    """A copy in which objects with properties are closed, unless the document opens them.

    A schema is closed where it is used, not in components, where it may be a part of another one. A part that the
    document itself closes is opened: it would forbid the fields of the other parts, which no class can express.
    """
    copy = deepcopy(document)
    for path, schema in walk(document):
        if keyword_of(path) == "allOf":
            reference = schema.get("$ref")
            part = object_or_empty(at(copy, parse_pointer(reference) if isinstance(reference, str) else path))
            if part.get("additionalProperties") is False:
                del part["additionalProperties"]
    for path, _ in walk(document):
        if keyword_of(path) in SCHEMA_KEYWORDS - {"schemas", *_JOINED} and (fields := _fields(document, path)):
            place = at(copy, path)
            place["properties"] = {name: dict[str, Any]() for name in fields} | place.get("properties", {})
            place["additionalProperties"] = False
    return copy


def _fields(document: dict[str, Any], path: JsonPath) -> set[str]:
    """The fields of the schema at `path` and its parts, or none if it is open."""
    found = set[str]()
    for place in part_places(document, path, _JOINED):
        schema = object_or_empty(at(document, place))
        is_empty = place != path and not {"properties", "required", "$ref", *_JOINED} & schema.keys()
        is_open = schema.get("additionalProperties", False) is not False or "patternProperties" in schema
        if is_open or (is_empty and schema.get("type") == "object"):
            return set()
        named = schema.get("properties", {})
        found |= {*named, *schema.get("required", ())} if named else set()
    return found
