"""GET /v1/videos/{task_id}/content"""

from contextlib import AbstractAsyncContextManager as _AsyncContext
from contextlib import AbstractContextManager as _Context
from typing import Any

import httpx as _httpx

from ... import client as _client
from ... import types as _types
from ..._values import codecs as _codecs
from ..._values import parameters as _parameters
from ...models.error_response import ErrorResponse

_RULES: _client.Rules = (
    (200, 200, "bytes", _codecs.ANY, ("video/mp4",)),
    (400, 400, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (400, 499, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (500, 599, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
)


def _get_kwargs(
    task_id: str,
) -> dict[str, Any]:
    return {
        "method": "get",
        "accept": "*/*",
        "url": "/v1/videos/{task_id}/content".format(
            task_id=_parameters.segment(_codecs.TEXT, "task_id", task_id),
        ),
    }


def sync_detailed(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> _types.Response[bytes | ErrorResponse]:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        Response[bytes | ErrorResponse]

    Source: GET /v1/videos/{task_id}/content
    """

    _result: _types.Response[bytes | ErrorResponse] = client.call(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
        success_only=False,
    )
    return _result


def sync(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> bytes:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        bytes

    Source: GET /v1/videos/{task_id}/content
    """

    _result: bytes = client.call(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
        success_only=True,
    )
    return _result


def stream(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> _Context[_httpx.Response]:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        A context manager that yields the open httpx.Response of a success.

    Source: GET /v1/videos/{task_id}/content
    """

    return client.stream(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
    )


async def asyncio_detailed(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> _types.Response[bytes | ErrorResponse]:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        Response[bytes | ErrorResponse]

    Source: GET /v1/videos/{task_id}/content
    """

    _result: _types.Response[bytes | ErrorResponse] = await client.acall(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
        success_only=False,
    )
    return _result


async def asyncio(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> bytes:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        bytes

    Source: GET /v1/videos/{task_id}/content
    """

    _result: bytes = await client.acall(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
        success_only=True,
    )
    return _result


def astream(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> _AsyncContext[_httpx.Response]:
    """The video of a completed task

    Use `stream()` or `download()` to avoid holding the video in memory.

    Not in relay.json; as recorded from the relay's software.

    Args:
        task_id (str): The id that the submission returned.

    Free, and safe to repeat.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        A context manager that yields the open httpx.Response of a success.

    Source: GET /v1/videos/{task_id}/content
    """

    return client.astream(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
    )
