from contextlib import AbstractAsyncContextManager as _AsyncContext
from contextlib import AbstractContextManager as _Context
from typing import Any

import httpx as _httpx

from ... import client as _client
from ... import types as _types
from ...models.error_response import ErrorResponse
from ...models.kling_image_to_video_request import KlingImageToVideoRequest
from ...models.video_task import VideoTask

_RULES: _client.Rules = (
    (200, 200, "json", _types.model("video_task", "VideoTask")),
    (400, 400, "json", _types.model("error_response", "ErrorResponse")),
    (400, 499, "json", _types.model("error_response", "ErrorResponse")),
    (500, 599, "json", _types.model("error_response", "ErrorResponse")),
)
_BODIES = (
    ("application/json", "json", _types.model("kling_image_to_video_request", "KlingImageToVideoRequest")),
)


def _get_kwargs(
    *,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> dict[str, Any]:
    _sent = _types.body(_BODIES, body)
    return {
        "method": "post",
        "url": "/kling/v1/videos/image2video",
        **_sent,
    }


def sync_detailed(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> _types.Response[ErrorResponse | VideoTask]:
    """Kling 图生视频

     使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest | Unset): 视频生成请求

    Raises:
        TypeError, ValueError: an argument that cannot be sent.
        errors.DecodeError: a success whose body is not what the document promises.
        errors.UnexpectedStatus: a status that the document doesn't describe (if the client is to raise it).
        httpx.TransportError: no whole answer; see errors.NOT_SENT.

    Returns:
        Response[ErrorResponse | VideoTask]

    Source: POST /kling/v1/videos/image2video
    """

    _response: _types.Response[ErrorResponse | VideoTask] = client.call(
        _RULES, _get_kwargs(body=body), strict=False
    )
    return _response


def sync(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> VideoTask:
    """Kling 图生视频

     使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest | Unset): 视频生成请求

    Raises:
        TypeError, ValueError: an argument that cannot be sent.
        errors.DecodeError: a success whose body is not what the document promises.
        errors.UnexpectedStatus: a status that the document doesn't describe.
        errors.ApiError: an error status that the document describes.
        httpx.TransportError: no whole answer; see errors.NOT_SENT.

    Returns:
        VideoTask

    Source: POST /kling/v1/videos/image2video
    """

    _parsed: VideoTask = client.call(_RULES, _get_kwargs(body=body), strict=True)
    return _parsed


def stream(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> _Context[_httpx.Response]:
    """The open response of the same call, to be read as it comes (arguments: see sync_detailed).

    A context manager: the connection is free again when it is left. Raises errors.ApiError, errors.UnexpectedStatus
    and httpx.TransportError when it is entered.
    """
    return client.stream(_RULES, _get_kwargs(body=body))


async def asyncio_detailed(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> _types.Response[ErrorResponse | VideoTask]:
    """Kling 图生视频

     使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest | Unset): 视频生成请求

    Raises:
        TypeError, ValueError: an argument that cannot be sent.
        errors.DecodeError: a success whose body is not what the document promises.
        errors.UnexpectedStatus: a status that the document doesn't describe (if the client is to raise it).
        httpx.TransportError: no whole answer; see errors.NOT_SENT.

    Returns:
        Response[ErrorResponse | VideoTask]

    Source: POST /kling/v1/videos/image2video
    """

    _response: _types.Response[ErrorResponse | VideoTask] = await client.acall(
        _RULES, _get_kwargs(body=body), strict=False
    )
    return _response


async def asyncio(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> VideoTask:
    """Kling 图生视频

     使用 Kling 模型从图片生成视频。

    支持通过 image 参数传入图片 URL 或 Base64 编码的图片数据。

    Args:
        body (KlingImageToVideoRequest | Unset): 视频生成请求

    Raises:
        TypeError, ValueError: an argument that cannot be sent.
        errors.DecodeError: a success whose body is not what the document promises.
        errors.UnexpectedStatus: a status that the document doesn't describe.
        errors.ApiError: an error status that the document describes.
        httpx.TransportError: no whole answer; see errors.NOT_SENT.

    Returns:
        VideoTask

    Source: POST /kling/v1/videos/image2video
    """

    _parsed: VideoTask = await client.acall(_RULES, _get_kwargs(body=body), strict=True)
    return _parsed


def astream(
    *,
    client: _client.AuthenticatedClient,
    body: KlingImageToVideoRequest | _types.Unset = _types.UNSET,
) -> _AsyncContext[_httpx.Response]:
    """The open response of the same call, to be read as it comes (arguments: see asyncio_detailed).

    A context manager: the connection is free again when it is left. Raises errors.ApiError, errors.UnexpectedStatus
    and httpx.TransportError when it is entered.
    """
    return client.astream(_RULES, _get_kwargs(body=body))
