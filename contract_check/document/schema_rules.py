"""Validate a document, including its Schema Objects, against the JSON Schemas of OpenAPI 3.0 and 3.1."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft4Validator, Draft202012, Draft202012Validator, Registry, ValidationError, Validator
from jsonschema_rs import ValidationErrorKind as Kind

from .defects import Action, Defect, removable, remove, update
from .text import short
from .tree import JsonPath, jsonpath, object_or_empty
from .values import json_type, place_of

# The value that a cure gives to a missing required field; the user replaces it with a true one.
_PLACEHOLDERS: dict[str, object] = {
    "info": {"title": "Untitled", "version": "1.0.0"},
    "title": "Untitled",
    "version": "1.0.0",
    "in": "query",
    "required": True,
    "schema": {},
    "content": {},
    "paths": {},
    "responses": {"default": {"description": "Undocumented."}},
}


def check_version(document: dict[str, Any]) -> Iterator[Defect]:
    """Report a document of an unsupported format or version."""
    found, path = "no OpenAPI document", ("openapi",)
    if "openapi" in document:
        found = f"OpenAPI {document['openapi']}"
    elif "swagger" in document:
        found, path = f"Swagger {document['swagger']}", ("swagger",)
    if not re.fullmatch(r"OpenAPI 3\.[01]\.\d+(-.+)?", found):
        yield Defect(path, f"this is {found}; 3.0 and 3.1 are supported. Convert it to one of these.")


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Report each violation of the specification's schema, with an action that cures it."""
    version = str(document["openapi"])[:3]
    found = list(_departures(document, version))
    newer = [defect for defect in found if version == "3.0" and _NEWER.intersection(defect.path[-1:])]
    if newer:
        remaining = {defect.path for defect in _departures(document, "3.1")}
        cure = update((), {"openapi": "3.1.0"}, "This document uses features of OpenAPI 3.1.")
        for index, defect in enumerate(found):
            if defect in newer and defect.path not in remaining:
                found[index] = replace(defect, problem=f"{defect.problem} OpenAPI 3.1 allows it.", cure=cure)
    yield from found


_NEWER = {
    *("type", "const", "exclusiveMinimum", "exclusiveMaximum", "examples", "prefixItems", "contains", "minContains"),
    *("maxContains", "contentMediaType", "contentEncoding", "contentSchema", "patternProperties", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties", "dependentRequired", "dependentSchemas", "if", "then", "else"),
    *("$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$schema", "webhooks", "pathItems"),
}
"""The keywords that are new in OpenAPI 3.1, or have another form in 3.0."""


def _departures(document: dict[str, Any], version: str) -> Iterator[Defect]:
    for error in _validator(version).iter_errors(document | {"openapi": f"{version}.0"}):
        for found in _intended(error):
            yield from _defects(document, found)


@cache
def _validator(version: str) -> Validator:
    def schema(package: str, path: str) -> Any:
        file = Path(str(distribution(package).locate_file(f"{package}/{path}")))  # importing the package is slow
        return json.loads(file.read_text(encoding="utf-8"))

    if version == "3.0":
        document = schema("openapi_spec_validator", "resources/schemas/v3.0/schema.json")
        for component in document["definitions"]["Components"]["properties"].values():  # with any name, as below
            [component["additionalProperties"]] = component.pop("patternProperties").values()
        return Draft4Validator(document)
    document = schema("openapi_spec_validator", "resources/schemas/v3.1/schema.json")
    del document["$defs"]["components"]["patternProperties"]  # Components may have Chinese names.
    dialect = schema("openapi_schema_validator", "schemas/oas3.1/metaschema.json")
    vocabulary = schema("openapi_schema_validator", "schemas/oas3.1/vocabularies/base")
    # The schema of documents does not check Schema Objects; this definition checks them against the dialect.
    closed = {"$dynamicAnchor": "meta", "$ref": dialect["$id"]}
    whole = {"$id": "urn:relay-client:openapi-3.1", "$ref": document["$id"], "$defs": {"schema": closed}}
    resources = [(part["$id"], part) for part in (document, dialect, vocabulary)]
    return Draft202012Validator(whole, registry=Registry(resources, draft=Draft202012))


def _intended(error: ValidationError) -> Iterator[ValidationError]:
    """Replace an error of an `anyOf` or `oneOf` by those of the intended branch."""
    branches: list[list[ValidationError]] = list(getattr(error.kind, "context", ()))
    if "$ref" not in object_or_empty(error.instance):  # then no reference was intended
        branches = [each for each in branches if not any(_asks_for_reference(inner) for inner in each)]
    # A branch that fails on the type, or on the field that distinguishes kinds, is for another kind of value.
    intended = [each for each in branches if not any(_is_other_kind(inner, error) for inner in each)]
    if len(intended) == 1 or len(branches) == 1:
        for inner in (intended or branches)[0]:
            yield from _intended(inner)
    else:
        yield error


def _asks_for_reference(error: ValidationError) -> bool:
    return isinstance(error.kind, Kind.Required) and error.kind.property == "$ref"


def _is_other_kind(inner: ValidationError, outer: ValidationError) -> bool:
    depth = len(inner.instance_path) - len(outer.instance_path)
    return (depth == 0 and inner.kind.name == "type") or (depth <= 1 and inner.kind.name in ("enum", "const"))


def _choices(error: ValidationError) -> list[tuple[ValidationError, list[Any]]]:
    """The allowed values of an error and of all its branches, each list with the error that names it."""
    match error.kind:
        case Kind.Enum(options):
            return [(error, options)]
        case Kind.Constant(value):
            return [(error, [value])]
        case _:
            branches: list[list[ValidationError]] = getattr(error.kind, "context", [])
            return [choice for branch in branches for inner in branch for choice in _choices(inner)]


def _defects(document: dict[str, Any], error: ValidationError) -> Iterator[Defect]:
    path = place_of(error, document)
    match error.kind:
        case Kind.Required(key):
            problem = f"`{key}` is missing."
            yield Defect(path, problem, update(path, {key: _PLACEHOLDERS.get(key, "")}, problem))
        case Kind.AdditionalProperties(keys) | Kind.UnevaluatedProperties(keys):
            for key in keys:
                yield removable((*path, key), f"`{key}` is not allowed here.")
        case _:
            choices = _choices(error)
            deepest = max((each for each, _ in choices), key=lambda each: len(each.instance_path), default=error)
            path = place_of(deepest, document)
            same = [values for each, values in choices if each.instance_path == deepest.instance_path]
            allowed = list(dict.fromkeys(value for values in same for value in values))
            problem = _sentence(deepest, allowed)
            yield Defect(path, problem, _cure(path, deepest, allowed, problem))


def _sentence(error: ValidationError, allowed: list[Any]) -> str:
    shown = short(error.instance)
    if allowed:
        return f"{shown} is not one of {', '.join(map(str, allowed))}."
    if isinstance(error.kind, Kind.Type):
        return f"{shown} is not of type {' or '.join(error.kind.types)}."
    return f"{shown} is invalid here (`{error.kind.name}` of the OpenAPI schema)."


def _cure(path: JsonPath, error: ValidationError, allowed: list[Any], problem: str) -> Action | None:
    """Use the nearest allowed value; if none is near, remove the value."""
    if not path:
        return None
    value, key = error.instance, path[-1]
    if isinstance(error.kind, Kind.Type) and json_type(_PLACEHOLDERS.get(str(key))) in error.kind.types:
        return update(path[:-1], {key: _PLACEHOLDERS[str(key)]}, f"{problem} Replaced by a placeholder.")
    near = difflib.get_close_matches(str(value), [str(known) for known in allowed], 1)
    if near and isinstance(key, str):
        return update(path[:-1], {key: near[0]}, f"{problem} Use the nearest name, {near[0]}.")
    if len(path) == 4 and path[0] == "components" and isinstance(value, str):
        # One action for all components with the same error: a real document had 242 of them.
        field = jsonpath(path[3:])[1:]
        alike = f"{jsonpath(path[:2])}[?@{field} == {json.dumps(value, ensure_ascii=False)}]"
        if path[1] != "securitySchemes":  # a scheme without its type is useless; other components may be referenced
            alike += field
        return {"description": problem, "target": alike, "remove": True}
    return remove(path, problem)
