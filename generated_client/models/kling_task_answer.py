from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import annotations as _annotations
from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.kling_task import KlingTask


@_attrs_define(kw_only=True, repr=False)
class KlingTaskAnswer(_models.Model):
    """The response to a status query.

    Attributes:
        code (str): "success"; an error has its own code.
        data (KlingTask): A task as the relay stores it. The relay queries Kling every 15 to 45 seconds, so a state may
            be that old.
        message (str | Unset): Empty in a success.
    """

    code: str
    data: KlingTask
    message: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("code", "code", True, _codecs.TEXT),
        ("data", "data", True, _codecs.model("kling_task", "KlingTask")),
        ("message", "message", False, _codecs.TEXT),
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
    KlingTask="..models.kling_task",
)
