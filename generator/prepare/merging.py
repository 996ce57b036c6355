"""An `allOf` whose parts give one property different types: the generator merges few of these, and refuses the rest."""

from copy import deepcopy
from typing import Any

from contract_check.document.tree import JsonPath, list_or_empty, parts, resolve

_NARROWER = {("integer", "number"), ("number", "integer")}


def merge_overridden(document: dict[str, Any]) -> list[JsonPath]:
    """Makes one object of each named `allOf` that says a property twice in two ways; returns where nothing fits both.

    The generator makes one class of an `allOf` in any case, so that no caller sees the difference.
    """
    empty = list[JsonPath]()
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("allOf"):
            continue
        found = list(parts(document, schema))
        given: dict[str, list[dict[str, Any]]] = {}
        for part in found:
            for key, value in part.get("properties", {}).items():
                given.setdefault(key, []).append(value)
        if not any(_is_overridden(values) for values in given.values()):
            continue
        merged = {key: _merged(document, values) for key, values in given.items()}
        empty += [("components", "schemas", name, "properties", key) for key in merged if merged[key] is None]
        required = dict.fromkeys(key for part in found for key in part.get("required", ()))
        additional = [part["additionalProperties"] for part in found if "additionalProperties" in part]
        others = {key: value for key, value in schema.items() if key not in ("allOf", "properties", "required")}
        schema.clear()
        schema.update(others | {"type": "object", "properties": {key: value or {} for key, value in merged.items()}})
        schema.update({"required": list(required)} if required else {})
        schema.update({"additionalProperties": deepcopy(additional[-1])} if additional else {})
    return empty


def _is_overridden(values: list[dict[str, Any]]) -> bool:
    """Whether a property has several types; one type with several limits the generator merges."""
    kinds = [{key: value.get(key) for key in ("$ref", "type", "anyOf", "oneOf", "nullable")} for value in values]
    return any(kind != kinds[0] for kind in kinds[1:])


def _merged(document: dict[str, Any], values: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What fits every one of `values`; None where nothing does."""
    if not _is_overridden(values):
        return {key: deepcopy(item) for value in values for key, item in value.items()}
    described = {key: item for value in values for key, item in value.items() if key == "description"}
    kept = _alternatives(document, values[0])
    for value in values[1:]:
        others = _alternatives(document, value)
        if not kept or not others:
            kept = kept or others
            continue
        pairs = ((one, other) for one in kept for other in others)
        kept = [narrow for one, other in pairs if (narrow := _narrower(document, one, other)) is not None]
        if not kept:
            return None
    unique = [each for index, each in enumerate(kept) if each not in kept[:index]]
    return described | deepcopy(unique[0] if len(unique) == 1 else {"anyOf": unique} if unique else {})


def _alternatives(document: dict[str, Any], value: dict[str, Any]) -> list[dict[str, Any]]:
    """The types that a property may have, one schema each; none where it may have any."""
    target = resolve(document, value)
    if unions := [*target.get("anyOf", ()), *target.get("oneOf", ())]:
        inner = [each for part in unions for each in _alternatives(document, part)]
        return [*inner, {"type": "null"}] if value.get("nullable") is True else inner
    if "$ref" in value:
        return [{"$ref": value["$ref"]}]
    types = value.get("type")
    own = {key: item for key, item in value.items() if key not in ("type", "nullable", "description", "default")}
    named = list_or_empty(types) or ([types] if types else [])
    found: list[dict[str, Any]] = [own | {"type": each} for each in named]
    if found and value.get("nullable") is True:
        found.append({"type": "null"})
    return found or ([own] if own else [])


def _narrower(document: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """What fits both of two types, or None."""
    if "$ref" in one or "$ref" in other:
        values = [set(resolve(document, each).get("enum", ())) for each in (one, other)]
        if all(values):
            return (one if len(values[0]) <= len(values[1]) else other) if values[0] & values[1] else None
        named, plain = (one, other) if "$ref" in one else (other, one)
        is_plain = plain.keys() == {"type"} and _type(resolve(document, named)) == plain["type"]
        return named if one == other or is_plain else None
    kinds = one.get("type"), other.get("type")
    if kinds[0] == kinds[1]:
        return one | other
    return one | other | {"type": "integer"} if kinds in _NARROWER else None


def _type(schema: dict[str, Any]) -> str:
    """The type of a named class: that of an object, or of an enumeration's values."""
    values = schema.get("enum", [])
    usual = "object" if not values else "string" if isinstance(values[0], str) else "integer"
    return str(schema.get("type") or usual)
