"""Prepare a sound document so that the generator supports all of it, under the names that users type.

Nothing here is specific to one document. The generator follows only references to named schemas, names inline classes
after their parents, and refuses media types that it does not know; each step removes one such limit.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from contract_check.document import names, overlay, serialization
from contract_check.document.media_types import is_binary
from contract_check.document.operations import FORM, JSON, TEXT, of
from contract_check.document.semantic_rules import LONG_RUNNING
from contract_check.document.text import escape_invisible, is_visible
from contract_check.document.tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    is_object,
    keyword_of,
    list_or_empty,
    object_or_empty,
    parse_pointer,
    pointer,
    references,
    resolve,
    walk,
)

from . import attributes, credentials
from .classes import ROOT, is_class, name_classes
from .discriminators import apply_discriminators
from .merging import FIELDS, JOINING, TYPED, adds_nothing, join_schemas, unwrap

_BINARY = "application/octet-stream"
SERIALIZATION = "x-serialization"
"""The key of the prepared document with the styles of each operation's arguments that are not the default."""
WIRE_NAMES = "x-wire-names"
"""The key of the prepared document with the documented name of each renamed property or parameter."""
TASKS = "x-tasks"
"""The key of the prepared document with how to poll the task of an operation, by its group and name."""

_HOLDERS = ("properties", "schemas", "$defs", "patternProperties", "dependentSchemas")
_SCHEMAS = ("schema", "items", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties")
_UNTYPED = ("not", "if", "then", "else")
"""Keywords that restrict a value without a type; the generator reads only the first, and ignores it."""


@dataclass
class Prepared:
    """Generator settings that depend on the document, and notes for the maintainer."""

    media_types: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    classes: dict[str, JsonPath] = field(default_factory=dict[str, JsonPath])
    """The original place of each class."""

    def note(self, path: JsonPath, text: str) -> None:
        """Add a note about a place where the client supports less than the document."""
        self.notes.append(f"{pointer(path)}: {text}")


def prepare(document: dict[str, Any]) -> Prepared:
    """Prepare `document` for the generator, in place."""
    prepared = Prepared()
    document.setdefault("paths", {})  # 3.1 requires neither paths nor responses, but the generator does.
    for operation in of(document):
        operation.definition.setdefault("responses", {})
        required = operation.definition.get("security", document.get("security", []))
        operation.definition["security"] = required if all(required) else []  # An empty alternative makes it optional.
    schemas_as_objects(document)
    document.setdefault("components", {}).setdefault("schemas", {})
    _name_odd_references(document)
    _name_operations(document)
    for path, part in list(walk(document)):
        if keyword_of(path) in ("requestBody", "requestBodies", "responses"):
            _media_types(document, path, part, prepared)
        elif keyword_of(path) == "parameters":
            _parameter(document, path, part, prepared)
    _describe(document)
    schemas = [(keyword_of(path), schema) for path, schema in walk(document) if keyword_of(path) in SCHEMA_KEYWORDS]
    for keyword, schema in reversed(schemas):  # children first
        unwrap(schema)
        _drop_repeated(document, schema, is_named=keyword == "schemas")
    for _, schema in schemas:
        _simplify(schema)
    apply_discriminators(document)
    prepared.classes = name_classes(document)
    for path, note in join_schemas(document):
        prepared.note(path, note)
    _break_cycles(document, prepared)
    wire_names = attributes.name_properties(document)
    _inline(document)
    document[WIRE_NAMES] = wire_names | attributes.name_parameters(document)
    document[SERIALIZATION] = serialization.of_operations(document)
    for path, note in credentials.notes(document):
        prepared.note(path, note)
    for operation in of(document):
        if not any(status[0] in "2d" for status in operation.responses):
            reason = "cannot be called over plain HTTP" if "101" in operation.responses else "documents no success"
            prepared.note(operation.path, f"{reason}; it has the detailed calls only.")
        if server := serialization.own_server(document, operation.path):
            problem = f"its own server {server} is not followed: the token belongs to the client's base_url."
            prepared.note(operation.path, problem)
    return prepared


def schemas_as_objects(document: dict[str, Any]) -> None:
    """Replace each schema `true` or `false` by an object: types can't express more."""
    for _, part in list(walk(document)):
        if part.get("items") is False and part.get("prefixItems"):
            del part["items"]  # It limits the length, which types can't express.
        for key, value in list(part.items()):
            if key in _UNTYPED and isinstance(value, bool):
                del part[key]
            elif key in (*_SCHEMAS, *JOINING, "prefixItems"):
                part[key] = _as_objects(value)
            elif key in _HOLDERS and is_object(value):
                part[key] = {name: _as_objects(each) for name, each in value.items()}


def _as_objects(schemas: Any) -> Any:
    return list(map(_as_objects, schemas)) if is_array(schemas) else {} if isinstance(schemas, bool) else schemas


def _inline(document: dict[str, Any]) -> None:
    """Inline references to objects other than schemas: the generator supports few of them."""
    roles = ("parameters", "requestBody", "responses", "headers", "callbacks", "links", "requestBodies")
    for path, part in list(walk(document)):
        if keyword_of(path) in roles and "$ref" in part:
            value = deepcopy(resolve(document, part))
            part.clear()
            part.update(value)


def _name_odd_references(document: dict[str, Any]) -> None:
    """Name each schema that is referenced by its place elsewhere in the document."""
    # Inner schemas first: moving the outer one leaves only a reference in its place.
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


def _name_operations(document: dict[str, Any]) -> None:
    """Name the module and package of each operation."""
    modules: dict[JsonPath, str] = {}
    given = {each.definition.get("operationId"): each.path for each in of(document)}
    for operation in of(document):
        definition, method = operation.definition, operation.method.lower()
        group = names.group(next(iter(definition.get("tags", ())), ""), operation.route)
        definition["tags"] = [group]
        name = names.operation(definition.get("operationId", ""), method, operation.route)
        modules[operation.path] = f"{group}/{name}"
    named = names.unique(modules)
    for path, name in named.items():
        at(document, path)["operationId"] = name.rpartition("/")[2]
    document[TASKS] = {
        named[operation.path]: {
            key: named[given[value]] if key.endswith("-operation") else value for key, value in declared.items()
        }
        for operation in of(document)
        if (declared := object_or_empty(operation.definition.get(LONG_RUNNING)))
    }


def _media_types(document: dict[str, Any], path: JsonPath, part: dict[str, Any], prepared: Prepared) -> None:
    """Keep the typed media type of each response, and make the generator treat bytes as bytes."""
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
                if ";" not in media_type:  # a different name, since a response with this one is text
                    name += "; charset=utf-8"
                    content[name] = content.pop(media_type)
                    part.setdefault("x-media-types", [media_type])
            holder["schema"] = {"anyOf": schemas} if len(schemas) > 1 else schemas[0]
            prepared.media_types[name] = _BINARY


def _parameter(document: dict[str, Any], path: JsonPath, part: dict[str, Any], prepared: Prepared) -> None:
    """Replace parameters that the generator can't serialize in a path, a header or a cookie by strings."""
    if serialization.is_taken_as_text(document, part):
        part.pop("content", None)
        part.pop("style", None)
        part["schema"] = {"type": "string"}
        prepared.note(path, f"the {part.get('in')} parameter `{part.get('name')}` is a string, sent as it is.")
    if part.get("allowReserved") is True:
        prepared.note(path, f"reserved characters of `{part.get('name')}` are percent-encoded anyway.")


def _describe(document: dict[str, Any]) -> None:
    """Move descriptions to where the generator reads docstrings, and escape invisible characters.

    A parameter's description goes to its schema. A default becomes a sentence: it is the server's behaviour without a
    value. The generator would send it as if the caller had set it, and some servers reject combinations of values that
    the caller did not set.
    """
    for operation in of(document):
        if added := operation.definition.get(overlay.ADDED):
            text = f"{operation.definition.get('description') or ''}\n\n{added[:1].upper()}{added[1:]}."
            operation.definition["description"] = text.strip()
    for path, part in list(walk(document)):
        for key in ("title", "summary", "description"):
            if isinstance(part.get(key), str):
                part[key] = escape_invisible(part[key])
        schema = object_or_empty(part.get("schema"))
        if keyword_of(path) == "parameters" and part.get("description") and "$ref" not in schema:
            schema.setdefault("description", part["description"])
        if keyword_of(path) in SCHEMA_KEYWORDS and "default" in part:
            part["description"] = f"{part.get('description') or ''} Default: {part.pop('default')!r}.".strip()


def _drop_repeated(document: dict[str, Any], schema: dict[str, Any], *, is_named: bool) -> None:
    """Drop what an `allOf` repeats of its references: it would make another class of the same fields.

    A named schema keeps its class unless it adds only annotations.
    """
    if "$ref" in schema and (beside := {key: schema.pop(key) for key in TYPED - {"$ref", "type"} if key in schema}):
        schema["allOf"] = [{"$ref": schema.pop("$ref")}, beside]  # since the generator ignores them beside it
    listed = schema.get("allOf", [])
    for part in list(listed):
        may_repeat = not is_named and "$ref" not in part
        if not TYPED & part.keys() or (may_repeat and adds_nothing(document, part, listed)):
            listed.remove(part)
            schema |= {key: value for key, value in part.items() if key not in {*TYPED, "nullable", *schema}}
    if not listed:
        schema.pop("allOf", None)
    own = {key: schema[key] for key in FIELDS if key in schema}
    may_repeat = len(listed) == 1 and (not is_named or own.keys() == {"additionalProperties"})
    for key in own if may_repeat and adds_nothing(document, own, listed) else ():
        del schema[key]


def _simplify(schema: dict[str, Any]) -> None:
    """Rewrite rare keywords of a schema to those that the generator supports, or drop them."""
    if patterns := schema.pop("patternProperties", {}):  # Python types have no patterns for keys.
        is_alone = len(patterns) == 1 and schema.get("additionalProperties") is False
        schema["additionalProperties"] = next(iter(patterns.values())) if is_alone else {}
    if {"properties", "additionalProperties"} & schema.keys() and not TYPED - FIELDS & schema.keys():
        schema["type"] = "object"
    if schema.get("type") == "object" and "allOf" not in schema and schema.get("required"):
        # The generator omits a required field that is not declared as a property.
        schema["properties"] = schema.get("properties", {})
        schema["properties"] |= {name: {} for name in schema["required"] if name not in schema["properties"]}
    if schema.get("type") == "array" and not schema.get("items") and not schema.get("prefixItems"):
        schema["items"] = {}
    if isinstance(schema.get("const"), dict | list) or not is_visible(str(schema.get("const"))):
        del schema["const"]
    values: list[Any] = [value for value in schema.get("enum", ()) if value is not None]
    types = list_or_empty(schema.get("type"))
    if {type(value) for value in values} not in ({str}, {int}) or not all(map(is_visible, map(str, values))):
        schema.pop("enum", None)  # The generator makes enumerations of texts or of integers only.
    else:
        values = list(dict.fromkeys(values))
        has_null = None in schema["enum"] and ("null" in types or not schema.get("type"))
        schema["nullable"] = has_null or schema.get("nullable") is True
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


def _break_cycles(document: dict[str, Any], prepared: Prepared) -> None:
    """Drop the type where a list or a union contains itself: only classes can be recursive."""
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
                prepared.note(("components", "schemas", key, *path), "refers to itself without a class; typed as Any.")
        edges[key] = list(references(schemas[key])) if found else []
