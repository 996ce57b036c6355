"""Objects that take no field but the documented ones, so that a field nobody documented is seen."""

from copy import deepcopy
from typing import Any

from .tree import SCHEMA_KEYWORDS, at, keyword_of, object_or_empty, parse_pointer, walk

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
    known: dict[str, set[str] | None] = {}
    for path, schema in walk(document):
        fields = (
            _fields(document, schema, known) if keyword_of(path) in SCHEMA_KEYWORDS - {"schemas", *_PARTS} else None
        )
        if fields:
            place = at(copy, path)
            place["properties"] = {name: dict[str, Any]() for name in fields} | place.get("properties", {})
            place["additionalProperties"] = False
    return copy


def _fields(
    document: dict[str, Any], schema: dict[str, Any], known: dict[str, set[str] | None], *, is_part: bool = False
) -> set[str] | None:
    """The fields that `schema` and its parts name, or None where it takes others, too; `known` is by `$ref`."""
    parts = [object_or_empty(part) for key in _PARTS for part in schema.get(key, ())]
    inner = [_fields(document, part, known, is_part=True) for part in parts]
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference not in known:
            known[reference] = set()  # for a schema that leads back to itself
            target = object_or_empty(at(document, parse_pointer(reference)))
            known[reference] = _fields(document, target, known, is_part=True)
        inner.append(known[reference])
    own = set(schema.get("properties", {}))
    own |= set(schema.get("required", [])) if own else set()
    is_map = schema.get("type") == "object" and is_part and not (own or inner or "required" in schema)
    is_open = schema.get("additionalProperties", False) is not False or "patternProperties" in schema
    return None if is_map or is_open or None in inner else own.union(*filter(None, inner))
