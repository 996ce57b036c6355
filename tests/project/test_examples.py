"""Made-up examples obey a schema's limits, and recursion ends."""

from typing import Any

import pytest

from contract_check.document.examples import SAMPLES, Examples
from specimens import small

SELF = {"$ref": "#/components/schemas/Thing"}
OTHER: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
FITTING: dict[str, dict[str, Any]] = {
    "1 to 4": {"type": "integer", "minimum": 1, "maximum": 4},
    "at most -3": {"type": "number", "exclusiveMaximum": -3},
    "between 1 and 2": {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    "multiples of 5": {"type": "integer", "multipleOf": 5, "minimum": 8},
    "long text": {"type": "string", "minLength": 30},
    "short text": {"type": "string", "maxLength": 1},
    "digits": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 4},
    "no item": {"type": "array", "items": {}, "maxItems": 0},
    "three items": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    "a map of two": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    "an example that breaks its limit": {"type": "integer", "maximum": 3, "example": 7},
    "one that a nullable enumeration holds": {"type": ["string", "null"], "enum": ["a", None]},
    "required beside a reference": {"$ref": "#/components/schemas/Other", "required": ["b", "c"]},
    "required by a part": {"properties": {"a": {"type": "integer"}}, "allOf": [{"required": ["a"]}]},
    "required by an alternative": {"properties": {"a": {"type": "integer"}}, "anyOf": [{"required": ["a"]}, {}]},
    "fields beside alternatives": {
        "properties": {"c": {"type": "null"}},
        "oneOf": [{"$ref": "#/components/schemas/Other"}],
    },
    "itself or null": {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"anyOf": [SELF, {"type": "null"}]}},
    },
    "null or an object of itself": {"type": ["object", "null"], "required": ["next"], "properties": {"next": SELF}},
    "lists of itself": {
        "type": "object",
        "required": ["inner"],
        "properties": {"inner": {"type": "array", "items": SELF}},
    },
    "30 ways to one": {"allOf": [{"$ref": "#/components/schemas/A0"}] * 2},
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", FITTING)
@pytest.mark.timeout(10)
def test_a_made_up_example_fits(name: str, sample: Any) -> None:
    chain = {f"A{i}": {"oneOf": [{"$ref": f"#/components/schemas/A{i + 1}"}] * 2} for i in range(30)}
    document = small(Thing=FITTING[name], Other=OTHER, **chain, A30={"type": "integer"})
    examples, place = Examples(document), ("components", "schemas", "Thing")
    made = examples.at(place, sample)
    assert name == "30 ways to one" or examples.schemas.problem(place, made) == ""
    assert examples.at(place, sample) == made
    if sample == SAMPLES[0] and name == "fields beside alternatives":
        assert made.keys() == {"a", "b", "c"}


def test_a_recursion_without_an_end_ends() -> None:
    thing = {"type": "object", "required": ["next"], "properties": {"next": SELF}}
    made = Examples(small(Thing=thing)).at(("components", "schemas", "Thing"))
    assert str(made).count("next") == 20
