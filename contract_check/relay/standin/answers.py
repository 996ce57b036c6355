"""The stand-in's responses: the relay's own, recorded and by name, and faults that a client must handle."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, NamedTuple

REQUEST_ID = "{request id}"
"""A placeholder in a body for the X-Oneapi-Request-Id of the response."""


@dataclass
class Answer:
    """A response, and how it is sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """These override the stand-in's own."""
    wait: Event | None = None
    """Nothing is sent until this is set."""
    chunks: Iterable[bytes] | None = None
    """The body in chunks, without Content-Length."""
    pause: float = 0.0
    """Seconds before each chunk."""
    cut: int | None = None
    """The connection is closed after this many bytes of the body."""
    silent: bool = False
    """The connection is closed without a response."""
    reset: bool = False
    """The connection is reset rather than closed."""

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
    """An error from behind the gateway's front: another format, without `error`."""
    return Answer.json({"code": code, "message": message, "data": None}, status)


def invalid_url(method: str, path: str) -> Answer:
    """The gateway's response for an unknown path below /v1, /api or /assets."""
    message = f"Invalid URL ({method} {path})"
    return Answer.json({"error": {"message": message, "type": "invalid_request_error", "param": "", "code": ""}}, 404)


class Scenario(NamedTuple):
    """A named response, with its description."""

    meaning: str
    answer: Answer


_PAGE = "<!doctype html><html><head><title>New API</title></head><body>stub web UI</body></html>\n"
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
_TASK = {
    "id": "task_N23ChoiosLn9hWISlvAz5nhBWucwDr9r",
    "task_id": "task_N23ChoiosLn9hWISlvAz5nhBWucwDr9r",
    "object": "video",
    "model": "kling-v1",
    "status": "queued",
    "progress": 0,
    "created_at": 1795657308,
}
_TASK_BYTES = Answer.json(_TASK).body


def _front(status: int, message: str, code: str = "") -> Answer:
    return front_error(status, f"{message} (request id: {REQUEST_ID})", code)


RECORDED: dict[str, Scenario] = {
    "bad_token": Scenario("401, the token is unknown, disabled or expired", _front(401, "Invalid token")),
    "no_quota": Scenario(
        "403, the account's quota is used up",
        inner_error(403, "用户额度不足, 剩余额度: ＄0.000000", "insufficient_user_quota"),
    ),
    "no_permission": Scenario(
        "403, the token may not use this model",
        _front(403, "This token has no access to model kling-v1"),
    ),
    "no_prompt": Scenario("400, the prompt is missing", inner_error(400, "prompt is required", "invalid_request")),
    "unknown_task": Scenario(
        "400, no task has this id, or it is another user's", inner_error(400, "task_not_exist", "task_not_exist")
    ),
    "wrong_path": Scenario(
        "404, no such path below /v1, /api or /assets",
        invalid_url("POST", "/v1/kling/v1/videos/image2video"),
    ),
    "too_many": Scenario(
        "429 of the upstream, passed on without Retry-After",
        inner_error(429, "当前分组上游负载已饱和，请稍后再试", "fail_to_fetch_task"),
    ),
    "rate_limited": Scenario(
        "429 of the relay's front: no body, Retry-After: 180",
        Answer(429, headers={"Retry-After": "180"}),
    ),
    "no_channel": Scenario(
        "503, no channel serves the model",
        _front(
            503, "No available channel for model kling-v9 under group default (distributor)", code="model_not_found"
        ),
    ),
    "upstream": Scenario(
        "502, the upstream's response passed on", inner_error(502, _BAD_GATEWAY, "fail_to_fetch_task")
    ),
    "console": Scenario("200 with the web console's page, as for any unknown path", Answer.html(200, _PAGE)),
}
"""Recorded responses of the relay's software."""

SCENARIOS: dict[str, Scenario] = RECORDED | {
    "silence": Scenario("no response; the connection stays open", Answer(wait=Event())),
    "hang_up": Scenario("no response: the connection is closed", Answer(silent=True)),
    "reset": Scenario("no response: the connection is reset", Answer(silent=True, reset=True)),
    "slow": Scenario(
        "a task, one byte every half second",
        Answer.json(_TASK, chunks=[bytes([byte]) for byte in _TASK_BYTES], pause=0.5),
    ),
    "cut_off": Scenario("a task, but the connection is closed halfway", Answer.json(_TASK, cut=60)),
}
"""The named responses for tests, the README and `make standin ANSWER=...`."""
