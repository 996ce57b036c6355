"""Add the request and a useful text to httpx's transport errors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import httpx

from ..errors import in_doubt, may_have_been_charged

_TEXTS: Final[tuple[tuple[type[httpx.TransportError], str], ...]] = (
    (httpx.ConnectTimeout, "no connection within {connect} s; nothing was sent"),
    (httpx.PoolTimeout, "no connection became free within {pool} s; nothing was sent"),
    (httpx.WriteTimeout, "a part of the request could not be written within {write} s"),
    (httpx.ReadTimeout, "nothing was received for {read} s"),
    (httpx.ConnectError, "no connection; nothing was sent"),
    (httpx.WriteError, "the connection broke while the request was written"),
    (httpx.ReadError, "the connection broke before the response was complete"),
    (httpx.RemoteProtocolError, "the response is not complete HTTP"),
)
"""What each error means, the most specific first; httpx leaves the text of some empty."""


def explain(error: httpx.TransportError, request: httpx.Request) -> None:
    """Set the text of `error`, with the operation and the step that failed, and its request."""
    text = error.__dict__.setdefault("_text", str(error))  # a mock may raise the same error again
    if not text:
        limits = {step: _format(seconds) for step, seconds in _limits(request).items()}
        found = next((text for kind, text in _TEXTS if isinstance(error, kind)), "the connection failed")
        text = found.format_map(limits)
    advice = in_doubt(request.method) if may_have_been_charged(error) else ""
    error.args = (f"{request.method} {request.url.path}: {text}{advice}",)
    error.request = request


@contextmanager
def explained(request: httpx.Request) -> Generator[None]:
    """Explain a transport error of `request`; one of another request, in the caller's code, is left unchanged."""
    try:
        yield
    except httpx.TransportError as error:
        if _is_of(error, request):
            explain(error, request)
        raise


def clear_locals(error: BaseException | None) -> None:
    """Clear the local variables in the frames of `error`: they hold the token and the request body."""
    import traceback  # slow to load

    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _is_of(error: httpx.TransportError, request: httpx.Request) -> bool:
    try:
        return error.request is request
    except RuntimeError:  # httpx raises it if the error has no request
        return True


def _limits(request: httpx.Request) -> dict[str, float | None]:
    steps: dict[str, float | None] = request.extensions.get("timeout", {})
    return {"connect": None, "pool": None, "write": None, "read": None, **steps}


def _format(seconds: float | None) -> str:
    return "any" if seconds is None else f"{seconds:g}"
