"""The generated functions against the document: the bytes that they send, and what they make of its answers."""

import pkgutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from ..document.loading import Document
from ..document.tree import (
    JsonPath,
    at,
    follow,
    list_or_empty,
    object_or_empty,
)
from .comparison import Comparison
from .generated_values import Strategy
from .operation_calls import CALLS, OperationCalls

_TOGETHER = 20
"""Models whose values are made in one run."""


class Wire(Comparison):
    """What is compared, in turn: which functions there are, the models' fields, each operation's calls."""

    def __init__(self, document: Document, folder: Path) -> None:
        super().__init__(document, folder)
        self._documented = dict[JsonPath, dict[str, bool]]()

    def run(self) -> Iterator[str]:
        """Checks all; yields a line of progress after each operation."""
        api = self.package.module("api")
        names = [found.name.split(".", 2)[2] for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
        modules = {name: self.package.module(f"api.{name}") for name in names if "." in name}
        found = {f"{name}.{call}" for name in modules for call in CALLS if hasattr(modules[name], call)}
        wanted = {f"{name}.{call}": True for name in self.operations for call in CALLS}
        self.compare(("paths",), "function", wanted, found, found)
        for some in _chunks(list(self.models.items()), _TOGETHER):
            self.fields(dict(some))
        with closing(self):
            for done, (name, operation) in enumerate(self.operations.items(), 1):
                try:
                    if all(f"{name}.{call}" in found for call in CALLS):
                        OperationCalls(self, operation, modules[name]).check()
                except Exception as error:  # noqa: BLE001  # generated code may be anything
                    self.find(operation["x-at"], f"{name} is no generated module", f": {type(error).__name__}: {error}")
                yield f"wire: {done} of {len(self.operations)} operations"

    def fields(self, models: dict[str, dict[str, Any]]) -> None:
        """Compares models, by their instances, with the schemas that they were generated from."""
        found = list[tuple[str, JsonPath]]()
        drawn = list[tuple[JsonPath, Strategy]]()
        for name, schema in models.items():
            path: JsonPath = schema["x-at"]
            made: Any = self.package.classes.get(name)
            if made is None and object_or_empty(schema.get("properties")):
                self.find(path, f"missing model `{name}`: the package has none of this name.")
            if made is not None and attrs.has(made):
                found.append((name, path))
                drawn += [(path, self.package.values(made, fill, 1).map(_fields)) for fill in (True, False)]
        seen = self.one_of_each(drawn)
        for (name, path), all_fields, required in zip(found, seen[::2], seen[1::2], strict=True):
            if all_fields and required:
                self.compare(path, f"field of {name}", self.documented(path), all_fields[0], required[0])

    def documented(self, path: JsonPath) -> dict[str, bool]:
        """The fields that the schema at `path` and its parts name, and whether each is required."""
        path = follow(self.base, path)
        if path not in self._documented:
            self._documented[path] = self._find_documented(path)
        return self._documented[path]

    def _find_documented(self, path: JsonPath) -> dict[str, bool]:
        schema = object_or_empty(at(self.base, path))
        found = dict.fromkeys(object_or_empty(schema.get("properties")), False)
        for index in range(len(list_or_empty(schema.get("allOf")))):
            part = self.documented((*path, "allOf", index))
            found |= {key: part[key] or found.get(key, False) for key in part}
        return found | dict.fromkeys(list_or_empty(schema.get("required")), True)


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    yield from (items[start : start + size] for start in range(0, len(items), size))


def _fields(instance: Any) -> set[str]:
    return set(instance.to_dict()) - set(getattr(instance, "additional_properties", ()))
