"""The exceptions of a call, besides httpx's transport errors.

After one of NOT_SENT, nothing was sent, and the call is safe to repeat. After any other exception the relay may have
charged for the request, unless may_have_been_charged() is False.
"""

import json
import math
import time
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final, cast

import httpx

NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""The errors after which nothing was sent, for `except NOT_SENT`. A ProxyError: the proxy refused to connect."""
CONTENT_LIMIT: Final = 65_536
"""Bytes of the body that an error keeps."""
REQUEST_ID_HEADERS: Final = ("X-Oneapi-Request-Id", "X-Request-Id")
"""Headers with the id by which the operator finds a request; the first that is present counts."""
_MESSAGE_LIMIT: Final = 500
_FIELD_LIMIT: Final = 100


def may_have_been_charged(error: BaseException) -> bool:
    """Whether the relay may have charged for the request that ended with `error`.

    Args:
        error: Any exception that ended a call: raised by it, a cancellation, an error of a hook, or an exception group.

    Returns:
        False only if that is certain: nothing was sent (NOT_SENT, InvalidArgument, ClientClosed, a DeadlineExceeded
            before the first byte), or the relay refused the request with a documented 4xx status. True for anything
            else: look for the task before you send the request again.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(map(may_have_been_charged, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    if isinstance(error, ResponseError | DeadlineExceeded):
        return error.may_have_been_charged
    return not isinstance(error, (*NOT_SENT, InvalidArgument, ClientClosed))


class InvalidArgument(TypeError, ValueError):
    """An argument or a setting is invalid; the text names it. Nothing was sent."""


class ClientClosed(RuntimeError):
    """The client was closed before the call had a connection; nothing was sent."""


class TaskError(Exception):
    """The base of TaskFailed and PollTimeout. The task was submitted, so it may have been charged.

    Attributes:
        task_id (str): The id that was polled.
        state (str | None): The last known state; None if no query succeeded.
        reason (str): Why there is no result.
        task (Any): The task as last returned; None if no query succeeded.
    """

    def __init__(self, task_id: str, state: str | None, reason: str, task: Any = None) -> None:
        super().__init__(task_id, state, reason, task)
        self.task_id = task_id
        self.state = state
        self.reason = reason
        self.task = task

    def __str__(self) -> str:
        return _printable(f"task {self.task_id}, {self.state or 'in an unknown state'}: {self.reason}")


class TaskFailed(TaskError):
    """The task ended in a failure state; `reason` is that of the relay."""


class PollTimeout(TaskError):
    """The task did not end within the timeout of poll(). It is still running: poll it again, for free."""


class DeadlineExceeded(httpx.TimeoutException):
    """A call exceeded the client's `deadline`, or a download its `timeout`.

    Attributes:
        may_have_been_charged (bool): False if nothing was sent before the deadline.
    """

    may_have_been_charged: bool = True


class ResponseError(Exception):
    """The response is not the documented success. If it echoes the client's token, the token is masked as ***.

    Attributes:
        method (str): The method of the request.
        path (str): The path of the request.
        status_code (int): The status of the response.
        headers (httpx.Headers): The headers of the response.
        content (bytes): The first 64 KiB of the body, decompressed.
        parsed (Any): The body, as the type that is documented for this status; None if it is not of this type.
        request_id (str | None): X-Oneapi-Request-Id or X-Request-Id, by which the operator finds the request.
        message (str | None): The message in the body, in its object `error` or at its top.
        code (str | None): The error code in the body, likewise.
        type (str | None): The type of the error in the body, likewise.
        retry_after (float | None): Seconds to wait, from the header Retry-After or the body.
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
        self.retry_after = retry_after(self.headers, body.get("retry_after"))
        super().__init__(self._line(reason))

    @property
    def may_have_been_charged(self) -> bool:
        """Whether the relay may have charged for the request: not if it refused it with a documented 4xx status."""
        return not 400 <= self.status_code < 500

    def _line(self, reason: str) -> str:
        """The error on one line, without control characters."""
        message = f": {self.message[:_MESSAGE_LIMIT]}" if self.message else ""
        named = {"code": self.code, "type": self.type}
        if self.request_id and self.request_id not in message:
            named["request_id"] = self.request_id
        known = ", ".join(f"{name}={value[:_FIELD_LIMIT]}" for name, value in named.items() if value)
        line = f"{self.method} {self.path}: {self.status_code}{reason}{message}{f' ({known})' if known else ''}"
        return _printable(line)

    def __reduce__(self) -> tuple[Any, ...]:
        # args has the complete text, which __init__ would build again.
        return Exception.__new__, (type(self), *self.args), self.__dict__


class ApiError(ResponseError):
    """The response has a documented error status; `parsed` is None if its body is not the documented one."""


class UnexpectedStatus(ResponseError):
    """The response has an undocumented status."""

    @property
    def may_have_been_charged(self) -> bool:
        """True: an undocumented status does not tell what the relay did."""
        return True


class DecodeError(ResponseError):
    """The body of a success is not the documented one; the relay may have charged for it."""


class ResponseTooLarge(DecodeError):
    """The body, of any status, is larger than the client's `max_response_bytes`."""


def in_doubt(method: str) -> str:
    """Advice for the text of an error whose request may have been charged; empty for GET and HEAD."""
    if method.upper() in ("GET", "HEAD"):
        return ""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return (
        f"; it may have been charged: before you repeat it, look for a task of {now} or earlier in the relay's task log"
    )


def request_id(headers: httpx.Headers) -> str | None:
    """The id by which the operator finds the request in the relay's log, or None."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), None)


def _error_object(content: bytes) -> dict[str, Any]:
    """The properties of an error's body: those of its object `error`, and those at its top."""
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    top = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    error = top.get("error")
    if isinstance(error, dict):
        return {**top, **cast("dict[str, Any]", error)}
    return {"message": error, **top}


def _printable(text: str) -> str:
    """`text` on one line, without control characters, which a terminal would interpret."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int)) and value != "" else None


def retry_after(headers: httpx.Headers, otherwise: object = None) -> float | None:
    """Retry-After in seconds (the header may be a number or a date); `otherwise` if there is no such header."""
    value = headers.get("Retry-After", otherwise)
    date = parsedate_tz(value) if isinstance(value, str) else None
    try:
        seconds = mktime_tz(date) - time.time() if date else float(str(value))
    except (OverflowError, ValueError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
