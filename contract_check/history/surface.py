"""Collect what a caller's code depends on: the names of a package, and the promises of its document."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from generator.prepare.merging import without_annotations
from generator.prepare.preparation import SERIALIZATION, WIRE_NAMES

from ..document import serialization
from ..document.names import attribute
from ..document.operations import FORM, JSON, bare, of
from ..document.semantic_rules import server_url
from ..document.tree import (
    SCHEMA_KEYWORDS,
    keyword_of,
    object_or_empty,
    parts,
    pointer,
    resolve,
    walk,
)

Place: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[str, str, Place, str]
"""An operation, a direction (request or response), a place by its Python names, and an aspect of it."""
Facts: TypeAlias = dict[Key, Any]

_UPPER = dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), inf)
_LOWER = {"minimum": -inf, "exclusiveMinimum": -inf, "minLength": 0, "minItems": 0, "minProperties": 0}
LIMITS = _UPPER | _LOWER
"""The value of each limit that is not given."""
_SHAPE = {"$ref", "type", "properties", "items", "enum", "const", "allOf", "anyOf", "oneOf"}
"""The keywords that make an alternative a type rather than a rule."""
_COVERED = _SHAPE | {
    *("nullable", "additionalProperties", "required", "default", "format", "readOnly", "writeOnly", "deprecated"),
    *("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$schema", "$id", "$anchor"),
    *("$defs", "definitions"),
}
"""The keywords with facts of their own, or without a promise; any other keyword is compared literally."""
_BESIDE = ("deprecated", "nullable")
"""The keywords beside a reference that are facts of its place."""
_ANY_TEXT = ("", "^", "$", ".*", "^.*", ".*$", "^.*$")
_ONE_WAY = {"request": "readOnly", "response": "writeOnly"}
"""The keyword that excludes a property from a direction."""
_JSON_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "null": "None"}
_TYPES = _JSON_TYPES | {"date-time": "datetime", "date": "date", "uuid": "UUID", "binary": "File", "object": "dict"}
_ORIGINAL = "x-contract-check-"


def keep_originals(document: dict[str, Any]) -> None:
    """Keep what the preparation removes, under keys that it ignores."""
    for path, part in list(walk(document)):
        if keyword_of(path) in SCHEMA_KEYWORDS:
            if keyword_of(path) == "schemas":
                part[_ORIGINAL + "place"] = pointer(path)
            if joined := [each["$ref"] for each in part.get("allOf", ()) if "$ref" in each]:
                part[_ORIGINAL + "parts"] = joined
            if rules := list(_rules(document, part)):
                part[_ORIGINAL + "rules"] = rules
            if part.get("default") is not None:
                part[_ORIGINAL + "default"] = part["default"]
        elif keyword_of(path) == "parameters" and _types(resolve(document, part.get("schema"))) != {"str"}:
            part[_ORIGINAL + "schema"] = deepcopy(part.get("schema"))
        if content := object_or_empty(part.get("content")):
            is_typed = keyword_of(path) != "parameters"  # which the package takes as text
            typed = [name for name in content if is_typed and (JSON.fullmatch(name) or FORM.fullmatch(name))]
            part[_ORIGINAL + "content"] = deepcopy(content | {name: dict[str, Any]() for name in typed})


def _rules(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rules of a schema and its `allOf` parts beyond the type."""
    for part in parts(document, schema):
        if part is not schema and ("properties" in part or part.get("type") == "object"):
            continue  # a class, which has its own rules
        rules = {
            key: without_annotations(value)
            for key, value in part.items()
            if key not in _COVERED and not key.startswith("x-")
        }
        if part.get("type") == "string" and part.get("format", "password") not in (*_TYPES, "password"):
            rules["format"] = part["format"]
        if given := [value for value in (*part.get("enum", ()), part.get("const")) if value is not None]:
            rules["values"] = [json.dumps(value, ensure_ascii=False) for value in given]
        for key in ("anyOf", "oneOf"):
            if key in part and not any(_SHAPE & object_or_empty(each).keys() for each in part[key]):
                rules[key] = without_annotations(part[key])
        for key in [key for key, rule in rules.items() if rule in (None, {}) or rule is (key != "uniqueItems")]:
            del rules[key]  # these values allow anything: `false` for `uniqueItems`, `true` otherwise
        if rules:
            yield rules


def names(package: Path) -> Facts:
    """The public names of a package and their declarations; the code is parsed, never run."""
    import griffe  # slow to import

    finder: Any = {"search_paths": [package.parent], "try_relative_path": False, "allow_inspection": False}
    facts: Facts = {}

    def add(place: Place, declaration: str, exists: str = "optional", position: str | None = None) -> None:
        facts.update({("", "", place, "exists"): exists, ("", "", place, "declaration"): declaration})
        if position is not None:
            facts["", "", place, "position"] = position

    def visit(place: Place, holder: griffe.Object | griffe.Alias) -> None:
        call = holder.all_members.get("sync_detailed")
        shared = [each.name for each in call.parameters] if isinstance(call, griffe.Function) else []
        for name, member in holder.all_members.items():
            found = member.final_target if isinstance(member, griffe.Alias) and member.is_public else member
            if not member.is_public or (name[0] == "_" and name != "__init__") or "property" in member.labels:
                continue
            if place == ("models",) and isinstance(found, griffe.Module):
                continue  # Models are exported by the package; their modules are internal.
            here = (*place, f"{name}()" if isinstance(found, griffe.Function) else name)
            if isinstance(found, griffe.Class):
                add(here, "keyword-only" if "kw_only=True" in str([each.value for each in found.decorators]) else "")
            else:
                add(here, _plain(getattr(found, "annotation", "")))
            for position, parameter in enumerate(found.parameters if isinstance(found, griffe.Function) else ()):
                order = None if parameter.kind is griffe.ParameterKind.keyword_only else f"argument {position + 1}"
                inner = (*(place if parameter.name in shared else here), parameter.name)  # once for all of an operation
                exists = "required" if parameter.default is None else "optional"
                add(inner, _plain(parameter.annotation), exists, order)
            if isinstance(found, griffe.Module) or (place and isinstance(found, griffe.Class)):
                visit(here, found)

    visit((), griffe.load(package.name, **finder))
    return facts


def _plain(annotation: object) -> str:
    return re.sub(r"\b_\w+\.", "", str(annotation))  # Aliases of modules are private.


def promises(document: dict[str, Any]) -> Facts:
    """Collect the constraints on the requests and responses of each operation."""
    facts: Facts = {("", "", ("servers",), "URL"): server_url(document) or None}
    schemes = document["components"].get("securitySchemes", {})
    wire_names = document[WIRE_NAMES]
    visited = set[tuple[str, str, str]]()
    classes = {schema.get(_ORIGINAL + "place"): name for name, schema in document["components"]["schemas"].items()}

    def add(way: tuple[str, str], place: Place, schema: dict[str, Any], required: object, wire: str = "") -> None:
        types = set[str]() if required else {"Unset"}
        given, is_open = dict[str, list[Any]](), False
        leaves = list(_leaves(document, schema))
        is_left_out = any(
            each.get(_ONE_WAY[way[1]]) is True for each in (schema, *(leaf for name, leaf in leaves if not name))
        )
        for name, leaf in leaves:
            facts.update({(*way, ("models", name), "exists"): "class"} if name else {})
            if name and "enum" not in leaf:
                types.add(name)
                if (*way, name) not in visited and not is_left_out:
                    visited.add((*way, name))
                    add(way, ("models", name), leaf, required=True)
                continue
            for part in leaf.get(_ORIGINAL + "parts", ()):
                facts.update({(*way, ("models", classes[part]), "exists"): "class"} if part in classes else {})
            types |= _types(leaf)
            if is_left_out:
                given[_ONE_WAY[way[1]]] = [True]
                continue  # a property of the other direction has no rules in this one
            for aspect, rule in _facts(leaf, way[1]):
                given.setdefault(aspect, []).extend([] if rule in given.get(aspect, ()) else [rule])
            is_open |= leaf.get("type") == "string" and "values" not in dict(_facts(leaf, way[1]))
            for key, part in leaf.get("properties", {}).items():
                add(way, (*place, attribute(key)), part, key in leaf.get("required", ()), wire_names.get(key, key))
            for key, sign in (("items", "[]"), ("additionalProperties", "{}")):
                if isinstance(leaf.get(key), dict):
                    add(way, (*place, sign), leaf[key], required=True)
        facts[*way, place, "type"] = frozenset(types)
        if is_open and "values" in given:
            given["known values"] = given.pop("values")
        facts.update({(*way, place, aspect): tuple(sorted(rules, key=_order)) for aspect, rules in given.items()})
        if wire:
            facts[*way, place, "name on the wire"] = wire
            facts[*way, place, "exists"] = "required" if required else "optional"

    def add_content(way: tuple[str, str], place: Place, holder: dict[str, Any], required: object) -> None:
        facts[*way, place, "exists"] = "required" if required else "optional"
        named = list[str]()
        for media_type, content in holder.get(_ORIGINAL + "content", {}).items():
            name = bare(media_type)  # parameters such as charset don't matter to a caller
            if JSON.fullmatch(name):
                named.append(name)
                name = "as JSON"
            elif not FORM.fullmatch(name):  # which the package has as text or bytes
                add(way, (*place, name), object_or_empty(content.get("schema")), required=True)
            facts[*way, (*place, name), "exists"] = "optional"
        if named:
            facts[*way, (*place, "as JSON"), "media type"] = frozenset(named)
        kinds = [content.get("schema", {}) for content in holder.get("content", {}).values()]
        add(way, place, {"anyOf": kinds or [{"type": "null"}]}, required)

    for operation in of(document):
        place, definition = operation.place, operation.definition
        serialized = document[SERIALIZATION].get("/".join(place[1:]), {"parameters": {}, "forms": {}})
        request, reply = (".".join(place[1:]), "request"), (".".join(place[1:]), "response")
        facts[*request, place, "exists"] = facts[*reply, place, "exists"] = "optional"
        facts[*request, place, "route"] = operation.address
        facts[*request, place, "own server"] = serialization.own_server(document, operation.path) or None
        facts[*request, place, "deprecated"] = definition.get("deprecated") or None
        ways = [_credentials(schemes, way) for way in definition["security"]]
        facts[*request, place, "security"] = frozenset(ways or [frozenset[str]()])
        for parameter in operation.parameters.values():
            here = (*place, attribute(parameter["name"]))
            wire = f"{parameter['in']} {wire_names.get(parameter['name'], parameter['name'])}"
            add(request, here, parameter["schema"], parameter.get("required"), wire)
            key = f"{parameter['in']} {parameter['name']}"
            facts[*request, here, "deprecated"] = parameter.get("deprecated") or None
            contents = parameter.get(_ORIGINAL + "content", {}).values()
            originals = [parameter.get(_ORIGINAL + "schema"), *(content.get("schema") for content in contents)]
            if any(originals) and _types(parameter["schema"]) == {"str"}:  # which the package takes as text
                add(request, (*here, "as text"), {"anyOf": [each for each in originals if each]}, required=True)
            facts[*request, here, "style"] = serialized["parameters"].get(key)
        if body := definition.get("requestBody"):
            add_content(request, (*place, "body"), body, body.get("required"))
            for form in serialized["forms"].values():
                for field, encoding in form.items():
                    facts[*request, (*place, "body", attribute(field)), "encoding"] = encoding
        for status, response in operation.responses.items():
            add_content(reply, (*place, f"status {status}"), response, required=True)
            for name, header in response.get("headers", {}).items():
                here = (*place, f"status {status}", f"header {name.lower()}")
                add(reply, here, object_or_empty(header.get("schema")), header.get("required"), name.lower())
        success = (facts[*reply, (*place, f"status {s}"), "type"] for s in operation.responses if s[0] == "2")
        facts[*reply, place, "type of success"] = frozenset[str]().union(*success)
    return facts


def _leaves(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """`schema` and its alternatives, each with the name of its class, if any."""
    schemas = document["components"]["schemas"]
    reference = next(iter(schema.get("allOf", ())), dict[str, Any]())  # All other parts are merged.
    schema = schema | reference
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name not in schemas:
            return  # It was inlined or renamed.
        if rest := {key: value for key, value in schema.items() if key.startswith(_ORIGINAL) or key in _BESIDE}:
            yield "", rest | {"type": []}
        is_class = schemas[name].get("type") == "object" or {"properties", "allOf", "enum"} & schemas[name].keys()
        yield from [(name, schemas[name])] if is_class else _leaves(document, schemas[name])
        return
    yield "", schema
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _leaves(document, part)


def _types(leaf: dict[str, Any]) -> set[str]:
    given = leaf.get("type", "any")
    kinds: list[str] = [given] if isinstance(given, str) else given
    if {"allOf", "anyOf", "oneOf"} & leaf.keys():
        kinds = []
    found = {
        _TYPES.get(str(leaf.get("format")), "str") if kind == "string" else _TYPES.get(kind, "Any") for kind in kinds
    }
    return found | ({"None"} if leaf.get("nullable") else set())


def _facts(leaf: dict[str, Any], direction: str) -> Iterator[tuple[str, Any]]:
    """The facts of a prepared schema beyond the type, from before its preparation."""
    if leaf.get("deprecated") is True:
        yield "deprecated", True
    if direction != "response" and leaf.get(_ORIGINAL + "default", False) is not False:
        yield "default", leaf[_ORIGINAL + "default"]
    for rules in leaf.get(_ORIGINAL + "rules", ()):
        for aspect, rule in rules.items():
            if aspect != "pattern" or rule not in _ANY_TEXT:
                yield aspect, frozenset(rule) if aspect == "values" else rule


def _order(rule: Any) -> tuple[float, str]:
    return (rule if isinstance(rule, int | float) else 0, json.dumps(rule, default=sorted))


def _credentials(schemes: dict[str, Any], way: dict[str, Any]) -> frozenset[str]:
    """The credentials of one security alternative, without the names of its schemes."""
    facts = {
        name: [str(schemes[name].get(key, "")).lower() for key in ("type", "scheme", "in", "name")] for name in way
    }
    words = {name: " ".join(filter(None, found)) for name, found in facts.items()}
    return frozenset([*words.values(), *(f"{words[name]} {scope}" for name, scopes in way.items() for scope in scopes)])
