"""The document as a contract: find the operation of a request, check the request, and make the response."""

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
    """The contract of a document with its overlays."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.operations = list(of(document))
        self._judge = cache(lambda: Judge(document))
        self._examples = cache(lambda: Examples(document))
        self.documented = cache(self._documented)

    @classmethod
    def of(cls, file: Path = VENDORED) -> Self:
        """The contract of the document in `file`, with its overlays."""
        return cls(load(file).value)

    def find(self, request: Request) -> Operation | None:
        """The operation that a request calls; routes with a query, or without parameters, take precedence."""
        found = [
            each
            for each in self.operations
            if each.method == request.method and each.matches(request.path, request.query) is not None
        ]
        return min(found, key=lambda each: (-len(each.fixed_query), each.route.count("{")), default=None)

    def departures(self, operation: Operation, request: Request) -> list[Departure]:
        """Check `request` against the document."""
        return list(self._judge().departures(operation, request))

    def answer(self, operation: Operation, request: Request, departures: list[Departure]) -> Answer:
        """The relay's probable response to an authorized request."""
        body = _object(request.body)
        if _lacks_prompt(operation, body):
            return RECORDED["no_prompt"].answer
        # The relay silently uses its default for a duration of 10.0.
        refused = [str(each) for each in departures if each.kind != "fraction"]
        if refused:
            return inner_error(400, f"请求与文档不符: {'; '.join(refused)}", "invalid_request")
        return self.success(operation, body)

    def success(self, operation: Operation, body: dict[str, Any]) -> Answer:
        """The first documented success, with the fields that the relay adds to a task.

        If no success is documented, the first other response.
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
        """A response of status `code` with the content documented for `status`."""
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
        """Whether a relay could accept `request`, even if it does not follow the document."""
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
