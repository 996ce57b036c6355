from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .._values import codecs as _codecs
from .._values import models as _models
from ..types import UNSET, Unset


@_attrs_define(kw_only=True, repr=False)
class KlingTask(_models.Model):
    """A task as the relay stores it. The relay queries Kling every 15 to 45 seconds, so a state may be that old.

    Attributes:
        task_id (str): The id that the submission returned.
        status (str): NOT_START, SUBMITTED, QUEUED, IN_PROGRESS, UNKNOWN, and at the end SUCCESS or FAILURE; there may
            be others. A task to which Kling assigned no id stays NOT_START forever, so polling needs a timeout. Example:
            SUCCESS.
        progress (str): Percent, as text: "30%".
        fail_reason (str): Why it failed; empty in other states.
        result_url (str | Unset): The URL of the video in SUCCESS; in FAILURE the reason again, which is no URL.
        action (str | Unset): "generate" from an image, "textGenerate" from text.
        quota (int | Unset): The charge, in the relay's units; 0 if it was refunded.
        submit_time (int | Unset): When it was submitted, in seconds since 1970 (UTC).
        start_time (int | Unset): When Kling started it, in seconds since 1970 (UTC); 0 before that.
        finish_time (int | Unset): When it ended, in seconds since 1970 (UTC); 0 before that.
        data (Any | Unset): The last response of Kling.
    """

    task_id: str
    status: str
    progress: str
    fail_reason: str
    result_url: str | Unset = UNSET
    action: str | Unset = UNSET
    quota: int | Unset = UNSET
    submit_time: int | Unset = UNSET
    start_time: int | Unset = UNSET
    finish_time: int | Unset = UNSET
    data: Any | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict[str, Any])

    __json_fields__: ClassVar[tuple[_codecs.Field, ...]] = (
        ("task_id", "task_id", True, _codecs.TEXT),
        ("status", "status", True, _codecs.TEXT),
        ("progress", "progress", True, _codecs.TEXT),
        ("fail_reason", "fail_reason", True, _codecs.TEXT),
        ("result_url", "result_url", False, _codecs.TEXT),
        ("action", "action", False, _codecs.TEXT),
        ("quota", "quota", False, _codecs.INTEGER),
        ("submit_time", "submit_time", False, _codecs.INTEGER),
        ("start_time", "start_time", False, _codecs.INTEGER),
        ("finish_time", "finish_time", False, _codecs.INTEGER),
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
