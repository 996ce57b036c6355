"""What a call raises, beside httpx's own transport errors. After one of NOT_SENT, a request was certainly not sent, and
is safe to send again; after any other, of httpx or of this module, it may have been worked on (and paid for).
"""

import json
import math
import time
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final, cast

import httpx

NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CONTENT_LIMIT: Final = 65_536


class DeadlineExceeded(httpx.TimeoutException):
    """A call took longer than the client's `deadline`, in all; the request may have been worked on."""


class ResponseError(Exception):
    """A response came, but not the one that was asked for; where it repeats the client's token, that is now ***.

    Attributes (None where absent):
        method, path (str), status_code (int), headers (httpx.Headers): of the request and the response.
        content (bytes): the first 64 KiB of the body, decompressed; parsed: the body as typed for this status.
        request_id (str | None): X-Oneapi-Request-Id or X-Request-Id, by which the operator finds the request.
        message, code, type (str | None): what the body says, in `{"error": {...}}` or at its top.
        retry_after (float | None): seconds to wait, as Retry-After or the body asks.
    """

    def __init__(
        self,
        reason: str,
        *,
        method: str = "",
        path: str = "",
        status_code: int = 0,
        headers: httpx.Headers | None = None,
        content: bytes = b"",
        parsed: Any = None,
    ) -> None:
        said, self.headers, self.content = _said(content), headers or httpx.Headers(), content[:CONTENT_LIMIT]
        self.method, self.path, self.status_code, self.parsed = method, path, status_code, parsed
        self.request_id: str | None = self.headers.get(
            "X-Oneapi-Request-Id", self.headers.get("X-Request-Id")
        )
        words = (said.get(key) for key in ("message", "code", "type"))
        self.message, self.code, self.type = (
            str(w) if isinstance(w, (str, int)) and w != "" else None for w in words
        )
        self.retry_after = _seconds(self.headers.get("Retry-After", said.get("retry_after")))
        line = f"{method} {path}: {status_code}{reason}{': ' + self.message[:500] if self.message else ''}"
        more = ", ".join(f"{k}={v[:100]}" for k in ("code", "type", "request_id") if (v := getattr(self, k)))
        line = " ".join(f"{line} ({more})".removesuffix(" ()").split())
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in line))

    def __reduce__(self) -> tuple[Any, ...]:
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ApiError(ResponseError):
    """An error status that the document describes; `parsed` is None where the body is not as described."""


class UnexpectedStatus(ResponseError):
    """A status that the document doesn't describe."""


class DecodeError(ResponseError):
    """A success whose body is not what the document promises; it may have been worked on (and paid for)."""


class ResponseTooLarge(DecodeError):
    """A body, of whatever status, of more bytes than the client's `max_response_bytes`, decompressed."""


def _said(content: bytes) -> dict[str, Any]:
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    top = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    error = top.get("error")
    return {**top, **cast("dict[str, Any]", error)} if isinstance(error, dict) else {"message": error, **top}


def _seconds(value: object) -> float | None:
    date = parsedate_tz(value) if isinstance(value, str) else None
    try:
        seconds = mktime_tz(date) - time.time() if date else float(str(value))
    except (OverflowError, ValueError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
