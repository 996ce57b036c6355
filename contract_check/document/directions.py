"""What holds in one direction only: OpenAPI requires a `readOnly` property of responses, a `writeOnly` of requests."""

from typing import Any

from .operations import of
from .tree import at, list_or_empty, object_or_empty, parts, resolve, walk


def relax_required(document: dict[str, Any]) -> None:
    """Requires no property where its direction does not.

    A schema that requests and responses share has one class, so that its fields are required where both require them.
    """
    found = list(of(document))
    sent = [part for each in found for part in (object_or_empty(at(document, each.body)), *each.parameters.values())]
    received = [response for each in found for response in each.responses.values()]
    for keyword, waiting in (("readOnly", sent), ("writeOnly", received)):
        seen = dict[int, dict[str, Any]]()
        while waiting:
            schema = waiting.pop()
            if id(schema) in seen:
                continue
            for _, part in walk(schema):
                seen[id(part)] = part
                if "$ref" in part:
                    waiting.append(resolve(document, part))
                if list_or_empty(part.get("required")):  # of a parameter, it is no list
                    _relax(document, part, keyword)


def _relax(document: dict[str, Any], schema: dict[str, Any], keyword: str) -> None:
    freed = {
        name
        for part in parts(document, schema)
        for name, given in part.get("properties", {}).items()
        if object_or_empty(given).get(keyword) is True or resolve(document, given).get(keyword) is True
    }
    if freed & {str(name) for name in schema["required"]}:
        schema["required"] = [name for name in schema["required"] if name not in freed]
        if not schema["required"]:
            del schema["required"]  # OpenAPI 3.0 has no empty one.
