"""Make synthetic documents of any size."""

from typing import Any

Json = dict[str, Any]


def whole(operations: int, schemas: int) -> Json:
    """Schemas of eight fields that refer to the next ones; operations that post one and get another."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "A made-up relay", "version": "1.0.0"},
        "servers": [{"url": "https://relay.example"}],
        "components": {
            "securitySchemes": {"BearerAuth": {"type": "http", "scheme": "bearer"}},
            "schemas": {f"Thing{number}": _schema(number, schemas) for number in range(schemas)},
        },
        "security": [{"BearerAuth": []}],
        "paths": {f"/v1/things/{n}/{{key}}": {"post": _operation(n, schemas)} for n in range(operations)},
    }


def grown(document: Json, operations: int) -> Json:
    """Add this many synthetic operations to `document`."""
    more = whole(operations, 4 * operations)
    components: Json = {**document.get("components", {})}
    components["schemas"] = {**components.get("schemas", {}), **more["components"]["schemas"]}
    return {**document, "paths": {**document["paths"], **more["paths"]}, "components": components}


def _schema(number: int, schemas: int) -> Json:
    fields: Json = {
        "id": {"type": "string"},
        "name": {"type": "string", "description": "名称"},
        "size": {"type": "number"},
        "count": {"type": "integer"},
        "done": {"type": "boolean"},
        "state": {"type": "string", "enum": ["queued", "running", "done"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "created": {"type": "string", "format": "date-time"},
    }
    # In groups of four, so that a model imports a few others, as in real documents.
    if (number + 1) % 4 and number + 1 < schemas:
        fields["next"] = _reference(number + 1)
        fields["all"] = {"type": "array", "items": _reference(number + 1)}
    return {"type": "object", "title": f"Thing{number}", "properties": fields, "required": ["id"]}


def _operation(number: int, schemas: int) -> Json:
    first, second = number * 4 % schemas, (number * 4 + 1) % schemas
    return {
        "operationId": f"makeThing{number}",
        "tags": ["things"],
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer"}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _reference(first)}}},
        "responses": {
            "200": {"description": "made", "content": {"application/json": {"schema": _reference(second)}}},
            "400": {"description": "refused", "content": {"application/json": {"schema": _reference(first)}}},
        },
    }


def _reference(number: int) -> Json:
    return {"$ref": f"#/components/schemas/Thing{number}"}
