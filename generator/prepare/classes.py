"""Move every class of a document to components/schemas, under the name that users type."""

from typing import Any

from contract_check.document import names
from contract_check.document.tree import (
    METHODS,
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    keyword_of,
    object_or_empty,
    parse_pointer,
    parts,
    references,
    walk,
)

ROOT = "#/components/schemas/"
"""The JSON pointer of the parent of all classes."""


def name_classes(document: dict[str, Any]) -> dict[str, JsonPath]:
    """Move every class to components/schemas under its final name; return its original place."""
    renamed = _name_components(document, document["components"]["schemas"])
    components = {name: ("components", "schemas", key) for key, name in renamed.items()}
    return {**components, **name_inline_classes(document)}


def name_inline_classes(document: dict[str, Any]) -> dict[str, JsonPath]:
    """Move the inline classes only; return their original places."""
    named: dict[JsonPath, str] = {(): ""}  # every part of the document, parents first
    for path, part in walk(document):
        parent = path[:-1]
        while parent not in named:
            parent = parent[:-1]
        title = part.pop("title", None) if keyword_of(path) in SCHEMA_KEYWORDS else None
        base = "" if keyword_of(path) in METHODS else named[parent]
        named[path] = names.label(title) if title else base + _label(document, path, part)
    inline = {
        path: names.class_name(name)
        for path, name in named.items()
        if keyword_of(path) in SCHEMA_KEYWORDS - {"allOf", "schemas"} and is_class(document, at(document, path))
    }
    unique = names.unique(inline, "", (key.lower() for key in document["components"]["schemas"]))
    for path in reversed(unique):  # children first, since they leave a reference in the parent
        _move(document, path, unique[path])
    return {name: path for path, name in unique.items()}


def _label(document: dict[str, Any], path: JsonPath, part: dict[str, Any]) -> str:
    """The part of a class name that `path` adds to its parent's."""
    key = str(path[-1]) if path else ""
    match keyword_of(path):
        case keyword if keyword in METHODS:
            return names.pascal(str(part.get("operationId", key)))
        case "requestBody":
            return "Body"
        case "responses":
            return f"Response{names.pascal(key)}" if path[0] == "paths" else names.label(key)
        case "content":
            is_only = len(at(document, path[:-1])) == 1
            return "" if is_only else names.pascal(key.partition(";")[0].partition("/")[2])
        case "parameters":
            return names.label(str(part.get("name", key)))
        case "items":
            return "Item"
        case "additionalProperties":
            return "AdditionalProperty"
        case "anyOf" | "oneOf" | "prefixItems":
            return str(part.get("x-variant", f"Type{key}"))
        case "properties" | "schemas" | "requestBodies" | "paths":
            return names.label(key)
        case _:
            return ""


def is_class(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether `schema` becomes a model or an enumeration; an `allOf` does if only objects fit every part."""
    joined = schema.get("allOf", ())
    is_alone = len(joined) == 1 and "$ref" in joined[0]
    if "$ref" in schema or (is_alone and not {"properties", "required", "additionalProperties"} & schema.keys()):
        return False
    found = list(parts(document, schema))
    if joined and any({"enum", "const"} & part.keys() or "$ref" in part for part in found):
        return False
    if any(part.get("anyOf") or part.get("oneOf") or part.get("type", "object") != "object" for part in found):
        return bool(schema.get("enum")) and not (joined or schema.get("anyOf") or schema.get("oneOf"))
    return any({"type", "properties", "enum"} & part.keys() for part in found)


def _name_components(document: dict[str, Any], schemas: dict[str, Any]) -> dict[str, str]:
    """Rename each named schema to its class, with all references; return the new names."""
    classes = {key: names.class_name(names.label(schema.pop("title", None) or key)) for key, schema in schemas.items()}
    renamed = names.unique(classes, "")
    for path, reference in list(references(document)):
        if keyword_of(path) in SCHEMA_KEYWORDS:
            at(document, path)["$ref"] = ROOT + renamed[str(parse_pointer(reference)[-1])]
    for key in list(schemas):
        schemas[renamed[key]] = schemas.pop(key)
    nullable = [key for key, schema in schemas.items() if is_class(document, schema) and schema.pop("nullable", False)]
    for path, reference in list(references(document)):
        if parse_pointer(reference)[-1] in nullable and keyword_of(path) in SCHEMA_KEYWORDS - {"allOf"}:
            holder = object_or_empty(at(document, path))
            holder.clear()
            holder["anyOf"] = [{"$ref": reference}, {"type": "null"}]
    return renamed


def _move(document: dict[str, Any], path: JsonPath, name: str) -> None:
    schema = at(document, path)
    moved = dict(schema)
    document["components"]["schemas"][name] = moved
    schema.clear()
    reference = {"$ref": ROOT + name}
    if moved.pop("nullable", False) is True:
        schema["anyOf"] = [reference, {"type": "null"}]
    else:
        schema.update(reference)
