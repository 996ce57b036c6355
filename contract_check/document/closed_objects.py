"""Objects that take no field but the documented ones, so that a field nobody documented is seen."""

from copy import deepcopy
from typing import Any

from .tree import SCHEMA_KEYWORDS, JsonPath, at, keyword_of, object_or_empty, parse_pointer, part_places, walk

_PARTS = ("allOf", "anyOf", "oneOf")


def forbid_undocumented_fields(document: dict[str, Any]) -> dict[str, Any]:
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
        if keyword_of(path) in SCHEMA_KEYWORDS - {"schemas", *_PARTS} and (fields := _fields(document, path)):
            place = at(copy, path)
            place["properties"] = {name: dict[str, Any]() for name in fields} | place.get("properties", {})
            place["additionalProperties"] = False
    return copy


def _fields(document: dict[str, Any], path: JsonPath) -> set[str]:
    """The fields that the schema at `path` and its parts name; none where it takes others, too."""
    found = set[str]()
    for place in part_places(document, path, _PARTS):
        schema = object_or_empty(at(document, place))
        is_empty = place != path and not {"properties", "required", "$ref", *_PARTS} & schema.keys()
        is_open = schema.get("additionalProperties", False) is not False or "patternProperties" in schema
        if is_open or (is_empty and schema.get("type") == "object"):
            return set()
        named = schema.get("properties", {})
        found |= {*named, *schema.get("required", ())} if named else set()
    return found
