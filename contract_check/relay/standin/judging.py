"""A request against the document: its parameters, its body, and what the document does not know."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.cookies import SimpleCookie
from typing import Any

from ...document.closed_objects import forbid_undocumented_fields
from ...document.operations import FORM, JSON, Operation, bare
from ...document.serialization import read_form
from ...document.tree import JsonPath, at, follow, is_array, object_or_empty, resolve, walk
from ...document.values import Schemas
from .. import departures
from ..departures import Departure
from .connections import Request

_FORMATS: dict[str, None] = dict.fromkeys(("date", "date-time", "email", "idn-email", "ipv4", "ipv6", "time", "uuid"))
_NUMBERS = {"number", "integer"}


class _Whole:
    """A keyword of the stand-in's own: a whole number must not be sent as 10.0, or the relay takes its default."""

    def __init__(self, *_: object) -> None:
        pass

    def validate(self, instance: Any) -> None:
        if isinstance(instance, float) and instance.is_integer():
            raise ValueError(f"{instance} travels with a fraction; the relay would take its default instead")


class Judge:
    """Holds requests against a document whose objects are closed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        closed = forbid_undocumented_fields(document)
        for _, part in list(walk(closed)):
            types = part.get("type")
            if _NUMBERS & {*(types if is_array(types) else [str(types)])}:
                part["fraction"] = True
        self._schemas = Schemas(closed, _FORMATS, {"fraction": _Whole})

    def departures(self, operation: Operation, request: Request) -> Iterator[Departure]:
        """In what `request` departs from the document."""
        yield from self._of_parameters(operation, request)
        yield from self._of_body(operation, request)

    def _of_parameters(self, operation: Operation, request: Request) -> Iterator[Departure]:
        cookies = SimpleCookie(request.headers["cookie"] or "")
        sent: dict[str, Iterable[tuple[str, str]]] = {
            "path": (operation.matches(request.path, request.query) or {}).items(),
            "query": request.query,
            "header": [(name.lower(), value) for name, value in request.headers.items()],
            "cookie": [(name, cookie.value) for name, cookie in cookies.items()],
        }
        known = {name for name, _ in operation.fixed_query}
        for place, parameter in operation.parameters.items():
            kind, name = str(parameter["in"]), str(parameter["name"])
            if kind == "query":
                known |= {name, name.partition("[")[0]}
            where = f"{kind} parameter {name}"
            given = [value for key, value in sent[kind] if key == (name.lower() if kind == "header" else name)]
            if parameter.get("required") and not given:
                yield Departure("missing", where, "it is missing")
            for text in given:
                yield from (Departure(each.kind, where, each.what) for each in self._of_text((*place, "schema"), text))
        for name, _ in request.query:
            if not {name, name.partition("[")[0]} & known:
                yield Departure("additional", f"query parameter {name}", "it is not documented")

    def _of_text(self, schema: JsonPath, text: str) -> list[Departure]:
        """In what a parameter's text is none of its values, where these are numbers, booleans or enumerated."""
        types = self._schemas.types(schema) or set()
        is_enumeration = "enum" in resolve(self.document, at(self.document, schema))
        if types & {"array", "object"} or not (types & {*_NUMBERS, "boolean"} or is_enumeration):
            return []
        values: list[Any] = [text]
        if types != {"string"}:
            with suppress(ValueError):
                values.insert(0, json.loads(text))
        found = [list(departures.of_value(self._schemas, schema, value)) for value in values]
        return [] if [] in found else found[0]

    def _of_body(self, operation: Operation, request: Request) -> Iterator[Departure]:
        if not request.body:
            if operation.requires_body:
                yield Departure("missing", "body", "it is missing")
            return
        documented = {bare(name): name for name in operation.content}
        if request.media_type not in documented:
            known = ", ".join(documented) or "no body at all"
            yield Departure("media-type", "body", f"the media type {request.media_type or 'none'} instead of {known}")
            return
        schema = (*operation.body, "content", documented[request.media_type], "schema")
        if JSON.fullmatch(request.media_type):
            yield from departures.of_json(self._schemas, schema, request.body)
        elif FORM.fullmatch(request.media_type):
            yield from _of_form(object_or_empty(at(self.document, follow(self.document, schema))), request)


def _of_form(schema: dict[str, Any], request: Request) -> Iterator[Departure]:
    properties = schema.get("properties", {})
    try:
        fields = read_form(request.headers["content-type"], request.body)
    except ValueError:
        yield Departure("not-form", "body", f"it is not {request.media_type}")
        return
    names = {field.name.removesuffix("[]") for field in fields}
    for name in schema.get("required", []):
        if name not in names:
            yield Departure("missing", f"form field {name}", "it is missing")
    for name in sorted(names - properties.keys()) if properties else ():
        yield Departure("additional", f"form field {name}", "it is not documented")
