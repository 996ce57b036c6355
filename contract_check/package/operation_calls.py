"""One generated operation against the document: the bytes that it sends, and what it makes of the answers."""

import inspect
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from types import ModuleType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin
from urllib.parse import parse_qs, quote, unquote

import attrs
from hypothesis import strategies as st

from ..document import forms, serialization
from ..document.media_types import JSON
from ..document.tree import (
    JsonPath,
    at,
    follow,
    is_object,
    list_or_empty,
    object_or_empty,
    resolve,
)
from .comparison import TOKEN, Comparison
from .differences import first_difference
from .generated_values import TEXTS, Strategy, as_text, plain, texts

CALLS = ("sync_detailed", "asyncio_detailed")
"""The two calls of an operation that are made; the others are made of these."""

# Header parameters of the first three names OpenAPI ignores; the others are HTTP's and httpx's own.
_IGNORED = ("accept", "content-type", "authorization")
_HTTP = ("accept-encoding", "connection", "content-length", "cookie", "host", "transfer-encoding", "user-agent")
# Every optional field, none, some: how many examples of each.
_EXAMPLES: dict[bool | None, int] = {True: 2, False: 1, None: 4}
_NOTHING = dict.fromkeys(_EXAMPLES, st.none())


class _Answer(NamedTuple):
    """A documented answer: the bodies for each kind of example, and the classes of what comes of them."""

    status: int
    media_type: str = ""
    bodies: dict[bool | None, Strategy] = _NOTHING
    classes: tuple[type, ...] = (object,)


class OperationCalls:
    """One operation, called in both ways with every documented answer in turn."""

    def __init__(self, comparison: Comparison, prepared: dict[str, Any], module: ModuleType) -> None:
        self.comparison, self.base = comparison, comparison.base
        self.module, self.path, self.responses = module, prepared["x-at"], prepared["responses"]
        self.find, self.values = partial(comparison.find, self.path), comparison.package.values
        self.hints = comparison.package.hints(module.sync_detailed)
        [returned] = get_args(self.hints.pop("return"))
        self.members = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
        client = self.hints.pop("client", None)
        self.takes_token_only = comparison.package.module("client").Client not in (client, *get_args(client))
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
                letters = _letters(self.comparison.names.get(place) or name)
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
        self.comparison.compare(
            self.path, "the", {"token": self.header != ""}, {"token"}, {"token"} if self.takes_token_only else set()
        )
        names = {argument: _label(key) for key, (_, argument) in self.parameters.items()}
        for call in CALLS:
            given = inspect.signature(getattr(self.module, call)).parameters
            found = {names.get(name, name): given[name].default for name in given if name != "client"}
            empty = {name for name in found if found[name] is inspect.Parameter.empty}
            self.comparison.compare(self.path, f"parameter of {call},", wanted, set(found), empty)
        kinds = {argument: TEXTS[where] for (where, _), (_, argument) in self.parameters.items()}
        cases = [(index, answer, fill) for index, answer in enumerate(self.answers()) for fill in _EXAMPLES]
        drawn = list[tuple[JsonPath, Strategy]]()
        for index, answer, fill in cases:
            chosen = fill if index == 0 else False  # The first answer goes with all kinds of arguments.
            each = {name: self.values(hint, chosen, text=kinds.get(name)) for name, hint in self.hints.items()}
            drawn.append((self.path, st.tuples(st.fixed_dictionaries(each), answer.bodies[fill])))
        made = self.comparison.one_of_each(drawn)
        self._draw_more(cases, drawn, made)
        for (_, answer, _), drawn_values in zip(cases, made, strict=True):
            for arguments, body in drawn_values:
                self.exchange(answer, body, arguments)
        for name in self.unsent.values():
            self.find(f"not checked: no value of `body` was sent as {name}.", warning=True)

    def _draw_more(
        self, cases: list[tuple[int, _Answer, bool | None]], drawn: list[tuple[JsonPath, Strategy]], made: list[Any]
    ) -> None:
        """Adds the further examples of the first answer to what was `made` of each, again in one run."""
        wanted = [i for i, (index, _, fill) in enumerate(cases) if index == 0 and made[i] and _EXAMPLES[fill] > 1]
        most = max(_EXAMPLES.values())
        _, *further = self.comparison.examples(self.path, st.tuples(*(drawn[i][1] for i in wanted)), most) or [()]
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
                bodies = (
                    st.text() if media_type.startswith("text/") else st.binary(min_size=1) if media_type else st.none()
                )
                found.append(_Answer(status, media_type, dict.fromkeys(_EXAMPLES, bodies)))
        yield from found or [_Answer(0)]

    def typed(self, answer: _Answer, place: JsonPath) -> Iterator[_Answer]:
        """An answer in JSON: of the types that fit its schema, and as the document's examples have it."""

        def fits(value: Any) -> bool:
            return at(self.base, place) is None or self.comparison.validator(place).is_valid(value)

        def bodies(kind: Any, fill: bool | None) -> Strategy:
            return self.values(kind, fill).map(plain)

        fitting = [kind for kind in self.members if any(map(fits, self.comparison.full_examples(self.path, kind)))]
        if not fitting:
            self.find(f"no type that {CALLS[0]} returns fits the documented {answer.status}.")
            return
        made = {fill: st.one_of(*(bodies(kind, fill) for kind in fitting)).filter(fits) for fill in _EXAMPLES}
        is_model = all(attrs.has(kind) for kind in fitting)
        yield answer._replace(bodies=made, classes=tuple(fitting) if is_model else (object,))
        holder = object_or_empty(at(self.base, place[:-1]))
        given = [resolve(self.base, one).get("value") for one in object_or_empty(holder.get("examples")).values()]
        given = [plain(one) for one in [*given, holder.get("example")] if one is not None and fits(one)]
        if given:
            yield answer._replace(bodies=dict.fromkeys(_EXAMPLES, st.sampled_from(given)))

    def exchange(self, answer: _Answer, body: Any, arguments: dict[str, Any]) -> None:
        """One call in each way, and one answer."""
        is_text = isinstance(body, str) and not JSON.fullmatch(answer.media_type)
        content = body if isinstance(body, bytes) else body.encode() if is_text else json.dumps(body).encode()
        recorder, client = self.comparison.recorder, self.comparison.client(self.header, self.prefix)
        due = f"at the documented {answer.status}"
        for call in CALLS:
            given = deepcopy(arguments)  # A call reads a file to its end.
            recorder.sent.clear()
            recorder.answer = answer.status or 500, answer.media_type, content if answer.media_type else b""
            try:
                made = getattr(self.module, call)(client=client, **given)
                response = self.comparison.loop.run(made) if inspect.iscoroutine(made) else made
                status, parsed = response.status_code, response.parsed
            except Exception as error:  # noqa: BLE001  # generated code may raise anything, and each is a finding
                if answer.status or not recorder.sent:
                    self.find(f"{call} raises {type(error).__name__} {due}", f": {error}")
            else:
                if answer.status and (status != answer.status or not isinstance(parsed, answer.classes)):
                    self.find(f"{call} returns {type(parsed).__name__} and {status} {due}.")
                elif answer.status and plain(parsed) != plain(body):
                    self.find(f"{call} changes the body {due}", f": {first_difference(plain(body), plain(parsed))}")
            if recorder.sent:
                unset = self.comparison.package.types.UNSET
                self.arrived(call, {name: plain(value) for name, value in given.items() if value is not unset})

    def arrived(self, call: str, given: dict[str, Any]) -> None:
        """Compares the bytes of a request with what the document makes of its arguments."""
        (method, target, headers, raw), *more = self.comparison.recorder.sent
        route, _, query = target.partition("?")
        documented, _, fixed = self.path[1].partition("?")
        literals = [re.escape(quote(part, "/:@!$&'()*+,;=~")) for part in re.split("{[^{}]*}", f"/base{documented}")]
        segments = re.fullmatch("([^/]*)".join(literals), route)
        if more or method != self.path[2].upper() or segments is None:
            lines = [one.line for one in self.comparison.recorder.sent]
            self.find(f"{call} does not send one {self.path[2].upper()} {self.path[1]}", f": {lines}")
            return
        usual = {*_IGNORED, *_HTTP} - {name for where, name in self.parameters if where == "header"} | {
            self.header.lower()
        }
        sent = {("query", name): found for name, found in parse_qs(query, keep_blank_values=True).items()}
        sent |= {("header", name): headers.get_all(name, []) for name in {key.lower() for key in headers} - usual}
        cookies = (each.partition("=") for each in headers.get("Cookie", "").split("; ") if each)
        sent |= {("cookie", name): [value] for name, _, value in cookies}
        in_route = zip(re.findall("{([^{}]*)}", documented), segments.groups(), strict=True)
        sent |= {("path", name): [unquote(text)] for name, text in in_route}
        due = {("query", name): found for name, found in parse_qs(fixed, keep_blank_values=True).items()}
        for (where, name), (place, argument) in self.parameters.items():
            value = given.get(argument)
            if value is not None:
                if not serialization.is_taken_as_text(self.base, at(self.base, place)):
                    self.comparison.judge(self.path, f"{_label((where, name))} of {call}", (*place, "schema"), value)
                for field, found in self._as_text(place, name, value).items():
                    due.setdefault((where, field), []).extend(found)  # Two objects may have fields of one name.
        for key in sorted(sent.keys() | due.keys()):
            if sent.get(key, []) != due.get(key, []):
                detail = f": {sent.get(key)} instead of {due.get(key)}"
                self.find(f"{call} does not send {_label(key)} as documented", detail)
        token, header = headers.get(self.header or "Authorization"), self.header or "Authorization"
        if token != (f"{self.prefix} {TOKEN}".strip() if self.header else None):
            self.find(f"{call} does not send the token as documented", f": {header}: {token}")
        self.sent(call, headers.get("Content-Type", ""), raw, given)

    def _as_text(self, place: JsonPath, name: str, value: Any) -> dict[str, list[str]]:
        """What the document makes of an argument, by the name under which it travels."""
        style = serialization.of_parameter(self.base, at(self.base, place))
        if style == "label":
            return {name: [f".{text}" for text in texts(value)]}
        if style == "matrix":
            return {name: [f";{name}={text}" for text in texts(value)]}
        return as_text(style, name, value)

    def sent(self, call: str, media_type: str, raw: bytes, given: dict[str, Any]) -> None:
        """Compares a body with the argument, and the argument with the document."""
        body, is_json = given.get("body"), JSON.fullmatch(media_type) is not None
        content = object_or_empty(at(self.base, (*self.body, "content", self.content.get(_bare(media_type), ""))))
        encoding = serialization.of_form(media_type, content)
        fields = _form(media_type, body, encoding) if is_object(body) and not is_json else None
        if "body" not in given:
            if raw or media_type:
                self.find(f"{call} sends {media_type or 'a body'} where no body is given.")
        elif _bare(media_type) in self.content:
            self.unsent.pop(_bare(media_type), None)
            try:
                found = plain(json.loads(raw) if is_json else raw) if fields is None else forms.fields(media_type, raw)
            except ValueError:
                found = raw
            expected = body if fields is None else fields
            if found != expected:
                self.find(f"{call} sends another body than it is given", f": {first_difference(expected, found)}")
            if fields is not None and "urlencoded" not in media_type:
                self._has_media_types(call, forms.media_types(media_type, raw), encoding)
            if is_json or fields is not None:
                place = (*self.body, "content", self.content[_bare(media_type)], "schema")
                self.comparison.judge(self.path, f"the body of {call}", place, body)
        elif raw or fields != {}:  # A form without a field is no body at all.
            self.find(f"{call} sends {media_type or 'no Content-Type'}, which is not documented.")

    def _has_media_types(self, call: str, sent: dict[str, str], documented: dict[str, str]) -> None:
        """Compares the media types of a multipart's parts."""
        for name in documented.keys() & sent.keys():
            if sent[name] != documented[name]:
                detail = f": {sent[name] or 'none'} instead of {documented[name]}"
                self.find(f"{call} does not send the part `{name}` with its documented media type", detail)


def _form(media_type: str, body: dict[str, Any], encoding: dict[str, str]) -> dict[str, list[str]]:
    """A form as it should travel."""
    found = dict[str, list[str]]()
    for name, part in body.items():
        is_styled = "urlencoded" in media_type and name in encoding
        found |= as_text(encoding[name], name, part) if is_styled else {name: texts(part)}
    return {name: values for name, values in found.items() if values}


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
