"""The document as a contract: which operations there are, and what the relay answers to a request for one."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from jsonschema.protocols import Validator

from ... import VENDORED
from ...document.closed_objects import forbid_undocumented_fields
from ...document.examples import example
from ...document.loading import load
from ...document.media_types import JSON
from ...document.tree import JsonPath, at, follow, list_or_empty, object_or_empty, operations, resolve
from ..departures import Departure
from . import judging
from .answers import Answer, inner_error
from .request import Request
from .scenarios import RECORDED


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    path: JsonPath
    """Where it stands: ("paths", route, method)."""
    method: str
    route: str
    definition: dict[str, Any]
    parameters: dict[JsonPath, dict[str, Any]]
    """Its parameters and those of its path, by where they stand."""
    is_bearer: bool
    """Whether it wants a bearer token."""

    def matches(self, path: str) -> dict[str, str] | None:
        """The parameters in `path`, or None where it is another operation's."""
        pattern = re.sub(r"\\{(.*?)\\}", r"([^/]+)", re.escape(self.route))
        found = re.fullmatch(pattern, path)
        names = re.findall(r"{(.*?)}", self.route)
        return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else None


class Contract:
    """What a document, after its overlay, promises and asks for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.operations = [self._operation(path, definition) for path, definition in operations(document)]
        self._validators: dict[JsonPath, Validator] = {}
        self._documented: dict[tuple[JsonPath, str, int], Answer] = {}

    @classmethod
    def of(cls, file: Path = VENDORED) -> Self:
        """The contract of the document in `file`, after generator/overlay.yaml."""
        return cls(load(file).value)

    def _operation(self, path: JsonPath, definition: dict[str, Any]) -> Operation:
        named: dict[tuple[str, str], tuple[JsonPath, dict[str, Any]]] = {}
        for holder in (path[:2], path):
            for index in range(len(list_or_empty(at(self.document, (*holder, "parameters"))))):
                place = follow(self.document, (*holder, "parameters", index))
                parameter = object_or_empty(at(self.document, place))
                named[parameter["name"], parameter["in"]] = place, parameter
        needed = list_or_empty(definition.get("security", self.document.get("security")))
        is_bearer = bool(needed) and all(self._bearers & set(requirement) for requirement in needed)
        return Operation(path, str(path[2]).upper(), str(path[1]), definition, dict(named.values()), is_bearer)

    @cached_property
    def _bearers(self) -> set[str]:
        """The names of the security schemes that are bearer tokens."""
        schemes = object_or_empty(at(self.document, ("components", "securitySchemes")))
        return {
            name
            for name, scheme in schemes.items()
            if str(resolve(self.document, scheme).get("scheme")).lower() == "bearer"
        }

    @cached_property
    def _closed(self) -> dict[str, Any]:
        return forbid_undocumented_fields(self.document)

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that `method` on `path` calls; a route without parameters goes first."""
        found = [each for each in self.operations if each.method == method and each.matches(path) is not None]
        return min(found, key=lambda operation: operation.route.count("{"), default=None)

    def validator(self, place: JsonPath) -> Validator:
        """What checks a value that is sent against the schema at `place`, its objects closed."""
        if place not in self._validators:
            self._validators[place] = judging.validator(self._closed, place)
        return self._validators[place]

    def body(self, operation: Operation) -> JsonPath:
        """Where the request body of `operation` stands, if there is one."""
        return follow(self.document, (*operation.path, "requestBody"))

    def content(self, operation: Operation) -> dict[str, Any]:
        """The media types of the operation's request body."""
        return object_or_empty(at(self.document, (*self.body(operation), "content")))

    def responses(self, operation: Operation) -> dict[str, dict[str, Any]]:
        """The operation's responses, by status or range of statuses."""
        responses = object_or_empty(operation.definition.get("responses"))
        return {key: resolve(self.document, response) for key, response in responses.items()}

    def departures(self, operation: Operation, request: Request) -> list[Departure]:
        """In what `request` departs from the document."""
        return list(judging.judge(self, operation, request))

    def answer(self, operation: Operation, request: Request, departures: list[Departure]) -> Answer:
        """What the relay probably answers to a request that it lets in."""
        body = _object(request.body)
        if self._lacks_prompt(operation, body):
            return RECORDED["no_prompt"].answer
        # The relay takes its default for a duration of 10.0, and says nothing.
        refused = [judging.line(each) for each in departures if each.kind != "fraction"]
        if refused:
            return inner_error(400, f"请求与文档不符: {'; '.join(refused)}", "invalid_request")
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
        """An answer of status `code` with the content that the document gives for `status`."""
        key = (operation.path, status, code)
        if key not in self._documented:
            self._documented[key] = self._example(operation, status, code)
        return self._documented[key]

    def _example(self, operation: Operation, status: str, code: int) -> Answer:
        place = (*follow(self.document, (*operation.path, "responses", status)), "content")
        content = object_or_empty(at(self.document, place))
        if not content:
            return Answer(code)
        media_type = min(content, key=lambda name: not JSON.fullmatch(name))
        if JSON.fullmatch(media_type):
            value = example(self.document, (*place, media_type, "schema"))
            return Answer.json(value, code, headers={"Content-Type": media_type})
        return Answer(code, "内容".encode(), {"Content-Type": media_type})

    def could_be_charged(self, operation: Operation, request: Request) -> bool:
        """Whether a relay could accept `request`, however it departs from the document."""
        if operation.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
            return False
        if any(map(JSON.fullmatch, self.content(operation))):
            body = _object(request.body)
            return bool(body) and not self._lacks_prompt(operation, body)
        return True

    def _lacks_prompt(self, operation: Operation, body: dict[str, Any]) -> bool:
        content = self.content(operation)
        schemas = [resolve(self.document, content[name].get("schema")) for name in filter(JSON.fullmatch, content)]
        takes_prompt = any("prompt" in object_or_empty(schema.get("properties")) for schema in schemas)
        return takes_prompt and not str(body.get("prompt") or "").strip()


def _object(body: bytes) -> dict[str, Any]:
    try:
        return object_or_empty(json.loads(body))
    except ValueError:
        return {}
