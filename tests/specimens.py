"""Documents for tests of the generation: a small sound one, and variants of the frozen one."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from checkout import FROZEN

RELAY = FROZEN.read_text(encoding="utf-8")
ROUTE = "/kling/v1/videos/image2video"
NONE = FROZEN.with_name("none.yaml")
"""An overlay without actions."""


def write(folder: Path, document: object, name: str = "relay.json") -> Path:
    """Write `document` to a file."""
    file = folder / name
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=2)
    file.write_text(text, encoding="utf-8")
    return file


def changed(change: Callable[[Any], object]) -> dict[str, Any]:
    """The frozen document, modified by `change`."""
    document: dict[str, Any] = json.loads(RELAY)
    change(document)
    return document


def operation(document: Any) -> Any:
    """The document's one operation."""
    return document["paths"][ROUTE]["post"]


def request_properties(document: Any) -> Any:
    """The properties of its request body."""
    return operation(document)["requestBody"]["content"]["application/json"]["schema"]["properties"]


def small(**schemas: object) -> dict[str, Any]:
    """A sound document with one operation, whose request and response are the first of `schemas`."""
    named = deepcopy(schemas) or {"Thing": {"type": "object", "properties": {"name": {"type": "string"}}}}
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{next(iter(named))}"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "小", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "paths": {
            "/things": {
                "post": {
                    "operationId": "createThing",
                    "tags": ["things"],
                    "requestBody": {"required": True, "content": content},
                    "responses": {"200": {"description": "好", "content": content}},
                }
            }
        },
        "components": {"schemas": named},
    }


def with_field(**schema: object) -> dict[str, Any]:
    """The small document with one class with one field, `a`."""
    return small(Thing={"type": "object", "properties": {"a": schema}})
