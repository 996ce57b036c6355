"""What an action of an overlay does to a document, and what an overlay file is refused for."""

from pathlib import Path as File
from typing import Any

import pytest

from contract_check.document import overlay
from contract_check.document.defects import Refusal

DONE: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "an object is merged, however deep": (
        {"a": {"b": 1, "c": {"d": 2}}},
        {"c": {"e": 3}},
        {"b": 1, "c": {"d": 2, "e": 3}},
    ),
    "an array is appended": ({"a": {"required": ["x"]}}, {"required": ["y"]}, {"required": ["x", "y"]}),
    "what an array has is not repeated": (
        {"a": {"required": ["x"]}},
        {"required": ["x", "y"]},
        {"required": ["x", "y"]},
    ),
    "a value is replaced": ({"a": {"type": "strin"}}, {"type": "string"}, {"type": "string"}),
}


@pytest.mark.parametrize("name", DONE)
def test_an_update(name: str) -> None:
    document, update, expected = DONE[name]

    assert overlay.apply_action({"target": "$.a", "description": "why", "update": update}, document) is None

    assert document == {"a": expected}


def test_an_update_that_only_adds_leaves_what_is_there() -> None:
    update = {"type": "string", "title": "T", "required": ["y"], "properties": {"x": {"type": "string"}, "y": {}}}
    document: dict[str, Any] = {"a": {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/b"}}}}

    overlay.apply_action({"target": "$.a", "description": "why", "x-add-only": True, "update": update}, document)

    assert document["a"] == {
        "type": "object",
        "title": "T",
        "required": ["x", "y"],
        "properties": {"x": {"$ref": "#/b"}, "y": {}},
    }


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("$.a[?@ > 1]", {"a": [0, 1], "b": 4}),
        ("$.a[1,0]", {"a": [2, 3], "b": 4}),
        ("$.a[::-1]", {"a": [], "b": 4}),
        ("$.a[0,0]", {"a": [1, 2, 3], "b": 4}),
        ("$['b','b']", {"a": [0, 1, 2, 3]}),
        ("$..*", {}),
    ],
)
def test_a_removal_takes_every_match_once(target: str, left: object) -> None:
    document: dict[str, Any] = {"a": [0, 1, 2, 3], "b": 4}

    assert overlay.apply_action({"target": target, "description": "why", "remove": True}, document) is None

    assert document == left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("actions: [", "own.yaml"),
        ("[]", "own.yaml"),
        ("overlay: 1.0.0\nactions: {}", "actions"),
        ("\tactions: []", "own.yaml"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_name(text: str, said: str, tmp_path: File) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(Refusal, match=said):
        overlay.read(file)
