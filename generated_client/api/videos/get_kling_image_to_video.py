"""GET /kling/v1/videos/image2video/{task_id}"""

from contextlib import AbstractAsyncContextManager as _AsyncContext
from contextlib import AbstractContextManager as _Context
from typing import Any

import httpx as _httpx

from ... import client as _client
from ... import types as _types
from ..._values import codecs as _codecs
from ..._values import parameters as _parameters
from ...models.error_response import ErrorResponse
from ...models.kling_task_answer import KlingTaskAnswer

_RULES: _client.Rules = (
    (200, 200, "json", _codecs.model("kling_task_answer", "KlingTaskAnswer"), ("application/json",)),
    (400, 400, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (400, 499, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (500, 599, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
)


def _get_kwargs(
    task_id: str,
) -> dict[str, Any]:
    return {
        "method": "get",
        "accept": "application/json",
        "url": "/kling/v1/videos/image2video/{task_id}".format(
            task_id=_parameters.segment(_codecs.TEXT, "task_id", task_id),
        ),
    }


def sync_detailed(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
) -> _types.Response[ErrorResponse | KlingTaskAnswer]:
    """The state of a task

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
        Response[ErrorResponse | KlingTaskAnswer]

    Source: GET /kling/v1/videos/image2video/{task_id}
    """

    _result: _types.Response[ErrorResponse | KlingTaskAnswer] = client.call(
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
) -> KlingTaskAnswer:
    """The state of a task

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
        KlingTaskAnswer

    Source: GET /kling/v1/videos/image2video/{task_id}
    """

    _result: KlingTaskAnswer = client.call(
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
    """The state of a task

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

    Source: GET /kling/v1/videos/image2video/{task_id}
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
) -> _types.Response[ErrorResponse | KlingTaskAnswer]:
    """The state of a task

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
        Response[ErrorResponse | KlingTaskAnswer]

    Source: GET /kling/v1/videos/image2video/{task_id}
    """

    _result: _types.Response[ErrorResponse | KlingTaskAnswer] = await client.acall(
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
) -> KlingTaskAnswer:
    """The state of a task

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
        KlingTaskAnswer

    Source: GET /kling/v1/videos/image2video/{task_id}
    """

    _result: KlingTaskAnswer = await client.acall(
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
    """The state of a task

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

    Source: GET /kling/v1/videos/image2video/{task_id}
    """

    return client.astream(
        _RULES,
        _get_kwargs(
            task_id=task_id,
        ),
    )
