"""A request against the document: its parameters, its body, and what the document does not know."""

import json
from collections.abc import Iterable, Iterator
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator

from ...document import forms, values
from ...document.media_types import FORM, JSON
from ...document.tree import JsonPath, at, follow, is_array, list_or_empty, object_or_empty, resolve
from .. import departures
from ..departures import Departure
from .request import Request

if TYPE_CHECKING:
    from .contract import Contract, Operation

_FORMATS = Draft202012Validator.FORMAT_CHECKER


def line(departure: Departure) -> str:
    """A departure as a person reads it."""
    return f"{departure.where}: {departure.what}"


def validator(document: dict[str, Any], place: JsonPath) -> Validator:
    """What checks a value that is sent, its format and its fraction too, against the schema at `place`."""
    return values.validator(document, place, {"type": _type}, format_checker=_FORMATS)


def _type(checker: Validator, types: Any, instance: Any, _: object) -> Iterator[ValidationError]:
    """JSON Schema's `type`, but that a whole number must not travel as 10.0: the relay takes its default instead."""
    wanted: list[str] = types if is_array(types) else [types]
    if {"number", "integer"} & set(wanted) and isinstance(instance, float) and instance.is_integer():
        said = f"{instance} travels with a fraction; the relay would take its default instead"
        yield ValidationError(said, validator="fraction")
    elif not any(checker.is_type(instance, name) for name in wanted):
        yield ValidationError("another type")


def judge(contract: "Contract", operation: "Operation", request: Request) -> Iterator[Departure]:
    """In what `request` departs from the document."""
    yield from _parameters(contract, operation, request)
    yield from _body(contract, operation, request)


def _parameters(contract: "Contract", operation: "Operation", request: Request) -> Iterator[Departure]:
    cookies = SimpleCookie(request.headers["cookie"] or "")
    sent: dict[str, Iterable[tuple[str, str]]] = {
        "path": (operation.matches(request.path) or {}).items(),
        "query": request.query,
        "header": [(name.lower(), value) for name, value in request.headers.items()],
        "cookie": [(name, cookie.value) for name, cookie in cookies.items()],
    }
    known: set[str] = set()
    for place, parameter in operation.parameters.items():
        kind, name = str(parameter["in"]), str(parameter["name"])
        if kind == "query":
            known |= {name, name.partition("[")[0]}
        where = f"{kind} parameter {name}"
        given = [value for key, value in sent[kind] if key == (name.lower() if kind == "header" else name)]
        if parameter.get("required") and not given:
            yield Departure("missing", where, "it is missing")
        schema = resolve(contract.document, parameter.get("schema"))
        if schema.get("type") in ("integer", "number", "boolean") or "enum" in schema:
            for text in given:
                for found in departures.of_value(contract.validator((*place, "schema")), _value(text, schema)):
                    yield Departure(found.kind, where, found.what)
    for name, _ in request.query:
        if not {name, name.partition("[")[0]} & known:
            yield Departure("additional", f"query parameter {name}", "it is not documented")


def _value(text: str, schema: dict[str, Any]) -> Any:
    """A parameter's value: JSON where its type is not text."""
    try:
        return text if schema.get("type") == "string" else json.loads(text)
    except ValueError:
        return text


def _body(contract: "Contract", operation: "Operation", request: Request) -> Iterator[Departure]:
    place = contract.body(operation)
    if not request.body:
        if object_or_empty(at(contract.document, place)).get("required"):
            yield Departure("missing", "body", "it is missing")
        return
    documented = {name.partition(";")[0].strip().lower(): name for name in contract.content(operation)}
    if request.media_type not in documented:
        known = ", ".join(documented) or "no body at all"
        yield Departure("media-type", "body", f"the media type {request.media_type or 'none'} instead of {known}")
        return
    schema = (*place, "content", documented[request.media_type], "schema")
    if JSON.fullmatch(request.media_type):
        if at(contract.document, schema) is not None:
            yield from departures.of_json(contract.validator(schema), request.body)
    elif FORM.fullmatch(request.media_type):
        yield from _form(contract, follow(contract.document, schema), request)


def _form(contract: "Contract", place: JsonPath, request: Request) -> Iterator[Departure]:
    schema = object_or_empty(at(contract.document, place))
    properties = object_or_empty(schema.get("properties"))
    try:
        fields = forms.fields(request.headers["content-type"], request.body)
    except ValueError:
        yield Departure("not-form", "body", f"it is not {request.media_type}")
        return
    names = {name.removesuffix("[]") for name in fields}
    for name in list_or_empty(schema.get("required")):
        if name not in names:
            yield Departure("missing", f"form field {name}", "it is missing")
    for name in sorted(names - properties.keys()) if properties else ():
        yield Departure("additional", f"form field {name}", "it is not documented")
