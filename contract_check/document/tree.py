"""A document as a tree of JSON values: walk it, and address its values."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, TypeGuard
from urllib.parse import unquote

from jsonpath.serialize import canonical_string

JsonPath: TypeAlias = tuple[str | int, ...]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# The values of these keys are data, where a `$ref` is not a reference.
_DATA = frozenset(("example", "examples", "default", "enum", "const", "value"))
# The keys in the objects under these keywords are names, not keywords.
_SCHEMA_NAMES = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "schemas")
_COMPONENT_NAMES = ("parameters", "requestBodies", "responses", "headers", "securitySchemes", "links", "callbacks")
_NAMES = frozenset(
    (*_SCHEMA_NAMES, *_COMPONENT_NAMES, "paths", "pathItems", "webhooks", "content", "encoding", "mapping")
)

_ROOT = ("openapi", "info", "jsonSchemaDialect", "servers", "security", "tags", "externalDocs")

SCHEMA_KEYWORDS = frozenset(
    ("schema", "schemas", "properties", "items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf")
)
"""The keywords that hold a Schema Object."""


NO_SCHEMAS = frozenset(
    (*METHODS, *_COMPONENT_NAMES, "paths", "pathItems", "webhooks", "content", "requestBody", *_ROOT)
)
"""The keywords that hold another object; under any other key there may be a schema."""


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


def object_or_empty(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else {}; schema_rules reports malformed values."""
    return value if is_object(value) else {}


def list_or_empty(value: object) -> list[Any]:
    """`value` if it is a JSON array, else []."""
    return value if is_array(value) else []


def walk(value: Any, path: JsonPath = (), *, named: bool = False) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield each object of the document, parents first, without data and extensions."""
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
    """The keyword that holds the object at `path`: "properties", "schema", "allOf", ..."""
    keyword, named = "", False
    for part in path:
        if named or isinstance(part, int):
            named = False
        else:
            keyword, named = part, part in _NAMES
    return keyword


def references(document: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Yield each `$ref` of the document with the path of its object."""
    for path, part in walk(document):
        if isinstance(part.get("$ref"), str):
            yield path, part["$ref"]


def at(document: Any, path: JsonPath) -> Any:
    """The value at `path`, or None."""
    for part in path:
        if is_array(document):
            index = int(part) if str(part).isdecimal() else len(document)
            document = document[index] if index < len(document) else None
        else:
            document = object_or_empty(document).get(str(part))
    return document


def place_in(document: Any, path: Sequence[str | int]) -> JsonPath:
    """`path` with array indices as numbers, and object keys as text."""
    found = list[str | int]()
    for part in path:
        found.append(int(part) if is_array(document) and str(part).isdecimal() else str(part))
        document = at(document, (found[-1],))
    return tuple(found)


def resolve(document: dict[str, Any], value: Any) -> dict[str, Any]:
    """`value`, or the target of its `$ref`, followed to the end."""
    for _ in range(100):  # nesting.check reports cycles.
        reference = object_or_empty(value).get("$ref")
        if not isinstance(reference, str):
            break
        value = at(document, parse_pointer(reference))
    return object_or_empty(value)


def parts(document: dict[str, Any], schema: dict[str, Any], seen: set[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the `allOf` parts of a sound schema, resolved, and then the schema itself."""
    seen = set() if seen is None else seen
    if id(schema) not in seen:
        seen.add(id(schema))
        for part in schema.get("allOf", ()):
            yield from parts(document, resolve(document, part), seen)
        yield schema


def part_places(document: dict[str, Any], path: JsonPath, keywords: Sequence[str] = ("allOf",)) -> list[JsonPath]:
    """The places of a sound schema and of all schemas that it joins by `$ref` and `keywords`."""
    found = [path]
    for place in found:  # the loop appends to it
        schema = object_or_empty(at(document, place))
        joined = [(*place, key, index) for key in keywords for index in range(len(schema.get(key, ())))]
        joined += [parse_pointer(schema["$ref"])] if "$ref" in schema else []
        found += [each for each in joined if each not in found]
    return found


def follow(document: dict[str, Any], path: JsonPath) -> JsonPath:
    """`path`, or the target of the `$ref` there, followed to the end."""
    for _ in range(100):  # nesting.check reports cycles.
        reference = object_or_empty(at(document, path)).get("$ref")
        if not isinstance(reference, str):
            break
        path = place_in(document, parse_pointer(reference))
    return path


def pointer(path: JsonPath) -> str:
    """`path` as a JSON pointer in a URI fragment (RFC 6901), without percent-encoding."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def resolve_anchors(document: dict[str, Any]) -> None:
    """Replace references to `$anchor` and `$dynamicAnchor` by JSON pointers.

    A dynamic reference is resolved statically: a type can't depend on how a schema is reached.
    """
    keys = ("$anchor", "$dynamicAnchor")
    found = {f"#{part[key]}": pointer(path) for path, part in walk(document) for key in keys if key in part}
    for _, part in list(walk(document)) if found else ():
        for key in ("$ref", "$dynamicRef"):
            if isinstance(part.get(key), str) and part[key] in found:
                part["$ref"] = found[part.pop(key)]


def parse_pointer(reference: str) -> JsonPath:
    """Parse a local `$ref` into a path; array indices are text."""
    parts = unquote(reference.removeprefix("#")).split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def jsonpath(path: JsonPath) -> str:
    """`path` as a JSONPath (RFC 9535), for the target of an overlay action."""

    def step(part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        return f".{part}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part) else f"[{canonical_string(part)}]"

    return "$" + "".join(map(step, path))
