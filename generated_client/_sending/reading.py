"""The reading of a response's body, up to a limit, as far as it comes."""

import time
from typing import NamedTuple

import httpx

from ..errors import DeadlineExceeded
from .transport_errors import explain


class Body(NamedTuple):
    """What was read of a body, decompressed, and what went wrong with it."""

    content: bytes
    problem: str = ""


def read(response: httpx.Response, limit: float, until: float) -> Body:
    """The body of `response`, and a little more than `limit` bytes at most; closes it.

    Raises httpx.TransportError where a success breaks off; of an error status, what came will do.
    """
    if (whole := _already_read(response)) is not None:
        return Body(whole)
    content = bytearray()
    problem = ""
    try:
        for piece in response.iter_bytes() if _is_decompressed(response) else response.iter_raw():
            content += piece
            if time.monotonic() > until:
                raise DeadlineExceeded("the call took longer than its deadline", request=response.request)
            if len(content) > limit:
                break
    except httpx.RequestError as error:
        problem = _problem(error, response)
    finally:
        response.close()
    _let_go(response)
    return Body(bytes(content), problem)


async def aread(response: httpx.Response, limit: float) -> Body:
    """The same on an event loop, where the deadline ends by itself what takes too long."""
    if (whole := _already_read(response)) is not None:
        return Body(whole)
    content = bytearray()
    problem = ""
    try:
        async for piece in response.aiter_bytes() if _is_decompressed(response) else response.aiter_raw():
            content += piece
            if len(content) > limit:
                break
    except httpx.RequestError as error:
        problem = _problem(error, response)
    finally:
        await response.aclose()
    _let_go(response)
    return Body(bytes(content), problem)


def _already_read(response: httpx.Response) -> bytes | None:
    """The body, where a hook, a mock or a transport has read it."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _is_decompressed(response: httpx.Response) -> bool:
    """Whether httpx is to decompress the body: not what has several encodings, each of which multiplies by 1,000."""
    encoding: str = response.headers.get("Content-Encoding", "")
    return bool(encoding) and "," not in encoding


def _problem(error: httpx.RequestError, response: httpx.Response) -> str:
    """What broke off; raises `error` where that leaves the call without an answer."""
    if isinstance(error, httpx.TransportError) and not isinstance(error, DeadlineExceeded):
        explain(error, response.request)
    if isinstance(error, DeadlineExceeded) or (response.is_success and not isinstance(error, httpx.DecodingError)):
        raise error
    return f"it breaks off, {error}"


def _let_go(response: httpx.Response) -> None:
    """Its own stream and the response hold each other, and with them what was sent, until a garbage collection."""
    response.stream = httpx.ByteStream(b"")
