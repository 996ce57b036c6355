"""Request bodies, as httpx takes them: JSON, forms, files, text and bytes."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlencode

from ..errors import InvalidArgument
from ..types import UNSET, File, FileTypes
from .codecs import ANY, Codec, is_list, is_object
from .large_bodies import LARGE, LargeBody
from .parameters import deep, joined, pairs, text

Kind = tuple[str, str, Codec, Mapping[str, str]]
"""One documented media type of a body: its name, how to write it ("json", "data", "files", ...), its codec, and for the
fields of a form, the media types of multipart parts or the styles of URL-encoded fields."""

_to_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def body(kinds: tuple[Kind, ...], value: Any) -> dict[str, Any]:
    """A request body as arguments of httpx, in the first documented media type whose schema accepts the value."""
    if value is UNSET:
        return {}
    fitting = [kind for kind in kinds if kind[2].accepts(value)] or [kinds[0]]
    if isinstance(value, File):
        fitting.sort(key=lambda kind: not _is_named(value, kind[0]))
    media_type, body_format, codec, encoding = fitting[0]
    data: Any = None
    try:
        data = codec.encode(value, "body", True)
        if body_format == "json" and len(fitting) > 1 and _holds_file(data):
            media_type, body_format, codec, encoding = next((kind for kind in fitting if kind[1] != "json"), fitting[0])
        if body_format == "json":
            return _sent(media_type, LargeBody(data) if _length(data) >= LARGE else _to_json(data))
        if body_format == "files":
            return {"files": _parts(data, encoding)}
        if body_format == "data":
            return _sent(media_type, "&".join(filter(None, (_field(name, data[name], encoding) for name in data))))
        usual = "text/plain; charset=utf-8"
        if isinstance(data, File):
            usual = data.mime_type or "application/octet-stream"
            data = data.payload.read()
        return _sent(usual if "*" in media_type else media_type, data)
    except RecursionError:
        raise InvalidArgument("body: nested too deeply, or contains itself") from None
    except UnicodeEncodeError:
        raise InvalidArgument(f"{_unencodable(data, 'body')}: UTF-8 cannot encode lone surrogates") from None


def _is_named(file: File, media_type: str) -> bool:
    """Whether a documented media type, or a range such as image/*, is that of the file."""
    return fnmatchcase(file.mime_type or "", media_type.partition(";")[0])


def _sent(media_type: str, content: Any) -> dict[str, Any]:
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes) and len(content) >= LARGE:
        content = LargeBody(content)
    return {"content": content, "headers": {"Content-Type": media_type}}


def _field(name: str, value: Any, styles: Mapping[str, str]) -> str:
    """A field of a URL-encoded form, or an empty string."""
    match styles.get(name):
        case None:
            return urlencode(pairs(ANY, "body", {name: value}))
        case "deep":
            return urlencode(deep(ANY, name, value))
        case delimiter:
            return "".join(joined(ANY, name, value, delimiter))


def _parts(data: dict[str, Any], media_types: Mapping[str, str]) -> list[tuple[str, FileTypes]]:
    """The parts of a multipart body: one for each item of a list."""
    fields = [(name, item) for name, value in data.items() for item in (value if is_list(value) else [value])]
    return [(name, _part(name, item, media_types.get(name))) for name, item in fields if item is not None]


def _part(name: str, item: Any, media_type: str | None) -> FileTypes:
    """A part; the media type of a file takes precedence over the documented one."""
    if isinstance(item, File):
        return item.file_name, item.payload, item.mime_type or media_type
    usual = "application/json" if is_object(item) or is_list(item) else None
    return None, text(item, name).encode(), media_type or usual


def _holds_file(data: Any) -> bool:
    """Whether `data` contains a file, which a form can send and JSON cannot."""
    if is_object(data):
        return any(map(_holds_file, data.values()))
    return any(map(_holds_file, data)) if is_list(data) else isinstance(data, File)


def _length(data: Any) -> int:
    """The number of characters in all strings of `data`, which are nearly all of a large body."""
    if isinstance(data, str):
        return len(data)
    if is_object(data):
        return sum(map(_length, data.values()))
    return sum(map(_length, data)) if is_list(data) else 0


def _unencodable(data: Any, where: str) -> str | None:
    """The first place in `data` that UTF-8 cannot encode."""
    if isinstance(data, str):
        return where if any("\ud800" <= letter <= "\udfff" for letter in data) else None
    if is_list(data):
        found = (_unencodable(item, f"{where}[{index}]") for index, item in enumerate(data))
    elif is_object(data):
        found = (_unencodable(f"{key}", f"{where}: a key") or _unencodable(data[key], f"{where}.{key}") for key in data)
    else:
        return None
    return next(filter(None, found), None)
