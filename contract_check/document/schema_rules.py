"""What the OpenAPI specification's own JSON Schemas say of a document: 3.0 and 3.1, Schema Objects included."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft4Validator, Draft202012, Draft202012Validator, Registry, ValidationError, Validator
from jsonschema_rs import ValidationErrorKind as Kind

from .defects import Action, Defect, remove, update
from .text import short
from .tree import JsonPath, jsonpath, object_or_empty
from .values import json_type, place_of

# What an action writes where a required field is missing; a reader replaces it by something true.
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
    """The defect of a document of another format or version."""
    found, path = "no OpenAPI document", ("openapi",)
    if "openapi" in document:
        found = f"OpenAPI {document['openapi']}"
    elif "swagger" in document:
        found, path = f"Swagger {document['swagger']}", ("swagger",)
    if not re.fullmatch(r"OpenAPI 3\.[01]\.\d+(-.+)?", found):
        yield Defect(path, f"this is {found}; 3.0 and 3.1 are supported. Convert it to one of these.")


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Every departure from the specification's schema, each with an action that would cure it."""
    version = str(document["openapi"])[:3]
    found = list(_departures(document, version))
    newer = [defect for defect in found if version == "3.0" and _NEWER.intersection(defect.path[-1:])]
    if newer:
        remaining = {defect.path for defect in _departures(document, "3.1")}
        cure = update((), {"openapi": "3.1.0"}, "What this document says takes OpenAPI 3.1.")
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
"""What OpenAPI 3.1 has and 3.0 lacks, or has in another form."""


def _departures(document: dict[str, Any], version: str) -> Iterator[Defect]:
    for error in _validator(version).iter_errors(document | {"openapi": f"{version}.0"}):
        for found in _meant(error):
            yield from _defects(document, found)


@cache
def _validator(version: str) -> Validator:
    def schema(package: str, path: str) -> Any:
        return json.loads(files(package).joinpath(path).read_text(encoding="utf-8"))

    if version == "3.0":
        document = schema("openapi_spec_validator", "resources/schemas/v3.0/schema.json")
        for component in document["definitions"]["Components"]["properties"].values():
            # It would pass over a component with another name than of ASCII letters, such as a Chinese one.
            [component["additionalProperties"]] = component.pop("patternProperties").values()
        return Draft4Validator(document)
    document = schema("openapi_spec_validator", "resources/schemas/v3.1/schema.json")
    dialect = schema("openapi_schema_validator", "schemas/oas3.1/metaschema.json")
    vocabulary = schema("openapi_schema_validator", "schemas/oas3.1/vocabularies/base")
    # The document's schema leaves Schema Objects open; the definition closes them over the dialect.
    closed = {"$dynamicAnchor": "meta", "$ref": dialect["$id"]}
    whole = {"$id": "urn:relay-client:openapi-3.1", "$ref": document["$id"], "$defs": {"schema": closed}}
    resources = [(part["$id"], part) for part in (document, dialect, vocabulary)]
    return Draft202012Validator(whole, registry=Registry(resources, draft=Draft202012))


def _meant(error: ValidationError) -> Iterator[ValidationError]:
    """What is wrong where; of an `anyOf` or `oneOf`, that of the branch that was meant."""
    branches: list[list[ValidationError]] = list(getattr(error.kind, "context", ()))
    if "$ref" not in object_or_empty(error.instance):  # then a reference was not meant
        branches = [each for each in branches if not any(_asks_for_reference(inner) for inner in each)]
    # A branch that fails on the value itself, or on the field that tells kinds apart, is another kind of value.
    meant = [each for each in branches if not any(_is_other_kind(inner, error) for inner in each)]
    if len(meant) == 1 or len(branches) == 1:
        for inner in (meant or branches)[0]:
            yield from _meant(inner)
    else:
        yield error


def _asks_for_reference(error: ValidationError) -> bool:
    return isinstance(error.kind, Kind.Required) and error.kind.property == "$ref"


def _is_other_kind(inner: ValidationError, outer: ValidationError) -> bool:
    depth = len(inner.instance_path) - len(outer.instance_path)
    return (depth == 0 and inner.kind.name == "type") or (depth <= 1 and inner.kind.name in ("enum", "const"))


def _choices(error: ValidationError) -> list[tuple[ValidationError, list[Any]]]:
    """The values that an error allows, those of all branches; each with the error that names them."""
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
                problem = f"`{key}` is no field that may stand here."
                yield Defect((*path, key), problem, remove((*path, key), problem))
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
        return f"{shown} is none of {', '.join(map(str, allowed))}."
    if isinstance(error.kind, Kind.Type):
        return f"{shown} is not of type {' or '.join(error.kind.types)}."
    return f"{shown} is not what may stand here (`{error.kind.name}` of the OpenAPI schema)."


def _cure(path: JsonPath, error: ValidationError, allowed: list[Any], problem: str) -> Action | None:
    """The nearest allowed value, else no value at all."""
    if not path:
        return None
    value, key = error.instance, path[-1]
    if isinstance(error.kind, Kind.Type) and json_type(_PLACEHOLDERS.get(str(key))) in error.kind.types:
        return update(path[:-1], {key: _PLACEHOLDERS[str(key)]}, f"{problem} A placeholder stands in its place.")
    near = difflib.get_close_matches(str(value), [str(known) for known in allowed], 1)
    if near and isinstance(key, str):
        return update(path[:-1], {key: near[0]}, f"{problem} {near[0]} is nearest.")
    if len(path) == 4 and path[0] == "components" and isinstance(value, str):
        # One action for every component that is wrong in the same way: a real file had 242 of them.
        field = jsonpath(path[3:])[1:]
        alike = f"{jsonpath(path[:2])}[?@{field} == {json.dumps(value, ensure_ascii=False)}]"
        if path[1] != "securitySchemes":  # of which nothing is left without its type; others are referred to
            alike += field
        return {"description": problem, "target": alike, "remove": True}
    return remove(path, problem)
