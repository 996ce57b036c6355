"""Values against the schemas of a document: defaults, examples, and bodies that travelled."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias, cast
from urllib.parse import quote
from uuid import UUID

from jsonschema import FormatChecker, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

from . import patterns
from .text import short
from .tree import JsonPath, is_object, object_or_empty, pointer

_URI = "urn:relay-client:document"

Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]
"""What judges by a keyword, as jsonschema's `extend` takes it: of validator, the keyword's value, instance, schema."""

FORMATS = FormatChecker(formats=())
"""The formats that generated code reads."""


def _read_by(read: Callable[[str], object]) -> Callable[[object], bool]:
    """Whether `read`, which raises ValueError, takes a value; what is no text has no format."""
    return lambda value: not isinstance(value, str) or read(value) is not None


FORMATS.checks("date", ValueError)(_read_by(date.fromisoformat))
FORMATS.checks("date-time", ValueError)(_read_by(datetime.fromisoformat))
FORMATS.checks("uuid", ValueError)(_read_by(UUID))


def validator(
    document: dict[str, Any], path: JsonPath, keywords: Mapping[str, Any] | None = None, **options: Any
) -> Validator:
    """What checks a value against the schema at `path`, in the dialect of the document's version.

    `keywords` are judged by functions of the caller's; `options` are the validator's own, such as `format_checker`.
    """
    is_30 = str(document.get("openapi")).startswith("3.0.")
    contents = Resource.from_contents(document, DRAFT4 if is_30 else DRAFT202012)
    registry: Any = cast("Any", Registry)()  # its type parameter cannot be inferred
    reference = {"$ref": _URI + quote(pointer(path), safe="#/~")}
    kind: Any = OAS30Validator if is_30 else OAS31Validator
    extend: Any = cast("Any", validators).extend  # jsonschema's types say nothing of it
    own: dict[str, Keyword] = {"pattern": _pattern, "patternProperties": _pattern_properties}
    for name, wrap in _WRAPPED.items():
        if name in kind.VALIDATORS:
            own[name] = wrap(kind.VALIDATORS[name])
    kind = extend(kind, own | dict(keywords or {}))
    found: Validator = kind(reference, registry=registry.with_resource(_URI, contents), **options)
    return found


def errors(document: dict[str, Any], path: JsonPath, value: Any) -> Iterator[str]:
    """What the schema at `path` has against `value`, a line each, with the place in the value."""
    for error in validator(document, path, format_checker=FORMATS).iter_errors(value):
        instance: Any = error.instance
        yield f"{error.json_path}: {error.message.replace(repr(instance), short(instance), 1)[:200]}"


def _once(follow: Keyword) -> Keyword:
    """A `$ref` that holds each value against what it leads to once, however many ways lead there.

    Thirty schemas that each name the next one twice are a billion ways. A second way says again the first thing
    that is wrong, so that `oneOf` and `not` count right. A way that leads back to where it began adds nothing.
    """
    known: dict[tuple[str, int], tuple[Any, list[ValidationError]]] = {}  # holds the value, so that its id stays its

    def judge(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        key = (str(reference), id(instance))
        if key in known:
            for error in known[key][1][:1]:
                yield ValidationError.create_from(error)
            return
        found: list[ValidationError] = []
        known[key] = (instance, found)
        for error in follow(validator, reference, instance, schema) or ():
            found.append(ValidationError.create_from(error))
            yield error

    return judge


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not patterns.matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, by_pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, subschema in by_pattern.items():
        for key in [key for key in object_or_empty(instance) if patterns.matches(pattern, key)]:
            yield from validator.descend(instance[key], subschema, path=key, schema_path=pattern)


def _beside_patterns(judge: Keyword) -> Keyword:
    """`additionalProperties`: beside `patternProperties`, jsonschema's own reads these by `re`."""

    def of_others(validator: Any, additional: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        by_pattern = object_or_empty(schema.get("patternProperties"))
        others = {
            key: value
            for key, value in object_or_empty(instance).items()
            if not any(patterns.matches(pattern, key) for pattern in by_pattern)
        }
        alone = {key: value for key, value in schema.items() if key != "patternProperties"}
        yield from judge(validator, additional, others if is_object(instance) else instance, alone) or ()

    return of_others


def _where_patterns_are_known(judge: Keyword) -> Keyword:
    """`unevaluatedProperties`: jsonschema reads `patternProperties` by `re` when it looks for what was evaluated."""

    def careful(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        try:
            yield from judge(validator, value, instance, schema) or ()
        except re.error:
            return

    return careful


_WRAPPED: dict[str, Callable[[Keyword], Keyword]] = {
    "$ref": _once,
    "additionalProperties": _beside_patterns,
    "unevaluatedProperties": _where_patterns_are_known,
}
