"""Forms as they travel: the fields of a multipart or URL-encoded body."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs


def fields(content_type: str, body: bytes) -> dict[str, list[str]]:
    """The values of each field, in order; those of a file as Latin-1. Raises ValueError where it is no form.

    `content_type` is the whole header, with its boundary.
    """
    if "urlencoded" in content_type:
        return parse_qs(body.decode(), keep_blank_values=True)
    found: dict[str, list[str]] = {}
    for name, head, content in _parts(content_type, body):
        found.setdefault(name, []).append(content.decode("latin-1" if "filename=" in head else "utf-8"))
    return found


def media_types(content_type: str, body: bytes) -> dict[str, str]:
    """The media type of each part of a multipart body, or an empty string; of several of a name, that of the last."""
    given = {name: re.search(r"^Content-Type: *(.*?)\r?$", head, re.M) for name, head, _ in _parts(content_type, body)}
    return {name: found[1] if found else "" for name, found in given.items()}


def _parts(content_type: str, body: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The name, the headers and the content of each part."""
    boundary = content_type.partition("boundary=")[2].strip('"')
    for part in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        [name] = re.findall('[; ]name="(.*?)"', head.decode())
        yield name, head.decode(), content
