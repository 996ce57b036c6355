"""The document as a contract: which operations there are, and what the relay answers to a request for one."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Self

from ... import VENDORED
from ...document.examples import Examples
from ...document.loading import load
from ...document.messages import Departure, Judge, Request
from ...document.operations import JSON, SAFE, Operation, of
from ...document.tree import at, follow, object_or_empty, resolve
from .answers import RECORDED, Answer, inner_error


class Contract:
    """What a document, after its overlay, promises and asks for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.operations = list(of(document))
        self._judge = cache(lambda: Judge(document))
        self._examples = cache(lambda: Examples(document))
        self.documented = cache(self._documented)

    @classmethod
    def of(cls, file: Path = VENDORED) -> Self:
        """The contract of the document in `file`, after generator/overlay.yaml."""
        return cls(load(file).value)

    def find(self, request: Request) -> Operation | None:
        """The operation that a request calls; a route with a query of its own, or without parameters, goes first."""
        found = [
            each
            for each in self.operations
            if each.method == request.method and each.matches(request.path, request.query) is not None
        ]
        return min(found, key=lambda each: (-len(each.fixed_query), each.route.count("{")), default=None)

    def departures(self, operation: Operation, request: Request) -> list[Departure]:
        """In what `request` departs from the document."""
        return list(self._judge().departures(operation, request))

    def answer(self, operation: Operation, request: Request, departures: list[Departure]) -> Answer:
        """What the relay probably answers to a request that it lets in."""
        body = _object(request.body)
        if _lacks_prompt(operation, body):
            return RECORDED["no_prompt"].answer
        # The relay takes its default for a duration of 10.0, and says nothing.
        refused = [str(each) for each in departures if each.kind != "fraction"]
        if refused:
            return inner_error(400, f"请求与文档不符: {'; '.join(refused)}", "invalid_request")
        return self.success(operation, body)

    def success(self, operation: Operation, body: dict[str, Any]) -> Answer:
        """The first documented success, with what a relay of this kind adds to a task.

        Where none is documented, the first of the other answers.
        """
        codes = {key: int(key.replace("X", "0").replace("default", "200")) for key in operation.responses}
        final = [key for key, code in codes.items() if code >= 200]
        status = min(final, key=lambda key: codes[key] >= 300, default="200")
        answer = self.documented(operation, status, codes.get(status, 200))
        fields = _object(answer.body)
        if "task_id" in fields:
            task = {"id": fields["task_id"], "object": "video", "model": body.get("model", ""), "status": "queued"}
            return Answer.json({**fields, **task, "progress": 0, "created_at": 1795402752}, answer.status)
        return answer

    def _documented(self, operation: Operation, status: str, code: int) -> Answer:
        """An answer of status `code` with the content that the document gives for `status`."""
        place = (*follow(self.document, (*operation.path, "responses", status)), "content")
        content = object_or_empty(at(self.document, place))
        if not content:
            return Answer(code)
        media_type = min(content, key=lambda name: not JSON.fullmatch(name))
        if JSON.fullmatch(media_type):
            value = self._examples().at((*place, media_type, "schema"))
            return Answer.json(value, code, headers={"Content-Type": media_type})
        return Answer(code, "内容".encode(), {"Content-Type": media_type})

    def could_be_charged(self, operation: Operation, request: Request) -> bool:
        """Whether a relay could accept `request`, however it departs from the document."""
        if operation.method in SAFE:
            return False
        body = _object(request.body)
        return operation.json_type is None or (bool(body) and not _lacks_prompt(operation, body))


def _lacks_prompt(operation: Operation, body: dict[str, Any]) -> bool:
    media_types = [each for name, each in operation.content.items() if JSON.fullmatch(name)]
    schemas = [resolve(operation.document, each.get("schema")) for each in media_types]
    takes_prompt = any("prompt" in schema.get("properties", {}) for schema in schemas)
    return takes_prompt and not str(body.get("prompt") or "").strip()


def _object(body: bytes) -> dict[str, Any]:
    try:
        return object_or_empty(json.loads(body))
    except ValueError:
        return {}
