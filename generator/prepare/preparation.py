"""Prepare a sound document so that the generator supports all of it, under the names that users type.

Nothing here is specific to one document. The generator follows only references to named schemas, names inline classes
after their parents, and refuses media types that it does not know; each step removes one such limit.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from contract_check.document import names, overlay, serialization
from contract_check.document.media_types import is_binary
from contract_check.document.operations import FORM, JSON, TEXT
from contract_check.document.semantic_rules import LONG_RUNNING
from contract_check.document.text import is_visible, visible
from contract_check.document.tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    is_object,
    keyword_of,
    list_or_empty,
    object_or_empty,
    operations,
    parse_pointer,
    pointer,
    references,
    resolve,
    walk,
)

from . import attributes, credentials
from .classes import ROOT, is_class, name_classes
from .discriminators import apply_discriminators
from .merging import join_schemas

_BINARY = "application/octet-stream"
SERIALIZATION = "x-serialization"
"""The key of the prepared document with the styles of each operation's arguments that are not the default."""
WIRE_NAMES = "x-wire-names"
"""The key of the prepared document with the documented name of each renamed property or parameter."""
TASKS = "x-tasks"
"""The key of the prepared document with how to poll the task of an operation, by its group and name."""

_HOLDERS = ("properties", "schemas", "$defs", "patternProperties", "dependentSchemas")
_SCHEMAS = ("schema", "items", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_BESIDE = ("properties", "required", "additionalProperties", "allOf", "anyOf", "oneOf", "enum", "const")
"""What says more of a value beside a `$ref`, which the generator reads alone."""
_KINDS = {"type", "enum", "const", "allOf", "anyOf", "oneOf"}
"""The keywords of which one says whether a schema is an object, or leaves it to its parts."""
_UNTYPED = ("not", "if", "then", "else")
"""What narrows a value without giving it a type; the generator reads the first, and does nothing with it."""


@dataclass
class Prepared:
    """Settings of the generator that follow from the document, and notes for the maintainer."""

    media_types: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    classes: dict[str, JsonPath] = field(default_factory=dict[str, JsonPath])
    """Where each class stood in the document before it was named."""

    def note(self, path: JsonPath, text: str) -> None:
        """Keeps a line on a place where the client says less than the document."""
        self.notes.append(f"{pointer(path)}: {text}")


def prepare(document: dict[str, Any]) -> Prepared:
    """Changes `document` into what the generator reads."""
    prepared = Prepared()
    document.setdefault("paths", {})  # 3.1 asks for neither these nor an operation's responses; the generator does.
    for _, operation in operations(document):
        operation.setdefault("responses", {})
    schemas_as_objects(document)
    _inline(document, ("paths",))
    document.setdefault("components", {}).setdefault("schemas", {})
    _name_odd_references(document)
    _spread_security(document)
    _name_operations(document)
    for path, part in list(walk(document)):
        if keyword_of(path) in ("requestBody", "requestBodies", "responses"):
            _media_types(document, path, part, prepared)
        elif keyword_of(path) == "parameters":
            _parameter(document, path, part, prepared)
    _describe(document)
    for path, schema in list(walk(document)):
        if keyword_of(path) in SCHEMA_KEYWORDS:
            _simplify(schema)
    apply_discriminators(document)
    prepared.classes = name_classes(document)
    for path, note in join_schemas(document):
        prepared.note(path, note)
    _break_circles(document, prepared)
    wire_names = attributes.name_properties(document)
    _inline(document, ("parameters", "requestBody", "responses", "headers", "callbacks", "links", "requestBodies"))
    document[WIRE_NAMES] = wire_names | attributes.name_parameters(document)
    document[SERIALIZATION] = serialization.of_operations(document)
    for path, note in credentials.notes(document):
        prepared.note(path, note)
    for path, operation in operations(document):
        if not any(status[0] in "2d" for status in operation["responses"]):
            reason = "cannot be called over plain HTTP" if "101" in operation["responses"] else "documents no success"
            prepared.note(path, f"{reason}; it has the detailed calls only.")
        if server := serialization.own_server(document, path):
            prepared.note(path, f"its own server {server} is not followed: the token belongs to the client's base_url.")
    return prepared


def schemas_as_objects(document: dict[str, Any]) -> None:
    """Put an object in the place of each schema that is `true` or `false`: no type says more of either."""
    for _, part in list(walk(document)):
        if part.get("items") is False and part.get("prefixItems"):
            del part["items"]  # How many there are is a limit, and no type.
        for key, value in list(part.items()):
            if key in _UNTYPED and isinstance(value, bool):
                del part[key]
            elif key in _SCHEMAS:
                part[key] = _as_object(value)
            elif key in _HOLDERS and is_object(value):
                part[key] = {name: _as_object(each) for name, each in value.items()}
            elif key in _LISTS and is_array(value):
                part[key] = list(map(_as_object, value))


def _as_object(schema: Any) -> Any:
    return {} if isinstance(schema, bool) else schema


def _inline(document: dict[str, Any], roles: Sequence[str]) -> None:
    """Puts in place what a reference to anything but a schema means: the generator follows few of these."""
    for path, part in list(walk(document)):
        if keyword_of(path) in roles and "$ref" in part:
            value = deepcopy(resolve(document, part))
            part.clear()
            part.update(value)


def _name_odd_references(document: dict[str, Any]) -> None:
    """Gives a name of its own to each schema that is referred to by the place where it happens to stand."""
    # The inner of two first: where the outer one stood, there is nothing below its reference afterwards.
    for path, reference in sorted(references(document), key=lambda each: -each[1].count("/")):
        target = parse_pointer(reference)
        if keyword_of(path) in SCHEMA_KEYWORDS and (target[:2] != ("components", "schemas") or len(target) != 3):
            key = names.label(" ".join(map(str, target[-3:]))) + names.digest(reference).upper()
            schemas = document["components"]["schemas"]
            value = object_or_empty(at(document, target))
            if key not in schemas:
                schemas[key] = dict(value)
                value.clear()
                value["$ref"] = ROOT + key
            object_or_empty(at(document, path))["$ref"] = ROOT + key


def _spread_security(document: dict[str, Any]) -> None:
    """Says for each operation what the document says once for all; an empty requirement makes it optional."""
    for _, operation in operations(document):
        required = operation.get("security", document.get("security", []))
        operation["security"] = required if all(required) else []


def _name_operations(document: dict[str, Any]) -> None:
    """Give each operation its module and package."""
    wanted: dict[JsonPath, str] = {}
    given: dict[Any, JsonPath] = {operation.get("operationId"): path for path, operation in operations(document)}
    for path, operation in operations(document):
        method, route = str(path[2]), str(path[1])
        group = names.group(next(iter(operation.get("tags", ())), ""), route)
        operation["tags"] = [group]
        wanted[path] = f"{group}/{names.operation(operation.get('operationId', ''), method, route)}"
    named = names.unique(wanted)
    for path, name in named.items():
        at(document, path)["operationId"] = name.rpartition("/")[2]
    document[TASKS] = {
        named[path]: {
            key: named[given[value]] if key.endswith("-operation") else value for key, value in declared.items()
        }
        for path, operation in operations(document)
        if (declared := object_or_empty(operation.get(LONG_RUNNING)))
    }


def _media_types(document: dict[str, Any], path: JsonPath, part: dict[str, Any], prepared: Prepared) -> None:
    """Keeps of each response the media type that is typed, and has the generator read bytes as bytes."""
    content = object_or_empty(part.get("content"))  # a link's requestBody is data
    is_response = keyword_of(path) == "responses"
    if is_response and len(content) > 1:
        typed = min(content, key=lambda name: not JSON.fullmatch(name))
        prepared.note(path, f"of {', '.join(content)}, {typed} is typed; `stream()` yields any.")
        part["x-media-types"] = [typed, *(name for name in content if name != typed)]
        part["content"] = content = {typed: content[typed]}
    for media_type, holder in list(content.items()):
        if media_type != media_type.lower():
            prepared.media_types[media_type] = media_type.lower()
        if JSON.fullmatch(media_type):
            holder.setdefault("schema", {})
            if media_type.lower().startswith("text/"):
                prepared.media_types[media_type] = "application/json"  # the generator knows JSON by this name
        elif TEXT.fullmatch(media_type) and is_response and not is_binary(resolve(document, holder.get("schema"))):
            holder["schema"] = {"type": "string"}
        elif is_response or not FORM.fullmatch(media_type):
            name, schemas = media_type, [{"type": "string", "format": "binary"}]
            if TEXT.fullmatch(media_type):
                if not is_binary(resolve(document, holder.get("schema"))):
                    schemas.append({"type": "string"})
                if ";" not in media_type:  # A name of its own: as that of a response, the same text is read as text.
                    name += "; charset=utf-8"
                    content[name] = content.pop(media_type)
                    part.setdefault("x-media-types", [media_type])
            holder["schema"] = {"anyOf": schemas} if len(schemas) > 1 else schemas[0]
            prepared.media_types[name] = _BINARY


def _parameter(document: dict[str, Any], path: JsonPath, part: dict[str, Any], prepared: Prepared) -> None:
    """Takes as text what the generator can't put into a path, a header or a cookie."""
    if serialization.is_taken_as_text(document, part):
        part.pop("content", None)
        part.pop("style", None)
        part["schema"] = {"type": "string"}
        prepared.note(path, f"the {part.get('in')} parameter `{part.get('name')}` is taken as text, as it is sent.")
    if part.get("allowReserved") is True:
        prepared.note(path, f"reserved characters of `{part.get('name')}` are percent-encoded all the same.")


def _describe(document: dict[str, Any]) -> None:
    """Put the document's words where the generator takes docstrings from; what would hide there is escaped.

    A parameter's description goes to its schema. A default becomes a sentence: it is what the server does without a
    value. The generator would have the client send it, as if the caller had asked for it; some servers refuse two
    values together that nobody had given.
    """
    for _, operation in operations(document):
        if overlay.ADDED in operation:
            mark = f"{operation[overlay.ADDED][:1].upper()}{operation[overlay.ADDED][1:]}."
            operation["description"] = f"{operation.get('description') or ''}\n\n{mark}".strip()
    for path, part in list(walk(document)):
        for key in ("title", "summary", "description"):
            if isinstance(part.get(key), str):
                part[key] = visible(part[key])
        schema = object_or_empty(part.get("schema"))
        if keyword_of(path) == "parameters" and part.get("description") and "$ref" not in schema:
            schema.setdefault("description", part["description"])
    for path, schema in list(walk(document)):
        if keyword_of(path) in SCHEMA_KEYWORDS and "default" in schema:
            sentence = f"Default: {schema.pop('default')!r}."
            schema["description"] = f"{schema.get('description') or ''} {sentence}".strip()


def _simplify(schema: dict[str, Any]) -> None:
    """Says in the generator's words what a schema says in rarer ones, or leaves it free."""
    allow_patterns(schema)
    if "$ref" in schema and (beside := {key: schema.pop(key) for key in _BESIDE if key in schema}):
        schema["allOf"] = [{"$ref": schema.pop("$ref")}, beside]
    listed = schema.get("allOf", ())
    if len(listed) == 1 and "$ref" in listed[0] and isinstance(schema.get("additionalProperties"), bool):
        del schema["additionalProperties"]  # The reference says what the fields are.
    if {"properties", "additionalProperties"} & schema.keys() and not _KINDS & schema.keys():
        schema["type"] = "object"
    if schema.get("type") == "object" and not listed and schema.get("required"):
        # A field that is required and not described is a field all the same; the generator would forget it.
        schema["properties"] = schema.get("properties", {})
        schema["properties"] |= {name: {} for name in schema["required"] if name not in schema["properties"]}
    if schema.get("type") == "array" and not schema.get("items") and not schema.get("prefixItems"):
        schema["items"] = {}
    if isinstance(schema.get("const"), dict | list) or not _is_plain(schema.get("const")):
        del schema["const"]
    values: list[Any] = [value for value in dict.fromkeys(map(_hashable, schema.get("enum", ()))) if value is not None]
    types = list_or_empty(schema.get("type"))
    if "enum" in schema and not is_enumeration(values):
        del schema["enum"]
    elif values:
        is_null_due = None in schema["enum"] and ("null" in types or not schema.get("type"))
        schema["nullable"] = is_null_due or schema.get("nullable") is True
        given = list_or_empty(schema.get("x-enum-varnames"))
        texts = given if len(given) == len(values) else values
        members = {
            value: names.member(text, index) for index, (value, text) in enumerate(zip(values, texts, strict=True))
        }
        schema["enum"] = values
        schema["x-enum-varnames"] = [name.upper() for name in names.unique(members).values()]
    if "null" in types and len(types) == 2:
        schema["type"] = next(name for name in types if name != "null")
        schema["nullable"] = True


def _break_circles(document: dict[str, Any], prepared: Prepared) -> None:
    """Leaves free the place where a list or a union holds itself: only a class can."""
    schemas = document["components"]["schemas"]
    edges = {key: [] if is_class(document, schema) else list(references(schema)) for key, schema in schemas.items()}

    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        seen.add(start)
        following = {str(parse_pointer(reference)[-1]) for _, reference in edges[start]}
        return goal in following or any(reaches(key, goal, seen) for key in following - seen)

    for key, found in edges.items():
        for path, reference in found:
            target = str(parse_pointer(reference)[-1])
            if target == key or reaches(target, key, set()):
                object_or_empty(at(schemas[key], path)).clear()
                prepared.note(("components", "schemas", key, *path), "holds itself without a class; typed as Any.")
        edges[key] = list(references(schemas[key])) if found else []


def allow_patterns(schema: dict[str, Any]) -> None:
    """Makes additional fields of those that a pattern names: a type of Python's has no patterns for its keys."""
    if patterns := schema.pop("patternProperties", {}):
        is_alone = len(patterns) == 1 and schema.get("additionalProperties") is False
        schema["additionalProperties"] = next(iter(patterns.values())) if is_alone else {}


def is_enumeration(values: list[Any]) -> bool:
    """Whether the generator makes one of them: of strings or of integers, and without characters that hide."""
    return {type(value) for value in values} in ({str}, {int}) and all(map(_is_plain, values))


def _is_plain(value: object) -> bool:
    return not isinstance(value, str) or is_visible(value)


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
