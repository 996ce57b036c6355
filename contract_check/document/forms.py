"""Forms as they travel: the fields of a multipart or URL-encoded body."""

import re
from urllib.parse import parse_qs


def fields(content_type: str, body: bytes) -> dict[str, list[str]]:
    """The values of each field, in order; those of a file as Latin-1. Raises ValueError where it is no form.

    `content_type` is the whole header, with its boundary.
    """
    if "urlencoded" in content_type:
        return parse_qs(body.decode(), keep_blank_values=True)
    found: dict[str, list[str]] = {}
    boundary = content_type.partition("boundary=")[2].strip('"')
    for part in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        [name] = re.findall('[; ]name="(.*?)"', head.decode())
        text = content.decode("latin-1" if b"filename=" in head else "utf-8")
        found.setdefault(name, []).append(text)
    return found
