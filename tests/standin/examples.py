"""A value for a schema: the document's own example where it is a true one, else one made from its type."""

from collections.abc import Iterator
from typing import Any

from .schemas import Schema, Schemas

_STRINGS = {
    "date-time": "2026-11-23T10:59:12+08:00",
    "date": "2026-11-23",
    "uuid": "6f1f5c1e-8d0e-4b57-9a5b-0d7a1c2e3f40",
    "uri": "https://example.com/图片.jpg",
    "email": "someone@example.com",
    "binary": "字节",
}
_DEEP = 6


def example(schemas: Schemas, schema: Schema, depth: int = 0) -> Any:
    """A value that fits `schema`, with every property that it names."""
    found = schemas.resolve(schema)
    for given in _given(found):
        if schemas.fits(schema, given):
            return given
    for key in ("oneOf", "anyOf"):
        for branch in found.get(key, []):
            if schemas.resolve(branch).get("type") != "null":
                return example(schemas, branch, depth)
    if "allOf" in found:
        parts = [example(schemas, part, depth) for part in found["allOf"]]
        if not all(isinstance(part, dict) for part in parts):
            return parts[0]
        return {key: value for part in parts for key, value in part.items()}
    return _made(schemas, found, depth)


def _given(schema: Schema) -> Iterator[Any]:
    examples = schema.get("examples")
    yield from examples if isinstance(examples, list) else []
    yield from (schema[key] for key in ("example", "const", "default") if key in schema)
    yield from schema.get("enum", [])


def _made(schemas: Schemas, schema: Schema, depth: int) -> Any:
    given: str | list[str] = schema.get("type") or ("object" if "properties" in schema else "string")
    kinds = [given] if isinstance(given, str) else given
    match next((kind for kind in kinds if kind != "null"), "null"):
        case "object":
            return _object(schemas, schema, depth)
        case "array":
            item: Schema = schema.get("items") or {}
            return [example(schemas, item, depth + 1)] if depth < _DEEP or schema.get("minItems") else []
        case "integer":
            return max(7, int(schema.get("minimum", 7)))
        case "number":
            return max(0.5, float(schema.get("minimum", 0.5)))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _STRINGS.get(schema.get("format", ""), "文本").ljust(schema.get("minLength", 0), "字")


def _object(schemas: Schemas, schema: Schema, depth: int) -> dict[str, Any]:
    required = schema.get("required", [])
    properties: dict[str, Schema] = schema.get("properties", {})
    return {
        name: example(schemas, value, depth + 1)
        for name, value in properties.items()
        if depth < _DEEP or name in required
    }
