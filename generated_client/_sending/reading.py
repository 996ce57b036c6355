"""Read the body of a response, up to a limit."""

import math
import time
from typing import NamedTuple

import httpx

from .deadline import Deadline
from .transport_errors import explain


class Body(NamedTuple):
    """The bytes that were read of a body, decompressed, and the problem that ended reading."""

    content: bytes
    problem: str = ""


def read(response: httpx.Response, limit: float, deadline: Deadline | None = None) -> Body:
    """Read the body of `response`, up to a little more than `limit` bytes, and close the response.

    If the connection breaks, a success raises httpx.TransportError, and of an error status the read part is returned.
    """
    if (content := _already_read(response)) is not None:
        return Body(content)
    received = bytearray()
    problem = unsupported_encoding(response)
    until = deadline.until if deadline else math.inf
    try:
        for piece in response.iter_raw() if problem or not _is_compressed(response) else response.iter_bytes():
            received += piece
            if time.monotonic() > until:  # the caller's own transport ignores the deadline
                raise httpx.ReadTimeout("the deadline is over", request=response.request)
            if len(received) > limit:
                break
    except httpx.RequestError as error:
        if time.monotonic() > until:
            raise
        problem = _problem(error, response)
    finally:
        response.close()
        _break_cycle(response)
    return Body(bytes(received), problem)


async def aread(response: httpx.Response, limit: float) -> Body:
    """Async version of read(); the deadline is enforced by its caller."""
    if (content := _already_read(response)) is not None:
        return Body(content)
    received = bytearray()
    problem = unsupported_encoding(response)
    try:
        pieces = response.aiter_raw() if problem or not _is_compressed(response) else response.aiter_bytes()
        async for piece in pieces:
            received += piece
            if len(received) > limit:
                break
    except httpx.RequestError as error:
        problem = _problem(error, response)
    finally:
        await response.aclose()
        _break_cycle(response)
    return Body(bytes(received), problem)


def unsupported_encoding(response: httpx.Response) -> str:
    """Why a body is not decompressed, or an empty string.

    gzip and deflate expand a piece by a factor of 1,000 at most; br, zstd and combined encodings have no such limit.
    """
    encoding: str = response.headers.get("Content-Encoding", "")
    is_supported = encoding.strip().lower() in ("", "identity", "gzip", "deflate")
    return "" if is_supported else f"unsupported Content-Encoding {encoding!r}; the client accepts gzip and deflate"


def _is_compressed(response: httpx.Response) -> bool:
    return bool(response.headers.get("Content-Encoding"))


def _already_read(response: httpx.Response) -> bytes | None:
    """The body, if a hook, a mock or a transport has already read it."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _problem(error: httpx.RequestError, response: httpx.Response) -> str:
    """Describe `error`, or raise it if the call has no result without the rest of the body."""
    if isinstance(error, httpx.TransportError):
        explain(error, response.request)
    if response.is_success and not isinstance(error, httpx.DecodingError):
        raise error
    return f"it breaks off, {error}"


def _break_cycle(response: httpx.Response) -> None:
    """Break the cycle of response and stream, which would keep the request body until a garbage collection."""
    response.stream = httpx.ByteStream(b"")
