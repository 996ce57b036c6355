"""Complete the bodies of a document: choose media types for wildcards, and mark the strings that are files."""

import re
from collections.abc import Iterator
from typing import Any

from .operations import FORM, JSON, TEXT
from .tree import SCHEMA_KEYWORDS, keyword_of, list_or_empty, object_or_empty, parts, resolve, walk

_WILDCARD = re.compile(r"\*/\*|application/\*(\+json)?")
_BODIES = ("requestBody", "requestBodies", "responses")
_PICTURES = re.compile("(image|audio|video)/.*|application/octet-stream")


def settle(document: dict[str, Any]) -> None:
    """Choose media types for wildcards, and mark as binary exactly the strings that are sent as files.

    A form has files in its fields; any other body that is not JSON may be a file. Elsewhere, `format: binary` is
    dropped: JSON and text hold a string.
    """
    files = dict[int, dict[str, Any]]()
    for path, body in list(walk(document)):
        if keyword_of(path) in _BODIES and (content := object_or_empty(body.get("content"))):
            body["content"] = {_concrete(document, name, content): holder for name, holder in content.items()}
            for name, holder in body["content"].items():
                files |= {id(found): found for found in _files(document, name, holder)}
    for path, schema in list(walk(document)):
        if id(schema) in files:
            schema |= {"type": schema.get("type", "string"), "format": "binary"}
        elif keyword_of(path) in SCHEMA_KEYWORDS and schema.get("format") == "binary":
            del schema["format"]


def _concrete(document: dict[str, Any], media_type: str, content: dict[str, Any]) -> str:
    """Replace a wildcard if there is a schema: by text/plain for a string, as Spring does, else by JSON."""
    schema = resolve(document, content[media_type].get("schema"))
    if not _WILDCARD.fullmatch(media_type) or not (media_type.endswith("+json") or (schema and not is_binary(schema))):
        return media_type
    is_text = media_type == "*/*" and schema.get("type") == "string" and not {"enum", "format"} & schema.keys()
    named = "text/plain" if is_text else "application/json"
    return media_type if named in content else named


def _files(document: dict[str, Any], media_type: str, holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The strings of a body that are sent as files."""
    schema = resolve(document, holder.get("schema"))
    if media_type.lower().startswith("multipart/"):
        encoding = object_or_empty(holder.get("encoding"))
        for part in parts(document, schema):
            for name, field in object_or_empty(part.get("properties")).items():
                yield from _binary(document, field, set())
                if field == {} and _PICTURES.match(object_or_empty(encoding.get(name)).get("contentType", "")):
                    yield field
    elif not JSON.fullmatch(media_type) and not FORM.fullmatch(media_type):
        yield from _binary(document, schema, set())


def _binary(document: dict[str, Any], schema: Any, seen: set[int]) -> Iterator[dict[str, Any]]:
    """The binary strings among `schema`, its alternatives and its items."""
    for part in parts(document, resolve(document, schema), seen):
        if is_binary(part):
            yield part
        for inner in (*part.get("anyOf", ()), *part.get("oneOf", ()), *([part["items"]] if "items" in part else [])):
            yield from _binary(document, inner, seen)


def is_binary(schema: dict[str, Any]) -> bool:
    """Whether a string holds bytes, in the notation of OpenAPI 3.0 or 3.1."""
    if "string" not in (schema.get("type", "string"), *list_or_empty(schema.get("type"))):
        return False
    content = schema.get("contentMediaType", "text/plain")
    is_other = not JSON.fullmatch(content) and not TEXT.fullmatch(content)
    return schema.get("format") == "binary" or is_other or "contentEncoding" in schema
