"""What a caller's code leans on, as facts: the names in a package, and the promises of its prepared document."""

import json
import re
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

import griffe

from generator.prepare.preparation import SERIALIZATION, WIRE_NAMES

from ..document import serialization
from ..document.prose_rules import server_url
from ..document.tree import JsonPath, at, list_or_empty, object_or_empty, operations, walk

Place: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[str, str, Place, str]
"""An operation, a direction (request or response), a place as Python names it, and an aspect of what stands there."""
Facts: TypeAlias = dict[Key, Any]

_UPPER = dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), inf)
_LOWER = {"minimum": -inf, "exclusiveMinimum": -inf, "minLength": 0, "minItems": 0, "minProperties": 0}
LIMITS = _UPPER | _LOWER
"""What holds where a limit is not given."""
_RULES = (*LIMITS, "pattern", "multipleOf", "uniqueItems")
_ONE_WAY = {"request": "readOnly", "response": "writeOnly"}
"""The keyword that takes a property out of a direction: a caller sends it to no avail, or waits for it."""
_JSON_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "null": "None"}
_TYPES = _JSON_TYPES | {"date-time": "datetime", "date": "date", "uuid": "UUID", "binary": "File", "object": "dict"}
_ORIGINAL = "x-contract-check-"


def keep_originals(document: dict[str, Any]) -> None:
    """Keeps what the preparation takes away, where it doesn't look."""
    for _, part in walk(document):
        part.update({_ORIGINAL + key: list(part[key]) for key in ("enum", "content") if part.get(key)})
        if part.get("default") is not None:
            part[_ORIGINAL + "default"] = part["default"]


def place_of(operation: dict[str, Any]) -> Place:
    """Where a prepared operation stands in its package."""
    return ("api", operation["tags"][0], operation["operationId"])


def route_of(path: JsonPath) -> str:
    """An operation's method and path; what the path calls its parameters doesn't matter."""
    return f"{str(path[2]).upper()} {re.sub('{.*?}', '{}', str(path[1]))}"


def names(package: Path) -> Facts:
    """Each public name and how it is declared; the code is read, never run."""
    finder: Any = {"search_paths": [package.parent], "try_relative_path": False, "allow_inspection": False}
    facts: Facts = {}

    def add(place: Place, declaration: str, exists: str = "optional", position: str | None = None) -> None:
        facts.update({("", "", place, "exists"): exists, ("", "", place, "declaration"): declaration})
        if position is not None:
            facts["", "", place, "position"] = position

    def visit(place: Place, holder: griffe.Object | griffe.Alias) -> None:
        for name, member in holder.all_members.items():
            found = member.final_target if isinstance(member, griffe.Alias) and member.is_public else member
            if not member.is_public or (name[0] == "_" and name != "__init__") or "property" in member.labels:
                continue
            if place == ("models",) and isinstance(found, griffe.Module):
                continue  # A model counts, not the module that it stands in.
            here = (*place, f"{name}()" if isinstance(found, griffe.Function) else name)
            if isinstance(found, griffe.Class):
                add(here, "keyword-only" if "kw_only=True" in str([each.value for each in found.decorators]) else "")
            else:
                add(here, _plain(getattr(found, "annotation", "")))
            for position, parameter in enumerate(found.parameters if isinstance(found, griffe.Function) else ()):
                order = None if parameter.kind is griffe.ParameterKind.keyword_only else f"argument {position + 1}"
                inner = (*(place if place[:1] == ("api",) else here), parameter.name)  # once for all of an operation's
                exists = "required" if parameter.default is None else "optional"
                add(inner, _plain(parameter.annotation), exists, order)
            if isinstance(found, griffe.Module) or (place and isinstance(found, griffe.Class)):
                visit(here, found)

    visit((), griffe.load(package.name, **finder))
    return facts


def _plain(annotation: object) -> str:
    return re.sub(r"\b_\w+\.", "", str(annotation))  # What a module calls another one is its own affair.


def _attribute(name: str) -> str:
    """What Python calls a property or a parameter."""
    from openapi_python_client.strings import PythonIdentifier  # loads the generator, which few commands need

    return str(PythonIdentifier(name, "field_"))


def promises(document: dict[str, Any]) -> Facts:
    """What each operation's requests may hold, and what its responses may."""
    facts: Facts = {("", "", ("servers",), "URL"): server_url(document) or None}
    schemas = object_or_empty(at(document, ("components", "schemas")))
    schemes = object_or_empty(at(document, ("components", "securitySchemes")))
    wire_names = object_or_empty(document.get(WIRE_NAMES))
    told = set[tuple[str, str, str]]()

    def add(way: tuple[str, str], place: Place, schema: dict[str, Any], required: object, wire: str = "") -> None:
        types = set[str]() if required else {"Unset"}
        for name, leaf in _leaves(schemas, schema):
            facts.update({(*way, ("models", name), "exists"): "class"} if name else {})
            if name and "enum" not in leaf:
                types.add(name)
                if (*way, name) not in told:
                    told.add((*way, name))
                    add(way, ("models", name), leaf, required=True)
                continue
            for part in list_or_empty(leaf.get("allOf")):
                facts[*way, ("models", str(part.get("$ref", "")).rpartition("/")[2]), "exists"] = "class"
            types |= _types(leaf)
            facts.update({(*way, place, aspect): rule for aspect, rule in _rules(leaf, way[1])})
            for key, part in object_or_empty(leaf.get("properties")).items():
                here = (*place, _attribute(key))
                add(way, here, part, key in list_or_empty(leaf.get("required")), wire_names.get(key, key))
            for key, sign in (("items", "[]"), ("additionalProperties", "{}")):
                if isinstance(leaf.get(key), dict):
                    add(way, (*place, sign), leaf[key], required=True)
        facts[*way, place, "type"] = frozenset(types)
        if wire:
            facts[*way, place, "exists"], facts[*way, place, "name on the wire"] = _demand(required), wire

    def add_content(way: tuple[str, str], place: Place, holder: dict[str, Any], required: object) -> None:
        facts[*way, place, "exists"] = _demand(required)
        for media_type in holder.get(_ORIGINAL + "content", ()):
            bare = media_type.lower().partition(";")[0].strip()  # such as a charset says nothing to a caller
            facts[*way, (*place, bare), "exists"] = "optional"
        kinds = [content.get("schema", {}) for content in object_or_empty(holder.get("content")).values()]
        add(way, place, {"anyOf": kinds or [{"type": "null"}]}, required)

    for path, operation in operations(document):
        place = place_of(operation)
        serialized = object_or_empty(document[SERIALIZATION].get("/".join(place[1:])))
        asked, answered = (".".join(place[1:]), "request"), (".".join(place[1:]), "response")
        facts[*asked, place, "exists"] = facts[*answered, place, "exists"] = "optional"
        facts[*asked, place, "route"] = route_of(path)
        facts[*asked, place, "own server"] = serialization.own_server(document, path) or None
        facts[*asked, place, "deprecated"] = operation.get("deprecated") or None
        ways = [_credentials(schemes, way) for way in operation["security"]]
        facts[*asked, place, "security"] = frozenset(ways or [frozenset[str]()])
        for parameter in map(object_or_empty, list_or_empty(operation.get("parameters"))):
            here = (*place, _attribute(parameter["name"]))
            wire = f"{parameter['in']} {wire_names.get(parameter['name'], parameter['name'])}"
            add(asked, here, object_or_empty(parameter.get("schema")), parameter.get("required"), wire)
            key = f"{parameter['in']} {parameter['name']}"
            facts[*asked, here, "style"] = object_or_empty(serialized.get("parameters")).get(key)
        if body := object_or_empty(operation.get("requestBody")):
            add_content(asked, (*place, "body"), body, body.get("required"))
            for form in object_or_empty(serialized.get("forms")).values():
                for field, encoding in form.items():
                    facts[*asked, (*place, "body", _attribute(field)), "encoding"] = encoding
        for status, response in operation["responses"].items():
            add_content(answered, (*place, f"status {status}"), response, required=True)
            for header in object_or_empty(response.get("headers")):
                facts[*answered, (*place, f"status {status}", f"header {header.lower()}"), "exists"] = "optional"
        success = (facts[*answered, (*place, f"status {s}"), "type"] for s in operation["responses"] if s[0] == "2")
        facts[*answered, place, "type of success"] = frozenset[str]().union(*success)
    return facts


def _demand(required: object) -> str:
    return "required" if required else "optional"


def _leaves(schemas: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """`schema` and its alternatives, each with the name of its class where it has one."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        is_class = schemas[name].get("type") == "object" or {"properties", "allOf", "enum"} & schemas[name].keys()
        yield from [(name, schemas[name])] if is_class else _leaves(schemas, schemas[name])
        return
    for whole in _with_parts(schemas, schema, set()):
        yield "", whole
        for part in (part for key in ("anyOf", "oneOf") for part in list_or_empty(whole.get(key))):
            yield from _leaves(schemas, object_or_empty(part))


def _with_parts(schemas: dict[str, Any], schema: dict[str, Any], seen: set[str]) -> Iterator[dict[str, Any]]:
    """`schema` and what its `allOf` joins to it: the fields of a named part are the class's own."""
    yield schema
    for part in map(object_or_empty, list_or_empty(schema.get("allOf"))):
        reference = str(part.get("$ref", ""))
        if reference not in seen:
            seen.update({reference} - {""})
            yield from _with_parts(schemas, schemas[reference.rpartition("/")[2]] if reference else part, seen)


def _types(leaf: dict[str, Any]) -> set[str]:
    given = leaf.get("type", "any")
    kinds: list[str] = [given] if isinstance(given, str) else given
    if {"allOf", "anyOf", "oneOf"} & leaf.keys():
        kinds = []
    found = {
        _TYPES.get(str(leaf.get("format")), "str") if kind == "string" else _TYPES.get(kind, "Any") for kind in kinds
    }
    return found | ({"None"} if leaf.get("nullable") else set())


def _rules(leaf: dict[str, Any], direction: str) -> Iterator[tuple[str, Any]]:
    """What a schema says beyond the type; OpenAPI 3.0 makes a limit exclusive by a boolean."""
    rules = {key: leaf[key] for key in _RULES if leaf.get(key) is not None and leaf[key] is not False}
    if leaf.get(_ONE_WAY[direction]) is True:
        rules[_ONE_WAY[direction]] = True
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if rules.get(exclusive) is True:
            rules[exclusive] = rules.pop(limit, None)
    if direction != "response" and leaf.get(_ORIGINAL + "default", False) is not False:
        rules["default"] = leaf[_ORIGINAL + "default"]
    if values := [
        json.dumps(value, ensure_ascii=False) for value in leaf.get(_ORIGINAL + "enum", ()) if value is not None
    ]:
        rules["values"] = frozenset(values)
    yield from rules.items()


def _credentials(schemes: dict[str, Any], way: dict[str, Any]) -> frozenset[str]:
    """What one way to be admitted asks for; what the document calls it doesn't matter."""
    told = {name: [str(schemes[name].get(key, "")).lower() for key in ("type", "scheme", "in", "name")] for name in way}
    words = {name: " ".join(filter(None, found)) for name, found in told.items()}
    return frozenset([*words.values(), *(f"{words[name]} {scope}" for name, scopes in way.items() for scope in scopes)])
