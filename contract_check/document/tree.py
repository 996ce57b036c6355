"""A document as a tree of JSON values: how one walks it, and how one says where in it something stands."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, TypeGuard
from urllib.parse import unquote

JsonPath: TypeAlias = tuple[str | int, ...]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Below these keys stand values, not parts of the document: a `$ref` there is somebody's data.
_DATA = frozenset(("example", "examples", "default", "enum", "const", "value"))
# The keys below these are names that the document's author chose, and mean nothing in themselves.
_SCHEMA_NAMES = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "schemas")
_COMPONENT_NAMES = ("parameters", "requestBodies", "responses", "headers", "securitySchemes", "links", "callbacks")
_NAMES = frozenset(
    (*_SCHEMA_NAMES, *_COMPONENT_NAMES, "paths", "pathItems", "webhooks", "content", "encoding", "mapping")
)

_ROOT = ("openapi", "info", "jsonSchemaDialect", "servers", "security", "tags", "externalDocs")

SCHEMA_KEYWORDS = frozenset(
    ("schema", "schemas", "properties", "items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf")
)
"""The keywords under which a Schema Object stands."""


NO_SCHEMAS = frozenset(
    (*METHODS, *_COMPONENT_NAMES, "paths", "pathItems", "webhooks", "content", "requestBody", *_ROOT)
)
"""The keywords under which another object stands; what stands below one that is not listed may be a schema."""


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


def object_or_empty(value: object) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one; schema_rules reports what is malformed."""
    return value if is_object(value) else {}


def list_or_empty(value: object) -> list[Any]:
    """`value` where it is a JSON array, else an empty one."""
    return value if is_array(value) else []


def walk(value: Any, path: JsonPath = (), *, named: bool = False) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Each object that is a part of the document, not data or an extension in it; parents come first."""
    if is_array(value):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
    elif is_object(value):
        if not named:
            yield path, value
        for key, item in list(value.items()):
            if named:
                yield from walk(item, (*path, key))
            elif key not in _DATA and not key.startswith("x-"):
                yield from walk(item, (*path, key), named=key in _NAMES)


def keyword_of(path: JsonPath) -> str:
    """The keyword under which the object at `path` stands: "properties", "schema", "allOf", ..."""
    keyword, named = "", False
    for part in path:
        if named or isinstance(part, int):
            named = False
        else:
            keyword, named = part, part in _NAMES
    return keyword


def operations(document: dict[str, Any]) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Each operation and where it stands: ("paths", path, method)."""
    for route, item in object_or_empty(document.get("paths")).items():
        for method in METHODS:
            if method in object_or_empty(item):
                yield ("paths", route, method), object_or_empty(item[method])


def references(document: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Each `$ref` of the document and the path of the object that holds it."""
    for path, part in walk(document):
        if isinstance(part.get("$ref"), str):
            yield path, part["$ref"]


def at(document: Any, path: JsonPath) -> Any:
    """The value at `path`, or None where there is none."""
    for part in path:
        if is_array(document):
            index = int(part) if str(part).isdecimal() else len(document)
            document = document[index] if index < len(document) else None
        else:
            document = object_or_empty(document).get(str(part))
    return document


def place_in(document: Any, path: Sequence[str | int]) -> JsonPath:
    """`path` with the indices of arrays as numbers, and all else as text."""
    found = list[str | int]()
    for part in path:
        found.append(int(part) if is_array(document) and str(part).isdecimal() else str(part))
        document = at(document, (found[-1],))
    return tuple(found)


def resolve(document: dict[str, Any], value: Any) -> dict[str, Any]:
    """`value`, or what its `$ref` leads to, however many there are on the way."""
    for _ in range(100):  # A circle of references is a defect of its own.
        reference = object_or_empty(value).get("$ref")
        if not isinstance(reference, str):
            break
        value = at(document, parse_pointer(reference))
    return object_or_empty(value)


def parts(document: dict[str, Any], schema: dict[str, Any], seen: set[int] | None = None) -> Iterator[dict[str, Any]]:
    """The parts of a sound schema, those that it refers to first, and itself."""
    seen = set() if seen is None else seen
    if id(schema) not in seen:
        seen.add(id(schema))
        for part in schema.get("allOf", ()):
            yield from parts(document, resolve(document, part), seen)
        yield schema


def part_places(document: dict[str, Any], path: JsonPath, keywords: Sequence[str] = ("allOf",)) -> list[JsonPath]:
    """Where a sound schema and all that it joins by `$ref` and `keywords` stand, itself first."""
    found = [path]
    for place in found:  # which grows meanwhile
        schema = object_or_empty(at(document, place))
        joined = [(*place, key, index) for key in keywords for index in range(len(schema.get(key, ())))]
        joined += [parse_pointer(schema["$ref"])] if "$ref" in schema else []
        found += [each for each in joined if each not in found]
    return found


def follow(document: dict[str, Any], path: JsonPath) -> JsonPath:
    """`path`, or where the `$ref` that stands there leads."""
    for _ in range(100):  # A circle of references is a defect of its own.
        reference = object_or_empty(at(document, path)).get("$ref")
        if not isinstance(reference, str):
            break
        path = place_in(document, parse_pointer(reference))
    return path


def pointer(path: JsonPath) -> str:
    """`path` as a JSON pointer in a URI fragment, unescaped where a person reads it (RFC 6901)."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def resolve_anchors(document: dict[str, Any]) -> None:
    """Let each reference to an `$anchor` or a `$dynamicAnchor` name its schema by a JSON pointer.

    A dynamic one is read as the schema that holds it: types do not depend on the way to a place.
    """
    keys = ("$anchor", "$dynamicAnchor")
    found = {f"#{part[key]}": pointer(path) for path, part in walk(document) for key in keys if key in part}
    for _, part in list(walk(document)) if found else ():
        for key in ("$ref", "$dynamicRef"):
            if isinstance(part.get(key), str) and part[key] in found:
                part["$ref"] = found[part.pop(key)]


def parse_pointer(reference: str) -> JsonPath:
    """The path that a `$ref` within the document names; array indices stay text."""
    parts = unquote(reference.removeprefix("#")).split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def jsonpath(path: JsonPath) -> str:
    """`path` as the JSONPath (RFC 9535) that an overlay action targets."""

    def step(part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part):
            return f".{part}"
        quoted = part.replace("\\", "\\\\").replace("'", "\\'")
        return "['" + re.sub(r"[\x00-\x1f]", lambda found: f"\\u{ord(found[0]):04x}", quoted) + "']"

    return "$" + "".join(step(part) for part in path)
