"""What the stand-in can say: the relay's own shapes, and whatever a test wants to see a client take."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any


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
    def html(cls, status: int = 200) -> "Answer":
        """The page of the relay's web console, which stands at every path that the relay does not know."""
        page = "<!doctype html><html lang='zh'><title>New API</title><div id='root'></div></html>"
        return cls(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def front_error(status: int, message: str, code: str = "") -> Answer:
    """An error of the gateway's front."""
    return Answer.json({"error": {"code": code, "message": message, "type": "new_api_error"}}, status)


def inner_error(status: int, message: str, code: str) -> Answer:
    """An error from behind the gateway's front: another shape, with no `error` in it."""
    return Answer.json({"code": code, "message": message, "data": None}, status)


SCENARIOS: dict[str, Answer] = {
    "bad_token": front_error(401, "无效的令牌", "invalid_token"),
    "no_quota": front_error(403, "用户额度不足, 剩余额度: $0.00", "insufficient_user_quota"),
    "no_permission": front_error(403, "该令牌无权访问模型 kling-v1", "access_denied"),
    "too_many": inner_error(429, "当前分组上游负载已饱和，请稍后再试", "too_many_requests"),
    "no_channel": front_error(503, "当前分组 default 下对于模型 kling-v1 无可用渠道", "model_not_found"),
    "no_prompt": inner_error(400, "prompt is required", "invalid_request"),
    "upstream": inner_error(502, "上游服务返回错误", "fail_to_fetch_task"),
    "console": Answer.html(),
}
"""Answers that the relay is known to give, by a name that a test or a README can say."""
