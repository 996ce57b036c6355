"""`true` and `false` are schemas in OpenAPI 3.1: the generator knows objects alone."""

from typing import Any

from contract_check.document.tree import is_array, is_object, walk

_HOLDERS = ("properties", "schemas", "$defs", "patternProperties", "dependentSchemas")
_SCHEMAS = ("schema", "items", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_UNTYPED = ("not", "if", "then", "else")
"""What narrows a value without giving it a type; the generator reads the first, and does nothing with it."""


def schemas_as_objects(document: dict[str, Any]) -> None:
    """Puts an object in the place of each schema that is `true` or `false`: no type says more of either."""
    for _, part in list(walk(document)):
        for key in _UNTYPED:
            if isinstance(part.get(key), bool):
                del part[key]
        if part.get("items") is False and part.get("prefixItems"):
            del part["items"]  # How many there are is a limit, and no type.
        for key in _SCHEMAS:
            if isinstance(part.get(key), bool):
                part[key] = {}
        for key in _HOLDERS:
            if is_object(part.get(key)):
                part[key] = {name: {} if isinstance(value, bool) else value for name, value in part[key].items()}
        for key in _LISTS:
            if is_array(part.get(key)):
                part[key] = [{} if isinstance(value, bool) else value for value in part[key]]
