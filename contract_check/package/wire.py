"""Check that the generated functions send and read what the document says.

Call each function with values made from the document's schemas, over a mock transport that records the request and
returns a documented response. The request must be the documented serialization of the values; the result must equal the
response.
"""

import asyncio
import inspect
import json
import pkgutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime
from email.message import Message
from enum import EnumMeta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin
from uuid import UUID

import attrs

from generator.prepare import preparation

from ..document import names, serialization
from ..document.defects import Defect
from ..document.examples import SAMPLES, Examples, Sample, given
from ..document.loading import Document
from ..document.messages import NOTHING, Key, Request, differences, documented_type, first_difference
from ..document.operations import FORM, IGNORED_HEADERS, JSON, Operation, bare, of
from ..document.tree import (
    JsonPath,
    at,
    follow,
    is_array,
    is_object,
    keyword_of,
    object_or_empty,
    part_places,
    pointer,
    resolve,
    walk,
)
from ..document.values import JSON_TYPES
from .package import Package, alternatives

CALLS = ("sync_detailed", "asyncio_detailed")
"""The functions to call; the others wrap these."""
TOKEN = "sk-" + "loopback"
"""A fake token."""
_BASE_PATH = "/base"
_TEXTS = {"path": "a/b ?#%&+:é", "query": "a b&c=d+e#é", "header": "a-b;c=d", "cookie": "a-b.c"}
"""Values for string parameters, with the characters that must be escaped there."""
_TEXT = "文本"
"""A body that is neither JSON nor a form."""
_JSON_TYPES: dict[Any, str] = JSON_TYPES | dict.fromkeys((datetime, date, UUID), "string")


class _Parameter(NamedTuple):
    path: JsonPath
    definition: dict[str, Any]
    argument: str
    """The argument of the generated function, or empty."""


class _Response(NamedTuple):
    """A documented response for the mock transport, and the class of its result."""

    status: int
    media_type: str = ""
    body: Any = None
    kind: type = object


class Wire:
    """The check of a package against a sound document."""

    def __init__(self, document: Document, folder: Path) -> None:
        self.findings: dict[tuple[JsonPath, str], Defect] = {}
        self.package = Package(folder)
        self.base = deepcopy(document.value)
        preparation.schemas_as_objects(self.base)
        prepared = deepcopy(self.base)
        for path, part in list(walk(prepared)):
            if keyword_of(path) != "security":  # whose keys are names of schemes
                part["x-at"] = path  # so that moved and renamed parts know their original places
        preparation.prepare(prepared)
        self.models: dict[str, dict[str, Any]] = prepared["components"]["schemas"]
        placed = {name: schema for name, schema in self.models.items() if "x-at" in schema}  # others are merged
        self.class_at: dict[JsonPath, str] = {schema["x-at"]: name for name, schema in placed.items()}
        self.names: dict[JsonPath, str] = {
            part.get("x-at", ()): part["name"] for _, part in walk(prepared) if "in" in part and "name" in part
        }
        self.operations = {".".join(each.place[1:]): each.definition["x-at"] for each in of(prepared)}
        self.examples = Examples(self.base)
        self.client = cache(self._client)
        self.loop = asyncio.Runner()
        self.sent: list[Request] = []
        self.response = _Response(0)

    def run(self) -> Iterator[str]:
        """Check everything; yield a progress line after each operation."""
        api = self.package.module("api")
        found = [each.name.split(".", 2)[2] for each in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
        modules = {name: self.package.module(f"api.{name}") for name in found if "." in name}
        functions = {f"{name}.{call}" for name in modules for call in CALLS if hasattr(modules[name], call)}
        documented = {f"{name}.{call}": True for name in self.operations for call in CALLS}
        self.compare(("paths",), "function", documented, dict.fromkeys(functions, True))
        for path, name in self.class_at.items():
            self.check_model(name, path)
        with self.loop:
            for done, (name, path) in enumerate(self.operations.items(), 1):
                if all(f"{name}.{call}" in functions for call in CALLS):
                    try:
                        _OperationCheck(self, Operation(self.base, path, str(path[1])), modules[name]).run()
                    except Exception as error:  # noqa: BLE001  # importing or calling generated code may raise anything
                        self.find(path, f"{name} is not a generated module", f": {type(error).__name__}: {error}")
                yield f"wire: {done} of {len(self.operations)} operations"

    def find(self, path: JsonPath, problem: str, detail: str = "", *, warning: bool = False) -> None:
        """Add a finding, once for all values that show it."""
        text = f"{problem}{detail[:400]}".replace("\n", "\\n")
        self.findings.setdefault((path, problem), Defect(path, text, warning=warning))

    def compare(self, path: JsonPath, what: str, documented: dict[str, bool], found: dict[str, bool]) -> None:
        """Report what only the package or only the document has or requires."""
        for name in sorted(found.keys() - documented.keys()):
            self.find(path, f"additional {what} `{name}`: the document has none of this name.")
        for name, is_required in documented.items():
            if name not in found:
                self.find(path, f"missing {what} `{name}`: the package has none of this name.")
            elif is_required != found[name]:
                who, other = ("document", "package") if is_required else ("package", "document")
                self.find(path, f"{what} `{name}`: the {who} requires it, the {other} does not.")

    def check_model(self, name: str, path: JsonPath) -> None:
        """Compare the fields of a model, and round-trip instances of it."""
        model: Any = self.package.classes.get(name)
        if model is None and self.models[name].get("properties"):
            self.find(path, f"missing model `{name}`: the package has none of this name.")
        if model is None or not attrs.has(model):
            return
        agree = self.compare_fields(model, path)
        hints, places = self.package.hints(model), self.part_places(path)
        attributes = {field.name: field.attribute for field in self.package.fields(model)}
        fields = [
            (key, (*place, "properties", key))
            for place in places
            for key in at(self.base, place).get("properties", {}).keys() & attributes.keys()
        ]
        for key, place in fields:
            self.check_type(path, f"field `{key}` of {name}", hints[attributes[key]], place)
        for extra in ((*place, "additionalProperties") for place in places):
            if is_object(at(self.base, extra)):
                self.check_type(
                    path, f"an additional field of {name}", get_args(hints["additional_properties"])[1], extra
                )
        for sample in SAMPLES:
            value = self.examples.at(path, sample)
            if value is None:
                continue  # The schema may be null, and its class is the other alternative.
            try:
                made = self.package.instance(model, value).to_dict()
                for key, place in fields if sample == SAMPLES[0] else ():
                    for chosen, kind in self.choices(place):
                        read = cast("Any", model).from_dict(value | {key: chosen})
                        if not _is_of(kind, getattr(read, attributes[key])):
                            self.find(path, f"field `{key}` of {name} is read as another class than {kind.__name__}")
            except Exception as error:  # noqa: BLE001  # generated code may raise anything
                if agree:  # otherwise that is the reason
                    self.find(path, "no value of the package's types fits", f": {type(error).__name__}: {error}")
                return
            if difference := first_difference(value, made):
                self.find(path, f"{name} changes its fields", f": {difference}")

    def choices(self, place: JsonPath) -> Iterator[tuple[Any, Any]]:
        """Yield a value, or a list of it, for each value of the discriminator at `place`, with the selected class."""
        schema = object_or_empty(at(self.base, place := follow(self.base, place)))
        if is_list := "items" in schema:
            schema = object_or_empty(at(self.base, place := follow(self.base, (*place, "items"))))
        discriminator = schema.get("discriminator", {})
        if "propertyName" not in discriminator or (
            "properties" in schema and not {"oneOf", "anyOf"}.isdisjoint(schema)
        ):
            return  # Properties beside a union create other classes.
        options = [(*place, key, index) for key in ("oneOf", "anyOf") for index in range(len(schema.get(key, ())))]
        components = [("components", "schemas", name) for name in self.base["components"]["schemas"]]
        children = [each for each in components if place in part_places(self.base, each)[1:]]
        for path in (follow(self.base, each) for each in options or children):
            mapping = discriminator.get("mapping", {}).items()
            for tag in [tag for tag, target in mapping if target.rpartition("/")[2] == path[-1]] or [path[-1]]:
                value = {**object_or_empty(self.examples.at(path, SAMPLES[-1])), discriminator["propertyName"]: tag}
                if attrs.has(kind := self.model_at(path)) and self.examples.fits(path, value):
                    yield [value] if is_list else value, kind

    def compare_fields(self, model: Any, path: JsonPath) -> bool:
        """Compare the fields of a model with those of the schema at `path`; return whether they are equal."""
        parts = [object_or_empty(at(self.base, place)) for place in self.part_places(path)]
        documented = {key: False for part in parts for key in part.get("properties", {})}
        documented |= {key: True for part in parts for key in part.get("required", ())}
        found = {field.name: field.required for field in self.package.fields(model)}
        self.compare(path, f"field of {model.__name__}", documented, found)
        return documented == found

    def part_places(self, path: JsonPath) -> list[JsonPath]:
        """The places of the schemas that the class at `path` merges; alternatives without properties are rules."""
        unions = ("anyOf", "oneOf")
        found = part_places(self.base, path, ("allOf", *unions))
        return [each for each in found if keyword_of(each) not in unions or "properties" in at(self.base, each)]

    def check_type(self, path: JsonPath, what: str, hint: Any, place: JsonPath) -> None:
        """Report types that the package accepts for the schema at `place`, and the document does not."""
        is_referred, place = "$ref" in object_or_empty(at(self.base, place)), self.with_siblings(place)
        schema, problem = at(self.base, place), f"{what} is not what {pointer(place)} asks for"
        documented = self.examples.schemas.types(place)
        for kind in alternatives(hint):
            if kind is type(self.package.types.UNSET) or kind is Any or documented is None:
                continue
            if get_origin(kind) is Literal or isinstance(kind, EnumMeta):
                values: list[Any] = [*get_args(kind)] or [member.value for member in cast("Any", kind)]
                for value in (each for each in values if not self.examples.fits(place, each)):
                    self.find(path, problem, f": {value!r} is not one of its values")
                continue
            is_model = self.package.is_model(kind)
            taken = "object" if is_model else _JSON_TYPES.get(get_origin(kind) or kind, "string")
            if taken not in documented:
                self.find(path, problem, f": {taken} instead of {', '.join(sorted(documented))}")
            elif is_model and is_referred and "$ref" in schema:
                self.compare_fields(kind, place)
            elif get_origin(kind) is list and is_object(schema.get("items")) and "prefixItems" not in schema:
                self.check_type(path, what, get_args(kind)[0], (*place, "items"))

    def with_siblings(self, place: JsonPath) -> JsonPath:
        """The target of the `$ref` at `place`, or `place` itself if the reference has siblings that matter."""
        says_more = {"required", "properties"} & object_or_empty(at(self.base, place)).keys()
        return place if says_more else follow(self.base, place)

    def model_at(self, place: JsonPath) -> Any:
        """The class for the schema at `place`, or None; a reference with siblings may have its own."""
        names = (self.class_at.get(each, "") for each in (place, follow(self.base, place)))
        return next((self.package.classes[name] for name in names if name in self.package.classes), None)

    def _client(self, header: str, prefix: str) -> Any:
        """A client that sends the token as documented, over a mock transport."""
        library, module = self.package.http_library(), self.package.module("client")

        def answer(request: Any) -> Any:
            headers = Message()
            for name, text in request.headers.multi_items():
                headers[name] = text  # copied, since the package later removes the token from the request
            self.sent.append(Request(request.method, request.url.raw_path.decode("ascii"), headers, request.read()))
            status, media_type, body, _ = self.response
            content = json.dumps(body).encode() if JSON.fullmatch(media_type) else str(body).encode()
            own = {"Content-Type": media_type} if media_type else {}
            return library.Response(status or 500, headers=own, content=content if media_type else b"")

        token = {"token": TOKEN, "prefix": prefix, "auth_header_name": header} if header else {}
        kind = module.AuthenticatedClient if header else module.Client
        url = f"http://relay.example{_BASE_PATH}"
        return kind(base_url=url, httpx_args={"transport": library.MockTransport(answer)}, **token)


class _OperationCheck:
    """Call one operation, sync and async, with every documented response."""

    def __init__(self, wire: Wire, operation: Operation, module: ModuleType) -> None:
        self.wire, self.base, self.operation, self.module = wire, wire.base, operation, module
        self.hints = dict(wire.package.hints(module.sync_detailed))
        self.hints.pop("return")
        self.needs_token = wire.package.module("client").Client not in alternatives(self.hints.pop("client", None))
        self.parameters = dict(self._parameters())
        self.content = {bare(name): name for name in operation.content}
        self.unsent = dict(self.content)
        self.header, self.prefix = self._credential()

    def find(self, problem: str, detail: str = "", *, warning: bool = False) -> None:
        self.wire.find(self.operation.path, problem, detail, warning=warning)

    def _parameters(self) -> Iterator[tuple[Key, _Parameter]]:
        for path, definition in self.operation.parameters.items():
            place, name = definition["in"], definition["name"]
            attribute = names.attribute(self.wire.names.get(path, name))
            spellings = (f"{attribute}_{place}", f"{attribute}_" if attribute == "body" else attribute)
            argument = next((each for each in spellings if each in self.hints), "")
            if place != "header" or name.lower() not in IGNORED_HEADERS:
                yield Key.of(place, name), _Parameter(path, definition, argument)

    def _credential(self) -> tuple[str, str]:
        """The header and prefix of the token, or empty strings if none is required."""
        if not self.operation.needs_credentials:
            return "", ""
        for (place, name), prefix in self.operation.credentials("").items():
            if place == "header":
                return name, prefix.strip()
            self.find(f"not checked: the client sends the token in a header, not in the {place}.", warning=True)
        return "Authorization", "Bearer"

    def run(self) -> None:
        """Compare the parameters, then make the calls."""
        self._check_signature()
        first, *others = self._responses()
        for sample in SAMPLES:
            for media_type in self.content or {"": ""}:
                self._call(first, sample, media_type)
        for response in others:
            self._call(response, SAMPLES[0], next(iter(self.content), ""))
        for name in self.unsent.values():
            self.find(f"not checked: no value of `body` was sent as {name}.", warning=True)

    def _check_signature(self) -> None:
        path = self.operation.path
        self.wire.compare(path, "the", {"token": self.header != ""}, {"token": self.needs_token})
        documented = {str(key): each.definition.get("required") is True for key, each in self.parameters.items()}
        documented |= {"body": self.operation.requires_body} if self.content else {}
        labels = {each.argument: str(key) for key, each in self.parameters.items()}
        for call in CALLS:
            parameters = dict(inspect.signature(getattr(self.module, call)).parameters)
            parameters.pop("client", None)
            found = {labels.get(key, key): each.default is each.empty for key, each in parameters.items()}
            self.wire.compare(path, f"parameter of {call},", documented, found)
        for key, each in self.parameters.items():
            if each.argument and not serialization.is_taken_as_text(self.base, each.definition):
                hint = self.hints[each.argument]
                self.wire.check_type(path, f"{key} of {CALLS[0]}", hint, (*each.path, "schema"))
        schema = self._schema(next(iter(self.content), ""))
        if len(self.content) == 1 and "body" in self.hints and at(self.base, schema) is not None:
            self.wire.check_type(path, f"the body of {CALLS[0]}", self.hints["body"], schema)

    def _schema(self, media_type: str) -> JsonPath:
        """The place of the schema of a request body; none for a body that is a file."""
        is_file = self.wire.package.types.File in alternatives(self.hints.get("body"))
        is_typed = not is_file or JSON.fullmatch(media_type) or FORM.fullmatch(media_type)
        return (*self.operation.body, "content", self.content.get(media_type, "") if is_typed else "", "schema")

    def _responses(self) -> list[_Response]:
        """Return the documented responses that HTTP allows, or a single one without expectations."""
        found = list[_Response]()
        for key, documented in self.operation.responses.items():
            status, content = _status(key, self.operation.responses), documented.get("content", {})
            media_type = min(content, key=lambda name: not JSON.fullmatch(name), default="")  # the typed one
            if status < 200 or (content and (self.operation.method == "HEAD" or status in (204, 205, 304))):
                self.find(f"not checked: HTTP does not allow the documented response {key}.", warning=True)
            elif not JSON.fullmatch(media_type):
                found.append(_Response(status, media_type, _TEXT if media_type else None))
            else:
                place = follow(self.base, (*self.operation.path, "responses", key))
                schema = (*place, "content", media_type, "schema")
                kind = self.wire.model_at(schema)
                if attrs.has(kind) and "$ref" in object_or_empty(at(self.base, self.wire.with_siblings(schema))):
                    self.wire.compare_fields(kind, schema)
                bodies = [self.wire.examples.at(schema, sample) for sample in SAMPLES]
                bodies += (each for each in given(content[media_type]) if self.wire.examples.fits(schema, each))
                found += (_Response(status, media_type, *choice) for choice in self.wire.choices(schema))
                for body in bodies:
                    is_model = attrs.has(kind) and is_object(body)
                    found.append(_Response(status, media_type, body, kind if is_model else object))
        return found or [_Response(0)]

    def _call(self, response: _Response, sample: Sample, media_type: str) -> None:
        """Make one sync and one async call, with one response."""
        values = {
            key: self._value(key, each, sample)
            for key, each in self.parameters.items()
            if each.definition.get("required") is True or not sample.required_only
        }
        values = {key: value for key, value in values.items() if value is not None}
        arguments = {self.parameters[key].argument: value for key, value in values.items()}
        hints, body = dict(self.hints), NOTHING
        if media_type and (self.operation.requires_body or not sample.required_only):
            schema = self._schema(media_type)
            arguments["body"] = body = self.wire.examples.at(schema, sample)
            if (model := self.wire.model_at(schema)) in alternatives(hints.get("body")):
                hints["body"] = model  # The union may contain models of other media types.
        if self.header:
            values[Key.of("header", self.header)] = f"{self.prefix} {TOKEN}".lstrip()
        for call in CALLS:
            typed = {name: self._typed(hints[name], value) for name, value in arguments.items() if name in hints}
            self.wire.sent, self.wire.response = [], response
            when = f"for the documented {response.status}"
            try:
                made = getattr(self.module, call)(client=self.wire.client(self.header, self.prefix), **typed)
                got = self.wire.loop.run(made) if inspect.iscoroutine(made) else made
                status, parsed = got.status_code, got.parsed
            except Exception as error:  # noqa: BLE001  # generated code may raise anything, and each is a finding
                if response.status or not self.wire.sent:
                    raised = when if self.wire.sent else "before it sends anything"
                    self.find(f"{call} raises {type(error).__name__} {raised}", f": {error}")
            else:
                if response.status and (status != response.status or not _is_of(response.kind, parsed)):
                    self.find(f"{call} returns {type(parsed).__name__} and {status} {when}.")
                elif response.status and (difference := first_difference(response.body, parsed)):
                    self.find(f"{call} changes the body {when}", f": {difference}")
            if self.wire.sent:
                self._check_request(call, values, body)

    def _typed(self, hint: Any, value: Any) -> Any:
        try:
            return self.wire.package.typed(hint, value)
        except TypeError:  # The function itself reports what is wrong.
            return value

    def _value(self, key: Key, parameter: _Parameter, sample: Sample) -> Any:
        """A JSON value for a parameter."""
        if serialization.is_taken_as_text(self.base, parameter.definition):
            return _TEXTS[key.place]
        value = self.wire.examples.at((*parameter.path, "schema"), sample)
        schema = resolve(self.base, parameter.definition.get("schema"))
        is_any_text = schema.keys() <= {"type", "description", "example", "examples"} and isinstance(value, str)
        is_unfit = key.place in ("header", "cookie") and isinstance(value, str) and not value.isascii()
        return _TEXTS[key.place] if is_any_text or is_unfit else value

    def _check_request(self, call: str, values: dict[Key, Any], body: Any) -> None:
        """Compare a request with the documented serialization of its arguments."""
        request, *more = self.wire.sent
        lines = [f"{each.method} {each.target}" for each in self.wire.sent]
        base, request.target = request.target[: len(_BASE_PATH)], request.target.removeprefix(_BASE_PATH)
        is_right = request.method == self.operation.method and base == _BASE_PATH
        if more or not is_right or self.operation.matches(request.path, request.query) is None:
            self.find(f"{call} does not send one {self.operation}", f": {lines}")
            return
        self.unsent.pop(bare(documented_type(self.operation, request.media_type) or ""), None)
        for problem, detail in differences(self.operation, request, values, body):
            self.find(f"{call} {problem}", detail)


def _is_of(kind: type, value: Any) -> bool:
    """Whether a value, or the first item of a list, is of a class."""
    return isinstance(value, kind) or (is_array(value) and bool(value) and isinstance(value[0], kind))


def _status(key: str, others: dict[str, Any]) -> int:
    """A status that is documented under `key`, or 0 if other keys cover them all."""
    if key.isdecimal():
        return int(key)
    ranges = {other[0] for other in others if not other.isdecimal() and other != key}
    free = (str(status) for status in range(599, 199, -1) if str(status) not in others)
    return int(next((each for each in free if each[0] == key[0] or (key == "default" and each[0] not in ranges)), 0))
