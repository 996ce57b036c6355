"""Values against the schemas of a document: defaults, examples, and bodies that travelled."""

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

from jsonschema import validators
from jsonschema.protocols import Validator
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

from .tree import JsonPath, pointer

_URI = "urn:relay-client:document"


def validator(
    document: dict[str, Any], path: JsonPath, keywords: Mapping[str, Any] | None = None, **options: Any
) -> Validator:
    """What checks a value against the schema at `path`, in the dialect of the document's version.

    `keywords` are judged by functions of the caller's, as jsonschema's `extend` takes them; `options` are the
    validator's own, such as `format_checker`.
    """
    is_30 = str(document.get("openapi")).startswith("3.0.")
    contents = Resource.from_contents(document, DRAFT4 if is_30 else DRAFT202012)
    registry: Any = cast("Any", Registry)()  # its type parameter cannot be inferred
    reference = {"$ref": _URI + quote(pointer(path), safe="#/~")}
    kind: Any = OAS30Validator if is_30 else OAS31Validator
    if keywords:
        extend: Any = getattr(validators, "extend")  # noqa: B009  # jsonschema's types say nothing of it
        kind = extend(kind, keywords)
    found: Validator = kind(reference, registry=registry.with_resource(_URI, contents), **options)
    return found


def errors(document: dict[str, Any], path: JsonPath, value: Any) -> Iterator[str]:
    """What the schema at `path` has against `value`, a line each, with the place in the value."""
    for error in validator(document, path).iter_errors(value):
        yield f"{error.json_path}: {error.message[:200]}"
