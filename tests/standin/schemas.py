"""The document's schemas as JSON Schema, with every object closed, so that a misspelled field shows."""

from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

Schema = dict[str, Any]


def mapping(value: object) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if is_object(value) else {}


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


_MAPS = ("properties", "patternProperties", "dependentSchemas")
_SINGLES = ("items", "additionalProperties", "contains", "not")
_PARTS = ("allOf", "anyOf", "oneOf")


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        components: dict[str, Any] = document.get("components", {})
        named = {name: self._closed(schema, whole=False) for name, schema in components.get("schemas", {}).items()}
        contents = {**document, "components": {**components, "schemas": named}}
        base: Resource[Any] = DRAFT202012.create_resource(contents)
        self._registry: Registry[Any] = Registry[Any]().with_resource("urn:document", base)

    def resolve(self, part: Any) -> Schema:
        """`part`, or what its `$ref` leads to."""
        while is_object(part) and "$ref" in part:
            reference = part["$ref"]
            part = self._document
            for step in reference.removeprefix("#/").split("/"):
                part = part[step.replace("~1", "/").replace("~0", "~")]
        return mapping(part)

    def problems(self, schema: Schema, value: Any) -> Iterator[str]:
        """In what `value` departs from `schema`, with every object closed."""
        for error in self._validator(self._closed(schema)).iter_errors(value):
            where = "".join(f"/{part}" for part in error.absolute_path)
            message = error.message if len(error.message) < 300 else f"{error.message[:300]} ..."
            yield f"{where or '/'}: {message}"

    def fits(self, schema: Schema, value: Any) -> bool:
        """Whether `value` is what `schema` says."""
        return next(self.problems(schema, value), None) is None

    def _validator(self, schema: Schema) -> Validator:
        anchored = {"$id": "urn:document:schema", **schema} if "$ref" not in schema else schema
        absolute = mapping(_absolute(anchored))
        return _STRICT(absolute, registry=self._registry, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def _closed(self, schema: Any, *, whole: bool = True) -> Any:
        """`schema` in the words of JSON Schema 2020-12; a `whole` one says all of a value, not a part of it."""
        if not is_object(schema):
            return schema
        closed = dict(schema)
        for key in _MAPS:
            if key in closed:
                closed[key] = {name: self._closed(value) for name, value in closed[key].items()}
        for key in _SINGLES:
            if key in closed:
                closed[key] = self._closed(closed[key])
        for key in _PARTS:
            if key in closed:
                closed[key] = [self._closed(value, whole=False) for value in closed[key]]
        _limits(closed)
        if whole and self._names_its_fields(closed):
            closed["unevaluatedProperties"] = False
        return _nullable(closed)

    def _names_its_fields(self, schema: Schema, depth: int = 0) -> bool:
        found = self.resolve(schema)
        parts = [part for key in _PARTS for part in found.get(key, [])]
        return bool(found.get("properties")) or (depth < 9 and any(self._names_its_fields(p, depth + 1) for p in parts))


def _limits(schema: Schema) -> None:
    """OpenAPI 3.0 says whether a limit is exclusive; JSON Schema says which one is."""
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive):
            schema[exclusive] = schema.pop(limit)


def _nullable(schema: Schema) -> Schema:
    if schema.pop("nullable", False) is not True:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _absolute(value: Any) -> Any:
    """References of a schema that is looked at alone point into the document that it is from."""
    if is_array(value):
        return [_absolute(item) for item in value]
    if not is_object(value):
        return value
    return {
        key: f"urn:document{item}"
        if key == "$ref" and isinstance(item, str) and item.startswith("#")
        else _absolute(item)
        for key, item in value.items()
    }


def _type(validator: Validator, types: Any, instance: object, schema: Schema) -> Iterator[ValidationError]:
    """A number of the document that travels as 10.0 is one that the relay silently ignores."""
    wanted = [types] if isinstance(types, str) else types
    if {"number", "integer"} & set(wanted) and isinstance(instance, float) and instance.is_integer():
        yield ValidationError(f"{instance} travels with a fraction; the relay would take its default instead")
    yield from Draft202012Validator.VALIDATORS["type"](validator, types, instance, schema)


# jsonschema's types say nothing of `extend`.
_extend: Callable[..., type[Draft202012Validator]] = getattr(validators, "extend")  # noqa: B009
_STRICT = _extend(Draft202012Validator, {"type": _type})
