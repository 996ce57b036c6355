"""Serialize parameters and form fields as OpenAPI defines: `style`, `explode` and `encoding`."""

import json
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import multipart  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # it has no types

from .operations import FORM, of
from .tree import JsonPath, at, is_array, is_object, resolve

DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
"""The delimiter between the items of an array, or the keys and values of an object, that is not exploded."""

_MULTIPART: Any = multipart

SCALARS = ("string", "integer", "number", "boolean")
"""The types that are serialized alike in every style."""


def is_taken_as_text(document: dict[str, Any], parameter: dict[str, Any]) -> bool:
    """Whether the caller serializes a parameter.

    This is so for a list or an object in a path, a header or a cookie, and for a date or a constant in a header, where
    a date may have the format of HTTP or of JSON.
    """
    schema, place = resolve(document, parameter.get("schema")), parameter.get("in")
    is_of_http = place == "header" and ("const" in schema or schema.get("format") in ("date", "date-time"))
    given = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    is_scalar = bool(given) and not any(value is None or isinstance(value, dict | list) for value in given)
    fits = is_scalar or schema.get("type") in SCALARS or place == "query"
    return "$ref" not in parameter and ("content" in parameter or is_of_http or not fits)


def of_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> str:
    """The serialization of a parameter: a delimiter, "deep", "label" or "matrix"; usually empty, the default."""
    style = parameter.get("style")
    if parameter.get("in") == "query":
        is_scalar = resolve(document, parameter.get("schema")).get("type") in SCALARS
        return "" if is_scalar else _of_field(parameter)
    return str(style) if parameter.get("in") == "path" and style in ("label", "matrix") else ""


def _of_field(holder: dict[str, Any]) -> str:
    style = holder.get("style", "form")
    if style == "deepObject":
        return "deep"
    return "" if holder.get("explode", style == "form") else DELIMITERS.get(style, "")


def of_form(media_type: str, content: dict[str, Any]) -> dict[str, str]:
    """For each form field with an `encoding`: the media type of its part in a multipart body, else its style."""
    found = dict[str, str]()
    if FORM.fullmatch(media_type):
        for name, encoding in content.get("encoding", {}).items():
            if media_type.lower().startswith("multipart/"):
                given = encoding.get("contentType", "").split(",")
                rule = next((each.strip() for each in given if "*" not in each), "")
            else:
                rule = _of_field(encoding)
            found |= {name: rule} if rule else {}
    return found


def own_server(document: dict[str, Any], path: JsonPath) -> str:
    """The URL of an operation's own server, or an empty string."""
    servers = at(document, path).get("servers") or at(document, path[:2]).get("servers", ())
    usual = [each["url"] for each in document.get("servers", ())]
    return next((each["url"] for each in servers if each["url"] and each["url"] not in usual), "")


def of_operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The styles of each operation of a prepared document: `parameters`, by place and name, and `forms`."""
    found = dict[str, dict[str, Any]]()
    for operation in of(document):
        given = operation.parameters.values()
        parameters = {f"{each['in']} {each['name']}": of_parameter(document, each) for each in given}
        forms = {media_type: of_form(media_type, holder) for media_type, holder in operation.content.items()}
        styles = {"parameters": _given(parameters), "forms": _given(forms)}
        if any(styles.values()):
            found["/".join(operation.place[1:])] = styles
    return found


def _given(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value}


def texts(value: Any) -> list[str]:
    """Serialize `value`: one text for each item of an array, none for null."""
    items = value if is_array(value) else [value]
    return [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in items if each is not None
    ]


def as_text(style: str, name: str, value: Any) -> dict[str, list[str]]:
    """Serialize a parameter or a form field in a style of `of_parameter`; return the texts by name."""
    match style:
        case "label":
            return {name: [f".{text}" for text in texts(value)]}
        case "matrix":
            return {name: [f";{name}={text}" for text in texts(value)]}
        case "deep" if is_object(value):
            inner = [as_text("deep", f"{name}[{key}]", item) for key, item in value.items()]
            return {key: found for each in inner for key, found in each.items()}
        case "" if is_object(value):
            return {key: texts(item) for key, item in value.items()}
        case "" | "deep":
            return {name: texts(value)}
        case delimiter:
            pairs = [(key, item) for key, item in value.items() if item is not None] if is_object(value) else []
            items = texts([each for pair in pairs for each in pair] if is_object(value) else value)
            return {name: [unquote(delimiter).join(items)]} if items else {}


class FormField(NamedTuple):
    """A form field as sent; in a multipart body, it may have a media type."""

    name: str
    text: str
    media_type: str = ""


def read_form(content_type: str, body: bytes) -> list[FormField]:
    """Parse a form into its fields, in order; `content_type` is the header. Raise ValueError if it is invalid."""
    if "urlencoded" in content_type:
        return [FormField(name, text) for name, text in parse_qsl(body.decode(), keep_blank_values=True)]
    boundary, size = _MULTIPART.parse_options_header(content_type)[1].get("boundary", ""), len(body) + 1
    found = list[FormField]()
    for part in _MULTIPART.MultipartParser(
        BytesIO(body), boundary, part_limit=size, spool_limit=size, memory_limit=size
    ):
        headers = {name.lower(): value for name, value in part.headerlist}
        found.append(FormField(part.name, part.raw.decode(errors="replace"), headers.get("content-type", "")))
    return found
