"""Overlays: what an action does, and what is said about one that does nothing or is invalid."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from checkout import FROZEN, contract_check
from contract_check.document import overlay
from specimens import small, write

TEXT: dict[str, Any] = {"type": "string"}
REF: dict[str, Any] = {"$ref": "#/components/schemas/Thing"}


def _overlay(folder: Path, *actions: object) -> Path:
    head = {"overlay": "1.0.0", "info": {"title": "own", "version": "1"}}
    return write(folder, {**head, "actions": list(actions)}, "own.yaml")


def test_an_action_that_matches_nothing_is_an_error_in_the_vendored_document_only(tmp_path: Path) -> None:
    idle = {"target": "$.paths['/nowhere']", "description": "It was there once.", "update": {"summary": "无"}}
    file = _overlay(tmp_path, idle)
    refused = contract_check("document", "--overlay", file)
    assert refused.returncode == 1
    assert re.search(rf"{re.escape(str(file))}:\d+: .*matches nothing.*/nowhere.*x-optional", refused.stderr, re.S)
    warned = contract_check("document", FROZEN, "--overlay", file)
    assert warned.returncode == 0
    assert re.search(rf"^warning: {re.escape(str(file))}:\d+: .*matches nothing", warned.stderr)
    optional = contract_check("document", "--overlay", _overlay(tmp_path, {**idle, "x-optional": True}))
    assert (optional.returncode, optional.stderr) == (0, "")
    assert optional.stdout.startswith("sound: relay.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"target": "$.info", "update": {}}, "reason"),
        ({"target": "$.info", "description": "x"}, "does nothing"),
        ({"target": "$.info[", "description": "x", "remove": True}, "JSONPath"),
        ({"target": "$.info", "description": "x", "updat": {}}, "updat"),
        ("actions: [", "not YAML"),
        ("[]", "`actions` must be a list"),
        ("overlay: 1.0.0\nactions: {}", "`actions` must be a list"),
    ],
)
def test_an_invalid_overlay_is_refused(content: Any, said: str, tmp_path: Path) -> None:
    file = write(tmp_path, content, "own.yaml") if isinstance(content, str) else _overlay(tmp_path, content)
    refused = contract_check("document", "--overlay", file)
    assert refused.returncode == 1
    assert str(file) in refused.stderr
    assert said in refused.stderr


BODY = "$.paths['/things'].post.requestBody.content['application/json'].schema"
BODIES = BODY.replace("['/things']", "[*]")


@pytest.mark.parametrize(
    ("version", "target", "update", "said"),
    [
        ("3.0.3", BODIES, {"required": ["a"]}, "OpenAPI 3.0 ignores what stands beside it"),
        ("3.1.0", BODY, REF, "sets what is already there"),
        ("3.1.0", BODY, {}, "sets what is already there"),
    ],
)
def test_an_action_without_effect_is_reported(
    version: str, target: str, update: object, said: str, tmp_path: Path
) -> None:
    actions = _overlay(tmp_path, {"target": target, "description": "why", "update": update})
    done = contract_check("document", write(tmp_path, {**small(), "openapi": version}), "--overlay", actions)
    assert done.returncode == 0
    [warning] = done.stderr.splitlines()
    assert warning.startswith(f"warning: {actions}:")
    assert said in warning
    assert target in warning


OLD: dict[str, Any] = {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/b"}}}
ADDED: dict[str, Any] = {"type": "string", "title": "T", "required": ["y"], "properties": {"x": TEXT, "y": {}}}
LIST: dict[str, Any] = {"a": [0, 1, 2, 3], "b": 4}
# A document, an action, and the result.
DONE: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "objects are merged": (
        {"a": {"b": 1, "c": {"d": 2}}},
        {"update": {"c": {"e": 3}}},
        {"a": {"b": 1, "c": {"d": 2, "e": 3}}},
    ),
    "arrays are appended, without repeating": ({"a": ["x"]}, {"update": ["x", "y"]}, {"a": ["x", "y"]}),
    "values are replaced": ({"a": {"type": "strin"}}, {"update": TEXT}, {"a": TEXT}),
    "what is there is kept": (
        {"a": OLD},
        {"update": ADDED, "x-add-only": True},
        {"a": {**OLD, "title": "T", "required": ["x", "y"], "properties": {"x": {"$ref": "#/b"}, "y": {}}}},
    ),
    "filtered items are removed": (LIST, {"target": "$.a[?@ > 1]", "remove": True}, {"a": [0, 1], "b": 4}),
    "items are removed in any order": (LIST, {"target": "$.a[1,0]", "remove": True}, {"a": [2, 3], "b": 4}),
    "an item is removed once": (LIST, {"target": "$.a[0,0]", "remove": True}, {"a": [1, 2, 3], "b": 4}),
    "a member is removed once": (LIST, {"target": "$['b','b']", "remove": True}, {"a": [0, 1, 2, 3]}),
    "everything is removed": (LIST, {"target": "$..*", "remove": True}, {}),
}


@pytest.mark.parametrize("name", DONE)
def test_an_action_of_an_overlay(name: str) -> None:
    document, action, expected = deepcopy(DONE[name])
    assert overlay.apply_action({"target": "$.a", "description": "why", **action}, document) is None
    assert document == expected


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize(
    ("target", "action", "expected"),
    [
        (f"{BODY}.properties.name", {"remove": True}, {"type": "object", "properties": {}}),
        (BODY, {"update": {"title": "Other"}}, {"type": "object", "properties": {"name": TEXT}, "title": "Other"}),
    ],
)
def test_a_target_that_names_one_place_finds_it_behind_a_reference(
    version: str, target: str, action: dict[str, Any], expected: dict[str, Any]
) -> None:
    document: dict[str, Any] = {**small(), "openapi": version}
    assert overlay.apply_action({"target": target, "description": "why", **action}, document) is None
    assert document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"] == expected
    assert document["components"] == small()["components"]  # the shared object is unchanged
