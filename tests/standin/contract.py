"""The document as a contract: which requests it knows, in what one departs from it, and what answers it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl, unquote

from .answers import SCENARIOS, Answer, inner_error
from .examples import example
from .requests import Request
from .schemas import Schema, Schemas, mapping

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_JSON = re.compile(r"application/(.*\+)?json")


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    route: str
    definition: Schema
    parameters: tuple[Schema, ...]
    bearer: bool

    def matches(self, path: str) -> dict[str, str] | None:
        """The parameters in `path`, or None where it is another operation's."""
        pattern = re.sub(r"\\{(.*?)\\}", r"([^/]+)", re.escape(self.route))
        found = re.fullmatch(pattern, path)
        names = re.findall(r"{(.*?)}", self.route)
        return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else None


class Contract:
    """What a document promises, and asks for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas = Schemas(document)
        self.operations = list(self._operations())

    def _operations(self) -> Iterator[Operation]:
        schemes: dict[str, Schema] = self.document.get("components", {}).get("securitySchemes", {})
        bearers = {n for n, s in schemes.items() if str(self.schemas.resolve(s).get("scheme")).lower() == "bearer"}
        for route, item in self.document.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    definition = item[method]
                    given = [*item.get("parameters", []), *definition.get("parameters", [])]
                    resolved = map(self.schemas.resolve, given)
                    named = {(parameter["name"], parameter["in"]): parameter for parameter in resolved}
                    needed: list[Schema] = definition.get("security", self.document.get("security", []))
                    bearer = bool(needed) and all(bearers & set(requirement) for requirement in needed)
                    yield Operation(method.upper(), route, definition, tuple(named.values()), bearer)

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that `method` on `path` calls; a route without parameters goes first."""
        found = [o for o in self.operations if o.method == method and o.matches(path) is not None]
        return min(found, key=lambda operation: operation.route.count("{"), default=None)

    def content(self, operation: Operation) -> dict[str, Schema]:
        """The media types of the operation's request body."""
        content: dict[str, Schema] = self.schemas.resolve(operation.definition.get("requestBody")).get("content", {})
        return content

    def responses(self, operation: Operation) -> dict[str, Schema]:
        """The operation's responses, by status or range of statuses."""
        return {k: self.schemas.resolve(r) for k, r in operation.definition.get("responses", {}).items()}

    def problems(self, operation: Operation, request: Request) -> Iterator[str]:
        """In what `request` departs from the document."""
        yield from self._parameter_problems(operation, request)
        yield from self._body_problems(operation, request)

    def _parameter_problems(self, operation: Operation, request: Request) -> Iterator[str]:
        given = {
            "path": list((operation.matches(request.path) or {}).items()),
            "query": request.query,
            "header": list(request.headers.items()),
            "cookie": [part.partition("=")[::2] for part in (request.headers["cookie"] or "").split("; ") if part],
        }
        for parameter in operation.parameters:
            name, place = str(parameter["name"]), parameter["in"]
            values = [
                value
                for key, value in given[place]
                if key == name or (place == "header" and key.lower() == name.lower())
            ]
            if parameter.get("required") and not values:
                yield f"the {place} parameter {name} is missing"
            schema = self.schemas.resolve(parameter.get("schema"))
            for value in values if schema.get("type") in ("integer", "number", "boolean") or "enum" in schema else ():
                yield from (f"{place} parameter {name}{p}" for p in self.schemas.problems(schema, _read(value, schema)))
        known = {parameter["name"] for parameter in operation.parameters if parameter["in"] == "query"}
        deep = {name.partition("[")[0] for name in known}
        for name, _ in given["query"]:
            if name not in known and name.partition("[")[0] not in deep:
                yield f"the query parameter {name} is not in the document"

    def _body_problems(self, operation: Operation, request: Request) -> Iterator[str]:
        content = self.content(operation)
        required = self.schemas.resolve(operation.definition.get("requestBody")).get("required")
        if not request.body:
            if required:
                yield "the body is missing"
            return
        known = {name.partition(";")[0].strip().lower(): value for name, value in content.items()}
        if request.media_type not in known:
            yield f"the media type {request.media_type or 'of the body'} is not in the document: {', '.join(known)}"
            return
        schema: Schema = known[request.media_type].get("schema", {})
        if _JSON.fullmatch(request.media_type):
            try:
                value = json.loads(request.body)
            except ValueError as error:
                yield f"the body is not JSON: {error}"
            else:
                yield from self.schemas.problems(schema, value)
        elif request.media_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
            yield from self._form_problems(schema, _form_fields(request))

    def _form_problems(self, schema: Schema, names: list[str]) -> Iterator[str]:
        found = self.schemas.resolve(schema)
        properties: dict[str, Schema] = found.get("properties", {})
        plain = {name.removesuffix("[]") for name in names}
        yield from (f"the form lacks {name}" for name in found.get("required", []) if name not in plain)
        yield from (
            f"the form's {name} is not in the document" for name in plain if properties and name not in properties
        )

    def answer(self, operation: Operation, request: Request) -> Answer:
        """What the relay probably answers to a request that it lets in."""
        body = _object(request.body)
        if self._lacks_prompt(operation, body):
            return SCENARIOS["no_prompt"]
        serious = [problem for problem in request.problems if "travels with a fraction" not in problem]
        if serious:
            return inner_error(400, f"请求与文档不符: {'; '.join(serious)}", "invalid_request")
        return self.success(operation, body)

    def success(self, operation: Operation, body: dict[str, Any]) -> Answer:
        """The first documented success, with what a relay of this kind adds to a task.

        Where none is documented, the first of the other answers.
        """
        codes = {key: int(key.replace("X", "0").replace("default", "200")) for key in self.responses(operation)}
        final = [key for key, code in codes.items() if code >= 200]
        status = min(final, key=lambda key: codes[key] >= 300, default="200")
        answer = self.documented(operation, status, codes.get(status, 200))
        fields = _object(answer.body)
        if "task_id" in fields:
            task = {"id": fields["task_id"], "object": "video", "model": body.get("model", ""), "status": "queued"}
            return Answer.json({**fields, **task, "progress": 0, "created_at": 1795402752}, answer.status)
        return answer

    def documented(self, operation: Operation, status: str, code: int) -> Answer:
        """An answer with the content that the document gives for `status`."""
        content: dict[str, Schema] = self.responses(operation).get(status, {}).get("content", {})
        if not content:
            return Answer(code)
        media_type = min(content, key=lambda name: not _JSON.match(name))
        if _JSON.match(media_type):
            value = example(self.schemas, content[media_type].get("schema", {}))
            return Answer.json(value, code, headers={"Content-Type": media_type})
        return Answer(code, "内容".encode(), {"Content-Type": media_type})

    def could_be_charged(self, operation: Operation, request: Request) -> bool:
        """Whether a relay could accept `request`, however it departs from the document."""
        if operation.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
            return False
        if any(_JSON.fullmatch(name) for name in self.content(operation)):
            body = _object(request.body)
            return bool(body) and not self._lacks_prompt(operation, body)
        return True

    def _lacks_prompt(self, operation: Operation, body: dict[str, Any]) -> bool:
        schemas = [m.get("schema", {}) for name, m in self.content(operation).items() if _JSON.fullmatch(name)]
        return any("prompt" in self.schemas.resolve(schema).get("properties", {}) for schema in schemas) and (
            not str(body.get("prompt") or "").strip()
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return mapping(value)


def _read(text: str, schema: Schema) -> Any:
    """A parameter's value: JSON where its type is not text."""
    try:
        return text if schema.get("type") == "string" else json.loads(text)
    except ValueError:
        return text


def _form_fields(request: Request) -> list[str]:
    if request.media_type == "application/x-www-form-urlencoded":
        return [name for name, _ in parse_qsl(request.body.decode(), keep_blank_values=True)]
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.body)
    parts = message.get_payload()
    return [str(part.get_param("name", header="content-disposition")) for part in parts if not isinstance(part, str)]
