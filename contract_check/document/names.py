"""Names for Python: ASCII, at most 100 characters, and made from nothing but what they name.

A name never depends on its neighbours, so it stays when a document grows or is reordered; only names
that would collide get a suffix, made from what each of them names.
"""

import builtins
import collections.abc
import hashlib
import keyword
import re
import typing
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from typing import TypeVar

LONGEST = 100

_Key = TypeVar("_Key", bound=Hashable)
# A path's first segments that say nothing: versions, and what stands before them.
_PREFIX = re.compile(r"v\d+\w*|api|open|rest|\{.*", re.IGNORECASE)
# Names that Windows reserves for devices, with any ending.
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
_RESERVED = {*keyword.kwlist, *dir(builtins), "self", "true", "false", "datetime"}
# What generated modules import beside the models.
_TAKEN = {
    *(*dir(typing), *dir(collections.abc)),
    *("ApiError", "AuthenticatedClient", "BytesIO", "Client", "DecodeError", "Enum", "File", "FileTypes", "HTTPStatus"),
    *("IntEnum", "RequestFiles", "Response", "StrEnum", "T", "UNSET", "UUID", "UnexpectedStatus", "Unset"),
}


def words(text: str) -> list[str]:
    """The ASCII words of `text`; a tag such as 视频(Videos)/可灵格式 has one: Videos."""
    narrow = unicodedata.normalize("NFKC", text)  # Full-width letters and brackets become ASCII.
    return re.findall(r"[A-Za-z0-9]+", "".join(c if c.isascii() else " " for c in narrow))


def snake(text: str) -> str:
    """`text` in snake_case: createKlingImageToVideo becomes create_kling_image_to_video."""
    parts = (re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", word) for word in words(text))
    return "_".join(part.lower() for found in parts for part in found)


def pascal(text: str) -> str:
    """`text` in PascalCase, as the generator writes it: runs of capitals stay."""
    parts = (part for word in words(text) for part in re.split("([A-Z]?[a-z]+)", word))
    return "".join(part if part.isupper() else part.capitalize() for part in parts)


def group(tag: str, route: str) -> str:
    """The module that holds an operation: from its tag's ASCII words, else from its path."""
    segments = [snake(segment) for segment in route.split("/") if not _PREFIX.fullmatch(segment)]
    found = "_".join(words(tag)).lower() or next(filter(None, segments), "default")
    return identifier(found, "group")


def operation(operation_id: str, method: str, route: str) -> str:
    """The module of an operation: from its operationId, else from method and path."""
    found = snake(operation_id) if operation_id.isascii() else ""
    return identifier(found or from_route(method, route), method)


def from_route(method: str, route: str) -> str:
    """A name from method and path: get_kling_v1_videos_by_task_id."""
    segments = [
        f"by_{snake(part)}" if part.startswith("{") else snake(part) for part in re.findall(r"\{.*?\}|[^/{]+", route)
    ]
    return shorten("_".join([method, *filter(None, segments)]))


def identifier(name: str, prefix: str) -> str:
    """`name` where Python and Windows let it stand for a module, else with `prefix` before it."""
    if not name[:1].isalpha() or _DEVICES.fullmatch(name):
        name = f"{prefix}_{name}"
    # The generator puts an underscore behind a reserved word, and takes away any other one.
    return shorten(name) + ("_" if name in _RESERVED else "")


@cache
def attribute(name: str) -> str:
    """The attribute or the argument that the generator makes of a property's or a parameter's name."""
    from openapi_python_client.strings import PythonIdentifier  # loads the generator, which few commands need

    return str(PythonIdentifier(name, "field_"))


def label(text: str) -> str:
    """What `text` adds to the name of a class; a digest stands for letters outside ASCII."""
    return pascal(text) + ("" if text.isascii() else digest(text).upper())


def class_name(name: str) -> str:
    """The class for a label; one that generated code knows as something else is told apart by its end."""
    name = name if name[:1].isalpha() else f"Model{name}"
    return shorten(f"{name}Model" if name in _RESERVED or name in _TAKEN or _DEVICES.fullmatch(name) else name, "")


def member(value: object, position: int) -> str:
    """An enumeration's member for `value`: A_B for "a-b", VALUE_1 for what has no ASCII words."""
    name = "_".join(words(str(value))).upper()
    if isinstance(value, int):
        return f"VALUE_{'NEGATIVE_' if value < 0 else ''}{name}"
    return name if name[:1].isalpha() else f"VALUE_{name or position}"


def shorten(name: str, separator: str = "_") -> str:
    """`name` in at most LONGEST characters; a digest keeps apart what is cut."""
    return name if len(name) <= LONGEST else _with_digest(name, name, separator)


def unique(names: Mapping[_Key, str], separator: str = "_", taken: Iterable[str] = ()) -> dict[_Key, str]:
    """`names`, told apart where they differ in nothing but case; each suffix comes from the key alone."""
    holders = Counter([*(name.lower() for name in names.values()), *taken])
    return {
        key: name if holders[name.lower()] == 1 or name == key else _with_digest(name, str(key), separator)
        for key, name in names.items()
    }


def digest(text: str) -> str:
    """Eight letters and digits that stand for `text`, the same on every machine; the first is a letter."""
    return "x" + hashlib.sha256(text.encode()).hexdigest()[:7]


def _with_digest(name: str, key: str, separator: str) -> str:
    suffix = digest(key) if separator else digest(key).upper()  # In a class, capitals are one word.
    return name[: LONGEST - 9].rstrip("_") + separator + suffix
