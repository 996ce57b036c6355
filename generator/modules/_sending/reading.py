"""Read the body of a response, up to a limit."""

import math
import time
from typing import NamedTuple

import httpx

from .deadline import Deadline
from .transport_errors import explain


class Body(NamedTuple):
    """The bytes that were read of a body, decompressed, and the problem that ended it."""

    content: bytes
    problem: str = ""


def read(response: httpx.Response, limit: float, deadline: Deadline | None = None) -> Body:
    """The body of `response`, and a little more than `limit` bytes at most; closes it.

    Raises httpx.TransportError where a success breaks off; of an error status, a part is enough.
    """
    if (content := _already_read(response)) is not None:
        return Body(content)
    received = bytearray()
    problem = unsupported_encoding(response)
    until = deadline.until if deadline else math.inf
    try:
        for piece in response.iter_raw() if problem or not _is_compressed(response) else response.iter_bytes():
            received += piece
            if time.monotonic() > until:  # a transport of the caller's knows no deadline
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
    """The same on an event loop, where the deadline cancels what takes too long."""
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

    gzip and deflate expand a piece by 1,000 at most; br, zstd, and several encodings at once have no limit.
    """
    encoding: str = response.headers.get("Content-Encoding", "")
    is_supported = encoding.strip().lower() in ("", "identity", "gzip", "deflate")
    return "" if is_supported else f"unsupported Content-Encoding {encoding!r}; the client accepts gzip and deflate"


def _is_compressed(response: httpx.Response) -> bool:
    return bool(response.headers.get("Content-Encoding"))


def _already_read(response: httpx.Response) -> bytes | None:
    """The body, where a hook, a mock or a transport has read it."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _problem(error: httpx.RequestError, response: httpx.Response) -> str:
    """Describe `error`, or raise it if it leaves the call without a response."""
    if isinstance(error, httpx.TransportError):
        explain(error, response.request)
    if response.is_success and not isinstance(error, httpx.DecodingError):
        raise error
    return f"it breaks off, {error}"


def _break_cycle(response: httpx.Response) -> None:
    """Its stream and the response hold each other, and with them the request body, until a garbage collection."""
    response.stream = httpx.ByteStream(b"")
