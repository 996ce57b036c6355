from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import annotations as _annotations
from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.error_detail import ErrorDetail


@_attrs_define(kw_only=True, repr=False)
class ErrorResponse(_models.Model):
    """An error of the relay, in either of its two formats.

    Attributes:
        error (ErrorDetail | Unset): An error of the relay's front.
        code (Any | Unset): The error code of a service behind the relay's front.
        message (str | Unset): The message of a service behind the relay's front.
        data (Any | Unset): Details of a service behind the relay's front; usually null.
    """

    error: ErrorDetail | Unset = UNSET
    code: Any | Unset = UNSET
    message: str | Unset = UNSET
    data: Any | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("error", "error", False, _codecs.model("error_detail", "ErrorDetail")),
        ("code", "code", False, _codecs.ANY),
        ("message", "message", False, _codecs.TEXT),
        ("data", "data", False, _codecs.ANY),
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
    ErrorDetail="..models.error_detail",
)
