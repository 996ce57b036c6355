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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.ApiError, errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.ApiError, errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

    Returns:
        a context manager, whose value is the open httpx.Response of a success, to be read as it comes.

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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.ApiError, errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

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

    Raises:
        errors.InvalidArgument: an argument that cannot be sent.
        errors.ApiError, errors.DecodeError, errors.UnexpectedStatus: a response other than the documented
            success; see errors.may_have_been_charged().
        httpx.TransportError, errors.DeadlineExceeded: no complete response; see errors.NOT_SENT.

    Returns:
        a context manager, whose value is the open httpx.Response of a success, to be read as it comes.

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
    """Poll a task until it ends, at no cost.

    Store the id that the submission returned before you poll: with it, any process can poll again at any time, while
    a second submission costs a second time.

    Args:
        task_id: the id that the submission returned.
        timeout (float): seconds for all queries together.
        interval (float): seconds between two queries; more where the relay asks for it by Retry-After.
        on_update: called with the task after each query.

    Returns:
        KlingTask: the task in its final state, SUCCESS.

    Raises:
        errors.TaskFailed: the task ended as FAILURE; holds the reason.
        errors.PollTimeout: no final state within `timeout`. The task goes on; holds the last state.
        errors.ResponseError: a response that retrying cannot fix, such as a 401 or that of an unknown id. Queries that
            end with 429, 5xx or a transport error are repeated.
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
    """Download the result of a task that has ended, at no cost.

    Args:
        task_id: the id that the submission returned.
        to: a path, or a file that is open for writing bytes. A path is written as `to`.part, which is renamed once it
            is complete and removed if the download fails.
        timeout (float): seconds for the whole download. An interrupted transfer restarts from the beginning.
        on_progress: called with the bytes so far and, if it is known, the size, after each piece.

    Returns:
        types.Download: the path and the number of bytes.

    Raises:
        errors.ResponseError: a response that retrying cannot fix; a DecodeError where it is no file, such as HTML, or
            empty.
        errors.DeadlineExceeded: not complete within `timeout`.
        OSError: the file cannot be written.
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
    """Poll a task until it ends, at no cost.

    Store the id that the submission returned before you poll: with it, any process can poll again at any time, while
    a second submission costs a second time.

    Args:
        task_id: the id that the submission returned.
        timeout (float): seconds for all queries together.
        interval (float): seconds between two queries; more where the relay asks for it by Retry-After.
        on_update: called with the task after each query.

    Returns:
        KlingTask: the task in its final state, SUCCESS.

    Raises:
        errors.TaskFailed: the task ended as FAILURE; holds the reason.
        errors.PollTimeout: no final state within `timeout`. The task goes on; holds the last state.
        errors.ResponseError: a response that retrying cannot fix, such as a 401 or that of an unknown id. Queries that
            end with 429, 5xx or a transport error are repeated.
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
    """Download the result of a task that has ended, at no cost.

    Args:
        task_id: the id that the submission returned.
        to: a path, or a file that is open for writing bytes. A path is written as `to`.part, which is renamed once it
            is complete and removed if the download fails.
        timeout (float): seconds for the whole download. An interrupted transfer restarts from the beginning.
        on_progress: called with the bytes so far and, if it is known, the size, after each piece.

    Returns:
        types.Download: the path and the number of bytes.

    Raises:
        errors.ResponseError: a response that retrying cannot fix; a DecodeError where it is no file, such as HTML, or
            empty.
        errors.DeadlineExceeded: not complete within `timeout`.
        OSError: the file cannot be written.
    """
    return await _tasks.adownload(
        _download.astream, task_id, to, client=client, timeout=timeout, on_progress=on_progress
    )
