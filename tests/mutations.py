"""Mutations of a document, and the level that each of them has for a caller: one table.

Each mutation has an operation of its own, called after it, so that all of them fit into one pair of documents.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

JSON, FORM = "application/json", "multipart/form-data"
_TEXT = {"type": "string"}
_HEADER = {"schema": _TEXT}
_SENT = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[a-z]+$"},
        "note": {"type": "string", "description": "A note.", "example": "n"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "seed": {"type": "integer"},
        "count": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "ratio": {"type": "number"},
        "tags": {"type": "array", "maxItems": 5, "items": _TEXT},
        "camera": {"type": "object", "additionalProperties": False, "properties": {"zoom": {"type": "number"}}},
        "extra": {"type": "object", "properties": {"mood": _TEXT}},
    },
}
_ANSWERED = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {"type": "string", "maxLength": 64},
        "status": {"type": "string", "enum": ["queued", "done"]},
        "progress": {"type": "integer"},
        "message": _TEXT,
        "cost": {"type": "number"},
        "finished": _TEXT,
        "created": _TEXT,
        "urls": {"type": "array", "items": _TEXT},
        "usage": {"type": "object", "properties": {"tokens": {"type": "integer"}}},
        "strict": {"type": "object", "additionalProperties": False, "properties": {"flag": {"type": "boolean"}}},
    },
}


@dataclass
class Case:
    """The parts of a document that belong to one mutation."""

    name: str
    document: dict[str, Any]

    @property
    def components(self) -> Any:
        return self.document["components"]

    @property
    def answer_name(self) -> str:
        return f"{self.name.title().replace(' ', '')}Answer"

    @property
    def answer_reference(self) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{self.answer_name}"}

    @property
    def route(self) -> str:
        return next(str(route) for route in self.document["paths"] if f"/{self.name}/" in route)

    @property
    def operation(self) -> Any:
        return self.document["paths"][self.route]["post"]

    @property
    def parameters(self) -> Any:
        return self.operation["parameters"]

    @property
    def shared(self) -> Any:
        """The parameters of the path, which all its operations have."""
        return self.document["paths"][self.route]["parameters"]

    @property
    def body(self) -> Any:
        return self.operation["requestBody"]["content"][JSON]["schema"]

    @property
    def form(self) -> Any:
        return self.operation["requestBody"]["content"][FORM]

    @property
    def sent(self) -> Any:
        return self.body["properties"]

    @property
    def responses(self) -> Any:
        return self.operation["responses"]

    @property
    def answer(self) -> Any:
        return self.components["schemas"][self.answer_name]

    @property
    def got(self) -> Any:
        return self.answer["properties"]

    def parameter(self, name: str) -> Any:
        return next(found for found in self.parameters if found["name"] == name)

    def move(self, route: str) -> None:
        self.document["paths"][route] = self.document["paths"].pop(self.route)

    def respond(self, status: str, schema: object) -> None:
        self.responses[status] = {"description": "New", "content": {JSON: {"schema": schema}}}

    def refer(self, kind: str, value: object) -> dict[str, str]:
        """Moves `value` to the components; returns the reference to it."""
        self.components.setdefault(kind, {})["Shared"] = value
        return {"$ref": f"#/components/{kind}/Shared"}

    def null(self, schema: Any) -> None:
        """Lets `schema` be null, as the document's version says it."""
        if self.document["openapi"].startswith("3.0"):
            schema["nullable"] = True
        else:
            schema["type"] = [schema["type"], "null"]

    def above(self, schema: Any, limit: int) -> None:
        """Gives `schema` an exclusive minimum, as the document's version says it."""
        is_30 = self.document["openapi"].startswith("3.0")
        schema.update({"minimum": limit, "exclusiveMinimum": True} if is_30 else {"exclusiveMinimum": limit})


def base(version: str, names: Collection[str]) -> dict[str, Any]:
    """A document with an untouched operation for each of these mutations."""
    document: dict[str, Any] = {
        "openapi": version,
        "info": {"title": "Cases", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "components": {
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            },
            "schemas": {"Problem": {"type": "object", "properties": {"reason": _TEXT}}},
        },
        "paths": {},
    }
    for name in names:
        case = Case(name, document)
        document["paths"][f"/cases/{name}/{{owner}}/{{item}}"] = {"post": _copy(_operation(case))}
        if "shared" in name:
            case.document["paths"][case.route]["parameters"] = [_copy(_SHARED)]
        if _is_answer(name):
            case.components["schemas"][case.answer_name] = _copy(_ANSWERED)
            case.null(case.got["finished"])
        else:
            case.null(case.sent["seed"])
        if name in BEFORE:
            BEFORE[name](case)
    copy: dict[str, Any] = _copy(document)
    return copy


def mutated(version: str, names: Collection[str]) -> dict[str, Any]:
    """The same document after these mutations."""
    document = base(version, names)
    for name in names:
        MUTATIONS[name][1](Case(name, document))
    return document


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))  # Unlike deepcopy, it makes two of what stands in two places.


def _is_answer(name: str) -> bool:
    """Whether a mutation is about what comes: its operation is rich there, the others' in what they take."""
    return any(word in name for word in ("answer", "success", "error", "status"))


def _operation(case: Case) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": case.name,
        "tags": ["cases"],
        "summary": "Do it",
        "security": [{"Bearer": []}],
        "parameters": [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in ("owner", "item")],
        "responses": {"200": {"description": "Done"}},
    }
    if _is_answer(case.name):
        problem = {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        content: dict[str, Any] = {JSON: {"schema": case.answer_reference}, "text/csv": {}}
        operation["responses"]["200"]["content"] = content
        operation["responses"]["200"]["headers"] = {"X-One": _HEADER}
        operation["responses"]["404"] = {"description": "No such item", "content": problem}
        return operation
    operation["parameters"] += [
        {"name": "page", "in": "query", "schema": {"type": "integer", "maximum": 100}},
        {"name": "sort", "in": "query", "required": True, "schema": _TEXT},
        {"name": "ids", "in": "query", "schema": {"type": "array", "items": _TEXT}},
    ]
    content = {JSON: {"schema": _SENT}, "text/csv": {}}
    if case.name.startswith("encoding"):
        content[FORM] = {"schema": {"type": "object", "properties": {"note": _TEXT}}}
    operation["requestBody"] = {"required": True, "content": content}
    return operation


def _twin(case: Case) -> dict[str, Any]:
    """A second operation like the first; its name begins with the first one's."""
    twin: dict[str, Any] = case.operation | {"operationId": f"{case.name} x"}
    return twin


def _swap(mapping: dict[str, Any]) -> None:
    """Turns the order of the keys round."""
    for key in reversed(list(mapping)):
        mapping[key] = mapping.pop(key)


_SHARED = {"name": "tone", "in": "query", "schema": {"type": "integer", "maximum": 9, "default": 3}}


def _extract(case: Case) -> None:
    """Moves the first fields of the body into a schema of its own, which the body takes in by `allOf`."""
    part = {key: case.sent.pop(key) for key in ("prompt", "note")}
    name = f"PartOf{case.name.title().replace(' ', '')}"
    case.components["schemas"][name] = {"type": "object", "properties": part}
    case.body["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]


def _swap_and_deprecate(case: Case) -> None:
    case.operation["deprecated"] = True
    case.move(f"/cases/{case.name}/{{item}}/{{owner}}")


def _inline(case: Case) -> None:
    """The other way round."""
    [part] = case.body.pop("allOf")
    fields = case.components["schemas"].pop(part["$ref"].rpartition("/")[2])["properties"]
    case.body["properties"] = fields | case.sent


def _take_object(case: Case) -> None:
    schema = {"type": "object", "properties": {"a": _TEXT}}
    case.parameters.append({"name": "X-Object", "in": "header", "schema": schema})


def _describe_header(case: Case, **header: object) -> None:
    case.responses["200"]["headers"]["X-One"] = {"schema": _TEXT, **header}


_XML = {"type": "object", "properties": {"a": _TEXT}}

BEFORE: dict[str, Callable[[Case], object]] = {
    "fields of a body from a part": _extract,
    "required field of an object in a header": _take_object,
    "required field of an xml body": lambda c: c.operation["requestBody"]["content"].update(
        {"text/xml": {"schema": _XML}}
    ),
    "a header of an answer may be missing": lambda c: _describe_header(c, required=True),
}
"""What the operations of some mutations have beyond the others, before they are mutated."""

MUTATIONS: dict[str, tuple[str, Callable[[Case], object]]] = {
    # Nothing that code feels
    "untouched": ("none", lambda c: None),
    "description": ("none", lambda c: c.sent["note"].update(description="Another note.")),
    "summary": ("none", lambda c: c.operation.update(summary="Do it now")),
    "example": ("none", lambda c: c.sent["note"].update(example="m")),
    "title": ("none", lambda c: c.body.update(title="Something else")),
    "extension": ("none", lambda c: c.operation.update({"x-apifox-status": "released"})),
    "order of fields": ("none", lambda c: _swap(c.sent)),
    "order of answered fields": ("none", lambda c: _swap(c.got)),
    "order of query parameters": ("none", lambda c: c.parameters.reverse()),
    "order of statuses": ("none", lambda c: _swap(c.responses)),
    "order of enum": ("none", lambda c: c.sent["size"]["enum"].reverse()),
    "a limit that says nothing": ("none", lambda c: c.sent["note"].update(minLength=0)),
    "an answer by reference": ("none", lambda c: c.responses.update({"404": c.refer("responses", c.responses["404"])})),
    "a security scheme by another name": (
        "none",
        lambda c: (
            c.components["securitySchemes"].update(Token={"type": "http", "scheme": "Bearer"}),
            c.operation.update(security=[{"Token": []}]),
        ),
    ),
    "a status in its range": ("none", lambda c: c.respond("503", {"$ref": "#/components/schemas/ErrorResponse"})),
    # Operations, paths, names
    "removed": ("major", lambda c: c.document["paths"].pop(c.route)),
    "grown": ("minor", lambda c: c.document["paths"].update({"/grown/{owner}/{item}": {"post": _twin(c)}})),
    "renamed": ("major", lambda c: c.operation.update(operationId=c.name + " x")),
    "tag": ("major", lambda c: c.operation.update(tags=["others"])),
    "path": ("major", lambda c: c.move(f"/moved/{c.name}/{{owner}}/{{item}}")),
    "method": ("major", lambda c: c.document["paths"][c.route].update(put=c.document["paths"][c.route].pop("post"))),
    "deprecated": ("minor", lambda c: c.operation.update(deprecated=True)),
    "server of its own": ("major", lambda c: c.operation.update(servers=[{"url": "https://elsewhere.example.com"}])),
    "server of the path": (
        "major",
        lambda c: c.document["paths"][c.route].update(servers=[{"url": "https://elsewhere.example.com"}]),
    ),
    "the server of all as its own": (
        "none",
        lambda c: c.operation.update(servers=[{"url": "https://relay.example.com"}]),
    ),
    # What holds in one direction
    "field becomes read only": ("major", lambda c: c.sent["note"].update(readOnly=True)),
    "field becomes write only": ("none", lambda c: c.sent["note"].update(writeOnly=True)),
    "answer becomes read only": ("none", lambda c: c.got["message"].update(readOnly=True)),
    "answer becomes write only": ("major", lambda c: c.got["message"].update(writeOnly=True)),
    "a header of an answer is gone": ("major", lambda c: c.responses["200"].pop("headers")),
    "a header of an answer is new": ("minor", lambda c: c.responses["200"]["headers"].update({"X-Two": _HEADER})),
    "a header of an answer may be missing": ("major", lambda c: _describe_header(c)),
    "a header of an answer is of another type": ("major", lambda c: _describe_header(c, schema={"type": "integer"})),
    "answer of another json type": (
        "minor",
        lambda c: c.responses["200"]["content"].update(
            {"application/vnd.a+json": c.responses["200"]["content"].pop(JSON)}
        ),
    ),
    # Parameters
    "parameter deprecated": ("minor", lambda c: c.parameter("page").update(deprecated=True)),
    "required field of an object in a header": (
        "major",
        lambda c: c.parameter("X-Object")["schema"].update(required=["b"], properties={"b": _TEXT}),
    ),
    "required field of an xml body": (
        "major",
        lambda c: c.operation["requestBody"]["content"]["text/xml"]["schema"].update(required=["a"]),
    ),
    "a list that is not exploded": ("major", lambda c: c.parameter("ids").update(explode=False)),
    "a list between pipes": ("major", lambda c: c.parameter("ids").update(style="pipeDelimited", explode=False)),
    "a list in its usual style": ("none", lambda c: c.parameter("ids").update(style="form", explode=True)),
    "a scalar that is not exploded": ("none", lambda c: c.parameter("page").update(explode=False)),
    "encoding of a part": (
        "major",
        lambda c: c.form.update(encoding={"note": {"contentType": "application/vnd.note"}}),
    ),
    "parameter removed": ("major", lambda c: c.parameters.remove(c.parameter("page"))),
    "parameter renamed": ("major", lambda c: c.parameter("page").update(name="offset")),
    "parameter added": (
        "minor",
        lambda c: c.parameters.append({"name": "q", "in": "query", "schema": {"type": "string"}}),
    ),
    "required parameter added": (
        "major",
        lambda c: c.parameters.append({"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}),
    ),
    "parameter required": ("major", lambda c: c.parameter("page").update(required=True)),
    "parameter optional": ("minor", lambda c: c.parameter("sort").update(required=False)),
    "parameter to header": ("major", lambda c: c.parameter("page").update({"in": "header"})),
    "parameter type": ("major", lambda c: c.parameter("page")["schema"].update(type="string")),
    "parameter maximum lowered": ("major", lambda c: c.parameter("page")["schema"].update(maximum=50)),
    "parameter maximum raised": ("minor", lambda c: c.parameter("page")["schema"].update(maximum=500)),
    "order of path parameters": ("major", lambda c: c.move(f"/cases/{c.name}/{{item}}/{{owner}}")),
    "order of path parameters and deprecated": (
        "major",
        _swap_and_deprecate,
    ),
    # Parameters of a path
    "shared maximum lowered": ("major", lambda c: c.shared[0]["schema"].update(maximum=5)),
    "shared default changed": ("major", lambda c: c.shared[0]["schema"].update(default=4)),
    "shared to header": ("major", lambda c: c.shared[0].update({"in": "header"})),
    "shared spelling on the wire": ("major", lambda c: c.shared[0].update(name="Tone")),
    "shared required and deprecated": (
        "major",
        lambda c: (c.operation.update(deprecated=True), c.shared[0].update(required=True)),
    ),
    "shared removed and deprecated": ("major", lambda c: (c.operation.update(deprecated=True), c.shared.clear())),
    "shared path parameter": ("none", lambda c: c.shared.append(c.parameters.pop(0))),
    # What is sent
    "field removed": ("major", lambda c: c.sent.pop("note")),
    "field renamed": ("major", lambda c: c.sent.update(remark=c.sent.pop("note"))),
    "spelling on the wire": ("major", lambda c: c.sent.update(Note=c.sent.pop("note"))),
    "field added": ("minor", lambda c: c.sent.update(mask={"type": "string"})),
    "required field added": (
        "major",
        lambda c: (c.sent.update(mask={"type": "string"}), c.body["required"].append("mask")),
    ),
    "field required": ("major", lambda c: c.body["required"].append("note")),
    "field optional": ("minor", lambda c: c.body.pop("required")),
    "sent type": ("major", lambda c: c.sent["note"].update(type="integer")),
    "sent integer to number": ("minor", lambda c: c.sent["count"].update(type="number")),
    "sent number to integer": ("major", lambda c: c.sent["ratio"].update(type="integer")),
    "sent free": ("minor", lambda c: c.sent["ratio"].pop("type")),
    "sent format": ("major", lambda c: c.sent["note"].update(format="date-time")),
    "sent items": ("major", lambda c: c.sent["tags"].update(items={"type": "integer"})),
    "sent null": ("minor", lambda c: c.null(c.sent["note"])),
    "sent null no more": ("major", lambda c: c.sent.update(seed={"type": "integer"})),
    "sent value removed": ("major", lambda c: c.sent["size"]["enum"].remove("small")),
    "sent value added": ("minor", lambda c: c.sent["size"]["enum"].append("huge")),
    "sent text becomes enum": ("major", lambda c: c.sent["note"].update(enum=["a", "b"])),
    "sent enum becomes text": ("major", lambda c: c.sent["size"].pop("enum")),  # its class is gone
    "sent alternative added": ("minor", lambda c: c.sent.update(seed={"anyOf": [c.sent["seed"], {"type": "boolean"}]})),
    "sent number becomes enum": ("major", lambda c: c.sent["ratio"].update(enum=[0.5, 1.5])),
    "maximum length lowered": ("major", lambda c: c.sent["prompt"].update(maxLength=50)),
    "maximum length raised": ("minor", lambda c: c.sent["prompt"].update(maxLength=500)),
    "maximum length removed": ("minor", lambda c: c.sent["prompt"].pop("maxLength")),
    "minimum length raised": ("major", lambda c: c.sent["prompt"].update(minLength=2)),
    "maximum lowered": ("major", lambda c: c.sent["count"].update(maximum=9)),
    "minimum lowered": ("minor", lambda c: c.sent["count"].update(minimum=0)),
    "exclusive minimum": ("major", lambda c: c.above(c.sent["ratio"], 0)),
    "fewer items": ("major", lambda c: c.sent["tags"].update(maxItems=4)),
    "length of items": ("major", lambda c: c.sent["tags"]["items"].update(maxLength=9)),
    "pattern changed": ("major", lambda c: c.sent["prompt"].update(pattern="^[b-z]+$")),
    "pattern added": ("major", lambda c: c.sent["note"].update(pattern="^[a-z]+$")),
    "pattern removed": ("minor", lambda c: c.sent["prompt"].pop("pattern")),
    "default changed": ("major", lambda c: c.sent["count"].update(default=2)),
    "default added": ("minor", lambda c: c.sent["note"].update(default="none")),
    "sent object closed": ("major", lambda c: c.sent["extra"].update(additionalProperties=False)),
    "sent object opened": ("minor", lambda c: c.sent["camera"].pop("additionalProperties")),
    "other fields typed": ("major", lambda c: c.sent["extra"].update(additionalProperties={"type": "string"})),
    "body optional": ("minor", lambda c: c.operation["requestBody"].update(required=False)),
    "fields in a part of a body": ("minor", _extract),
    "fields of a body from a part": ("major", _inline),
    "body removed": ("major", lambda c: c.operation.pop("requestBody")),
    "request type removed": ("major", lambda c: c.operation["requestBody"]["content"].pop("text/csv")),
    "request type added": ("minor", lambda c: c.operation["requestBody"]["content"].update({"text/xml": {}})),
    # What is answered
    "answer with a charset": (
        "none",
        lambda c: c.responses["200"]["content"].update(
            {f"{JSON}; charset=utf-8": c.responses["200"]["content"].pop(JSON)}
        ),
    ),
    "answered field removed": ("major", lambda c: c.got.pop("message")),
    "answered field added": ("minor", lambda c: c.got.update(eta={"type": "integer"})),
    "required answered field added": (
        "minor",
        lambda c: (c.got.update(eta={"type": "integer"}), c.answer["required"].append("eta")),
    ),
    "answered field may be missing": ("major", lambda c: c.answer["required"].remove("id")),
    "answered field always there": ("minor", lambda c: c.answer["required"].append("message")),
    "answered type": ("major", lambda c: c.got["progress"].update(type="string")),
    "answered integer to number": ("major", lambda c: c.got["progress"].update(type="number")),
    "answered number to integer": ("minor", lambda c: c.got["cost"].update(type="integer")),
    "answered format": ("major", lambda c: c.got["created"].update(format="date-time")),
    "answered items": ("major", lambda c: c.got["urls"].update(items={"type": "integer"})),
    "answered null": ("major", lambda c: c.null(c.got["message"])),
    "answered null no more": ("minor", lambda c: c.got.update(finished={"type": "string"})),
    "answered alternative added": (
        "major",
        lambda c: c.got.update(cost={"oneOf": [c.got["cost"], {"type": "boolean"}]}),
    ),
    "answered value added": ("major", lambda c: c.got["status"]["enum"].append("failed")),
    "answered value removed": ("major", lambda c: c.got["status"]["enum"].remove("done")),  # its member is gone
    "answered text becomes enum": ("minor", lambda c: c.got["message"].update(enum=["a", "b"])),
    "answered length raised": ("major", lambda c: c.got["id"].update(maxLength=128)),
    "answered length lowered": ("minor", lambda c: c.got["id"].update(maxLength=32)),
    "answered object closed": ("major", lambda c: c.got["usage"].update(additionalProperties=False)),
    "answered object opened": ("minor", lambda c: c.got["strict"].pop("additionalProperties")),
    "success removed": ("major", lambda c: c.responses.update({"201": c.responses.pop("200")})),
    "success added": ("minor", lambda c: c.respond("201", c.answer_reference)),
    "success of another type": ("major", lambda c: c.respond("201", {"$ref": "#/components/schemas/Problem"})),
    "success without body": ("major", lambda c: c.responses.update({"202": {"description": "Accepted"}})),
    "error removed": ("major", lambda c: c.responses.pop("404")),
    "error added": ("minor", lambda c: c.responses.update({"default": {"description": "Any other"}})),
    "error type": ("major", lambda c: c.respond("404", {"type": "string"})),
    "answered media type removed": ("major", lambda c: c.responses["200"]["content"].pop("text/csv")),
    "answered media type added": ("minor", lambda c: c.responses["200"]["content"].update({"text/xml": {}})),
    "answered media type replaced": (
        "major",
        lambda c: c.responses["200"].update(content={"video/mp4": {"schema": {"type": "string", "format": "binary"}}}),
    ),
    # Security
    "security asked for": ("major", lambda c: c.operation.update(security=[{"Bearer": [], "Key": []}])),
    "security no more": ("minor", lambda c: c.operation.update(security=[])),
    "security of another kind": ("major", lambda c: c.operation.update(security=[{"Key": []}])),
    "security by choice": ("minor", lambda c: c.operation.update(security=[{"Bearer": []}, {"Key": []}])),
}
