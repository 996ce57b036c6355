from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import codecs as _codecs
from .._values import models as _models


@_attrs_define(kw_only=True, repr=False)
class VideoTask(_models.Model):
    """视频生成任务提交响应

    Attributes:
        task_id (str): 任务 ID
        status (str): 任务状态
    """

    task_id: str
    status: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("task_id", "task_id", True, _codecs.TEXT),
        ("status", "status", True, _codecs.TEXT),
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
