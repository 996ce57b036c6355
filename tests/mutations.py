"""Mutations of a document, each with its level for a caller.

Each mutation has an operation of its own, called after it, so that all of them fit into one pair of documents.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

JSON, FORM = "application/json", "multipart/form-data"
_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_HEADER = {"schema": _TEXT}
_ELSEWHERE = [{"url": "https://elsewhere.example.com"}]
_SENT = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[a-z]+$"},
        "note": {"type": "string", "description": "A note.", "example": "n"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "seed": _WHOLE,
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
        "progress": _WHOLE,
        "message": _TEXT,
        "cost": {"type": "number"},
        "finished": _TEXT,
        "created": _TEXT,
        "urls": {"type": "array", "items": _TEXT},
        "usage": {"type": "object", "properties": {"tokens": _WHOLE}},
        "strict": {"type": "object", "additionalProperties": False, "properties": {"flag": {"type": "boolean"}}},
    },
}
_SHARED = {"name": "tone", "in": "query", "schema": {"type": "integer", "maximum": 9, "default": 3}}


class Case:
    """The parts of a document for one mutation."""

    def __init__(self, name: str, document: Any) -> None:
        self.name, self.document, self.components = name, document, document["components"]
        self.route = next(route for route in document["paths"] if f"/{name}/" in route)
        self.item = document["paths"][self.route]
        self.shared = self.item.get("parameters")
        """The parameters of the path, shared by all its operations."""
        self.operation = self.item["post"]
        self.parameters, self.responses = self.operation["parameters"], self.operation["responses"]
        self.content = self.operation.get("requestBody", {}).get("content", {})
        self.body = self.content.get(JSON, {}).get("schema", {})
        self.sent = self.body.get("properties")
        self.contents = self.responses["200"].get("content", {})
        """Part of the response, like `answer` and `got`."""
        self.reference = {"$ref": f"#/components/schemas/{_answer_name(name)}"}
        self.answer = self.components["schemas"].get(_answer_name(name), {})
        self.got = self.answer.get("properties")

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

    def null(self, schema: Any) -> None:
        """Make `schema` nullable, in the notation of the document's version."""
        if self.document["openapi"].startswith("3.0"):
            schema["nullable"] = True
        else:
            schema["type"] = [schema["type"], "null"]

    def above(self, schema: Any, limit: int) -> None:
        """Give `schema` an exclusive minimum, in the notation of the document's version."""
        is_30 = self.document["openapi"].startswith("3.0")
        schema.update({"minimum": limit, "exclusiveMinimum": True} if is_30 else {"exclusiveMinimum": limit})


def base(version: str, names: Collection[str]) -> dict[str, Any]:
    """A document with an unchanged operation for each of these mutations."""
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
        is_answer = any(word in name for word in ("answer", "success", "error", "status"))
        item = document["paths"][f"/cases/{name}/{{owner}}/{{item}}"] = {"post": _copy(_operation(name, is_answer))}
        if "shared" in name:
            item["parameters"] = [_copy(_SHARED)]
        if is_answer:
            document["components"]["schemas"][_answer_name(name)] = _copy(_ANSWERED)
        case = Case(name, document)
        case.null(case.got["finished"] if is_answer else case.sent["seed"])
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
    return json.loads(json.dumps(value))  # unlike deepcopy, this duplicates shared objects


def _answer_name(name: str) -> str:
    return f"{name.title().replace(' ', '')}Answer"


def _operation(name: str, is_answer: bool) -> dict[str, Any]:
    """An operation with a rich request or response."""
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": ["cases"],
        "summary": "Do it",
        "security": [{"Bearer": []}],
        "parameters": [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in ("owner", "item")],
        "responses": {"200": {"description": "Done"}},
    }
    content: dict[str, Any]
    if is_answer:
        content = {JSON: {"schema": {"$ref": f"#/components/schemas/{_answer_name(name)}"}}, "text/csv": {}}
        operation["responses"]["200"] |= {"content": content, "headers": {"X-One": _HEADER}}
        problem = {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"]["404"] = {"description": "No such item", "content": problem}
        return operation
    operation["parameters"] += [
        {"name": "page", "in": "query", "schema": {"type": "integer", "maximum": 100}},
        {"name": "sort", "in": "query", "required": True, "schema": _TEXT},
        {"name": "ids", "in": "query", "schema": {"type": "array", "items": _TEXT}},
    ]
    content = {JSON: {"schema": _SENT}, "text/csv": {}}
    if name.startswith("encoding"):
        content[FORM] = {"schema": {"type": "object", "properties": {"note": _TEXT}}}
    operation["requestBody"] = {"required": True, "content": content}
    return operation


def _swap(mapping: dict[str, Any]) -> None:
    """Reverse the order of the keys."""
    for key in reversed(list(mapping)):
        mapping[key] = mapping.pop(key)


def _extract(case: Case) -> None:
    """Move the first fields of the body into a separate schema, referenced by `allOf`."""
    part = {key: case.sent.pop(key) for key in ("prompt", "note")}
    name = f"PartOf{case.name.title().replace(' ', '')}"
    case.components["schemas"][name] = {"type": "object", "properties": part}
    case.body["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]


def _inline(case: Case) -> None:
    """Undo `_extract`."""
    [part] = case.body.pop("allOf")
    fields = case.components["schemas"].pop(part["$ref"].rpartition("/")[2])["properties"]
    case.body["properties"] = fields | case.sent


def _swap_and_deprecate(case: Case) -> None:
    case.operation["deprecated"] = True
    case.move(f"/cases/{case.name}/{{item}}/{{owner}}")


def _describe_header(case: Case, **header: object) -> None:
    case.responses["200"]["headers"]["X-One"] = {"schema": _TEXT, **header}


Mutation = Callable[[Case], object]
_OBJECT = {"type": "object", "properties": {"a": _TEXT}}
BEFORE: dict[str, Mutation] = {
    "fields of a body from a part": _extract,
    "required field of an object in a header": lambda c: c.parameters.append(
        {"name": "X-Object", "in": "header", "schema": _OBJECT}
    ),
    "required field of an xml body": lambda c: c.content.update({"text/xml": {"schema": _OBJECT}}),
    "a header of an answer may be missing": lambda c: _describe_header(c, required=True),
}
"""Additional content of the operations of some mutations, before the mutation."""

_NONE: dict[str, Mutation] = {
    "untouched": lambda c: None,
    "description": lambda c: c.sent["note"].update(description="Another note."),
    "summary": lambda c: c.operation.update(summary="Do it now"),
    "example": lambda c: c.sent["note"].update(example="m"),
    "title": lambda c: c.body.update(title="Something else"),
    "extension": lambda c: c.operation.update({"x-apifox-status": "released"}),
    "order of fields": lambda c: _swap(c.sent),
    "order of answered fields": lambda c: _swap(c.got),
    "order of query parameters": lambda c: c.parameters.reverse(),
    "order of statuses": lambda c: _swap(c.responses),
    "order of enum": lambda c: c.sent["size"]["enum"].reverse(),
    "a limit that says nothing": lambda c: c.sent["note"].update(minLength=0),
    "an answer by reference": lambda c: c.responses.update({"404": c.refer("responses", c.responses["404"])}),
    "a security scheme by another name": lambda c: (
        c.components["securitySchemes"].update(Token={"type": "http", "scheme": "Bearer"}),
        c.operation.update(security=[{"Token": []}]),
    ),
    "a status in its range": lambda c: c.respond("503", {"$ref": "#/components/schemas/ErrorResponse"}),
    "the server of all as its own": lambda c: c.operation.update(servers=[{"url": "https://relay.example.com"}]),
    "field becomes write only": lambda c: c.sent["note"].update(writeOnly=True),
    "answer becomes read only": lambda c: c.got["message"].update(readOnly=True),
    "a list in its usual style": lambda c: c.parameter("ids").update(style="form", explode=True),
    "a scalar that is not exploded": lambda c: c.parameter("page").update(explode=False),
    "shared path parameter": lambda c: c.shared.append(c.parameters.pop(0)),
    "answer with a charset": lambda c: c.contents.update({f"{JSON}; charset=utf-8": c.contents.pop(JSON)}),
}
_MINOR: dict[str, Mutation] = {
    "grown": lambda c: c.document["paths"].update(
        {"/grown/{owner}/{item}": {"post": c.operation | {"operationId": f"{c.name} x"}}}
    ),
    "deprecated": lambda c: c.operation.update(deprecated=True),
    "a header of an answer is new": lambda c: c.responses["200"]["headers"].update({"X-Two": _HEADER}),
    "answer of another json type": lambda c: c.contents.update({"application/vnd.a+json": c.contents.pop(JSON)}),
    "parameter deprecated": lambda c: c.parameter("page").update(deprecated=True),
    "parameter added": lambda c: c.parameters.append({"name": "q", "in": "query", "schema": _TEXT}),
    "parameter optional": lambda c: c.parameter("sort").update(required=False),
    "parameter maximum raised": lambda c: c.parameter("page")["schema"].update(maximum=500),
    "field added": lambda c: c.sent.update(mask=_TEXT),
    "field optional": lambda c: c.body.pop("required"),
    "sent integer to number": lambda c: c.sent["count"].update(type="number"),
    "sent free": lambda c: c.sent["ratio"].pop("type"),
    "sent null": lambda c: c.null(c.sent["note"]),
    "sent value added": lambda c: c.sent["size"]["enum"].append("huge"),
    "sent alternative added": lambda c: c.sent.update(seed={"anyOf": [c.sent["seed"], {"type": "boolean"}]}),
    "maximum length raised": lambda c: c.sent["prompt"].update(maxLength=500),
    "maximum length removed": lambda c: c.sent["prompt"].pop("maxLength"),
    "minimum lowered": lambda c: c.sent["count"].update(minimum=0),
    "pattern removed": lambda c: c.sent["prompt"].pop("pattern"),
    "default added": lambda c: c.sent["note"].update(default="none"),
    "sent object opened": lambda c: c.sent["camera"].pop("additionalProperties"),
    "body optional": lambda c: c.operation["requestBody"].update(required=False),
    "fields in a part of a body": _extract,
    "request type added": lambda c: c.content.update({"text/xml": {}}),
    "answered field added": lambda c: c.got.update(eta=_WHOLE),
    "required answered field added": lambda c: (c.got.update(eta=_WHOLE), c.answer["required"].append("eta")),
    "answered field always there": lambda c: c.answer["required"].append("message"),
    "answered number to integer": lambda c: c.got["cost"].update(type="integer"),
    "answered null no more": lambda c: c.got.update(finished=_TEXT),
    "answered text becomes enum": lambda c: c.got["message"].update(enum=["a", "b"]),
    "answered length lowered": lambda c: c.got["id"].update(maxLength=32),
    "answered object opened": lambda c: c.got["strict"].pop("additionalProperties"),
    "success added": lambda c: c.respond("201", c.reference),
    "error added": lambda c: c.responses.update({"default": {"description": "Any other"}}),
    "answered media type added": lambda c: c.contents.update({"text/xml": {}}),
    "security no more": lambda c: c.operation.update(security=[]),
    "security by choice": lambda c: c.operation.update(security=[{"Bearer": []}, {"Key": []}]),
}
_MAJOR: dict[str, Mutation] = {
    "removed": lambda c: c.document["paths"].pop(c.route),
    "renamed": lambda c: c.operation.update(operationId=c.name + " x"),
    "tag": lambda c: c.operation.update(tags=["others"]),
    "path": lambda c: c.move(f"/moved/{c.name}/{{owner}}/{{item}}"),
    "method": lambda c: c.item.update(put=c.item.pop("post")),
    "server of its own": lambda c: c.operation.update(servers=_ELSEWHERE),
    "server of the path": lambda c: c.item.update(servers=_ELSEWHERE),
    "field becomes read only": lambda c: c.sent["note"].update(readOnly=True),
    "answer becomes write only": lambda c: c.got["message"].update(writeOnly=True),
    "a header of an answer is gone": lambda c: c.responses["200"].pop("headers"),
    "a header of an answer may be missing": lambda c: _describe_header(c),
    "a header of an answer is of another type": lambda c: _describe_header(c, schema=_WHOLE),
    "required field of an object in a header": lambda c: c.parameter("X-Object")["schema"].update(
        required=["b"], properties={"b": _TEXT}
    ),
    "required field of an xml body": lambda c: c.content["text/xml"]["schema"].update(required=["a"]),
    "a list that is not exploded": lambda c: c.parameter("ids").update(explode=False),
    "a list between pipes": lambda c: c.parameter("ids").update(style="pipeDelimited", explode=False),
    "encoding of a part": lambda c: c.content[FORM].update(encoding={"note": {"contentType": "application/vnd.note"}}),
    "parameter removed": lambda c: c.parameters.remove(c.parameter("page")),
    "parameter renamed": lambda c: c.parameter("page").update(name="offset"),
    "required parameter added": lambda c: c.parameters.append(
        {"name": "q", "in": "query", "required": True, "schema": _TEXT}
    ),
    "parameter required": lambda c: c.parameter("page").update(required=True),
    "parameter to header": lambda c: c.parameter("page").update({"in": "header"}),
    "parameter type": lambda c: c.parameter("page")["schema"].update(type="string"),
    "parameter maximum lowered": lambda c: c.parameter("page")["schema"].update(maximum=50),
    "order of path parameters": lambda c: c.move(f"/cases/{c.name}/{{item}}/{{owner}}"),
    "order of path parameters and deprecated": _swap_and_deprecate,
    "shared maximum lowered": lambda c: c.shared[0]["schema"].update(maximum=5),
    "shared default changed": lambda c: c.shared[0]["schema"].update(default=4),
    "shared to header": lambda c: c.shared[0].update({"in": "header"}),
    "shared spelling on the wire": lambda c: c.shared[0].update(name="Tone"),
    "shared required and deprecated": lambda c: (
        c.operation.update(deprecated=True),
        c.shared[0].update(required=True),
    ),
    "shared removed and deprecated": lambda c: (c.operation.update(deprecated=True), c.shared.clear()),
    "field removed": lambda c: c.sent.pop("note"),
    "field renamed": lambda c: c.sent.update(remark=c.sent.pop("note")),
    "spelling on the wire": lambda c: c.sent.update(Note=c.sent.pop("note")),
    "required field added": lambda c: (c.sent.update(mask=_TEXT), c.body["required"].append("mask")),
    "field required": lambda c: c.body["required"].append("note"),
    "sent type": lambda c: c.sent["note"].update(type="integer"),
    "sent number to integer": lambda c: c.sent["ratio"].update(type="integer"),
    "sent format": lambda c: c.sent["note"].update(format="date-time"),
    "sent items": lambda c: c.sent["tags"].update(items=_WHOLE),
    "sent null no more": lambda c: c.sent.update(seed=_WHOLE),
    "sent value removed": lambda c: c.sent["size"]["enum"].remove("small"),
    "sent text becomes enum": lambda c: c.sent["note"].update(enum=["a", "b"]),
    "sent enum becomes text": lambda c: c.sent["size"].pop("enum"),
    "sent number becomes enum": lambda c: c.sent["ratio"].update(enum=[0.5, 1.5]),
    "maximum length lowered": lambda c: c.sent["prompt"].update(maxLength=50),
    "minimum length raised": lambda c: c.sent["prompt"].update(minLength=2),
    "maximum lowered": lambda c: c.sent["count"].update(maximum=9),
    "exclusive minimum": lambda c: c.above(c.sent["ratio"], 0),
    "fewer items": lambda c: c.sent["tags"].update(maxItems=4),
    "length of items": lambda c: c.sent["tags"]["items"].update(maxLength=9),
    "pattern changed": lambda c: c.sent["prompt"].update(pattern="^[b-z]+$"),
    "pattern added": lambda c: c.sent["note"].update(pattern="^[a-z]+$"),
    "default changed": lambda c: c.sent["count"].update(default=2),
    "sent object closed": lambda c: c.sent["extra"].update(additionalProperties=False),
    "other fields typed": lambda c: c.sent["extra"].update(additionalProperties=_TEXT),
    "fields of a body from a part": _inline,
    "body removed": lambda c: c.operation.pop("requestBody"),
    "request type removed": lambda c: c.content.pop("text/csv"),
    "answered field removed": lambda c: c.got.pop("message"),
    "answered field may be missing": lambda c: c.answer["required"].remove("id"),
    "answered type": lambda c: c.got["progress"].update(type="string"),
    "answered integer to number": lambda c: c.got["progress"].update(type="number"),
    "answered format": lambda c: c.got["created"].update(format="date-time"),
    "answered items": lambda c: c.got["urls"].update(items=_WHOLE),
    "answered null": lambda c: c.null(c.got["message"]),
    "answered alternative added": lambda c: c.got.update(cost={"oneOf": [c.got["cost"], {"type": "boolean"}]}),
    "answered value added": lambda c: c.got["status"]["enum"].append("failed"),
    "answered value removed": lambda c: c.got["status"]["enum"].remove("done"),
    "answered length raised": lambda c: c.got["id"].update(maxLength=128),
    "answered object closed": lambda c: c.got["usage"].update(additionalProperties=False),
    "success removed": lambda c: c.responses.update({"201": c.responses.pop("200")}),
    "success of another type": lambda c: c.respond("201", {"$ref": "#/components/schemas/Problem"}),
    "success without body": lambda c: c.responses.update({"202": {"description": "Accepted"}}),
    "error removed": lambda c: c.responses.pop("404"),
    "error type": lambda c: c.respond("404", _TEXT),
    "answered media type removed": lambda c: c.contents.pop("text/csv"),
    "answered media type replaced": lambda c: c.responses["200"].update(
        content={"video/mp4": {"schema": {"type": "string", "format": "binary"}}}
    ),
    "security asked for": lambda c: c.operation.update(security=[{"Bearer": [], "Key": []}]),
    "security of another kind": lambda c: c.operation.update(security=[{"Key": []}]),
}

MUTATIONS: dict[str, tuple[str, Mutation]] = {
    name: (level, mutate)
    for level, mutations in (("none", _NONE), ("minor", _MINOR), ("major", _MAJOR))
    for name, mutate in mutations.items()
}
