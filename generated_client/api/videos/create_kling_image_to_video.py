from contextlib import AbstractAsyncContextManager as _AsyncContext
from contextlib import AbstractContextManager as _Context
from typing import Any

import httpx as _httpx

from ... import client as _client
from ... import types as _types
from ..._values import bodies as _bodies
from ..._values import codecs as _codecs
from ...models.error_response import ErrorResponse
from ...models.kling_image_to_video_request import KlingImageToVideoRequest
from ...models.video_task import VideoTask

_RULES: _client.Rules = (
    (200, 200, "json", _codecs.model("video_task", "VideoTask"), ("application/json",)),
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
        body (KlingImageToVideoRequest): 视频生成请求

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
        body (KlingImageToVideoRequest): 视频生成请求

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
        body (KlingImageToVideoRequest): 视频生成请求

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
        body (KlingImageToVideoRequest): 视频生成请求

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
        body (KlingImageToVideoRequest): 视频生成请求

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
        body (KlingImageToVideoRequest): 视频生成请求

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
