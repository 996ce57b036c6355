"""Merge schemas that combine others, by `allOf` or beside a union, which the generator mostly does not support.

A schema is expanded to its alternatives; those of `allOf` are the combinations of its parts' alternatives that some
value fits. Alternatives that are objects become classes with the fields of all their parts.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from contract_check.document.tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    is_array,
    is_object,
    keyword_of,
    list_or_empty,
    parse_pointer,
    parts,
    resolve,
    walk,
)
from contract_check.document.values import json_type

from .classes import ROOT, is_class, name_inline_classes
from .discriminators import TAGS

_MOST = 200
"""Combinations of alternatives; a few unions in one `allOf` have thousands."""
JOINING = ("allOf", "anyOf", "oneOf")
FIELDS = {"properties", "required", "additionalProperties"}
TYPED = {"$ref", "type", "enum", "const", "items", *FIELDS, *JOINING}
"""The keywords that affect a type."""
_MARKS = ("x-variant", TAGS)

_Schema = dict[str, Any]


def join_schemas(document: _Schema) -> Iterator[tuple[JsonPath, str]]:
    """Merge the schemas of a document whose classes are named; yield the place of each failure, with a note."""
    joins = _Joins(document)
    is_changed = True
    while is_changed:  # A merged schema may contain others to merge, or need a name.
        is_changed = False
        for path, schema in list(walk(document)):
            if keyword_of(path) in SCHEMA_KEYWORDS - {"allOf"} and _is_joined(schema):
                before = dict(schema)
                if keyword_of(path) == "schemas" and is_class(document, schema):
                    joins.flatten(str(path[-1]), schema)
                elif note := joins.join(schema):
                    yield path, note
                is_changed |= schema != before
        is_changed = is_changed or bool(name_inline_classes(document))


def _is_joined(schema: _Schema) -> bool:
    """Whether a schema has parts to merge; a single reference is just that reference."""
    listed = schema.get("allOf", ())
    is_reference = len(listed) == 1 and "$ref" in listed[0] and not TYPED - {"type", "allOf"} & schema.keys()
    is_union = bool(schema.get("anyOf") or schema.get("oneOf")) and bool((FIELDS | {"type"}) & schema.keys())
    return (bool(listed) and not is_reference) or is_union


class _Joins:
    def __init__(self, document: _Schema) -> None:
        self.document = document
        self.schemas: dict[str, _Schema] = document["components"]["schemas"]
        self.named = set(self.schemas)
        self.made = dict[frozenset[str], str]()
        """The class that consists of exactly these classes."""
        self.known = dict[str, list[_Schema]]()
        """The alternatives of named schemas: diamond-shaped references are exponential otherwise."""

    def flatten(self, name: str, schema: _Schema) -> None:
        """Merge the fields of all parts of a class into one object."""
        if name not in self.named:
            self.made[frozenset(_referred(schema["allOf"]))] = name
        found = list(parts(self.document, schema))
        given: dict[str, list[_Schema]] = {}
        for part in found:
            for key, value in part.get("properties", {}).items():
                given.setdefault(key, []).extend([value] if value not in given.get(key, ()) else [])
        required = dict.fromkeys(key for part in found for key in part.get("required", ()))
        additional = [part["additionalProperties"] for part in found if part.get("additionalProperties")]
        additional = [schema["additionalProperties"]] if "additionalProperties" in schema else additional
        del schema["allOf"]
        schema["type"] = "object"
        schema["properties"] = {key: _all(values) for key, values in given.items()}
        schema["properties"] |= {key: {} for key in required if key not in given}
        schema |= {"required": list(required)} if required else {}
        schema |= {"additionalProperties": _all(additional)} if additional else {}

    def join(self, schema: _Schema) -> str:
        """Replace a schema that is not a class by its alternatives; return a note if that fails."""
        self.known.clear()
        try:
            found = self._alternatives(schema)
            note = "" if found else "no value fits all parts; typed as Any."
        except OverflowError:
            found, note = [], f"it has more than {_MOST} combinations of alternatives; typed as Any."
        rest = {key: value for key, value in schema.items() if key not in TYPED | {"nullable", "format"}}
        found = [{"$ref": each["$ref"]} if "$ref" in each else each for each in found]
        schema.clear()
        key = "allOf" if len(found) == 1 and "$ref" in found[0] else "anyOf"
        schema |= rest | ({key: deepcopy(found)} if found else {})
        unwrap(schema)
        return note

    def _alternatives(self, schema: _Schema) -> list[_Schema]:
        """The alternatives of a schema: each is a reference to a class, an object to merge, or another type."""
        if "$ref" in schema:
            name = str(parse_pointer(schema["$ref"])[-1])
            if is_class(self.document, self.schemas[name]):
                return [{"$ref": schema["$ref"]}]
            if name not in self.known:
                self.known[name] = [{}]  # ends the recursion of a cyclic schema
                self.known[name] = self._alternatives(self.schemas[name])
            return self.known[name]
        types = list_or_empty(schema.get("type")) or [schema[key] for key in ("type",) if key in schema]
        own = {key: value for key, value in schema.items() if key not in (*JOINING, "type", "nullable")}
        found = [own | {"type": each} for each in types] or [own]
        found += [{"type": "null"}] if types and schema.get("nullable") is True else []
        for part in schema.get("allOf", ()):
            found = self._both(found, self._alternatives(part))
        for key in ("anyOf", "oneOf"):
            options = schema.get(key, ())
            if any(TYPED - {"required"} & option.keys() for option in options):
                variants = [self._variant(each) for option in options for each in self._alternatives(option)]
                found = self._both(found, variants)
        is_nullable = schema.get("nullable") is True and not types and {"type": "null"} not in found
        return [*found, {"type": "null"}] if is_nullable else found

    def _variant(self, alternative: _Schema) -> _Schema:
        """Mark an alternative of a union, so that classes merged with it get its name and its tags."""
        if "$ref" not in alternative:
            return alternative
        name = str(parse_pointer(alternative["$ref"])[-1])
        return {"x-variant": name, **alternative, TAGS: self.schemas[name].get(TAGS, {})}

    def _both(self, ones: list[_Schema], others: list[_Schema]) -> list[_Schema]:
        if len(ones) * len(others) > _MOST:
            raise OverflowError
        found = list[_Schema]()
        for both in (self._narrower(one, other) for one in ones for other in others):
            if both is not None and both not in found:
                found.append(both)
        return found

    def _narrower(self, one: _Schema, other: _Schema) -> _Schema | None:
        """The intersection of two alternatives, or None if it is empty."""
        if one == other or not TYPED & other.keys():
            return one
        if not TYPED & one.keys():
            return other
        kinds = self._kind(one), self._kind(other)
        if kinds == ("object", "object"):
            return self._object([*one.get("allOf", [one]), *other.get("allOf", [other])])
        if self._values(one) or self._values(other):
            return self._of_values(one, other, *kinds)
        if kinds[0] == kinds[1]:
            items = [each["items"] for each in (one, other) if each.get("items")]
            return one | other | ({"items": _all(items)} if items else {})
        return one | other | {"type": "integer"} if set(kinds) == {"integer", "number"} else None

    def _kind(self, alternative: _Schema) -> str:
        """The JSON type of an alternative."""
        if values := self._values(alternative):
            return json_type(values[0])
        target = resolve(self.document, alternative)
        return str(target.get("type") or ("array" if "items" in target else "object"))

    def _values(self, alternative: _Schema) -> list[Any]:
        target = resolve(self.document, alternative)
        return target.get("enum") or ([target["const"]] if "const" in target else [])

    def _of_values(self, one: _Schema, other: _Schema, kind: str, other_kind: str) -> _Schema | None:
        """The intersection of two alternatives, if at least one is an enumeration or a constant."""
        ones, others = self._values(one), self._values(other)
        if not (ones and others):
            is_fit = kind == other_kind or {kind, other_kind} == {"integer", "number"}
            return (one if ones else other) if is_fit else None
        common = [value for value in ones if value in others]
        if len(common) in (len(ones), len(others)):
            return one if len(common) == len(ones) else other
        member = dict(zip(ones, resolve(self.document, one).get("x-enum-varnames", ones), strict=True))
        named = {"x-enum-varnames": [member[value] for value in common]}
        return {"type": kind, "enum": common} | named if common else None

    def _object(self, joined: list[_Schema]) -> _Schema:
        """Merge several objects into one, without the parts that add nothing."""
        marks = {key: part[key] for part in joined for key in _MARKS if key in part}
        joined = [{key: value for key, value in part.items() if key not in _MARKS} for part in joined]
        kept = list(joined)
        for part in joined:
            if adds_nothing(self.document, part, [each for each in kept if each is not part]):
                kept.remove(part)
        if len(kept) < 2:
            return kept[0]
        name = self.made.get(frozenset(_referred(kept)))
        return {"$ref": ROOT + name} if name and all("$ref" in part for part in kept) else {"allOf": kept} | marks


def unwrap(schema: _Schema) -> None:
    """Replace a union of one schema and null by that schema, nullable: its class is named after the property."""
    if schema.get("enum", [schema.get("const", "")]) == [None]:
        schema.clear()
        schema["type"] = "null"
    for key in ("anyOf", "oneOf"):
        others = [each for each in schema.get(key, ()) if each.get("type") != "null"]
        nullable = {"nullable": True} if len(others) < len(schema.get(key, ())) else {}
        kept = {"$ref", "const"} if nullable else {"$ref"}  # The generator has no constants that may be null.
        if len(others) == 1 and not kept & others[0].keys() and not TYPED - {key} & schema.keys():
            del schema[key]
            for name, value in others[0].items():
                schema[name] = [*schema.get(name, ()), *value] if isinstance(value, list) else schema.get(name, value)
            schema |= nullable


def adds_nothing(document: _Schema, part: _Schema, others: list[_Schema]) -> bool:
    """Whether a part of an `allOf` repeats what the references among `others` say."""
    given = [each for other in others if "$ref" in other for each in parts(document, resolve(document, other))]
    required = {key for each in given for key in each.get("required", ())}
    fields = {key: without_annotations(value) for each in given for key, value in each.get("properties", {}).items()}
    return any(each.get("type", "object") == "object" for each in given) and all(
        each.get("type", "object") == "object"
        and TYPED & each.keys() <= {"type", "allOf", *FIELDS}
        and each.get("additionalProperties", {}) in (True, False, {})
        and required.issuperset(each.get("required", ()))
        and all(fields.get(key) == without_annotations(value) for key, value in each.get("properties", {}).items())
        for each in parts(document, resolve(document, part))
    )


def without_annotations(value: Any) -> Any:
    """`value` without titles, descriptions, comments and extensions."""
    if is_array(value):
        return [without_annotations(item) for item in value]
    if not is_object(value):
        return value
    kept = {key: item for key, item in value.items() if not key.startswith("x-")}
    words = ("description", "title", "$comment")
    return {key: without_annotations(item) for key, item in kept.items() if key not in words or isinstance(item, dict)}


def _referred(joined: list[_Schema]) -> list[str]:
    return [str(parse_pointer(part["$ref"])[-1]) for part in joined if "$ref" in part]


def _all(values: list[Any]) -> Any:
    """The schema of a field that several parts declare."""
    if len(values) == 1 or not all(isinstance(value, dict) for value in values):
        return deepcopy(values[-1])
    lists: dict[str, list[Any]] = {}
    for value in values:
        for key in value:
            if key.startswith("x-") and isinstance(value[key], list):
                lists.setdefault(key, []).extend(value[key])
    return {"allOf": deepcopy(values)} | lists
