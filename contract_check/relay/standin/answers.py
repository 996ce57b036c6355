"""What the stand-in can say: the relay's own shapes, and whatever a client has to take."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

REQUEST_ID = "{request id}"
"""Stands in a body for the X-Oneapi-Request-Id of the answer."""


@dataclass
class Answer:
    """One answer, and how it travels."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Replace those that the stand-in would send."""
    wait: Event | None = None
    """Nothing is sent before this is set."""
    chunks: Iterable[bytes] | None = None
    """The body in chunks, without a length."""
    pause: float = 0.0
    """Seconds before each chunk."""
    cut: int | None = None
    """So many bytes of the body are sent; then the connection ends."""
    silent: bool = False
    """The connection ends without a byte."""
    reset: bool = False
    """Where the connection ends, it is reset rather than closed."""

    @classmethod
    def json(cls, value: object, status: int = 200, **fields: Any) -> "Answer":
        """`value` as JSON in UTF-8."""
        headers = {"Content-Type": "application/json; charset=utf-8", **fields.pop("headers", {})}
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), headers, **fields)

    @classmethod
    def html(cls, status: int = 200, page: str = "<!doctype html><title>New API</title>") -> "Answer":
        """A page, such as the relay's web console."""
        return cls(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def front_error(status: int, message: str, code: str = "") -> Answer:
    """An error of the gateway's front."""
    return Answer.json({"error": {"code": code, "message": message, "type": "new_api_error"}}, status)


def inner_error(status: int, message: str, code: str) -> Answer:
    """An error from behind the gateway's front: another shape, with no `error` in it."""
    return Answer.json({"code": code, "message": message, "data": None}, status)


def invalid_url(method: str, path: str) -> Answer:
    """What the gateway answers below /v1, /api and /assets to a path that it does not know."""
    said = f"Invalid URL ({method} {path})"
    return Answer.json({"error": {"message": said, "type": "invalid_request_error", "param": "", "code": ""}}, 404)
