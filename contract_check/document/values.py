"""Values against the schemas of a document: defaults, examples, requests and responses.

jsonschema_rs compiles the schemas: it knows the regular expressions of ECMA-262, matches in bounded time, follows each
`$ref` once, and says of what kind an error is.
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
"""The formats that generated code reads."""


class Schemas:
    """The schemas of a sound document, each compiled when it is first asked for."""

    def __init__(
        self,
        document: dict[str, Any],
        formats: Mapping[str, Callable[[str], bool] | None] = READ_FORMATS,
        keywords: dict[str, Any] | None = None,
    ) -> None:
        """Check `formats`, each by its function or as jsonschema_rs does, and `keywords`, each by its class."""
        self.document = document
        self._formats = {name: judge for name, judge in formats.items() if judge}
        self._keywords = keywords
        self._registry = Registry([(_URI, _checkable(document, formats))], draft=Draft202012)
        self.validator = cache(self._validator)
        self.types = cache(self._types)

    def _validator(self, path: JsonPath) -> Draft202012Validator:
        """Compile the schema at `path`; where there is none, anything fits."""
        is_given = at(self.document, path) is not None
        reference = {"$ref": _URI + quote(pointer(path), safe="#/~")} if is_given else {}
        options: dict[str, Any] = {"formats": self._formats, "validate_formats": True, "keywords": self._keywords}
        return Draft202012Validator(reference, registry=self._registry, **options)

    def errors(self, path: JsonPath, value: Any) -> Iterator[ValidationError]:
        """What the schema at `path` has against `value`; nothing where that takes too long to say."""
        for error in self.validator(path).iter_errors(value):
            if not isinstance(error.kind, ValidationErrorKind.BacktrackLimitExceeded):
                yield error

    def problem(self, path: JsonPath, value: Any) -> str:
        """The first error as a line for a person; empty where `value` fits."""
        for error in self.errors(path, value):
            steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place_of(error, value))
            quoted = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
            return f"${''.join(steps)}: {error.message.replace(quoted, short(error.instance), 1)[:200]}"
        return ""

    def _types(self, path: JsonPath) -> set[str] | None:
        """The JSON types that the schema at `path` allows; None where it says nothing of them."""
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
        nullable = {"null"} if schema.get("nullable") is True else set[str]()  # without a type: the generator's reading
        return said[0].intersection(*said) | nullable if said else None


def place_of(error: ValidationError, value: Any) -> JsonPath:
    """Where in `value` an error is: jsonschema_rs leaves out empty names, and has numeric ones as indices."""
    place: JsonPath = ()
    for part in (*error.instance_path, None):
        here = at(value, place)
        if is_object(here) and "" in here and (here != error.instance if part is None else str(part) not in here):
            place = (*place, "")
        place = (*place, part) if part is not None else place
    return place_in(value, place)


@cache
def is_checked(pattern: str) -> bool:
    """Whether texts are held against a pattern: a few of ECMA-262 are beyond jsonschema_rs."""
    try:
        Draft202012Validator({"pattern": pattern})
    except ValidationError:
        return False
    return True


def _checkable(document: dict[str, Any], formats: Collection[Any]) -> dict[str, Any]:
    """A copy of `document` without other formats, and without patterns that can't be checked."""
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
    """The JSON type of a value; a whole number is an integer, however it is written."""
    return "integer" if isinstance(value, float) and value.is_integer() else JSON_TYPES[type(value)]


def close_objects(document: dict[str, Any]) -> dict[str, Any]:
    """A copy in which an object that names its fields takes no other, unless the document says that it does.

    A schema is closed where it is used, not where it is named: there it may be a part of another one. A part that the
    document closes itself leaves no room for the other parts' fields, which no class can say.
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
    """The fields that the schema at `path` and its parts name; none where it takes others, too."""
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
