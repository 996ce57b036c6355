from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset


@_attrs_define(kw_only=True, repr=False)
class VideoTask(_models.Model):
    """视频生成任务提交响应

    Attributes:
        task_id (str): 任务 ID
        status (str): 任务状态
        id (str | Unset): The same as task_id.
        model (str | Unset): The requested model.
        progress (int | Unset): Percent.
        created_at (int | Unset): When it was submitted, in seconds since 1970 (UTC).
    """

    task_id: str
    status: str
    id: str | Unset = UNSET
    model: str | Unset = UNSET
    progress: int | Unset = UNSET
    created_at: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("task_id", "task_id", True, _codecs.TEXT),
        ("status", "status", True, _codecs.TEXT),
        ("id", "id", False, _codecs.TEXT),
        ("model", "model", False, _codecs.TEXT),
        ("progress", "progress", False, _codecs.INTEGER),
        ("created_at", "created_at", False, _codecs.INTEGER),
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
