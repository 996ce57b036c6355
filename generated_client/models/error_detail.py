from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset


@_attrs_define(kw_only=True, repr=False)
class ErrorDetail(_models.Model):
    """An error of the relay's front.

    Attributes:
        message (str | Unset): 错误信息
        type_ (str | Unset): 错误类型
        param (None | str | Unset): 相关参数
        code (None | str | Unset): 错误代码
    """

    message: str | Unset = UNSET
    type_: str | Unset = UNSET
    param: None | str | Unset = UNSET
    code: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("message", "message", False, _codecs.TEXT),
        ("type_", "type", False, _codecs.TEXT),
        ("param", "param", False, _codecs.one_of(_codecs.TEXT, _codecs.NULL)),
        ("code", "code", False, _codecs.one_of(_codecs.TEXT, _codecs.NULL)),
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
