"""What the generator can't say of a document is noted once, with its place; what it can say is not."""

from typing import Any

import pytest

from generator.prepare.preparation import prepare
from specimens import small

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_OPERATION = "#/paths/~1things/post"
_SCHEMAS = "#/components/schemas"


def _with(**changes: object) -> dict[str, Any]:
    """The small document, its operation changed."""
    document = small()
    document["paths"]["/things"]["post"].update(changes)
    return document


def _field(*parts: dict[str, Any]) -> dict[str, Any]:
    """A class whose parts say the property `a` and, each in the same way, `b`."""
    return {"allOf": [{"type": "object", "properties": {"a": part, "b": _TEXT}} for part in parts]}


_PARAMETER = {"name": "ids", "in": "path", "required": True, "schema": {"type": "array", "items": _TEXT}}
_ANSWERS = {"200": {"description": "好", "content": {"text/plain": {"schema": _TEXT}, "application/json": {}}}}

_KEY = {"type": "apiKey", "in": "query", "name": "key"}
_DATE = {"name": "X", "in": "header", "schema": {"type": "string", "format": "date"}}


def _secured(*parameters: dict[str, Any], **schemes: dict[str, Any]) -> dict[str, Any]:
    """The small document, which asks for each of `schemes`."""
    document = _with(security=[dict.fromkeys(schemes, ())], parameters=list(parameters))
    document["components"]["securitySchemes"] = schemes
    return document


def _object(name: str, number: int) -> dict[str, Any]:
    return {"type": "object", "properties": {f"{name}{number}": _TEXT}}


NOTES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": (small(), []),
    "parts that fit": (small(Thing=_field({"type": "number"}, _NUMBER)), []),
    "parts that exclude each other": (
        small(Thing=_field(_TEXT, _NUMBER)),
        [f"{_SCHEMAS}/Thing/properties/a: no value fits all parts; typed as Any."],
    ),
    "parts of several kinds": (
        small(Thing={"properties": {"a": {"allOf": [{"type": "object"}, _TEXT]}}}),
        [f"{_SCHEMAS}/Thing/properties/a: no value fits all parts; typed as Any."],
    ),
    "a list of itself": (
        small(Thing={"type": "array", "items": {"$ref": f"{_SCHEMAS}/Thing"}}),
        [f"{_SCHEMAS}/Thing/items: holds itself without a class; typed as Any."],
    ),
    "no success": (
        _with(responses={"400": {"description": "坏"}}),
        [f"{_OPERATION}: documents no success; it has the detailed calls only."],
    ),
    "another protocol": (
        _with(responses={"101": {"description": "WebSocket"}}),
        [f"{_OPERATION}: cannot be called over plain HTTP; it has the detailed calls only."],
    ),
    "its own server": (
        _with(servers=[{"url": "https://elsewhere.example.com"}]),
        [
            f"{_OPERATION}: its own server https://elsewhere.example.com is not followed: "
            "the token belongs to the client's base_url."
        ],
    ),
    "several media types": (
        _with(responses=_ANSWERS),
        [
            f"{_OPERATION}/responses/200: of text/plain, application/json, application/json is typed; "
            "`stream()` yields any."
        ],
    ),
    "more combinations than are tried": (
        small(
            Thing={"properties": {"a": {"allOf": [{"anyOf": [_object(f"{i}", j) for j in range(15)]} for i in "ab"]}}}
        ),
        [f"{_SCHEMAS}/Thing/properties/a: it has more than 200 combinations of alternatives; typed as Any."],
    ),
    "a key in the query": (
        _secured(key=_KEY),
        [
            "#/components/securitySchemes/key: the token is sent as `Authorization: Bearer`; give a client this by "
            'httpx_args={"params": {"key": ...}}.'
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
        _with(parameters=[{"name": "q", "in": "query", "allowReserved": True, "schema": _TEXT}]),
        [f"{_OPERATION}/parameters/0: reserved characters of `q` are percent-encoded all the same."],
    ),
    "a date in a header": (
        _with(parameters=[_DATE]),
        [f"{_OPERATION}/parameters/0: the header parameter `X` is taken as text, as it is sent."],
    ),
    "an array in the path": (
        {**small(), "paths": {"/things/{ids}": {"get": {"parameters": [_PARAMETER], "responses": {}}}}},
        [
            "#/paths/~1things~1{ids}/get/parameters/0: the path parameter `ids` is taken as text, as it is sent.",
            "#/paths/~1things~1{ids}/get: documents no success; it has the detailed calls only.",
        ],
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_left_out_is_noted(name: str) -> None:
    document, notes = NOTES[name]
    assert prepare(document).notes == notes
