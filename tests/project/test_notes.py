"""Unsupported features of a document are noted once, with their place; supported ones are not."""

from typing import Any

import pytest

from generator.prepare.preparation import prepare
from specimens import small, with_operation

_TEXT = {"type": "string"}
_OPERATION = "#/paths/~1things/post"
_SCHEMAS = "#/components/schemas"


_KEY = {"type": "apiKey", "in": "query", "name": "key"}
_DATE = {"name": "X", "in": "header", "schema": {"type": "string", "format": "date"}}


def _secured(*parameters: dict[str, Any], **schemes: dict[str, Any]) -> dict[str, Any]:
    """The small document, which requires each of `schemes`."""
    document = with_operation(security=[dict.fromkeys(schemes, ())], parameters=list(parameters))
    document["components"]["securitySchemes"] = schemes
    return document


def _object(name: str, number: int) -> dict[str, Any]:
    return {"type": "object", "properties": {f"{name}{number}": _TEXT}}


NOTES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "more combinations than are tried": (
        small(
            Thing={"properties": {"a": {"allOf": [{"anyOf": [_object(f"{i}", j) for j in range(15)]} for i in "ab"]}}}
        ),
        [f"{_SCHEMAS}/Thing/properties/a: it has more than 200 combinations of alternatives; typed as Any."],
    ),
    "a key in the query": (
        _secured(key=_KEY),
        [
            "#/components/securitySchemes/key: the token is sent as `Authorization: Bearer`; pass this one as "
            'httpx_args={"params": {"key": ...}}.'
        ],
    ),
    "a key in a cookie": (
        _secured(key=_KEY | {"in": "cookie"}),
        [
            "#/components/securitySchemes/key: the token is sent as `Authorization: Bearer`; pass this one as "
            'cookies={"key": ...}.'
        ],
    ),
    "a key in a header": (_secured(key=_KEY | {"in": "header"}), []),
    "a parameter in the token's place": (
        _secured({"name": "KEY", "in": "header", "schema": _TEXT}, key=_KEY | {"in": "header"}),
        [f"{_OPERATION}: the client's token replaces the header parameter `KEY`."],
    ),
    "basic": (
        _secured(basic={"type": "http", "scheme": "basic"}),
        ["#/components/securitySchemes: the token is the Base64 text of `user:password`."],
    ),
    "reserved characters": (
        with_operation(parameters=[{"name": "q", "in": "query", "allowReserved": True, "schema": _TEXT}]),
        [f"{_OPERATION}/parameters/0: reserved characters of `q` are percent-encoded anyway."],
    ),
    "a date in a header": (
        with_operation(parameters=[_DATE]),
        [f"{_OPERATION}/parameters/0: the header parameter `X` is a string, sent as it is."],
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_unsupported_features_are_noted(name: str) -> None:
    document, notes = NOTES[name]
    assert prepare(document).notes == notes
