"""Discriminators: note in each class the values that select it, and make a parent the union of its children.

The generator ignores discriminators, and types a reference to a parent as the parent's own properties only.
"""

from typing import Any

from contract_check.document.tree import (
    SCHEMA_KEYWORDS,
    at,
    keyword_of,
    object_or_empty,
    parse_pointer,
    parts,
    references,
    walk,
)

from .classes import is_class

TAGS = "x-tags"
"""The key of a class in the prepared document with the discriminator values that select it, by property."""


def apply_discriminators(document: dict[str, Any]) -> None:
    """Apply each discriminator to the alternatives of its union, or to the children of its schema."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    names = {id(schema): name for name, schema in schemas.items()}
    joined = {
        name: {names[id(part)] for part in parts(document, schema) if id(part) in names}
        for name, schema in schemas.items()
        if is_class(document, schema)
    }
    families = dict[str, list[str]]()
    for path, schema in walk(document):
        discriminator = object_or_empty(schema.get("discriminator"))
        if keyword_of(path) not in SCHEMA_KEYWORDS or "propertyName" not in discriminator:
            continue
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        variants = [str(parse_pointer(each["$ref"])[-1]) for each in options if "$ref" in each]
        if not options and keyword_of(path) == "schemas":
            # A parent comes first: it is the fallback for undocumented values.
            variants = [name for name, above in joined.items() if path[-1] in above - {name}]
            for parent in (str(path[-1]), *variants):
                children = [name for name in variants if parent in joined[name] - {name}]
                families[parent] = [parent, *children]
        mapping = {value: target.rpartition("/")[2] for value, target in discriminator.get("mapping", {}).items()}
        for name in dict.fromkeys([*variants, *mapping.values()]) if options else variants:
            _tag(document, schemas.get(name, {}), discriminator["propertyName"], name, mapping)
    _widen(document, families)


def _tag(document: dict[str, Any], schema: dict[str, Any], key: str, name: str, mapping: dict[str, str]) -> None:
    """Set the values that select a class: those mapped to it, else its only value, else its name."""
    values = [value for value, target in mapping.items() if target == name]
    fields = [object_or_empty(part.get("properties")).get(key, {}) for part in parts(document, schema)]
    given = [each.get("enum", [each["const"]] if "const" in each else []) for each in fields]
    only = [str(each[0]) for each in given if len(each) == 1][-1:]
    tags = schema.setdefault(TAGS, {}).setdefault(key, [])
    tags += [value for value in values or only or [name] if value not in tags]


def _widen(document: dict[str, Any], families: dict[str, list[str]]) -> None:
    """Replace references to a parent by the union of its children and, as a fallback, the parent."""
    for path, reference in list(references(document)):
        name = str(parse_pointer(reference)[-1])
        holder: dict[str, Any] = at(document, path[:-2]) if keyword_of(path) == "allOf" else {}
        is_inherited = keyword_of(path) == "allOf" and (len(holder["allOf"]) > 1 or is_class(document, holder))
        if len(families.get(name, ())) > 1 and keyword_of(path) in SCHEMA_KEYWORDS and not is_inherited:
            place = at(document, path)
            del place["$ref"]
            root = reference.rpartition("/")[0]
            place["anyOf"] = [{"$ref": f"{root}/{each}"} for each in families[name]]
