"""Check requests and JSON bodies against a document, and requests against a caller's arguments."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from email.message import Message
from fnmatch import fnmatchcase
from io import BytesIO
from itertools import zip_longest
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from . import serialization
from .operations import FORM, JSON, Operation, bare
from .tree import JsonPath, at, is_array, is_object, object_or_empty, part_places, pointer, resolve, walk
from .values import Schemas, close_objects, json_type, place_of

NOTHING: Any = object()
"""A missing body or field; null is a value."""
_FORMATS: dict[str, None] = dict.fromkeys(("date", "date-time", "email", "idn-email", "ipv4", "ipv6", "time", "uuid"))
_NUMBERS = {"number", "integer"}
_SET_BY_HTTPX = {
    *(("header", name) for name in ("accept", "accept-encoding", "connection", "content-length", "content-type")),
    *(("header", name) for name in ("cookie", "host", "transfer-encoding", "user-agent")),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:[\d:.]+(Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}")


@dataclass
class Request:
    """A request as sent."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def media_type(self) -> str:
        return bare(self.headers["content-type"] or "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Key(NamedTuple):
    """The place and name of a parameter; header names are in lower case."""

    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"

    @classmethod
    def of(cls, place: str, name: str) -> "Key":
        """Make the key of a documented parameter."""
        return cls(place, name.lower() if place == "header" else name)


@dataclass(frozen=True)
class Departure:
    """A difference between a message and the document; it quotes names from the body, never values."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def of_json(schemas: Schemas, schema: JsonPath, body: bytes) -> Iterator[Departure]:
    """Check a JSON body against the schema at a place."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        yield Departure("not-json", "#", "a body that is not JSON" if body else "no body")
        return
    yield from _of_value(schemas, schema, value)


def _of_value(schemas: Schemas, schema: JsonPath, value: Any) -> Iterator[Departure]:
    for error in schemas.errors(schema, value):
        yield from _of_error(error, value)


def _of_error(error: ValidationError, value: Any) -> Iterator[Departure]:
    while branches := [inner for branch in getattr(error.kind, "context", ()) for inner in branch]:
        error = max(branches, key=lambda inner: len(inner.instance_path))  # the best-fitting branch fails deepest
    place = place_of(error, value)
    match error.kind:
        case Kind.Required(name):
            yield Departure("missing", pointer((*place, name)), "a required field is missing")
        case Kind.AdditionalProperties(names):
            for name in names:
                yield Departure("additional", pointer((*place, name)), "a field that is not documented")
        case Kind.Type(types):
            documented = json.dumps(types if len(types) > 1 else types[0])
            yield Departure("type", pointer(place), f"{json_type(error.instance)} instead of {documented}")
        case Kind.Custom(keyword, message):
            yield Departure(keyword, pointer(place), message)
        case kind:
            documented = json.dumps(kind.value, ensure_ascii=False)[:80]
            yield Departure("value", pointer(place), f"violates the documented `{kind.name}`: {documented}")


def sent(operation: Operation, request: Request) -> dict[Key, list[str]]:
    """The values in a request's path, query, headers and cookies."""
    cookies = (each.partition("=") for each in (request.headers["cookie"] or "").split("; ") if each)
    given = [("path", pair) for pair in (operation.matches(request.path, request.query) or {}).items()]
    given += [("query", pair) for pair in request.query]
    given += [("header", pair) for pair in request.headers.items()]
    given += [("cookie", (name, text)) for name, _, text in cookies]
    found = dict[Key, list[str]]()
    for place, (name, text) in given:
        found.setdefault(Key.of(place, name), []).append(text)
    return found


class _Fraction:
    """A custom keyword: an integer must not be sent as 10.0, for which the relay uses its default."""

    def __init__(self, *_: object) -> None:
        pass

    def validate(self, instance: Any) -> None:
        if isinstance(instance, float) and instance.is_integer():
            raise ValueError(f"{instance} is sent with a fraction; the relay would use its default instead")


class Judge:
    """Check requests against a document whose objects are closed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        closed = close_objects(document)
        for _, part in list(walk(closed)):
            types = part.get("type")
            if _NUMBERS & {*(types if is_array(types) else [str(types)])}:
                part["fraction"] = True
        self._schemas = Schemas(closed, _FORMATS, {"fraction": _Fraction})

    def departures(self, operation: Operation, request: Request) -> Iterator[Departure]:
        """Check `request` against the document."""
        texts = sent(operation, request)
        unknown = dict.fromkeys(name for place, name in texts if place == "query")
        known = {name for name, _ in operation.fixed_query}
        for place, parameter in operation.parameters.items():
            key, schema = Key.of(parameter["in"], parameter["name"]), (*place, "schema")
            where = f"{key.place} parameter {parameter['name']}"
            fields = self._fields(parameter, schema, unknown) if key.place == "query" else set[str]()
            known |= {key.name, *fields} if key.place == "query" else fields
            if parameter.get("required") and key not in texts and not fields:
                yield Departure("missing", where, "it is missing")
            for text in texts.get(key, ()):
                yield from (Departure(each.kind, where, each.what) for each in self._of_text(schema, text))
        for name in unknown:
            if name not in known:
                yield Departure("additional", f"query parameter {name}", "it is not documented")
        yield from self._of_body(operation, request)

    def _fields(self, parameter: dict[str, Any], schema: JsonPath, names: Mapping[str, None]) -> set[str]:
        """The names in a query that are items or fields of a parameter."""
        found = {name for name in names if name.startswith(f"{parameter['name']}[")}
        is_object_sent = "object" in (self._schemas.types(schema) or ())
        if is_object_sent and serialization.of_parameter(self._document, parameter) == "":
            known = self._known_fields(schema)
            found |= {name for name in names if known is None or name in known}
        return found

    def _known_fields(self, schema: JsonPath) -> set[str] | None:
        """The fields that an object may have, or None if it is open."""
        closed = object_or_empty(at(self._schemas.document, schema))
        return set(closed.get("properties", {})) if closed.get("additionalProperties") is False else None

    def _of_text(self, schema: JsonPath, text: str) -> list[Departure]:
        """Check the text of a parameter whose values are numbers, booleans or enumerated."""
        types = self._schemas.types(schema) or set()
        is_enumeration = "enum" in resolve(self._document, at(self._document, schema))
        if types & {"array", "object"} or not (types & {*_NUMBERS, "boolean"} or is_enumeration):
            return []
        values: list[Any] = [text]
        if types != {"string"}:
            with suppress(ValueError):
                values.insert(0, json.loads(text))
        found = [list(_of_value(self._schemas, schema, value)) for value in values]
        return [] if [] in found else found[0]

    def _of_body(self, operation: Operation, request: Request) -> Iterator[Departure]:
        if not request.body:
            if operation.requires_body:
                yield Departure("missing", "body", "it is missing")
            return
        name = documented_type(operation, request.media_type)
        if name is None:
            known = ", ".join(map(bare, operation.content)) or "no body at all"
            yield Departure("media-type", "body", f"the media type {request.media_type or 'none'} instead of {known}")
            return
        schema = (*operation.body, "content", name, "schema")
        if JSON.fullmatch(request.media_type):
            yield from of_json(self._schemas, schema, request.body)
        elif FORM.fullmatch(request.media_type):
            yield from self._of_form(schema, request)

    def _of_form(self, schema: JsonPath, request: Request) -> Iterator[Departure]:
        try:
            fields = serialization.read_form(request.headers["content-type"], request.body)
        except ValueError:
            yield Departure("not-form", "body", f"it is not {request.media_type}")
            return
        names = {field.name.partition("[")[0] for field in fields}  # of `tags[]`, and of a deepObject's `area[x]`
        parts = [object_or_empty(at(self._document, place)) for place in part_places(self._document, schema)]
        for name in dict.fromkeys(name for part in parts for name in part.get("required", ())):
            if name not in names:
                yield Departure("missing", f"form field {name}", "it is missing")
        known = self._known_fields(schema)
        for name in sorted(names - known) if known is not None else ():
            yield Departure("additional", f"form field {name}", "it is not documented")


def documented_type(operation: Operation, media_type: str) -> str | None:
    """The documented media type for a body: an exact name, or else a range such as image/*.

    A file without a media type is sent as application/octet-stream, which any range covers.
    """
    is_file = media_type == "application/octet-stream"
    fitting = [name for name in operation.content if fnmatchcase(media_type, bare(name)) or (is_file and "*" in name)]
    return min(fitting, key=lambda name: "*" in name, default=None)


def differences(
    operation: Operation, request: Request, values: Mapping[Key, Any], body: Any
) -> Iterator[tuple[str, str]]:
    """Compare a request with the caller's arguments and credentials, serialized as documented."""
    due = dict[Key, list[str]]()
    for name, text in operation.fixed_query:
        due.setdefault(Key("query", name), []).append(text)
    parameters = {Key.of(each["in"], each["name"]): each for each in operation.parameters.values()}
    for key, value in values.items():
        style = serialization.of_parameter(operation.document, parameters.get(key, {}))
        for name, texts in serialization.as_text(style, key.name, value).items():
            due.setdefault(Key(key.place, name), []).extend(texts)  # Two objects may have fields of the same name.
    found = sent(operation, request)
    for key in sorted(found.keys() | due.keys()):
        is_usual = key not in due and key in _SET_BY_HTTPX
        if not is_usual and found.get(key, []) != due.get(key, []):
            yield f"does not send {key} as documented", f": {found.get(key)} instead of {due.get(key)}"
    yield from _differences_of_body(operation, request, body)


def _differences_of_body(operation: Operation, request: Request, body: Any) -> Iterator[tuple[str, str]]:
    media_type = request.headers["content-type"] or ""
    if body is NOTHING:
        if request.body or media_type:
            yield f"sends {media_type or 'a body'} without being given a body.", ""
        return
    holder = operation.content.get(documented_type(operation, request.media_type) or "")
    encoding = serialization.of_form(media_type, holder or {})
    is_form = FORM.fullmatch(media_type) and is_object(body)
    due = _form(media_type, body, encoding) if is_form else body
    if holder is None:
        may_be_empty = any(map(FORM.fullmatch, operation.content)) and is_object(body)
        if request.body or not may_be_empty or _form("", body, {}):  # A form without fields has no body.
            yield f"sends {media_type or 'no Content-Type'}, which is not documented.", ""
        return
    fields, found = list[serialization.FormField](), dict[str, list[Any]]()
    value: Any = request.body.decode(errors="replace")
    with suppress(ValueError):
        if is_form:
            fields = serialization.read_form(media_type, request.body)
            for each in fields:
                found.setdefault(each.name, []).append(_read(each.text))
            value = found
        elif JSON.fullmatch(media_type):
            value = json.loads(value)
    if difference := first_difference(due, value):
        yield "sends another body than it was given", f": {difference}"
    for each in fields if media_type.startswith("multipart/") else ():
        if each.media_type != encoding.get(each.name, each.media_type):
            detail = f": {each.media_type or 'none'} instead of {encoding[each.name]}"
            yield f"does not send the part `{each.name}` with its documented media type", detail


def _form(media_type: str, body: dict[str, Any], encoding: dict[str, str]) -> dict[str, list[Any]]:
    """The expected fields of a form."""
    found = dict[str, list[str]]()
    for name, part in body.items():
        style = encoding.get(name) if "urlencoded" in media_type else None
        found |= {name: serialization.texts(part)} if style is None else serialization.as_text(style, name, part)
    return {name: list(map(_read, texts)) for name, texts in found.items() if texts}


def _read(text: str) -> Any:
    """A form field's text, or the value of JSON, since the order of names in an object does not matter."""
    with suppress(ValueError):
        return json.loads(text) if text.startswith(("{", "[")) else text
    return text


def first_difference(due: Any, found: Any, where: str = "$") -> str:
    """Compare a JSON value with another or a model: "$.items[0].name: 'b' instead of 'a'", or empty if equal."""
    found = found.to_dict() if hasattr(found, "to_dict") else found
    inner = list[tuple[Any, Any, str]]()
    if due == found:
        return ""
    if is_object(due) and is_object(found):
        names = dict.fromkeys([*due, *found])
        inner = [(due.get(name, NOTHING), found.get(name, NOTHING), f"{where}.{name}") for name in names]
    elif is_array(due) and is_array(found):
        pairs = enumerate(zip_longest(due, found, fillvalue=NOTHING))
        inner = [(one, other, f"{where}[{index}]") for index, (one, other) in pairs]
    elif _canonical(due) != _canonical(found):
        return f"{where}: {_shortened(found)} instead of {_shortened(due)}"
    return next(filter(None, (first_difference(*each) for each in inner)), "")


def _canonical(value: Any) -> Any:
    """Convert files to text, and times and UUIDs to one notation."""
    held: Any = cast("Any", value)[1] if isinstance(value, tuple) else getattr(value, "payload", value)
    held = held.getvalue() if isinstance(held, BytesIO) else held
    if isinstance(held, bytes):
        return held.decode()
    text: Any = str(held).replace(" ", "T") if isinstance(held, date | UUID) else getattr(held, "value", held)
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    if isinstance(text, str) and _TIME.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text).isoformat()
    return text


def _shortened(value: Any) -> str:
    text = "nothing" if value is NOTHING else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
