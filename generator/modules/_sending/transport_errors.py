"""Errors of a connection: always httpx's, with a text that says what happened, and with the request."""

from typing import Final

import httpx

_WORDS: Final[tuple[tuple[type[httpx.TransportError], str], ...]] = (
    (httpx.ConnectTimeout, "no connection within {connect} s; nothing was sent"),
    (httpx.PoolTimeout, "no connection became free within {pool} s; nothing was sent"),
    (httpx.WriteTimeout, "a part of the request could not be written within {write} s"),
    (httpx.ReadTimeout, "nothing came for {read} s while the response was awaited"),
    (httpx.ConnectError, "no connection; nothing was sent"),
    (httpx.WriteError, "the connection broke while the request was written"),
    (httpx.ReadError, "the connection broke before the whole response came"),
    (httpx.RemoteProtocolError, "what came is no whole HTTP response"),
)
"""What each error means, the most particular first; httpx leaves the text of some empty."""


def explain(error: httpx.TransportError, request: httpx.Request) -> None:
    """Has `error` say what was called, and what happened in which step, and carry its request."""
    if not error.args or not str(error):
        text = next((text for kind, text in _WORDS if isinstance(error, kind)), "the connection failed")
        error.args = (text.format_map({step: _said(seconds) for step, seconds in _limits(request).items()}),)
    error.args = (f"{request.method} {request.url.path}: {error}",)
    error.request = request


def from_python(error: OSError, request: httpx.Request) -> httpx.ReadError:
    """What httpx raises for an error of Python's that its transports let through, such as a bad TLS record."""
    return httpx.ReadError(f"the connection broke: {error or type(error).__name__}", request=request)


def _limits(request: httpx.Request) -> dict[str, float | None]:
    steps: dict[str, float | None] = request.extensions.get("timeout", {})
    return {"connect": None, "pool": None, "write": None, "read": None, **steps}


def _said(seconds: float | None) -> str:
    return "any" if seconds is None else f"{seconds:g}"
