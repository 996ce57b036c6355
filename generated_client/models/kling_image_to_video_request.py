from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import annotations as _annotations
from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.kling_image_to_video_request_metadata import (
        KlingImageToVideoRequestMetadata,
    )


@_attrs_define(kw_only=True, repr=False)
class KlingImageToVideoRequest(_models.Model):
    """视频生成请求. As recorded, the relay's software ignores width, height, fps, seed, n, response_format and user; a duration
    of 5.5 becomes 5; negative_prompt, cfg_scale, image_tail and aspect_ratio go into metadata.

        Attributes:
            model (str): 模型/风格 ID
            prompt (str): 文本描述提示词
            image (str | Unset): 图片输入 (URL 或 Base64)
            duration (float | Unset): 视频时长(秒)
            width (int | Unset): 视频宽度
            height (int | Unset): 视频高度
            fps (int | Unset): 视频帧率
            seed (int | Unset): 随机种子
            n (int | Unset): 生成视频数量
            response_format (str | Unset): 响应格式
            user (str | Unset): 用户标识
            metadata (KlingImageToVideoRequestMetadata | Unset): 扩展参数 (如 negative_prompt, style, quality_level 等)
    """

    model: str
    prompt: str
    image: str | Unset = UNSET
    duration: float | Unset = UNSET
    width: int | Unset = UNSET
    height: int | Unset = UNSET
    fps: int | Unset = UNSET
    seed: int | Unset = UNSET
    n: int | Unset = UNSET
    response_format: str | Unset = UNSET
    user: str | Unset = UNSET
    metadata: KlingImageToVideoRequestMetadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("model", "model", True, _codecs.TEXT),
        ("prompt", "prompt", True, _codecs.TEXT),
        (
            "image",
            "image",
            False,
            _codecs.matching(
                _codecs.TEXT,
                "^(https?://|data:|[A-Za-z0-9+/]{64}|([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$)",
                "a URL, a data URL or Base64; types.base64_file() reads a file",
            ),
        ),
        ("duration", "duration", False, _codecs.NUMBER),
        ("width", "width", False, _codecs.INTEGER),
        ("height", "height", False, _codecs.INTEGER),
        ("fps", "fps", False, _codecs.INTEGER),
        ("seed", "seed", False, _codecs.INTEGER),
        ("n", "n", False, _codecs.INTEGER),
        ("response_format", "response_format", False, _codecs.TEXT),
        ("user", "user", False, _codecs.TEXT),
        (
            "metadata",
            "metadata",
            False,
            _codecs.model("kling_image_to_video_request_metadata", "KlingImageToVideoRequestMetadata"),
        ),
    )
    __json_extra__: ClassVar[_codecs.Codec | None] = _codecs.ANY

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties


_annotations.load_later(
    __name__,
    KlingImageToVideoRequestMetadata="..models.kling_image_to_video_request_metadata",
)
