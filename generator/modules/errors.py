"""The errors of a call, beside httpx's own transport errors.

After one of NOT_SENT, nothing was sent, and the call is safe to repeat. After any other error the relay may have worked
on the request and charged for it, unless may_have_been_charged() is False.
"""

import json
import math
import time
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final, cast

import httpx

NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""The errors after which nothing was sent: for `except NOT_SENT`. A ProxyError is a proxy's refusal to connect."""
CONTENT_LIMIT: Final = 65_536
"""Bytes of a body that an error keeps."""
REQUEST_ID_HEADERS: Final = ("X-Oneapi-Request-Id", "X-Request-Id")
"""Where a response says by which id the operator finds it; the first that is there counts."""
_MESSAGE_LIMIT: Final = 500
_FIELD_LIMIT: Final = 100


def may_have_been_charged(error: BaseException) -> bool:
    """Whether the relay may have worked on the request that raised `error`, and charged for it.

    Args:
        error: any exception that a call raised, or that ended it: a cancellation, an error of a hook, a group.

    Returns:
        False only where that is certain: nothing was sent (NOT_SENT, InvalidArgument, ClientClosed, a DeadlineExceeded
        before the first byte), or the relay refused the request with a documented 4xx status. True for anything else:
        look for the task before you send the request again.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(map(may_have_been_charged, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    if isinstance(error, ResponseError | DeadlineExceeded):
        return error.may_have_been_charged
    return not isinstance(error, (*NOT_SENT, InvalidArgument, ClientClosed))


class InvalidArgument(TypeError, ValueError):
    """An argument or a setting that cannot be used; the text names it. Nothing was sent."""


class ClientClosed(RuntimeError):
    """The client was closed before the call had a connection; nothing was sent."""


class DeadlineExceeded(httpx.TimeoutException):
    """A call took longer than the client's `deadline`, in all.

    Attributes:
        may_have_been_charged (bool): False where the deadline was over before anything was sent.
    """

    may_have_been_charged: bool = True


class ResponseError(Exception):
    """A response other than the documented success; where it echoes the client's token, that is masked as ***.

    Attributes (None where absent):
        method, path (str), status_code (int), headers (httpx.Headers): of the request and the response.
        content (bytes): the first 64 KiB of the body, decompressed.
        parsed: the body as the type that the document gives for this status.
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
        self.method = method
        self.path = path
        self.status_code = status_code
        self.headers = headers or httpx.Headers()
        self.content = content[:CONTENT_LIMIT]
        self.parsed = parsed
        body = _error_object(content)
        self.message = _text(body.get("message"))
        self.code = _text(body.get("code"))
        self.type = _text(body.get("type"))
        self.request_id = request_id(self.headers)
        self.retry_after = _seconds(self.headers.get("Retry-After", body.get("retry_after")))
        super().__init__(self._line(reason))

    @property
    def may_have_been_charged(self) -> bool:
        """Whether the relay may have worked on the request: not where it refused it with a documented 4xx status."""
        return not 400 <= self.status_code < 500

    def _line(self, reason: str) -> str:
        """The error on one line, without what a terminal would take for a command."""
        message = f": {self.message[:_MESSAGE_LIMIT]}" if self.message else ""
        named = {"code": self.code, "type": self.type}
        if self.request_id and self.request_id not in message:
            named["request_id"] = self.request_id
        known = ", ".join(f"{name}={value[:_FIELD_LIMIT]}" for name, value in named.items() if value)
        line = f"{self.method} {self.path}: {self.status_code}{reason}{message}{f' ({known})' if known else ''}"
        return "".join(letter if letter.isprintable() else "?" for letter in " ".join(line.split()))

    def __reduce__(self) -> tuple[Any, ...]:
        # The line is made already: a copy takes it as it is, with all attributes.
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ApiError(ResponseError):
    """An error status that the document describes; `parsed` is None where the body is not as described."""


class UnexpectedStatus(ResponseError):
    """A status that the document doesn't describe."""

    @property
    def may_have_been_charged(self) -> bool:
        """True: a status that is not documented says nothing of what the relay did."""
        return True


class DecodeError(ResponseError):
    """A success whose body is not the documented one; the relay may have charged for it."""


class ResponseTooLarge(DecodeError):
    """A body, of whatever status, of more bytes than the client's `max_response_bytes`, decompressed."""


def request_id(headers: httpx.Headers) -> str | None:
    """The id by which the operator finds a request in the relay's log, or None."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), None)


def _error_object(content: bytes) -> dict[str, Any]:
    """The fields of an error's body: those of its `error`, else those at its top."""
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    top = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    error = top.get("error")
    if isinstance(error, dict):
        return {**top, **cast("dict[str, Any]", error)}
    return {"message": error, **top}


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int)) and value != "" else None


def _seconds(value: object) -> float | None:
    """Retry-After in seconds, which HTTP lets be a number or a date."""
    date = parsedate_tz(value) if isinstance(value, str) else None
    try:
        seconds = mktime_tz(date) - time.time() if date else float(str(value))
    except (OverflowError, ValueError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
