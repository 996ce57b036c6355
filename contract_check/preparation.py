"""Turns a sound document into one that the generator takes whole, under the names that users will type.

Nothing here is particular to a document. The generator follows only references to named schemas, names
inline classes after their surroundings, and refuses what its tables lack; each step lifts one such limit.
"""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from . import names
from .tree import METHODS, Path, at, mapping, operations, parse_pointer, references, resolve, role, sequence, walk

BINARY = "application/octet-stream"
_JSON = re.compile(r"application/json|.*\+json")
_TEXT = re.compile(r"text/.*")
_FORM = re.compile(r"multipart/form-data|application/x-www-form-urlencoded")
_SCHEMA_ROLES = frozenset(
    ("schema", "schemas", "properties", "items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf")
)
_ROOT = "#/components/schemas/"


def drop_titles(document: dict[str, Any]) -> None:
    """Takes the titles off a document as it came, so that a title names a class only if an overlay gave it.

    Titles in real files repeat, or say "data".
    """
    for path, part in walk(document):
        if role(path) in _SCHEMA_ROLES and isinstance(part.get("title"), str):
            del part["title"]


def prepare(document: dict[str, Any]) -> dict[str, str]:
    """Changes `document` into what the generator reads; returns the media types it must be told of."""
    _inline(document, ("paths",))
    _name_odd_references(document)
    _spread_security(document)
    _name_operations(document)
    overrides = dict(_media_types(document))
    for path, schema in list(walk(document)):
        if role(path) in _SCHEMA_ROLES:
            _simplify(schema)
    _name_classes(document)
    _inline(document, ("parameters", "requestBody", "responses", "headers", "callbacks", "links", "requestBodies"))
    _name_path_parameters(document)
    return dict(sorted(overrides.items()))


def _inline(document: dict[str, Any], roles: Sequence[str]) -> None:
    """Puts in place what a reference to anything but a schema means: the generator follows few of these."""
    for path, part in list(walk(document)):
        if role(path) in roles and "$ref" in part:
            value = deepcopy(resolve(document, part))
            part.clear()
            part.update(value)


def _name_odd_references(document: dict[str, Any]) -> None:
    """Gives a name of its own to each schema that is referred to by the place where it happens to stand."""
    for path, reference in list(references(document)):
        target = parse_pointer(reference)
        if role(path) in _SCHEMA_ROLES and (target[:2] != ("components", "schemas") or len(target) != 3):
            key = names.class_name("".join(map(str, target[-3:])), "Schema") + names.digest(reference).upper()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            value = mapping(at(document, target))
            if key not in schemas:
                schemas[key] = dict(value)
                value.clear()
                value["$ref"] = _ROOT + key
            mapping(at(document, path))["$ref"] = _ROOT + key


def _spread_security(document: dict[str, Any]) -> None:
    """Says for each operation what the document says once for all; an empty requirement makes it optional."""
    for _, operation in operations(document):
        required = sequence(operation.get("security", document.get("security")))
        operation["security"] = required if all(required) else []


def _name_operations(document: dict[str, Any]) -> None:
    """Gives each operation the module and the package that it will stand in."""
    wanted: dict[Path, str] = {}
    for path, operation in operations(document):
        method, route = str(path[2]), str(path[1])
        group = names.group(str(next(iter(sequence(operation.get("tags"))), "")), route)
        operation["tags"] = [group]
        wanted[path] = f"{group}/{names.operation(str(operation.get('operationId', '')), method, route)}"
    for path, name in names.unique(wanted).items():
        mapping(at(document, path))["operationId"] = name.rpartition("/")[2]


def _name_path_parameters(document: dict[str, Any]) -> None:
    """Renames the path parameters that the generator can't read; no name of theirs is ever sent."""
    paths = mapping(document.get("paths"))
    for path, part in list(walk(paths)):
        if role(("paths", *path)) == "parameters" and part.get("in") == "path":
            part["name"] = _path_parameter(part["name"])
    for route in list(paths):
        paths[re.sub(r"{([^{}]*)}", lambda found: "{" + _path_parameter(found[1]) + "}", route)] = paths.pop(route)


def _path_parameter(name: str) -> str:
    return name if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else names.snake(name) or names.digest(name)


def _media_types(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keeps of each response the media type that is typed, and has the generator read bytes as bytes."""
    for path, part in list(walk(document)):
        content = mapping(part.get("content"))
        if role(path) in ("requestBody", "requestBodies"):
            for media_type in list(content):
                yield from _request_type(content, media_type)
        elif role(path) == "responses" and content:
            typed = min(content, key=lambda name: not _JSON.match(name))
            part["content"] = {typed: content[typed]}
            if _JSON.match(typed):
                content[typed].setdefault("schema", {})
            elif _TEXT.match(typed):
                content[typed]["schema"] = {"type": "string"}
            else:
                yield from _as_bytes(typed, content[typed])


def _request_type(content: dict[str, Any], media_type: str) -> Iterator[tuple[str, str]]:
    if _JSON.match(media_type):
        content[media_type].setdefault("schema", {})
    elif _FORM.match(media_type):
        content[media_type].setdefault("schema", {"type": "object"})
    elif _TEXT.fullmatch(media_type) and "charset" not in media_type:
        # A name of its own: as the media type of a response, the same text is read as text.
        named = f"{media_type}; charset=utf-8"
        content[named] = content.pop(media_type)
        yield from _as_bytes(named, content[named])
    else:
        yield from _as_bytes(media_type, content[media_type])


def _as_bytes(media_type: str, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    content["schema"] = {"type": "string", "format": "binary"}
    if media_type != BINARY:
        yield media_type, BINARY


def _simplify(schema: dict[str, Any]) -> None:
    """Says in the generator's words what a schema says in rarer ones, or leaves it free."""
    for key in ("properties", "allOf", "anyOf", "oneOf", "prefixItems", "items"):
        _free_booleans(schema, key)
    if schema.get("type") == "array" and not schema.get("items") and not schema.get("prefixItems"):
        schema["items"] = {}
    if isinstance(schema.get("const"), dict | list):
        del schema["const"]
    values: list[Any] = [
        value for value in dict.fromkeys(map(_hashable, sequence(schema.get("enum")))) if value is not None
    ]
    if "enum" in schema and {type(value) for value in values} not in ({str}, {int}):
        del schema["enum"]  # The generator knows enumerations of strings and of integers.
    elif values:
        schema["nullable"] = None in schema["enum"] or schema.get("nullable") is True
        given = sequence(schema.get("x-enum-varnames"))
        texts = given if len(given) == len(values) else values
        members = {
            value: names.member(text, index) for index, (value, text) in enumerate(zip(values, texts, strict=True))
        }
        schema["enum"] = values
        schema["x-enum-varnames"] = [name.upper() for name in names.unique(members).values()]
    types = sequence(schema.get("type"))
    if "null" in types and len(types) == 2:
        schema["type"] = next(name for name in types if name != "null")
        schema["nullable"] = True


def _free_booleans(schema: dict[str, Any], key: str) -> None:
    """`true` and `false` are schemas in 3.1; the generator knows only objects."""
    value = schema.get(key)
    if isinstance(value, bool):
        schema[key] = {}
    for part, item in list(mapping(value).items()) if key == "properties" else enumerate(sequence(value)):
        if isinstance(item, bool):
            schema[key][part] = {}


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _name_classes(document: dict[str, Any]) -> None:
    """Moves every inline class to components/schemas, under the name that its class will have."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _name_components(document, schemas)
    named: dict[Path, str] = {(): ""}  # Every part of the document, schema or not, parents first.
    for path, part in walk(document):
        parent = path[:-1]
        while parent not in named:
            parent = parent[:-1]
        title = part.pop("title", None) if role(path) in _SCHEMA_ROLES else None
        base = "" if role(path) in METHODS else named[parent]
        named[path] = names.class_name(title, "Schema") if title else base + _label(document, path, part)
    inline = {path: name for path, name in named.items() if _is_inline_class(document, path)}
    told_apart = names.unique(inline, "", (key.lower() for key in schemas))
    for path in reversed(told_apart):  # Children first: what they leave behind is a reference.
        _move(document, path, told_apart[path])


def _label(document: dict[str, Any], path: Path, part: dict[str, Any]) -> str:
    """What the part at `path` adds to the name of its parent."""
    key = str(path[-1]) if path else ""
    match role(path):
        case keyword if keyword in METHODS:
            return names.pascal(str(part.get("operationId", key)))
        case "requestBody":
            return "Body"
        case "responses":
            return f"Response{names.pascal(key)}" if path[0] == "paths" else names.class_name(key, "Schema")
        case "content":
            alone = len(at(document, path[:-1])) == 1
            return "" if alone else names.pascal(key.partition(";")[0].partition("/")[2])
        case "parameters":
            return names.class_name(str(part.get("name", key)), "")
        case "items":
            return "Item"
        case "additionalProperties":
            return "AdditionalProperty"
        case "anyOf" | "oneOf" | "prefixItems":
            return f"Type{key}"
        case "properties" | "schemas" | "requestBodies" | "paths":
            return names.class_name(key, "Schema" if path[0] == "components" and len(path) == 3 else "")
        case _:
            return ""


def _is_inline_class(document: dict[str, Any], path: Path) -> bool:
    """Whether the generator makes a class, a model or an enumeration, of what stands at `path`."""
    schema = mapping(at(document, path))
    if role(path) not in _SCHEMA_ROLES - {"allOf", "schemas"}:
        return False
    parts = sequence(schema.get("allOf"))
    if "$ref" in schema or schema.get("anyOf") or schema.get("oneOf") or (len(parts) == 1 and "$ref" in parts[0]):
        return False
    return bool(schema.get("enum") or parts or schema.get("type") == "object" or schema.get("properties"))


def _name_components(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Renames each named schema to its class, and every reference with it."""
    wanted = {key: names.class_name(schema.pop("title", None) or key, "Schema") for key, schema in schemas.items()}
    renamed = names.unique(wanted, "")
    for path, reference in list(references(document)):
        if role(path) in _SCHEMA_ROLES:
            mapping(at(document, path))["$ref"] = _ROOT + renamed[str(parse_pointer(reference)[-1])]
    for key in list(schemas):
        schemas[renamed[key]] = schemas.pop(key)


def _move(document: dict[str, Any], path: Path, name: str) -> None:
    schema = mapping(at(document, path))
    moved = dict(schema)
    document["components"]["schemas"][name] = moved
    schema.clear()
    reference = {"$ref": _ROOT + name}
    default = moved.pop("default", None)
    if moved.pop("nullable", False) is True:
        schema["anyOf"] = [reference, {"type": "null"}]
    elif default is not None and "enum" in moved:
        schema["allOf"] = [reference]
    else:
        schema.update(reference)
        return
    if default is not None and "enum" in moved:
        schema["default"] = default
