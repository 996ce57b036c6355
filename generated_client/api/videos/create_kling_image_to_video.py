"""POST /kling/v1/videos/image2video"""

from collections.abc import Callable as _Callable
from contextlib import AbstractAsyncContextManager as _AsyncContext
from contextlib import AbstractContextManager as _Context
from typing import Any

import httpx as _httpx

from ... import client as _client
from ... import types as _types
from ..._sending import tasks as _tasks
from ..._values import bodies as _bodies
from ..._values import codecs as _codecs
from ...api.videos import download_video as _download
from ...api.videos import get_kling_image_to_video as _status
from ...models.error_response import ErrorResponse
from ...models.kling_image_to_video_request import KlingImageToVideoRequest
from ...models.kling_task import KlingTask
from ...models.video_task import VideoTask

_RULES: _client.Rules = (
    _client.Rule(
        200,
        200,
        "json",
        _codecs.model("video_task", "VideoTask"),
        ("application/json",),
        (
            ("task_id",),
            ("id",),
        ),
    ),
    (400, 400, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (400, 499, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
    (500, 599, "json", _codecs.model("error_response", "ErrorResponse"), ("application/json",)),
)
_BODIES: tuple[_bodies.Kind, ...] = (
    (
        "application/json",
        "json",
        _codecs.model("kling_image_to_video_request", "KlingImageToVideoRequest"),
        {},
    ),
)


def _get_kwargs(
    *,
    body: KlingImageToVideoRequest,
) -> dict[str, Any]:
    _sent = _bodies.body(_BODIES, body)
    return {
        "method": "post",
        "accept": "application/json",
        "url": "/kling/v1/videos/image2video",
        **_sent,
    }


def sync_detailed(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> _types.Response[ErrorResponse | VideoTask]:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        Response[ErrorResponse | VideoTask]

    Source: POST /kling/v1/videos/image2video
    """

    _result: _types.Response[ErrorResponse | VideoTask] = client.call(
        _RULES, _get_kwargs(body=body), success_only=False
    )
    return _result


def sync(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> VideoTask:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        VideoTask

    Source: POST /kling/v1/videos/image2video
    """

    _result: VideoTask = client.call(_RULES, _get_kwargs(body=body), success_only=True)
    return _result


def stream(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> _Context[_httpx.Response]:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        A context manager that yields the open httpx.Response of a success.

    Source: POST /kling/v1/videos/image2video
    """

    return client.stream(_RULES, _get_kwargs(body=body))


async def asyncio_detailed(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> _types.Response[ErrorResponse | VideoTask]:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        Response[ErrorResponse | VideoTask]

    Source: POST /kling/v1/videos/image2video
    """

    _result: _types.Response[ErrorResponse | VideoTask] = await client.acall(
        _RULES, _get_kwargs(body=body), success_only=False
    )
    return _result


async def asyncio(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> VideoTask:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        VideoTask

    Source: POST /kling/v1/videos/image2video
    """

    _result: VideoTask = await client.acall(_RULES, _get_kwargs(body=body), success_only=True)
    return _result


def astream(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest,
) -> _AsyncContext[_httpx.Response]:
    """Kling 图生视频

    使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest): 视频生成请求. As recorded, the relay's software ignores width,
            height, fps, seed, n, response_format and user; a duration of 5.5 becomes 5;
            negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

    Every call may be charged, even one that raises: see errors.may_have_been_charged() before you repeat it.

    Raises:
        errors.InvalidArgument: An argument is invalid; nothing was sent.
        errors.ApiError: The response has a documented error status.
        errors.UnexpectedStatus: The response has an undocumented status.
        errors.DecodeError: The body of a success is not the documented one.
        errors.DeadlineExceeded: The call exceeded the client's deadline.
        httpx.TransportError: No complete response arrived; see errors.NOT_SENT.

    Returns:
        A context manager that yields the open httpx.Response of a success.

    Source: POST /kling/v1/videos/image2video
    """

    return client.astream(_RULES, _get_kwargs(body=body))


_POLLING = _tasks.Polling(
    result=("data",),
    state=(
        "data",
        "status",
    ),
    reason=(
        "data",
        "fail_reason",
    ),
    success=("SUCCESS",),
    failure=("FAILURE",),
)


def poll(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
    timeout: float = 900,
    interval: float = 15,
    on_update: _Callable[[KlingTask], object] | None = None,
) -> KlingTask:
    """Poll a task until it ends. Free, and safe to repeat.

    Store the id that the submission returned before you poll: with it, any process can poll again at any time, while
    a second submission is charged again.

    Args:
        task_id: The id that the submission returned.
        client: The client that sends the queries.
        timeout: Seconds for all queries together.
        interval: Seconds between two queries, or more if the relay asks for it by Retry-After.
        on_update: Called with the task after each query.

    Returns:
        The task in its final state, SUCCESS.

    Raises:
        errors.TaskFailed: The task ended as FAILURE; holds the reason.
        errors.PollTimeout: The task did not end within `timeout`. It is still running; holds its last state.
        errors.ResponseError: A response that retrying cannot fix, such as a 401 or that of an unknown id. Queries that
            end with 429, 5xx or a transport error are repeated.
        httpx.TransportError: An error that retrying cannot fix, such as a ProxyError.
        errors.InvalidArgument: An argument is invalid.
    """
    _task: KlingTask = _tasks.poll(
        _POLLING,
        _status.sync,
        task_id,
        client=client,
        timeout=timeout,
        interval=interval,
        on_update=on_update,
    )
    return _task


def download(
    task_id: str,
    to: _tasks.Target,
    *,
    client: _client.AuthenticatedClient,
    timeout: float = 900,
    on_progress: _Callable[[int, int | None], object] | None = None,
) -> _types.Download:
    """Download the result of a completed task. Free, and safe to repeat.

    Args:
        task_id: The id that the submission returned.
        to: A path, or a file that is open for writing bytes. A path is written as `to`.part, which is renamed when it
            is complete and removed if the download fails.
        client: The client that sends the request.
        timeout: Seconds for the whole download. An interrupted download restarts from the beginning.
        on_progress: Called after each piece with the number of bytes so far and, if it is known, the size.

    Returns:
        The path, and the number of bytes.

    Raises:
        errors.ResponseError: A response that retrying cannot fix; a DecodeError if the body is empty or, for example,
            HTML.
        errors.DeadlineExceeded: The download was not complete within `timeout`.
        httpx.TransportError: An error that retrying cannot fix, such as a ProxyError.
        errors.InvalidArgument: An argument is invalid.
        OSError: The file cannot be written.
    """
    return _tasks.download(
        _download.stream, task_id, to, client=client, timeout=timeout, on_progress=on_progress
    )


async def apoll(
    task_id: str,
    *,
    client: _client.AuthenticatedClient,
    timeout: float = 900,
    interval: float = 15,
    on_update: _Callable[[KlingTask], object] | None = None,
) -> KlingTask:
    """Poll a task until it ends. Free, and safe to repeat.

    Store the id that the submission returned before you poll: with it, any process can poll again at any time, while
    a second submission is charged again.

    Args:
        task_id: The id that the submission returned.
        client: The client that sends the queries.
        timeout: Seconds for all queries together.
        interval: Seconds between two queries, or more if the relay asks for it by Retry-After.
        on_update: Called with the task after each query.

    Returns:
        The task in its final state, SUCCESS.

    Raises:
        errors.TaskFailed: The task ended as FAILURE; holds the reason.
        errors.PollTimeout: The task did not end within `timeout`. It is still running; holds its last state.
        errors.ResponseError: A response that retrying cannot fix, such as a 401 or that of an unknown id. Queries that
            end with 429, 5xx or a transport error are repeated.
        httpx.TransportError: An error that retrying cannot fix, such as a ProxyError.
        errors.InvalidArgument: An argument is invalid.
    """
    _task: KlingTask = await _tasks.apoll(
        _POLLING,
        _status.asyncio,
        task_id,
        client=client,
        timeout=timeout,
        interval=interval,
        on_update=on_update,
    )
    return _task


async def adownload(
    task_id: str,
    to: _tasks.Target,
    *,
    client: _client.AuthenticatedClient,
    timeout: float = 900,
    on_progress: _Callable[[int, int | None], object] | None = None,
) -> _types.Download:
    """Download the result of a completed task. Free, and safe to repeat.

    Args:
        task_id: The id that the submission returned.
        to: A path, or a file that is open for writing bytes. A path is written as `to`.part, which is renamed when it
            is complete and removed if the download fails.
        client: The client that sends the request.
        timeout: Seconds for the whole download. An interrupted download restarts from the beginning.
        on_progress: Called after each piece with the number of bytes so far and, if it is known, the size.

    Returns:
        The path, and the number of bytes.

    Raises:
        errors.ResponseError: A response that retrying cannot fix; a DecodeError if the body is empty or, for example,
            HTML.
        errors.DeadlineExceeded: The download was not complete within `timeout`.
        httpx.TransportError: An error that retrying cannot fix, such as a ProxyError.
        errors.InvalidArgument: An argument is invalid.
        OSError: The file cannot be written.
    """
    return await _tasks.adownload(
        _download.astream, task_id, to, client=client, timeout=timeout, on_progress=on_progress
    )
