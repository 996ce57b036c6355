"""Retry requests if that is free, and log each attempt."""

import logging
import os
import random
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import httpx

from ..errors import NOT_SENT, InvalidArgument, ResponseError, request_id, retry_after
from .deadline import Deadline

_LOG: Final = logging.getLogger("generated_client")
_FREE_METHODS: Final = ("GET", "HEAD")
_FREE_STATUSES: Final = (502, 503, 504)
"""The statuses after which a request with one of _FREE_METHODS is retried; 429 is free for every method."""
_UNFIXABLE: Final = (httpx.ProxyError, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Transport errors that retrying cannot fix."""


def is_temporary(error: ResponseError | httpx.TransportError) -> bool:
    """Whether retrying a query may fix this error."""
    if isinstance(error, ResponseError):
        return error.status_code == 429 or error.status_code >= 500
    return not isinstance(error, _UNFIXABLE)


def backoff(failures: int) -> float:
    """Seconds to wait: 0.5, doubled with each earlier failure up to 8, less a random part of up to 25%."""
    return min(0.5 * 2.0 ** min(failures, 9), 8.0) * random.uniform(0.75, 1)  # noqa: S311  # not a secret


class Attempts:
    """The attempts of one call: the request is retried up to `retries` times if that is free."""

    def __init__(self, name: str, method: str, retries: int, deadline: Deadline | None) -> None:
        self._name = name
        self._is_free = method.upper() in _FREE_METHODS
        self._retries = retries
        self._deadline = deadline
        self._number = 0
        self._outcome = ""
        self.pause = 0.0
        """Seconds to wait before the next attempt."""

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Log one attempt; suppress a transport error after which the request is retried."""
        began = time.perf_counter()
        self._number += 1
        self._outcome = ""
        if self._deadline:
            self._deadline.is_sent = None  # earlier attempts were free
        try:
            yield
        except BaseException as error:
            self._outcome = ", ".join(filter(None, (self._outcome, type(error).__name__)))
            is_free = isinstance(error, NOT_SENT) or (self._is_free and isinstance(error, httpx.TransportError))
            if isinstance(error, _UNFIXABLE) or not is_free or not self._plan(None):
                raise
        finally:
            took = (time.perf_counter() - began) * 1_000
            _LOG.info("%s: %s, %.0f ms, attempt %d", self._name, self._outcome, took, self._number)

    def is_repeated(self, response: httpx.Response, text: str) -> bool:
        """Whether the request is retried after this response; `text` describes it in the log."""
        self._outcome = text
        status = response.status_code
        is_free = status == 429 or (self._is_free and status in _FREE_STATUSES)
        return is_free and self._plan(retry_after(response.headers))

    def _plan(self, asked: float | None) -> bool:
        """Set the pause; return False if no attempt or no time is left."""
        self.pause = backoff(self._number - 1) if asked is None else asked
        is_in_time = self._deadline is None or time.monotonic() + self.pause < self._deadline.until
        return self._number <= self._retries and is_in_time


def describe(response: httpx.Response) -> str:
    """The status and the request id, for the log; empty while the log is off, because searching headers is slow."""
    if not _LOG.isEnabledFor(logging.INFO):
        return ""
    found = request_id(response.headers)
    return f"{response.status_code}{f', request id {found}' if found else ''}"


def log_response(name: str, request: httpx.Request, response: httpx.Response) -> None:
    """Log sizes and media types at DEBUG, but no headers or bodies, which may contain the token."""
    if _LOG.isEnabledFor(logging.DEBUG):
        sizes = [message.headers.get("Content-Length", "?") for message in (request, response)]
        kind = response.headers.get("Content-Type", "no media type")
        _LOG.debug("%s: sent %s bytes, receives %s bytes of %s", name, *sizes, kind)


def log_by_environment() -> None:
    """Turn on logging to stderr if RELAY_LOG is info or debug."""
    level = os.environ.get("RELAY_LOG", "").upper()
    if level not in ("", "INFO", "DEBUG"):
        raise InvalidArgument("RELAY_LOG must be info or debug, or unset")
    if level and not _LOG.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        _LOG.addHandler(handler)
        _LOG.setLevel(level)
