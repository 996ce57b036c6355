"""The generated functions against the document: the bytes that they send, and what they make of its answers."""

import asyncio
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from functools import cache, partial
from http.cookies import SimpleCookie
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin
from urllib.parse import parse_qs, quote, unquote

import attrs
from hypothesis import strategies as st
from jsonschema.protocols import Validator

from ..document import forms, values
from ..document.closed_objects import forbid_undocumented_fields
from ..document.defects import Defect, Refusal
from ..document.loading import Document
from ..document.media_types import JSON
from ..document.tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    follow,
    is_object,
    keyword_of,
    list_or_empty,
    object_or_empty,
    operations,
    pointer,
    resolve,
    walk,
)
from . import preparation
from .booleans import schemas_as_objects
from .generated_values import TEXTS, Package, Strategy, examples, plain, texts
from .recording import RecordingTransport

_TOKEN = "sk-" + "loopback"  # it opens nothing
_CALLS = ("sync_detailed", "asyncio_detailed")
# What generated types say of a value; limits, formats and the like a caller has to know.
_TYPED = ("$ref", "type", "properties", "required", "additionalProperties", "items", "prefixItems")
_COMBINED = ("allOf", "anyOf", "enum", "const")
# Header parameters of the first three names OpenAPI ignores; the others are HTTP's and httpx's own.
_IGNORED = ("accept", "content-type", "authorization")
_HTTP = ("accept-encoding", "connection", "content-length", "cookie", "host", "transfer-encoding", "user-agent")
# Every optional field, none, some: how many examples of each.
_EXAMPLES: dict[bool | None, int] = {True: 2, False: 1, None: 4}
_TOGETHER = 20
"""Models whose values are made in one run."""
_NOTHING = dict.fromkeys(_EXAMPLES, st.none())


class _Answer(NamedTuple):
    """A documented answer: the bodies for each kind of example, and the classes of what comes of them."""

    status: int
    media_type: str = ""
    bodies: dict[bool | None, Strategy] = _NOTHING
    classes: tuple[type, ...] = (object,)


class Wire:
    """A document, the package that was generated from it, and what was found."""

    def __init__(self, document: Document, folder: Path) -> None:
        if document.defects:
            raise Refusal("the document is not sound: see `python -m contract_check document`.")
        self.findings: dict[tuple[JsonPath, str], Defect] = {}
        self.transport = RecordingTransport()
        self._full_examples = dict[Any, list[Any]]()
        self._documented = dict[JsonPath, dict[str, bool]]()
        self.package = Package(folder)
        self.base = deepcopy(document.value)
        for item in object_or_empty(self.base.get("paths")).values():
            item.update(deepcopy(resolve(self.base, item)))
            item.pop("$ref", None)
        for path, schema in list(walk(self.base)):
            if (
                "$ref" in schema
                and keyword_of(path) in SCHEMA_KEYWORDS
                and str(self.base["openapi"]).startswith("3.0.")
            ):
                for key in schema.keys() - {"$ref"}:
                    del schema[key]  # In 3.0, what stands beside a reference is not read.
        schemas_as_objects(self.base)
        prepared = deepcopy(self.base)
        for path, part in list(walk(prepared)):
            part["x-at"] = path  # What is moved and renamed still says where it stood.
        preparation.prepare(prepared)
        self.operations = {f"{each['tags'][0]}.{each['operationId']}": each for _, each in operations(prepared)}
        self.models = object_or_empty(at(prepared, ("components", "schemas")))
        self.names = {part.get("x-at"): part.get("name") for _, part in walk(prepared) if "in" in part}
        self.closed = forbid_undocumented_fields(self.base)
        for path, schema in list(walk(self.closed)):
            if keyword_of(path) in SCHEMA_KEYWORDS:
                _loosen(schema, is_branch=keyword_of(path) in ("anyOf", "oneOf"))
        self.validator: Callable[[JsonPath], Validator] = cache(partial(values.validator, self.closed))

    def find(self, path: JsonPath, problem: str, detail: object = "", *, warning: bool = False) -> None:
        """Keeps a finding, once, however many values show it."""
        text = f"{problem}{str(detail)[:400]}".replace("\n", "\\n")
        self.findings.setdefault((path, problem), Defect(path, text, warning=warning))

    def run(self) -> Iterator[str]:
        """Checks all; yields a line of progress after each operation."""
        api = self.package.module("api")
        names = [found.name.split(".", 2)[2] for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
        modules = {name: self.package.module(f"api.{name}") for name in names if "." in name}
        found = {f"{name}.{call}" for name in modules for call in _CALLS if hasattr(modules[name], call)}
        wanted = {f"{name}.{call}": True for name in self.operations for call in _CALLS}
        self.compare(("paths",), "function", wanted, found, found)
        for some in _chunks(list(self.models.items()), _TOGETHER):
            self.fields(dict(some))
        with ExitStack() as self.stack:
            self.loop = self.stack.enter_context(asyncio.Runner())
            self.client = cache(self._client)
            for done, (name, operation) in enumerate(self.operations.items(), 1):
                try:
                    if all(f"{name}.{call}" in found for call in _CALLS):
                        _Operation(self, operation, modules[name]).check()
                except Exception as error:  # noqa: BLE001  # generated code may be anything
                    self.find(operation["x-at"], f"{name} is no generated module", f": {type(error).__name__}: {error}")
                yield f"wire: {done} of {len(self.operations)} operations"

    def compare(self, path: JsonPath, what: str, wanted: dict[str, bool], found: set[str], required: set[str]) -> None:
        """Names what only the package or only the document has, or requires."""
        for name in sorted(found - wanted.keys()):
            self.find(path, f"additional {what} `{name}`: the document has none of this name.")
        for name in wanted:
            if name not in found:
                self.find(path, f"missing {what} `{name}`: the package has none of this name.")
            elif wanted[name] != (name in required):
                who, other = ("document", "package") if wanted[name] else ("package", "document")
                self.find(path, f"{what} `{name}`: the {who} requires it, the {other} does not.")

    def fields(self, models: dict[str, dict[str, Any]]) -> None:
        """Compares models, by their instances, with the schemas that they were generated from."""
        found = list[tuple[str, JsonPath]]()
        drawn = list[tuple[JsonPath, Strategy]]()
        for name, schema in models.items():
            path: JsonPath = schema["x-at"]
            made: Any = self.package.classes.get(name)
            if made is None and object_or_empty(schema.get("properties")):
                self.find(path, f"missing model `{name}`: the package has none of this name.")
            if made is not None and attrs.has(made):
                found.append((name, path))
                drawn += [(path, self.package.values(made, fill, 1).map(_fields)) for fill in (True, False)]
        seen = self.one_of_each(drawn)
        for (name, path), all_fields, required in zip(found, seen[::2], seen[1::2], strict=True):
            if all_fields and required:
                self.compare(path, f"field of {name}", self.documented(path), all_fields[0], required[0])

    def documented(self, path: JsonPath) -> dict[str, bool]:
        """The fields that the schema at `path` and its parts name, and whether each is required."""
        path = follow(self.base, path)
        if path not in self._documented:
            self._documented[path] = self._find_documented(path)
        return self._documented[path]

    def _find_documented(self, path: JsonPath) -> dict[str, bool]:
        schema = object_or_empty(at(self.base, path))
        found = dict.fromkeys(object_or_empty(schema.get("properties")), False)
        for index in range(len(list_or_empty(schema.get("allOf")))):
            part = self.documented((*path, "allOf", index))
            found |= {key: part[key] or found.get(key, False) for key in part}
        return found | dict.fromkeys(list_or_empty(schema.get("required")), True)

    def one_of_each(self, drawn: list[tuple[JsonPath, Strategy]]) -> list[list[Any]]:
        """A value, or none, of each strategy: in one run of hypothesis, whose start takes longer than its work."""
        try:
            return [[value] for [values] in [examples(st.tuples(*(one for _, one in drawn)), 1)] for value in values]
        except Exception:  # noqa: BLE001  # of which one that is, and why, is found one by one
            return [self.examples(path, strategy, 1) for path, strategy in drawn]

    def full_examples(self, path: JsonPath, kind: Any) -> list[Any]:
        """Some values of a type with all their fields, as JSON has them; the same for all that ask."""
        if kind not in self._full_examples:
            self._full_examples[kind] = self.examples(path, self.package.values(kind, True, 3).map(plain), 3)
        return self._full_examples[kind]

    def examples(self, path: JsonPath, strategy: Strategy, amount: int) -> list[Any]:
        """Up to `amount` values; that they can't be made is a finding."""
        try:
            return examples(strategy, amount)
        except Exception as error:  # noqa: BLE001  # generated code may raise anything, and each is a finding
            self.find(path, "no value of the package's types fits", f": {type(error).__name__}: {error}")
            return []

    def _client(self, header: str, prefix: str) -> Any:
        """A client of the relay, entered in both ways, that sends the token as the document says."""
        module, url = self.package.module("client"), "http://relay.example/base"
        token = {"token": _TOKEN, "prefix": prefix, "auth_header_name": header} if header else {}
        kind = module.AuthenticatedClient if header else module.Client
        made = kind(base_url=url, httpx_args={"transport": self.transport}, **token)
        self.loop.run(made.__aenter__())
        self.stack.callback(lambda: self.loop.run(made.__aexit__(None, None, None)))
        return self.stack.enter_context(made)


class _Operation:
    """One operation, called in both ways with every documented answer in turn."""

    def __init__(self, wire: Wire, prepared: dict[str, Any], module: ModuleType) -> None:
        self.wire, self.responses, self.module, self.path = wire, prepared["responses"], module, prepared["x-at"]
        self.find, self.base, self.values = partial(wire.find, self.path), wire.base, wire.package.values
        self.hints = wire.package.hints(module.sync_detailed)
        [returned] = get_args(self.hints.pop("return"))
        self.members = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
        client = self.hints.pop("client", None)
        self.takes_token_only = wire.package.module("client").Client not in (client, *get_args(client))
        self.parameters = dict(self._parameters())
        self.body = follow(self.base, (*self.path, "requestBody"))
        self.content = {
            _bare(name): name for name in object_or_empty(object_or_empty(at(self.base, self.body)).get("content"))
        }
        self.unsent = dict(self.content)
        self.header, self.prefix = self._credential()

    def _parameters(self) -> Iterator[tuple[tuple[str, str], tuple[JsonPath, str]]]:
        """Each documented parameter: its place and name; where it stands, and the argument that gives it."""
        arguments = {_letters(name): name for name in self.hints}
        for holder in (self.path[:2], self.path):
            for index in range(len(list_or_empty(at(self.base, (*holder, "parameters"))))):
                place = follow(self.base, (*holder, "parameters", index))
                where, name = at(self.base, place)["in"], at(self.base, place)["name"]
                letters = _letters(self.wire.names.get(place) or name)
                if where != "header" or name.lower() not in _IGNORED:
                    argument = arguments.get(letters) or arguments.get(letters + where, "")
                    yield (where, name.lower() if where == "header" else name), (place, argument)

    def _credential(self) -> tuple[str, str]:
        """The header that carries the token, and what stands before it there; no header where none is required."""
        required = list_or_empty(at(self.base, self.path).get("security", self.base.get("security")))
        if not required or {} in required:
            return "", ""
        scheme = resolve(self.base, at(self.base, ("components", "securitySchemes", next(iter(required[0])))))
        if scheme.get("in") == "header":
            return scheme["name"], ""
        if "in" in scheme:
            self.find(f"not checked: the token belongs in the {scheme['in']}, and goes into a header.", warning=True)
        return "Authorization", str(scheme.get("scheme", "bearer")).capitalize()

    def check(self) -> None:
        """Compares the parameters by name, then calls."""
        holders = {_label(key): at(self.base, place) for key, (place, _) in self.parameters.items()}
        holders |= {"body": at(self.base, self.body)} if self.content else {}
        wanted = {name: holder.get("required") is True for name, holder in holders.items()}
        self.wire.compare(
            self.path, "the", {"token": self.header != ""}, {"token"}, {"token"} if self.takes_token_only else set()
        )
        names = {argument: _label(key) for key, (_, argument) in self.parameters.items()}
        for call in _CALLS:
            given = inspect.signature(getattr(self.module, call)).parameters
            found = {names.get(name, name): given[name].default for name in given if name != "client"}
            empty = {name for name in found if found[name] is inspect.Parameter.empty}
            self.wire.compare(self.path, f"parameter of {call},", wanted, set(found), empty)
        kinds = {argument: TEXTS[where] for (where, _), (_, argument) in self.parameters.items()}
        cases = [(index, answer, fill) for index, answer in enumerate(self.answers()) for fill in _EXAMPLES]
        drawn = list[tuple[JsonPath, Strategy]]()
        for index, answer, fill in cases:
            chosen = fill if index == 0 else False  # The first answer goes with all kinds of arguments.
            each = {name: self.values(hint, chosen, 3, kinds.get(name)) for name, hint in self.hints.items()}
            given_twice = st.fixed_dictionaries(each), st.fixed_dictionaries(each)
            drawn.append((self.path, st.tuples(*given_twice, answer.bodies[fill])))
        made = self.wire.one_of_each(drawn)
        self._draw_more(cases, drawn, made)
        for (_, answer, _), drawn_values in zip(cases, made, strict=True):
            for first, second, body in drawn_values:
                self.exchange(answer, body, first, second)
        for name in self.unsent.values():
            self.find(f"not checked: no value of `body` was sent as {name}.", warning=True)

    def _draw_more(
        self, cases: list[tuple[int, _Answer, bool | None]], drawn: list[tuple[JsonPath, Strategy]], made: list[Any]
    ) -> None:
        """Adds the further examples of the first answer to what was `made` of each, again in one run."""
        wanted = [i for i, (index, _, fill) in enumerate(cases) if index == 0 and made[i] and _EXAMPLES[fill] > 1]
        most = max(_EXAMPLES.values())
        _, *further = self.wire.examples(self.path, st.tuples(*(drawn[i][1] for i in wanted)), most) or [()]
        for number, values_of_each in enumerate(further, 1):
            for i, value in zip(wanted, values_of_each, strict=True):
                if number < _EXAMPLES[cases[i][2]]:
                    made[i].append(value)

    def answers(self) -> Iterator[_Answer]:
        """Each documented answer that HTTP can carry; where there is none, one of which nothing is expected."""
        found = list[_Answer]()
        for key, response in self.responses.items():
            status, content = _status(key, self.responses), object_or_empty(response.get("content"))
            media_type = next(iter(content), "")
            if status < 200 or (content and (self.path[-1] == "head" or status in (204, 205, 304))):
                self.find(f"not checked: HTTP carries no answer like the documented {key}.", warning=True)
            elif JSON.fullmatch(media_type):
                found += self.typed(_Answer(status, media_type), (*content[media_type]["x-at"], "schema"))
            else:
                bodies = st.text() if media_type.startswith("text/") else st.binary() if media_type else st.none()
                found.append(_Answer(status, media_type, dict.fromkeys(_EXAMPLES, bodies)))
        yield from found or [_Answer(0)]

    def typed(self, answer: _Answer, place: JsonPath) -> Iterator[_Answer]:
        """An answer in JSON: of the types that fit its schema, and as the document's examples have it."""

        def fits(value: Any) -> bool:
            return at(self.base, place) is None or self.wire.validator(place).is_valid(value)

        def bodies(kind: Any, fill: bool | None) -> Strategy:
            return self.values(kind, fill, 3).map(plain)

        fitting = [kind for kind in self.members if any(map(fits, self.wire.full_examples(self.path, kind)))]
        if not fitting:
            self.find(f"no type that {_CALLS[0]} returns fits the documented {answer.status}.")
            return
        made = {fill: st.one_of(*(bodies(kind, fill) for kind in fitting)).filter(fits) for fill in _EXAMPLES}
        is_model = all(attrs.has(kind) for kind in fitting)
        yield answer._replace(bodies=made, classes=tuple(fitting) if is_model else (object,))
        holder = object_or_empty(at(self.base, place[:-1]))
        given = [resolve(self.base, one).get("value") for one in object_or_empty(holder.get("examples")).values()]
        given = [plain(one) for one in [*given, holder.get("example")] if one is not None and fits(one)]
        if given:
            yield answer._replace(bodies=dict.fromkeys(_EXAMPLES, st.sampled_from(given)))

    def exchange(self, answer: _Answer, body: Any, *arguments: dict[str, Any]) -> None:
        """One call in each way, and one answer."""
        is_text = isinstance(body, str) and not JSON.fullmatch(answer.media_type)
        content = body if isinstance(body, bytes) else body.encode() if is_text else json.dumps(body).encode()
        transport, client = self.wire.transport, self.wire.client(self.header, self.prefix)
        due = f"at the documented {answer.status}"
        for call, given in zip(_CALLS, arguments, strict=True):
            transport.sent.clear()
            transport.answer = answer.status or 500, answer.media_type, content if answer.media_type else b""
            try:
                made = getattr(self.module, call)(client=client, **given)
                response = self.wire.loop.run(made) if inspect.iscoroutine(made) else made
                status, parsed = response.status_code, response.parsed
            except Exception as error:  # noqa: BLE001  # generated code may raise anything, and each is a finding
                if answer.status or not transport.sent:
                    self.find(f"{call} raises {type(error).__name__} {due}", f": {error}")
            else:
                if answer.status and (status != answer.status or not isinstance(parsed, answer.classes)):
                    self.find(f"{call} returns {type(parsed).__name__} and {status} {due}.")
                elif answer.status and plain(parsed) != plain(body):
                    self.find(f"{call} changes the body {due}", f": {plain(body)} became {plain(parsed)}")
            if transport.sent:
                unset = self.wire.package.types.UNSET
                self.arrived(call, {name: plain(value) for name, value in given.items() if value is not unset})

    def arrived(self, call: str, given: dict[str, Any]) -> None:
        """Compares the bytes of a request with what the document makes of its arguments."""
        (method, target, headers, raw), *more = self.wire.transport.sent
        route, _, query = target.partition("?")
        literals = [re.escape(quote(part, "/:@!$&'()*+,;=~")) for part in re.split("{[^{}]*}", f"/base{self.path[1]}")]
        segments = re.fullmatch("([^/]*)".join(literals), route)
        if more or method != self.path[2].upper() or segments is None:
            lines = [one.line for one in self.wire.transport.sent]
            self.find(f"{call} does not send one {self.path[2].upper()} {self.path[1]}", f": {lines}")
            return
        usual = {*_IGNORED, *_HTTP} - {name for where, name in self.parameters if where == "header"} | {
            self.header.lower()
        }
        sent = {("query", name): found for name, found in parse_qs(query, keep_blank_values=True).items()}
        sent |= {("header", name): headers.get_all(name, []) for name in {key.lower() for key in headers} - usual}
        sent |= {("cookie", name): [found.value] for name, found in SimpleCookie(headers.get("Cookie", "")).items()}
        in_route = zip(re.findall("{([^{}]*)}", self.path[1]), segments.groups(), strict=True)
        sent |= {("path", name): [unquote(text)] for name, text in in_route}
        due = dict[tuple[str, str], list[str]]()
        for (where, name), (place, argument) in self.parameters.items():
            value = given.get(argument)
            if value is not None:
                self.judge(f"{_label((where, name))} of {call}", (*place, "schema"), value)
                fields = value if is_object(value) else {name: value}
                due |= {(where, field): texts(part) for field, part in fields.items()}
        for key in sorted(sent.keys() | due.keys()):
            if sent.get(key) != due.get(key):
                detail = f": {sent.get(key)} instead of {due.get(key)}"
                self.find(f"{call} does not send {_label(key)} as documented", detail)
        token, header = headers.get(self.header or "Authorization"), self.header or "Authorization"
        if token != (f"{self.prefix} {_TOKEN}".strip() if self.header else None):
            self.find(f"{call} does not send the token as documented", f": {header}: {token}")
        self.sent(call, headers.get("Content-Type", ""), raw, given)

    def sent(self, call: str, media_type: str, raw: bytes, given: dict[str, Any]) -> None:
        """Compares a body with the argument, and the argument with the document."""
        body, is_json = given.get("body"), JSON.fullmatch(media_type) is not None
        fields = {name: texts(part) for name, part in body.items()} if is_object(body) and not is_json else None
        if "body" not in given:
            if raw or media_type:
                self.find(f"{call} sends {media_type or 'a body'} where no body is given.")
        elif _bare(media_type) in self.content:
            self.unsent.pop(_bare(media_type), None)
            try:
                found = plain(json.loads(raw) if is_json else raw) if fields is None else forms.fields(media_type, raw)
            except ValueError:
                found = raw
            if found != (body if fields is None else fields):
                self.find(f"{call} sends another body than it is given", f": {found} instead of {fields or body}")
            if is_json or fields is not None:
                place = (*self.body, "content", self.content[_bare(media_type)], "schema")
                self.judge(f"the body of {call}", place, body)
        elif raw or fields != {}:  # A form without a field is no body at all.
            self.find(f"{call} sends {media_type or 'no Content-Type'}, which is not documented.")

    def judge(self, what: str, place: JsonPath, value: Any) -> None:
        """Holds a value against the closed document."""
        errors = self.wire.validator(place).iter_errors(value) if at(self.wire.closed, place) is not None else ()
        for error in errors:
            where = re.sub(r"\d+", "*", error.json_path)
            self.find(f"{what} is not what {pointer(place)} asks for at {where}", f": {error.message}")


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    yield from (items[start : start + size] for start in range(0, len(items), size))


def _fields(instance: Any) -> set[str]:
    return set(instance.to_dict()) - set(getattr(instance, "additional_properties", ()))


def _label(parameter: tuple[str, str]) -> str:
    return f"{parameter[1]} ({parameter[0]})"


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _status(key: str, others: dict[str, Any]) -> int:
    """A status that is documented under `key`, and 0 where others leave none to it."""
    if key.isdecimal():
        return int(key)
    ranges = {other[0] for other in others if not other.isdecimal() and other != key}
    free = (str(status) for status in range(599, 199, -1) if str(status) not in others)
    return int(next((each for each in free if each[0] == key[0] or (key == "default" and each[0] not in ranges)), 0))


def _loosen(schema: dict[str, Any], *, is_branch: bool) -> None:
    """Leaves of a schema what generated types can say."""
    preparation.allow_patterns(schema)
    if is_branch and schema.keys() <= {"required", "description", "title"}:
        schema.clear()
    kept = {key: value for key, value in schema.items() if key in (*_TYPED, *_COMBINED)}
    if not preparation.is_enumeration([value for value in list_or_empty(schema.get("enum")) if value is not None]):
        kept.pop("enum", None)
    if isinstance(schema.get("const"), dict | list):
        del kept["const"]
    if "prefixItems" in schema:  # Of a list, a type says what its items are, and not in which order.
        others = [schema["items"]] if schema.get("items") else []
        kept["items"] = {"anyOf": [*kept.pop("prefixItems"), *others]}
    if "oneOf" in schema:
        kept["anyOf"] = [*list_or_empty(schema.get("anyOf")), *schema["oneOf"]]
    is_nullable = schema.get("nullable") is True
    schema.clear()
    schema.update({"anyOf": [kept, {"enum": [None]}]} if is_nullable else kept)
