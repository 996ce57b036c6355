"""Find renamed operations, by their routes, and renamed classes, by their places."""

import re
from collections.abc import Iterator
from typing import Any

from generator.prepare.preparation import SERIALIZATION

from ..document import names
from ..document.operations import of
from ..document.tree import at, is_array, is_object, parse_pointer, references
from .surface import Facts, Place

_Pair = tuple[dict[str, Any], dict[str, Any]]


class Renames:
    """The names that changed between two documents; the older document is changed to the new names."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.operations: dict[Place, Place] = {}
        """The new place of each operation of the older document."""
        pairs = list[_Pair]()
        by_address = {each.address: each for each in of(new)}
        before: dict[Place, str] = {}
        moved = dict[str, Any]()
        for operation in of(old):
            same = by_address.get(operation.address, operation)
            self.operations[operation.place] = same.place
            if serialized := old[SERIALIZATION].pop("/".join(operation.place[1:]), None):
                moved["/".join(same.place[1:])] = serialized
            before[same.place] = names.pascal(operation.place[2])
            operation.definition.update(tags=[same.place[1]], operationId=same.place[2])
            pairs.append((operation.definition, same.definition))
        old[SERIALIZATION] |= moved
        self.classes = _classes(old, new, pairs)
        """The new names of renamed classes."""
        self._stems = {place: stem for place, stem in before.items() if place not in self.operations}
        _rename(old, self.classes)

    def describe(self) -> Iterator[tuple[Place, str]]:
        """Describe each rename; that of an operation includes the classes named after it."""
        unreported = dict(self.classes)
        for before, now in self.operations.items():
            if before == now:
                continue
            stem = self._stems.get(now, " ")
            own = {name: unreported.pop(name) for name in list(unreported) if name.startswith(stem)}
            named = f", {', '.join(f'{name} is {own[name]}' for name in sorted(own))}" if own else ""
            yield now, f"was called {'.'.join(before)}{named}"
        for name, its_name in unreported.items():
            yield ("models", its_name), f"was called models.{name}"

    def applied(self, facts: Facts) -> Facts:
        """The facts of the older package under the new names."""

        def renamed(fact: str) -> str:
            return re.sub(r"\w+", lambda found: self.classes.get(found[0], found[0]), fact)

        return {
            (operation, direction, self._moved(place), aspect): renamed(fact)
            for (operation, direction, place, aspect), fact in facts.items()
        }

    def _moved(self, place: Place) -> Place:
        if place[:1] == ("models",) and len(place) > 1:
            return (place[0], self.classes.get(place[1], place[1]), *place[2:])
        return self.operations.get(place[:3], place[:3]) + place[3:]


def _classes(old: dict[str, Any], new: dict[str, Any], pairs: list[_Pair]) -> dict[str, str]:
    """Match classes by their places in the same operations; a match must be similar, and unique in both directions."""
    before, now = (document["components"]["schemas"] for document in (old, new))
    found: dict[str, set[str]] = {}
    waiting: list[tuple[Any, Any]] = [(_by_name(one), _by_name(other)) for one, other in pairs]
    seen = set[tuple[str, str]]()
    while waiting:
        one, other = waiting.pop()
        if is_array(one) and is_array(other):
            waiting += zip(one, other, strict=False)
        elif is_object(one) and is_object(other):
            waiting += ((one[key], other[key]) for key in one.keys() & other.keys())
            name, its_name = (str(each.get("$ref", "")).rpartition("/")[2] for each in (one, other))
            if name in before and its_name in now and (name, its_name) not in seen:
                seen.add((name, its_name))
                waiting.append((before[name], now[its_name]))
                if name not in now and its_name not in before and _is_alike(before[name], now[its_name]):
                    found.setdefault(name, set()).add(its_name)
    single = {name: next(iter(others)) for name, others in found.items() if len(others) == 1}
    return {name: other for name, other in single.items() if list(single.values()).count(other) == 1}


def _by_name(operation: dict[str, Any]) -> dict[str, Any]:
    """An operation with its parameters by location and name, not in order."""
    parameters = {f"{each['in']} {each['name']}": each for each in operation.get("parameters", ())}
    return operation | {"parameters": parameters}


def _is_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two classes share a field or a value, or both have none."""
    for key in ("properties", "enum"):
        if one.get(key) or other.get(key):
            return any(each in (other.get(key) or ()) for each in one.get(key) or ())
    return True


def _rename(document: dict[str, Any], renamed: dict[str, str]) -> None:
    schemas = document["components"]["schemas"]
    for path, reference in list(references(document)):
        name = str(parse_pointer(reference)[-1])
        if name in renamed:
            at(document, path)["$ref"] = f"#/components/schemas/{renamed[name]}"
    for name, now in renamed.items():
        schemas[now] = schemas.pop(name)
