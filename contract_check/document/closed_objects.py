"""Objects that take no field but the documented ones, so that a field nobody documented is seen."""

from copy import deepcopy
from typing import Any

from .tree import SCHEMA_KEYWORDS, at, keyword_of, list_or_empty, object_or_empty, parse_pointer, walk

_PARTS = ("allOf", "anyOf", "oneOf")


def forbid_undocumented_fields(document: dict[str, Any]) -> dict[str, Any]:
    """A copy in which an object that names its fields takes no other, unless the document says that it does.

    A schema is closed where it is used, not where it is named: there it may be a part of another one.
    """
    copy = deepcopy(document)
    for path, schema in walk(document):
        fields = _fields(document, schema) if keyword_of(path) in SCHEMA_KEYWORDS - {"schemas", *_PARTS} else None
        if fields:
            place = object_or_empty(at(copy, path))
            place["properties"] = {name: dict[str, Any]() for name in fields} | object_or_empty(place.get("properties"))
            place["additionalProperties"] = False
    return copy


def _fields(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> set[str] | None:
    """The fields that `schema` and its parts name, or None where it takes others, too."""
    parts = [object_or_empty(part) for key in _PARTS for part in list_or_empty(schema.get(key))]
    parts += [object_or_empty(at(document, parse_pointer(schema["$ref"])))] if "$ref" in schema else []
    inner = [_fields(document, part, depth + 1) for part in parts if depth < 20]
    own = set(object_or_empty(schema.get("properties")))
    is_map = schema.get("type") == "object" and depth > 0 and not (own or parts or "required" in schema)
    is_open = schema.get("additionalProperties", False) is not False or "patternProperties" in schema
    return None if is_map or is_open or None in inner else own.union(*filter(None, inner))
