"""Values of a generated package's types, made by hypothesis, and how they compare with JSON."""

import hashlib
import json
import re
import string
import sys
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from enum import Enum, EnumMeta
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import unquote
from uuid import UUID

import attrs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..document.defects import Refusal
from ..document.tree import is_array, is_object

Strategy = st.SearchStrategy[Any]

_OUTERMOST = 3
"""How many classes deep optional fields are set.

A list of classes has a second item in the outermost class only: a value would double in size with each class.
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=5).map("x-".__add__)
_ANY = st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just({"a": [None, 0.5]})
_LEAVES: dict[Any, Strategy] = {
    Any: _ANY,
    float: st.floats(-1e6, 1e6).map(lambda number: number + 0.5 if number.is_integer() else number),
    datetime: st.integers(-(2**55), 2**57).map(lambda number: _EPOCH + timedelta(microseconds=number)),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:[\d:.]+(Z|[+-]\d\d:\d\d)")
# What may stand in a parameter: a header has no line break, a path segment is never empty, and never dots alone.
TEXTS: dict[str, Strategy] = {  # The first is the first one tried.
    "path": st.just("a/b ?#%&+:é") | st.text(min_size=1, max_size=9).filter(lambda text: text.strip(".") != ""),
    "query": st.just("a b&c=d+e#é") | st.text(max_size=9),
    "header": st.text(string.ascii_letters + string.punctuation, min_size=1, max_size=9),
    "cookie": st.text(string.ascii_letters + string.digits, min_size=1, max_size=9),
}


class Package:
    """A generated package, imported under a name that no other one has."""

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
        """The package's module of that name."""
        return import_module(f"{self._name}.{name}")

    def hints(self, of: Any) -> dict[str, Any]:
        """The types of a function's parameters, or of a class's fields."""
        names = vars(self.types) | vars(self.module("client")) | self.classes | vars(sys.modules[of.__module__])
        return get_type_hints(of, localns=names)

    @cache  # noqa: B019  # a package lives as long as its check
    def values(self, hint: Any, fill: bool | None, depth: int = _OUTERMOST, text: Strategy | None = None) -> Strategy:
        """What fits `hint`; `fill` sets each optional field and item, none, or (None) some, `depth` classes deep."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            kinds = [kind for kind in arguments if kind is not type(self.types.UNSET)]
            unset = [st.just(self.types.UNSET)] if len(kinds) < len(arguments) and not fill else []
            if fill is False:  # Nothing, else what holds no other class: so a recursion ends.
                kinds = [] if unset else [kind for kind in kinds if not attrs.has(kind)] or kinds
            return st.one_of(*unset, *(self.values(kind, fill, depth, text) for kind in kinds))
        if origin is list:
            is_wide = get_origin(arguments[0]) is list or (attrs.has(arguments[0]) and depth < _OUTERMOST - 1)
            longest = 0 if depth < 0 and attrs.has(arguments[0]) else 1 if is_wide else 2
            items = self.values(arguments[0], fill, depth, text) if longest else st.nothing()
            return st.lists(items, min_size=longest if fill else min(longest, 1), max_size=longest)
        if origin is dict:
            return st.dictionaries(_KEYS, self.values(arguments[1], fill, depth), min_size=1 if fill else 0, max_size=2)
        if origin is Literal or isinstance(hint, EnumMeta):
            return st.sampled_from(arguments or list[Any](hint))
        if hint is self.types.File:
            return st.builds(hint, payload=st.binary(max_size=9).map(BytesIO), file_name=st.just("a.bin"))
        if attrs.has(hint):
            return self._instances(hint, fill, depth) if depth > -4 else st.nothing()
        return text if text is not None and hint is str else _LEAVES[hint] if hint in _LEAVES else st.from_type(hint)

    def _instances(self, made: Any, fill: bool | None, depth: int) -> Strategy:
        hints, fields = self.hints(made), [field for field in attrs.fields(made) if field.init]
        fill = fill if depth > 0 else False
        values = {f.alias: self.values(hints[f.name], fill, depth - 1) for f in fields}
        for attribute, _, _, codec in made.__json_fields__:
            if codec.encode.__qualname__.startswith("matching."):  # what takes no text but a URL, or alike
                values[attribute] = values[attribute].map(_file_url)
        instances = st.builds(made, **values)
        free = hints.get("additional_properties")
        if free is None or fill is False or (fields and get_args(free)[1] is Any):
            return instances  # What is Any beside fields is there for what the document doesn't know yet.
        return st.builds(_extend, instances, self.values(free, fill, depth - 1))


def _file_url(value: Any) -> Any:
    return "https://example.com/file" if isinstance(value, str) else value


def _extend(instance: Any, extra: dict[str, Any]) -> Any:
    for key, value in extra.items():
        instance[key] = value
    return instance


def examples(strategy: Strategy, amount: int) -> list[Any]:
    """Up to `amount` values, the same ones each time."""
    found, checks = list[Any](), dict[str, Any](suppress_health_check=list(HealthCheck), phases=[Phase.generate])

    @settings(max_examples=amount, derandomize=True, database=None, deadline=None, **checks)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


def plain(value: Any) -> Any:
    """`value` as JSON has it; bytes and files as Latin-1, and times in one form."""
    if is_object(value):
        return {key: plain(item) for key, item in value.items()}
    if is_array(value):
        return [plain(item) for item in value]
    for name in ("to_dict", "getvalue"):
        if hasattr(value, name):
            return plain(getattr(value, name)())
    match value:
        case Enum():
            return value.value
        case bytes():
            return value.decode("latin-1")
        case date() | UUID():
            return plain(str(value).replace(" ", "T"))
        case str() if _TIME.fullmatch(value):
            with suppress(ValueError):
                return datetime.fromisoformat(value).isoformat()
        case (_, payload, *_):  # what to_dict makes of a file
            return plain(payload)
        case _:
            value = getattr(value, "payload", value)
            return plain(value) if isinstance(value, BytesIO) else value
    return value


def texts(value: Any) -> list[str]:
    """`value` as a parameter or a form's field says it: one text for each item of an array, none for null."""
    items = value if is_array(value) else [value]
    return [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in items if each is not None
    ]


def as_text(style: str, name: str, value: Any) -> dict[str, list[str]]:
    """`value` as a query parameter or a form's field says it, by the names that travel; see serialization."""
    if style == "deep" and is_object(value):
        inner = [as_text("deep", f"{name}[{key}]", item) for key, item in value.items()]
        return {key: found for each in inner for key, found in each.items()}
    if style and style != "deep":
        pairs = [(key, item) for key, item in value.items() if item is not None] if is_object(value) else []
        items = texts([each for pair in pairs for each in pair] if is_object(value) else value)
        return {name: [unquote(style).join(items)]} if items else {}
    return {key: texts(item) for key, item in value.items()} if is_object(value) and not style else {name: texts(value)}
