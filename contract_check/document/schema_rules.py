"""What the OpenAPI specification's own JSON Schemas say of a document: 3.0 and 3.1, Schema Objects included."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # it has no types

from .defects import Action, Defect, remove, update
from .text import short
from .tree import JsonPath, is_array, is_object, jsonpath, object_or_empty

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


_WHOLE = "urn:relay-client:openapi-3.1"
_META = "https://json-schema.org/draft/2020-12/meta/"
_VOCABULARIES = ("core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content")


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
    for error in _validator(str(document["openapi"])[:3]).iter_errors(document):
        for finding in _findings(error):
            yield from _defects(finding)


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
    parts: list[Any] = [document, dialect, vocabulary, *(REGISTRY.contents(_META + name) for name in _VOCABULARIES)]
    registry = REGISTRY.with_contents([(str(part["$id"]), _without_dynamic_references(part)) for part in parts])
    # The document's schema leaves Schema Objects open; the definition closes them over the dialect.
    whole = {
        "$id": _WHOLE,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": document["$id"],
        "$defs": {"schema": {"$ref": dialect["$id"]}},
    }
    return Draft202012Validator(whole, registry=registry)


def _without_dynamic_references(schema: Any) -> Any:
    """`schema` with each `$dynamicRef` led to where it always ends here: looking that up takes most of the time."""
    if is_array(schema):
        return [_without_dynamic_references(item) for item in schema]
    if not is_object(schema):
        return schema
    kept = {key: _without_dynamic_references(value) for key, value in schema.items() if key != "$dynamicRef"}
    return kept | ({"$ref": f"{_WHOLE}#/$defs/schema"} if schema.get("$dynamicRef") == "#meta" else {})


@dataclass(frozen=True)
class _Finding:
    """A ValidationError reduced to what it means; `allowed` holds the values of all branches that were meant."""

    path: JsonPath
    error: ValidationError
    allowed: tuple[object, ...] = ()


def _findings(error: ValidationError) -> Iterator[_Finding]:
    """What is wrong where; of an `anyOf` or `oneOf`, that of the branch that was meant."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    if "$ref" not in object_or_empty(error.instance):  # then a reference was not meant
        branches = {
            name: errors
            for name, errors in branches.items()
            if not any(e.validator == "required" and e.validator_value == ["$ref"] for e in errors)
        }
    if not branches:
        yield _Finding(tuple(error.absolute_path), error, _allowed([error]))
        return
    # A branch that fails on the value itself, or on the field that tells kinds apart, is another kind of value.
    meant = [errors for errors in branches.values() if not any(_is_other_kind(e, error) for e in errors)]
    if len(meant) == 1 or len(branches) == 1:
        for inner in (meant or list(branches.values()))[0]:
            yield from _findings(inner)
        return
    choices = [e for errors in branches.values() for e in errors if e.validator in ("enum", "const")]
    deepest = max(choices, key=lambda e: len(e.absolute_path), default=error)
    path = tuple(deepest.absolute_path)
    yield _Finding(path, deepest, _allowed([e for e in choices if tuple(e.absolute_path) == path]))


def _is_other_kind(inner: ValidationError, outer: ValidationError) -> bool:
    depth = len(inner.absolute_path) - len(outer.absolute_path)
    return (depth == 0 and inner.validator == "type") or (depth <= 1 and inner.validator in ("enum", "const"))


def _allowed(errors: list[ValidationError]) -> tuple[object, ...]:
    values: list[object] = []
    for error in errors:
        if error.validator == "enum":
            values += cast("list[object]", error.validator_value)
        elif error.validator == "const":
            values.append(error.validator_value)
    return tuple(dict.fromkeys(values))


def _defects(finding: _Finding) -> Iterator[Defect]:
    path, error = finding.path, finding.error
    fields = object_or_empty(error.instance)
    match error.validator:
        case "required":
            for key in cast("list[str]", error.validator_value):
                if key not in fields:
                    placeholder = _PLACEHOLDERS.get(key, "")
                    yield Defect(path, f"`{key}` is missing.", update(path, {key: placeholder}, f"`{key}` is missing."))
        case "additionalProperties" | "unevaluatedProperties":
            for key in fields:
                if f"'{key}'" in error.message and not key.startswith("x-"):
                    problem = f"`{key}` is no field that may stand here."
                    yield Defect((*path, key), problem, remove((*path, key), problem))
        case _:
            problem = _sentence(finding)
            yield Defect(path, problem, _cure(finding, problem))


def _sentence(finding: _Finding) -> str:
    shown = short(finding.error.instance)
    if finding.allowed:
        return f"{shown} is none of {', '.join(map(str, finding.allowed))}."
    if finding.error.validator == "type":
        return f"{shown} is not of type {finding.error.validator_value}."
    return f"{shown} is not what may stand here (`{finding.error.validator}` of the OpenAPI schema)."


def _cure(finding: _Finding, problem: str) -> Action | None:
    """The nearest allowed value, else no value at all."""
    path, value = finding.path, finding.error.instance
    if not path:
        return None
    key = str(path[-1])
    if finding.error.validator == "type" and key in _PLACEHOLDERS and not isinstance(path[-1], int):
        return update(path[:-1], {key: _PLACEHOLDERS[key]}, f"{problem} A placeholder stands in its place.")
    near = difflib.get_close_matches(str(value), [str(known) for known in finding.allowed], 1)
    if near and isinstance(path[-1], str):
        return update(path[:-1], {path[-1]: near[0]}, f"{problem} {near[0]} is nearest.")
    if len(path) == 4 and path[0] == "components" and isinstance(value, str):
        # One action for every component that is wrong in the same way: a real file had 242 of them.
        field = jsonpath(path[3:])[1:]
        alike = f"{jsonpath(path[:2])}[?@{field} == {json.dumps(value, ensure_ascii=False)}]"
        if path[1] != "securitySchemes":  # of which nothing is left without its type; others are referred to
            alike += field
        return {"description": problem, "target": alike, "remove": True}
    return remove(path, problem)
