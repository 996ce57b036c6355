"""Load a generated package, make instances of its types, and compare its files with the document's."""

import hashlib
import sys
from collections import ChainMap
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from difflib import unified_diff
from enum import EnumMeta
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from generator import making, verification

from ..document.defects import Finding, Refusal
from ..document.settings import HTTP_LIBRARIES
from ..document.tree import is_array, is_object

_MEANING = {
    (False, True): "missing: the document generates this file.",
    (True, False): "stale: the document does not generate this file.",
    (True, True): "changed: the document generates other content; edited by hand, or made by other tools or inputs.",
}


class JsonField(NamedTuple):
    """A field of a model: its attribute, its name in JSON, and whether it is required."""

    attribute: str
    name: str
    required: bool


class Package:
    """A generated package, imported under a unique name."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "api").is_dir():
            raise Refusal.environment(f"{folder} is no generated package.", "Run ./generate.sh.")
        self._name = f"package_{hashlib.sha256(bytes(folder.resolve())).hexdigest()[:12]}"
        places = [str(folder)]
        spec: Any = spec_from_file_location(self._name, folder / "__init__.py", submodule_search_locations=places)
        sys.modules[self._name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[self._name])
        models, self.types = self.module("models"), self.module("types")
        self.classes: dict[str, Any] = {name: getattr(models, name) for name in getattr(models, "__all__", ())}

    def module(self, name: str) -> ModuleType:
        """Import a module of the package."""
        return import_module(f"{self._name}.{name}")

    def http_library(self) -> Any:
        """The HTTP library of the package: httpx or httpx2."""
        imported = vars(self.module("errors"))
        return next(imported[name] for name in HTTP_LIBRARIES if name in imported)

    @cache  # noqa: B019  # a package lives as long as its check
    def hints(self, of: Any) -> dict[str, Any]:
        """The type hints of a function's parameters, or of a class's fields."""
        own, *others = map(vars, (sys.modules[of.__module__], self.module("client"), self.types))
        return get_type_hints(of, localns=ChainMap(own, self.classes, *others))

    @cache  # noqa: B019  # a package lives as long as its check
    def fields(self, model: Any) -> list[JsonField]:
        """The fields of a model that are properties."""
        given = {field.name for field in attrs.fields(model) if field.default is attrs.NOTHING}
        return [JsonField(each[0], each[1], each[2] and each[0] in given) for each in model.__json_fields__]

    def is_model(self, kind: Any) -> bool:
        """Whether a type is a model's class."""
        return attrs.has(kind) and kind is not self.types.File

    def typed(self, hint: Any, value: Any) -> Any:
        """Convert JSON to a value of type `hint`, as a caller would; raise TypeError if it does not fit."""
        for kind in alternatives(hint):
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                return self._of_kind(kind, value)
        raise TypeError(f"{value!r} is not of type {hint}")

    def _of_kind(self, kind: Any, value: Any) -> Any:
        if self.is_model(kind) and is_object(value):
            return self.instance(kind, value)
        if kind is self.types.File:
            return kind(payload=BytesIO(value.encode()), file_name="a.bin")
        if get_origin(kind) is list and is_array(value):
            return [self.typed(get_args(kind)[0], item) for item in value]
        if kind in (date, datetime):
            return kind.fromisoformat(value)
        if kind is UUID or isinstance(kind, EnumMeta):
            return kind(value)
        is_number = kind in (int, float) and type(value) in (int, float) and kind(value) == value
        is_literal = get_origin(kind) is Literal and value in get_args(kind)
        is_free = kind is Any or (get_origin(kind) is dict and is_object(value))
        if is_literal or is_free or is_number or type(value) is kind:
            return value
        raise TypeError(f"{value!r} is not of type {kind}")

    def instance(self, model: Any, value: dict[str, Any]) -> Any:
        """Make an instance of `model` from a JSON object, as a caller would."""
        hints, rest = self.hints(model), dict(value)
        given = {field.attribute: rest.pop(field.name) for field in self.fields(model) if field.name in value}
        made = model(**{name: self.typed(hints[name], item) for name, item in given.items()})
        for name, item in rest.items():
            made[name] = self.typed(get_args(hints["additional_properties"])[1], item)
        return made


@cache
def alternatives(hint: Any) -> list[Any]:
    """The members of a union, or the type itself."""
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return [NoneType if each is None else each for each in members]  # get_args(list[None]) has None


def drift(document: dict[str, Any], folder: Path) -> list[Finding]:
    """Generate a sound document elsewhere; return a finding for each file that differs from `folder`."""
    with TemporaryDirectory() as work:
        made = making.make(document, Path(work))
        return list(_differences(folder, verification.files(folder), verification.files(made.package)))


def _differences(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[Finding]:
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        before, after = (tree.get(name, b"").decode(errors="replace").splitlines() for tree in (old, new))
        diff = [f"  {line}" for line in unified_diff(before, after, "the package", "the document's", n=1, lineterm="")]
        shown = diff if len(diff) <= 40 else [*diff[:40], f"  ... and {len(diff) - 40} more lines"]
        yield Finding(folder / name, 1, 1, _MEANING[name in old, name in new], details=tuple(shown))
