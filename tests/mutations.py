"""Changes of a document, each with its level for a caller.

Each change applies to a separate operation or field, so one pair of documents contains all of them.
"""

from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from typing import Any

JSON, FORM, XML = "application/json", "multipart/form-data", "text/xml"
Schema = dict[str, Any]


def _text(**rules: object) -> Schema:
    return {"type": "string", **rules}


def _number(**rules: object) -> Schema:
    return {"type": "number", **rules}


def _list(**rules: object) -> Schema:
    return {"type": "array", **rules}


def _object(*required: str, **properties: object) -> Schema:
    return {"type": "object", "properties": properties, **({"required": [*required]} if required else {})}


def _either(**rules: object) -> Schema:
    """A string with two alternatives, the first with these rules."""
    return {"anyOf": [_text(**rules), _text(maxLength=50, pattern="^b")]}


def _both(limit: int) -> Schema:
    return {"allOf": [_text(maxLength=limit), _text(maxLength=20)]}


def _or_null(limit: int) -> Schema:
    return {"anyOf": [_text(maxLength=limit), {"type": "null"}], "pattern": "^a"}


def _read_only(limit: int) -> Schema:
    return {"anyOf": [_object(a=_text(maxLength=limit)), {"type": "integer"}], "readOnly": True}


TEXT, WHOLE = _text(), {"type": "integer"}
_WORD = _text(enum=["a", "b"])
_BELOW: Schema = {"allOf": [{"$ref": "#/components/schemas/Word"}], "readOnly": True}
_PART: Schema = {"$ref": "#/components/schemas/Part"}
_DESCRIBED = {"allOf": [_PART], "description": "一部分"}
_CHOICE: Schema = {"oneOf": [_PART, {"$ref": "#/components/schemas/Rest"}]}
_EITHER_TEXT = {"anyOf": [TEXT, _text(enum=["a"])]}
_TWO = _object(a=TEXT, b=TEXT)
_ANY = {"type": "object"}

Field = tuple[Schema | None, Schema | None, str, str]
# A field before and after, or None without it, and the level of the change in a request and in a response.
FIELDS: list[Field] = [
    (TEXT, _text(description="A note."), "none", "none"),
    ({"example": {"a": "b"}}, {"example": "b"}, "none", "none"),
    (TEXT, _text(title="Something else"), "none", "none"),
    (TEXT, _text(deprecated=True), "minor", "minor"),
    # the field itself, and those of an object
    (None, TEXT, "minor", "minor"),
    (TEXT, None, "major", "major"),
    (_object(a=TEXT), _object("a", a=TEXT), "major", "minor"),
    (_object("a", a=TEXT), _object(a=TEXT), "minor", "major"),
    (_object(a=TEXT), _object("b", a=TEXT, b=TEXT), "major", "minor"),
    (_object(a=TEXT), _object(b=TEXT), "major", "major"),
    (_object(note=TEXT), _object(Note=TEXT), "major", "major"),
    (_TWO, _object(b=TEXT, a=TEXT), "none", "none"),
    (_TWO, _TWO | {"dependentRequired": {"a": ["b"]}}, "major", "minor"),
    (_TWO, _TWO | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "major", "minor"),
    (_object(a=TEXT), _object(a=TEXT) | {"additionalProperties": TEXT}, "major", "minor"),
    (_ANY, _ANY | {"unevaluatedProperties": True, "propertyNames": {}}, "none", "none"),
    (_ANY, _ANY | {"unevaluatedProperties": False}, "major", "minor"),
    (_DESCRIBED, _PART, "none", "none"),
    (_PART, _DESCRIBED, "none", "none"),
    (_PART, {"allOf": [_PART, {"description": "一部分", "example": {}}]}, "none", "none"),
    (_PART, _PART | {"required": ["kind"], "properties": {"kind": _text(description="种类")}}, "none", "none"),
    (_PART, {"allOf": [_PART, {"type": "object", "required": ["kind"]}], "required": ["kind"]}, "none", "none"),
    (_PART, _PART | {"required": ["size"]}, "major", "major"),
    (TEXT, {"allOf": [TEXT, {"deprecated": True}]}, "minor", "minor"),
    # directions
    (TEXT, _text(readOnly=True), "major", "none"),
    (TEXT, _text(writeOnly=True), "none", "major"),
    (_text(readOnly=True, maxLength=9), _text(readOnly=True, maxLength=5), "none", "minor"),
    (_BELOW, _BELOW | {"maxLength": 5}, "none", "minor"),
    (_read_only(9), _read_only(5), "none", "minor"),
    (_text(writeOnly=True, maxLength=5), _text(writeOnly=True, maxLength=9), "minor", "none"),
    # types
    (TEXT, WHOLE, "major", "major"),
    (WHOLE, _number(), "minor", "major"),
    (_number(), WHOLE, "major", "minor"),
    (_number(), {}, "minor", "major"),
    (TEXT, {"type": ["string", "null"]}, "minor", "major"),
    ({"type": ["string", "null"]}, TEXT, "major", "minor"),
    (_WORD, {"anyOf": [_WORD, {"type": "null"}]}, "minor", "major"),
    ({"allOf": [_PART], "nullable": True}, {"anyOf": [_PART, {"type": "null"}]}, "none", "none"),
    (_TWO, {"oneOf": [{"enum": [None]}, _TWO]}, "minor", "major"),
    (_number(), {"oneOf": [_number(), {"type": "boolean"}]}, "minor", "major"),
    (_CHOICE | {"discriminator": {"propertyName": "kind"}}, _CHOICE, "minor", "major"),
    (TEXT, _text(format="date-time"), "major", "major"),
    (TEXT, _text(format="email"), "major", "minor"),
    (_text(format="byte"), TEXT, "minor", "major"),
    (TEXT, _text(format="password"), "none", "none"),
    (_list(items=TEXT), _list(items=WHOLE), "major", "major"),
    (_list(prefixItems=[TEXT, WHOLE]), _list(prefixItems=[WHOLE, TEXT]), "major", "major"),
    (_list(prefixItems=[TEXT]), _list(prefixItems=[_text(description="第一项")]), "none", "none"),
    # values
    (_text(enum=["a", "b"]), _text(enum=["b", "a"]), "none", "none"),
    (_text(enum=["a"]), _text(enum=["a", "b"]), "minor", "major"),
    (TEXT, _text(enum=["a", "b"]), "major", "minor"),
    (_number(), _number(enum=[0.5, 1.5]), "major", "minor"),
    (_EITHER_TEXT, {"anyOf": [TEXT, _text(enum=["a", "b"])]}, "minor", "minor"),
    (TEXT, _text(const="x"), "major", "minor"),
    (_text(const="x"), TEXT, "minor", "major"),
    (TEXT, _text(default="none"), "minor", "none"),
    (_number(default=1), _number(default=2), "major", "none"),
    # limits
    (TEXT, _text(minLength=0), "none", "none"),
    (_text(minLength=1), _text(minLength=2), "major", "minor"),
    (_text(maxLength=9), _text(maxLength=10), "minor", "major"),
    (_text(maxLength=9), TEXT, "minor", "major"),
    (_number(minimum=1), _number(minimum=0), "minor", "major"),
    (_number(maximum=9), _number(maximum=8), "major", "minor"),
    (_number(), _number(exclusiveMinimum=0), "major", "minor"),
    (_list(items=TEXT, maxItems=5), _list(items=TEXT, maxItems=4), "major", "minor"),
    (_list(items=TEXT), _list(items=_text(maxLength=9)), "major", "minor"),
    (_text(pattern="^a"), _text(pattern="^b"), "major", "major"),
    (TEXT, _text(pattern="^a"), "major", "minor"),
    (_text(pattern="^a"), _text(pattern=".*"), "minor", "major"),
    (_either(maxLength=10), _either(maxLength=5), "major", "minor"),
    (_either(pattern="^a"), _either(pattern="^aa"), "major", "major"),
    (_both(10), _both(5), "major", "minor"),
    (_or_null(9), _or_null(5), "major", "minor"),
]
FIELDS_IN_3_0: list[Field] = [
    (TEXT, _text(nullable=True), "minor", "major"),
    (_text(nullable=True), TEXT, "major", "minor"),
    (_number(), _number(minimum=0, exclusiveMinimum=True), "major", "minor"),
    (_PART, _PART | {"required": ["size"]}, "none", "none"),
]
_CLOSED = _object(a=TEXT) | {"additionalProperties": False}
# Changes of declarations in Python, which the levels without the packages do not include.
DECLARED_FIELDS: list[tuple[Field, tuple[str, str]]] = [
    ((_text(enum=["a", "b"]), TEXT, "minor", "major"), ("major", "major")),
    ((_text(enum=["a", "b"]), _text(enum=["a"]), "major", "minor"), ("major", "major")),
    ((_object(a=TEXT), _CLOSED, "none", "none"), ("major", "major")),
    ((_CLOSED, _object(a=TEXT), "none", "none"), ("minor", "minor")),
]


class Case:
    """The parts of a document for one change of an operation."""

    def __init__(self, name: str, document: Any) -> None:
        self.name, self.document, self.components = name, document, document["components"]
        self.route = next(route for route in document["paths"] if f"/{name}/" in route)
        self.item = document["paths"][self.route]
        self.shared = self.item["parameters"]
        """The parameters of the path, shared by all its operations."""
        self.operation = self.item["post"]
        self.parameters, self.responses = self.operation["parameters"], self.operation["responses"]
        self.content = self.operation["requestBody"]["content"]
        self.body = self.content[JSON]["schema"]
        self.success = self.responses["200"]

    def parameter(self, name: str) -> Any:
        return next(found for found in self.parameters if found["name"] == name)

    def move(self, route: str) -> None:
        self.document["paths"][route] = self.document["paths"].pop(self.route)

    def respond(self, status: str, schema: object) -> None:
        self.responses[status] = {"description": "New", "content": {JSON: {"schema": schema}}}

    def refer(self, kind: str, value: object) -> dict[str, str]:
        """Move `value` to the components; return the reference to it."""
        self.components.setdefault(kind, {})["Shared"] = value
        return {"$ref": f"#/components/{kind}/Shared"}


def pair(names: Collection[str], fields: Sequence[Field], version: str = "3.1.0") -> tuple[Schema, Schema]:
    """Two documents that differ in the changes of these names, and in these fields of one operation's schemas."""
    old = {
        "openapi": version,
        "info": {"title": "Cases", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "components": {
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            },
            "schemas": {
                "Answer": _object(id=TEXT),
                "Problem": _object(reason=TEXT),
                **{name: _object("kind", kind=TEXT) for name in ("Part", "Rest")},
                "Word": _text(maxLength=9),
            },
        },
        "paths": {f"/cases/{name}/{{owner}}/{{item}}": _path_item(name) for name in names},
    }
    for name in names:
        BEFORE.get(name, _nothing)(Case(name, old))
    new = deepcopy(old)
    for name in names:
        CHANGES[name][1](Case(name, new))
    _add_fields(old, [before for before, *_ in fields])
    _add_fields(new, [after for _, after, *_ in fields])
    return old, new


def _add_fields(document: Any, fields: list[Schema | None]) -> None:
    """Add an operation with these fields in its request `Sent` and in its response `Got`."""
    present = {f"field{number}": field for number, field in enumerate(fields) if field is not None}
    document["components"]["schemas"] |= {"Sent": _object(**present), "Got": _object(**present)}
    operation = {
        "operationId": "fields",
        "tags": ["cases"],
        "requestBody": {"required": True, "content": _json("Sent")},
        "responses": {"200": {"description": "Done", "content": _json("Got")}},
    }
    document["paths"]["/fields"] = {"post": operation}


def _json(name: str) -> Schema:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _path_item(name: str) -> Schema:
    operation: Schema = {
        "operationId": name,
        "tags": ["cases"],
        "summary": "Do it",
        "security": [{"Bearer": []}],
        "parameters": [
            {"name": "owner", "in": "path", "required": True, "schema": TEXT},
            {"name": "item", "in": "path", "required": True, "schema": TEXT},
            {"name": "page", "in": "query", "schema": {"type": "integer", "maximum": 100}},
            {"name": "sort", "in": "query", "required": True, "schema": TEXT},
            {"name": "ids", "in": "query", "schema": _list(items=TEXT)},
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _object("prompt", prompt=TEXT, note=TEXT)}, "text/csv": {}},
        },
        "responses": {
            "200": {
                "description": "Done",
                "content": {**_json("Answer"), "text/csv": {}},
                "headers": {"X-One": {"schema": TEXT}},
            },
            "404": {"description": "No such item", "content": _json("Problem")},
        },
    }
    shared = {"name": "tone", "in": "query", "schema": {"type": "integer", "maximum": 9, "default": 3}}
    return deepcopy({"parameters": [shared], "post": operation})


def _nothing(_: Case) -> None: ...


def _extract(case: Case) -> None:
    """Move the fields of the body into a separate schema, referenced by `allOf`."""
    name = f"PartOf{case.name.title().replace(' ', '')}"
    case.components["schemas"][name] = {"type": "object", "properties": case.body.pop("properties")}
    case.body["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]


def _inline(case: Case) -> None:
    """Undo `_extract`."""
    [part] = case.body.pop("allOf")
    case.body["properties"] = case.components["schemas"].pop(part["$ref"].rpartition("/")[2])["properties"]


def _swap_path_parameters(case: Case) -> None:
    case.move(f"/cases/{case.name}/{{item}}/{{owner}}")


def _swap_path_parameters_and_deprecate(case: Case) -> None:
    case.operation["deprecated"] = True
    _swap_path_parameters(case)


def _describe_header(case: Case, **header: object) -> None:
    case.success["headers"]["X-One"] = {"schema": TEXT, **header}


def _add_parameter(case: Case, **parameter: object) -> None:
    case.parameters.append({"name": "q", "in": "query", "schema": TEXT, **parameter})


def _reverse_statuses(case: Case) -> None:
    for status in reversed(list(case.responses)):
        case.responses[status] = case.responses.pop(status)


def _rename_security_scheme(case: Case) -> None:
    case.components["securitySchemes"]["Token"] = {"type": "http", "scheme": "Bearer"}
    case.operation["security"] = [{"Token": []}]


def _copy_operation(case: Case) -> None:
    route = f"/copied/{case.name}/{{owner}}/{{item}}"
    case.document["paths"][route] = {"post": case.operation | {"operationId": f"{case.name} x"}}


Change = Callable[[Case], object]
BEFORE: dict[str, Change] = {
    "fields of a body from a part": _extract,
    "encoding of a part": lambda c: c.content.update({FORM: {"schema": _object(note=TEXT)}}),
    "required field of an object in a header": lambda c: c.parameters.append(
        {"name": "X-Object", "in": "header", "schema": _object(a=TEXT) | {"allOf": []}}
    ),
    "required field of a parameter in json": lambda c: c.parameters.append(
        {"name": "filter", "in": "query", "content": {JSON: {"schema": _object(a=TEXT)}}}
    ),
    "required field of an xml body": lambda c: c.content.update({XML: {"schema": _object(a=TEXT)}}),
    "a header of a response may be missing": lambda c: _describe_header(c, required=True),
}
"""Additional content of the operations of some changes, before the change."""

_NONE: dict[str, Change] = {
    "untouched": _nothing,
    "summary": lambda c: c.operation.update(summary="Do it now"),
    "extension": lambda c: c.operation.update({"x-apifox-status": "released"}),
    "order of query parameters": lambda c: c.parameters.reverse(),
    "order of statuses": _reverse_statuses,
    "a response by reference": lambda c: c.responses.update({"404": c.refer("responses", c.responses["404"])}),
    "a security scheme by another name": _rename_security_scheme,
    "a status in its range": lambda c: c.respond("503", {"$ref": "#/components/schemas/ErrorResponse"}),
    "the server of all as its own": lambda c: c.operation.update(servers=[{"url": "https://relay.example.com"}]),
    "a list in its usual style": lambda c: c.parameter("ids").update(style="form", explode=True),
    "a scalar that is not exploded": lambda c: c.parameter("page").update(explode=False),
    "shared path parameter": lambda c: c.shared.append(c.parameters.pop(0)),
    "a charset": lambda c: c.success["content"].update({f"{JSON}; charset=utf-8": c.success["content"].pop(JSON)}),
}
_MINOR: dict[str, Change] = {
    "copied": _copy_operation,
    "deprecated": lambda c: c.operation.update(deprecated=True),
    "a header of a response is new": lambda c: c.success["headers"].update({"X-Two": {"schema": TEXT}}),
    "another json type": lambda c: c.success["content"].update(
        {"application/vnd.a+json": c.success["content"].pop(JSON)}
    ),
    "parameter deprecated": lambda c: c.parameter("page").update(deprecated=True),
    "parameter added": _add_parameter,
    "parameter optional": lambda c: c.parameter("sort").update(required=False),
    "parameter maximum raised": lambda c: c.parameter("page")["schema"].update(maximum=500),
    "body optional": lambda c: c.operation["requestBody"].update(required=False),
    "field added": lambda c: c.body["properties"].update(mask=TEXT),
    "fields in a part of a body": _extract,
    "request type added": lambda c: c.content.update({XML: {}}),
    "success added": lambda c: c.respond("201", {"$ref": "#/components/schemas/Answer"}),
    "error added": lambda c: c.responses.update({"default": {"description": "Any other"}}),
    "media type added": lambda c: c.success["content"].update({XML: {}}),
    "security no more": lambda c: c.operation.update(security=[]),
    "security by choice": lambda c: c.operation.update(security=[{"Bearer": []}, {"Key": []}]),
}
_ELSEWHERE = [{"url": "https://elsewhere.example.com"}]
_MAJOR: dict[str, Change] = {
    "removed": lambda c: c.document["paths"].pop(c.route),
    "renamed": lambda c: c.operation.update(operationId=f"{c.name} x"),
    "tag": lambda c: c.operation.update(tags=["others"]),
    "path": lambda c: c.move(f"/moved/{c.name}/{{owner}}/{{item}}"),
    "method": lambda c: c.item.update(put=c.item.pop("post")),
    "own server": lambda c: c.operation.update(servers=_ELSEWHERE),
    "server of the path": lambda c: c.item.update(servers=_ELSEWHERE),
    "response header removed": lambda c: c.success.pop("headers"),
    "a header of a response may be missing": _describe_header,
    "a header of a response is of another type": lambda c: _describe_header(c, schema=WHOLE),
    "required field of an object in a header": lambda c: c.parameter("X-Object").update(schema=_object("b", b=TEXT)),
    "required field of a parameter in json": lambda c: c.parameter("filter").update(
        content={JSON: {"schema": _object("a", a=TEXT)}}
    ),
    "required field of an xml body": lambda c: c.content[XML]["schema"].update(required=["a"]),
    "a list that is not exploded": lambda c: c.parameter("ids").update(explode=False),
    "a list between pipes": lambda c: c.parameter("ids").update(style="pipeDelimited", explode=False),
    "encoding of a part": lambda c: c.content[FORM].update(encoding={"note": {"contentType": "application/vnd.note"}}),
    "parameter removed": lambda c: c.parameters.remove(c.parameter("page")),
    "parameter renamed": lambda c: c.parameter("page").update(name="offset"),
    "required parameter added": lambda c: _add_parameter(c, required=True),
    "parameter required": lambda c: c.parameter("page").update(required=True),
    "parameter to header": lambda c: c.parameter("page").update({"in": "header"}),
    "parameter type": lambda c: c.parameter("page")["schema"].update(type="string"),
    "parameter maximum lowered": lambda c: c.parameter("page")["schema"].update(maximum=50),
    "order of path parameters": _swap_path_parameters,
    "order of path parameters and deprecated": _swap_path_parameters_and_deprecate,
    "shared maximum lowered": lambda c: c.shared[0]["schema"].update(maximum=5),
    "shared default changed": lambda c: c.shared[0]["schema"].update(default=4),
    "shared to header": lambda c: c.shared[0].update({"in": "header"}),
    "shared spelling on the wire": lambda c: c.shared[0].update(name="Tone"),
    "shared required and deprecated": lambda c: (
        c.operation.update(deprecated=True),
        c.shared[0].update(required=True),
    ),
    "shared removed and deprecated": lambda c: (c.operation.update(deprecated=True), c.shared.clear()),
    "fields of a body from a part": _inline,
    "body removed": lambda c: c.operation.pop("requestBody"),
    "request type removed": lambda c: c.content.pop("text/csv"),
    "success removed": lambda c: c.responses.update({"201": c.responses.pop("200")}),
    "success of another type": lambda c: c.respond("201", {"$ref": "#/components/schemas/Problem"}),
    "success without body": lambda c: c.responses.update({"202": {"description": "Accepted"}}),
    "error removed": lambda c: c.responses.pop("404"),
    "error type": lambda c: c.respond("404", TEXT),
    "media type removed": lambda c: c.success["content"].pop("text/csv"),
    "media type replaced": lambda c: c.success.update(content={"video/mp4": {"schema": _text(format="binary")}}),
    "security asked for": lambda c: c.operation.update(security=[{"Bearer": [], "Key": []}]),
    "security of another kind": lambda c: c.operation.update(security=[{"Key": []}]),
}
CHANGES: dict[str, tuple[str, Change]] = {
    name: (level, change)
    for level, changes in (("none", _NONE), ("minor", _MINOR), ("major", _MAJOR))
    for name, change in changes.items()
}
DECLARED = {
    "fields in a part of a body": "none",
    "fields of a body from a part": "none",
    "order of path parameters": "none",
    "order of path parameters and deprecated": "minor",
}
"""Changes of declarations in Python, with their levels without the packages."""
IMPLIED = ("untouched", "renamed", "removed", "parameter type", "field added", "body removed", "security no more")
"""Changes of declarations that those of the document imply."""
