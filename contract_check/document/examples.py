"""Examples of a schema: the document's own, or else made-up ones."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from .tree import JsonPath, at, follow, is_object, list_or_empty, object_or_empty, parse_pointer, resolve
from .values import Schemas

_TEXTS = {
    "date-time": "2026-11-23T10:59:12+08:00",
    "date": "2026-11-23",
    "uuid": "6f1f5c1e-8d0e-4b57-9a5b-0d7a1c2e3f40",
    "uri": "https://example.com/图片.jpg",
    "email": "someone@example.com",
    "binary": "字节",
}
_OTHER_TEXTS = ("文本", "text", "A", "1", "12345678", *_TEXTS.values())
"""Candidates for a string with a pattern."""
_UNDECLARED = "任意"
"""The value of a required field without a schema; in an `allOf`, another part may declare it."""
_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
_SHORT_BELOW, _DEEPEST = 6, 20
"""Levels: below the first, only required fields and items are made up; below the second, nothing."""
_SAYS_NOTHING = {"summary", "description"}
_SAYS_WHAT_FITS = {"$ref", "type", "properties", "enum", "const", "allOf", "anyOf", "oneOf"}


class Sample(NamedTuple):
    """Selects a value of a schema: the `variant`-th alternative of each union and enumeration."""

    variant: int = 0
    required_only: bool = False


SAMPLES = (Sample(0), Sample(1), Sample(2), Sample(0, required_only=True))


def documented_example(document: dict[str, Any], path: JsonPath, depth: int = 0) -> Any:
    """The document's own examples for the schema at `path`, or None; nothing is made up."""
    schema = object_or_empty(at(document, path := follow(document, path)))
    for value in given(schema):
        return deepcopy(value)
    names = schema.get("properties", {}) if depth < _SHORT_BELOW else ()
    fields = {name: documented_example(document, (*path, "properties", name), depth + 1) for name in names}
    return {name: value for name, value in fields.items() if value is not None} or None


def examples_of(holder: dict[str, Any]) -> dict[JsonPath, Any]:
    """The examples of a schema or a media type, by their places in it."""
    examples = holder.get("examples")
    found: dict[JsonPath, Any] = {("examples", index): each for index, each in enumerate(list_or_empty(examples))}
    for name, each in object_or_empty(examples).items():
        if "value" in object_or_empty(each):  # not a reference or a URL
            found["examples", name, "value"] = each["value"]
    return found | ({("example",): holder["example"]} if "example" in holder else {})


def given(holder: dict[str, Any]) -> Iterator[Any]:
    """The values that a schema or a media type names: its examples, its constant and its default."""
    yield from examples_of(holder).values()
    yield from (holder[key] for key in ("const", "default") if key in holder)


class Examples:
    """The examples of a sound document, memoized by place."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document, self.schemas = document, Schemas(document)
        self._made: dict[tuple[JsonPath, Sample, int], Any] = {}

    def at(self, path: JsonPath, sample: Sample = SAMPLES[0]) -> Any:
        """A value that fits the schema at `path`: the document's own if it fits, else a made-up one.

        A made-up object has all properties of the schema, or only the required ones.
        """
        return self._at(path, sample, 0)

    def fits(self, path: JsonPath, value: Any) -> bool:
        """Whether `value` fits the schema at `path`."""
        return next(self.schemas.errors(path, value), None) is None

    def _at(self, path: JsonPath, sample: Sample, depth: int) -> Any:
        while (schema := object_or_empty(at(self._document, path))).keys() - _SAYS_NOTHING == {"$ref"}:
            path = parse_pointer(schema["$ref"])
        key = path, sample, depth
        if key not in self._made:
            self._made[key] = self._make(*key) if depth < _DEEPEST else None
        return self._made[key]

    def _make(self, path: JsonPath, sample: Sample, depth: int) -> Any:
        schema = object_or_empty(at(self._document, path))
        for value in given(schema) if sample == SAMPLES[0] else ():
            if self.fits(path, value):
                return value
        listed = [schema["const"]] if "const" in schema else schema.get("enum", [])
        if options := [each for each in listed if self.fits(path, each)]:
            return options[sample.variant % len(options)]
        if depth > _SHORT_BELOW and "null" in list_or_empty(schema.get("type")):
            return None  # ends the recursion
        joined = dict(enumerate(map(object_or_empty, schema.get("allOf", []))))
        parts = [(*path, "allOf", index) for index, each in joined.items() if _SAYS_WHAT_FITS & each.keys()]
        parts += [parse_pointer(schema["$ref"])] if "$ref" in schema else []
        for keyword in ("oneOf", "anyOf"):
            branches = dict(enumerate(map(object_or_empty, list_or_empty(schema.get(keyword)))))
            typed = {i: resolve(self._document, each) for i, each in branches.items() if _SAYS_WHAT_FITS & each.keys()}
            nulls = [index for index, each in typed.items() if each.get("type") == "null"]
            others = [index for index in typed if index not in nulls]
            if options := (nulls if depth > _SHORT_BELOW else others) or [*nulls, *others]:
                parts.append((*path, keyword, options[sample.variant % len(options)]))
        made = [self._at(each, sample, depth) for each in parts]
        if made and not all(map(is_object, made)):
            return made[0]
        whole = (schema, *(resolve(self._document, each) for each in joined.values()))
        required = [name for each in whole for name in each.get("required", [])]
        if sample.required_only and required:
            full = (self._at(each, sample._replace(required_only=False), depth) for each in parts)
            made += [{name: value for name, value in each.items() if name in required} for each in full]
        may_be_object = "object" in (schema.get("type", "object"), *list_or_empty(schema.get("type")))
        if may_be_object and (made or required or {"properties", "additionalProperties"} & schema.keys()):
            found = self._object(path, schema | {"required": required}, sample, depth)
            for each in made:
                found |= {name: value for name, value in each.items() if name not in found or value != _UNDECLARED}
            return found
        return self._made_up(path, schema, sample, depth)

    def _made_up(self, path: JsonPath, schema: dict[str, Any], sample: Sample, depth: int) -> Any:
        listed = schema.get("type") or "string"
        types = [listed] if isinstance(listed, str) else [str(name) for name in listed]
        types = [name for name in types if name != "null"] or ["null"]
        is_short = sample.required_only or depth >= _SHORT_BELOW
        match types[sample.variant % len(types)]:
            case "object":
                return self._object(path, schema, sample, depth)
            case "array":
                usual_length = 0 if is_short else 2 if sample.variant and depth < 2 else 1
                amount = max(min(usual_length, schema.get("maxItems", 2)), schema.get("minItems", 0))
                samples = [sample._replace(variant=sample.variant + i) for i in range(amount)]
                if not schema.get("uniqueItems"):
                    samples = [sample] * amount
                return [self._at((*path, "items"), each, depth + 1) for each in samples]
            case "integer" | "number" as kind:
                limits, step = [schema[key] for key in _LIMITS if key in schema], schema.get("multipleOf", 1)
                nearby = [each // step * step + more for each in limits for more in (0, step, -step)]
                if kind == "integer":
                    return self._first_that_fits(path, [7, *map(int, nearby)])
                return self._first_that_fits(path, [0.5, *nearby, *(each + 0.01 for each in limits)])
            case "boolean":
                return sample.variant % 2 == 0
            case "null":
                return None
            case _:
                text = _TEXTS.get(schema.get("format", ""), "文本")
                texts = [text, *_OTHER_TEXTS] if "pattern" in schema else [text]
                low, high = schema.get("minLength", 0), schema.get("maxLength")
                return self._first_that_fits(path, [each.ljust(low, each[-1])[:high] for each in texts])

    def _object(self, path: JsonPath, schema: dict[str, Any], sample: Sample, depth: int) -> dict[str, Any]:
        is_short = sample.required_only or depth >= _SHORT_BELOW
        required, properties = schema.get("required", []), schema.get("properties", {})
        names = [name for name in properties if not is_short or name in required]
        made = {name: self._at((*path, "properties", name), sample, depth + 1) for name in names}
        made |= {name: _UNDECLARED for name in required if name not in properties}
        if is_object(schema.get("additionalProperties")):
            usual = 0 if is_short or not sample.variant else 1
            for number in range(max(usual, schema.get("minProperties", 0) - len(made))):
                made[f"x-{number}"] = self._at((*path, "additionalProperties"), sample, depth + 1)
        return made

    def _first_that_fits(self, path: JsonPath, values: list[Any]) -> Any:
        return next((each for each in values if len(values) == 1 or self.fits(path, each)), values[0])
