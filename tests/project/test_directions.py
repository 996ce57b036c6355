"""readOnly and writeOnly: OpenAPI requires such a property in one direction only."""

from copy import deepcopy
from pathlib import Path as File
from typing import Any

import pytest

from contract_check.document import loading
from specimens import small, write

_TEXT = {"type": "string"}
_ID = {"type": "string", "readOnly": True}
_KEY = {"type": "string", "writeOnly": True}


def _required(folder: File, thing: dict[str, Any], *, sent: bool, comes: bool, **others: Any) -> list[str]:
    """What is required of `thing` after reading a document where it is sent, or comes, or both."""
    document = small(Other={"type": "object"}, Thing=thing, **others)
    [operation] = document["paths"]["/things"].values()
    content = {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}
    if sent:
        operation["requestBody"]["content"] = content
    if comes:
        operation["responses"]["200"]["content"] = content
    found = loading.load(write(folder, document), ())
    assert found.defects == []
    required: list[str] = found.value["components"]["schemas"]["Thing"].get("required", [])
    return required


@pytest.mark.parametrize(
    ("sent", "comes", "required"),
    [
        (True, False, ["name", "key"]),
        (False, True, ["id", "name"]),
        (True, True, ["name"]),
    ],
)
def test_a_property_is_required_where_its_directions_require_it(
    tmp_path: File, sent: bool, comes: bool, required: list[str]
) -> None:
    thing = {
        "type": "object",
        "required": ["id", "name", "key"],
        "properties": {"id": _ID, "name": _TEXT, "key": _KEY},
    }
    assert _required(tmp_path, thing, sent=sent, comes=comes) == required


def test_the_property_may_stand_in_another_part_or_behind_a_reference(tmp_path: File) -> None:
    base = {"type": "object", "properties": {"id": {"$ref": "#/components/schemas/Id"}}}
    thing = {"allOf": [{"$ref": "#/components/schemas/Base"}], "required": ["id"]}
    assert _required(tmp_path, deepcopy(thing), sent=True, comes=False, Base=base, Id=_ID) == []
    assert _required(tmp_path, deepcopy(thing), sent=False, comes=True, Base=base, Id=_ID) == ["id"]


def test_a_schema_that_holds_itself_is_read_to_the_end(tmp_path: File) -> None:
    thing = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": _ID, "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
    }
    assert _required(tmp_path, thing, sent=True, comes=True) == []
