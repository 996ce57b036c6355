"""Make names for Python: ASCII, at most 100 characters, and derived only from the named object.

A name never depends on its neighbours, so it is stable when a document grows or is reordered. Only names that would
collide get a suffix, which is derived from the named object too.
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
# Path segments that don't describe the operation: versions and common prefixes.
_PREFIX = re.compile(r"v\d+\w*|api|open|rest|\{.*", re.IGNORECASE)
# Windows reserves these file names for devices, with any extension.
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
_RESERVED = {*keyword.kwlist, *dir(builtins), "self", "true", "false", "datetime"}
# Names that generated modules import besides the models.
_TAKEN = {
    *(*dir(typing), *dir(collections.abc)),
    *("ApiError", "AuthenticatedClient", "BytesIO", "Client", "DecodeError", "Enum", "File", "FileTypes", "HTTPStatus"),
    *("IntEnum", "RequestFiles", "Response", "StrEnum", "T", "UNSET", "UUID", "UnexpectedStatus", "Unset"),
}


def words(text: str) -> list[str]:
    """The ASCII words of `text`: 视频(Videos)/可灵格式 has only Videos."""
    narrow = unicodedata.normalize("NFKC", text)  # Full-width letters and brackets become ASCII.
    return re.findall(r"[A-Za-z0-9]+", "".join(c if c.isascii() else " " for c in narrow))


def snake(text: str) -> str:
    """`text` in snake_case: createKlingImageToVideo becomes create_kling_image_to_video."""
    parts = (re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", word) for word in words(text))
    return "_".join(part.lower() for found in parts for part in found)


def pascal(text: str) -> str:
    """`text` in PascalCase as the generator writes it: runs of capitals are kept."""
    parts = (part for word in words(text) for part in re.split("([A-Z]?[a-z]+)", word))
    return "".join(part if part.isupper() else part.capitalize() for part in parts)


def group(tag: str, route: str) -> str:
    """The module of an operation's group: from its tag's ASCII words, else from its path."""
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
    """`name` if it is valid as a module on Python and Windows, else prefixed with `prefix`."""
    if not name[:1].isalpha() or _DEVICES.fullmatch(name):
        name = f"{prefix}_{name}"
    # The generator appends an underscore to reserved words, and strips any other.
    return shorten(name) + ("_" if name in _RESERVED else "")


@cache
def attribute(name: str) -> str:
    """The generator's attribute or argument for a property or a parameter."""
    from openapi_python_client.strings import PythonIdentifier  # imports the generator, which few commands need

    return str(PythonIdentifier(name, "field_"))


def label(text: str) -> str:
    """The part of a class name for `text`; a digest replaces letters outside ASCII."""
    return pascal(text) + ("" if text.isascii() else digest(text).upper())


def class_name(name: str) -> str:
    """The class name for a label; a name that generated code uses otherwise gets the suffix Model."""
    name = name if name[:1].isalpha() else f"Model{name}"
    return shorten(f"{name}Model" if name in _RESERVED or name in _TAKEN or _DEVICES.fullmatch(name) else name, "")


def member(value: object, position: int) -> str:
    """The name of an enumeration's member: A_B for "a-b", VALUE_1 without ASCII words."""
    name = "_".join(words(str(value))).upper()
    if isinstance(value, int):
        return f"VALUE_{'NEGATIVE_' if value < 0 else ''}{name}"
    return name if name[:1].isalpha() else f"VALUE_{name or position}"


def shorten(name: str, separator: str = "_") -> str:
    """`name` truncated to LONGEST characters, with a digest to stay unique."""
    return name if len(name) <= LONGEST else _with_digest(name, name, separator)


def unique(names: Mapping[_Key, str], separator: str = "_", taken: Iterable[str] = ()) -> dict[_Key, str]:
    """Disambiguate `names` that are equal except for case; a suffix depends only on its key."""
    holders = Counter([*(name.lower() for name in names.values()), *taken])
    return {
        key: name if holders[name.lower()] == 1 or name == key else _with_digest(name, str(key), separator)
        for key, name in names.items()
    }


def digest(text: str) -> str:
    """Hash `text` to a letter and seven hexadecimal digits, the same on every machine."""
    return "x" + hashlib.sha256(text.encode()).hexdigest()[:7]


def _with_digest(name: str, key: str, separator: str) -> str:
    suffix = digest(key) if separator else digest(key).upper()  # In PascalCase, a run of capitals is one word.
    return name[: LONGEST - 9].rstrip("_") + separator + suffix
