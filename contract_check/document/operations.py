"""The operations of a document: parameters, bodies, media types, responses and security."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from .tree import METHODS, JsonPath, at, follow, object_or_empty, parts, resolve, walk

JSON = re.compile(r"\s*((application|text)/json|[^;]*\+json)\s*(;.*)?", re.IGNORECASE)
TEXT = re.compile(r"text/.*", re.IGNORECASE)
FORM = re.compile(r"(multipart/form-data|application/x-www-form-urlencoded)\s*(;.*)?", re.IGNORECASE)
"""Media types that a client treats in the same way, with their parameters."""
IGNORED_HEADERS = ("accept", "authorization", "content-type")
"""The header parameters that OpenAPI ignores."""
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
"""The methods that change nothing (RFC 9110, section 9.2.1)."""


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation of a document, with its references resolved."""

    document: dict[str, Any] = field(repr=False)
    path: JsonPath
    """Its place: ("paths", route, method) in a sound document."""
    route: str

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def method(self) -> str:
        return str(self.path[-1]).upper()

    @property
    def definition(self) -> dict[str, Any]:
        """Its Operation Object; in a prepared document, the tag and the operationId are its names in Python."""
        return object_or_empty(at(self.document, self.path))

    @property
    def place(self) -> tuple[str, ...]:
        """Its place in the package: ("api", group, module), for an operation of a prepared document."""
        return ("api", self.definition["tags"][0], self.definition["operationId"])

    @property
    def address(self) -> str:
        """Its method and path, without the names of path parameters."""
        return f"{self.method} {re.sub('{.*?}', '{}', self.route)}"

    def given_parameters(self) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
        """The parameters of its path, then its own, each with the place of its entry."""
        for holder in (self.path[:-1], self.path):
            for index, given in enumerate(at(self.document, holder).get("parameters", ())):
                yield (*holder, "parameters", index), resolve(self.document, given)

    @cached_property
    def parameters(self) -> dict[JsonPath, dict[str, Any]]:
        """Its parameters by their places; its own override those of its path."""
        named = {(each["in"], each["name"]): (place, each) for place, each in self.given_parameters()}
        return {follow(self.document, place): each for place, each in named.values()}

    @cached_property
    def body(self) -> JsonPath:
        """The place of its request body, if there is one."""
        return follow(self.document, (*self.path, "requestBody"))

    @property
    def requires_body(self) -> bool:
        return object_or_empty(at(self.document, self.body)).get("required") is True

    @property
    def content(self) -> dict[str, Any]:
        """The media types of its request body."""
        return object_or_empty(at(self.document, (*self.body, "content")))

    @property
    def json_type(self) -> str | None:
        """The first JSON media type of its request body."""
        return next(filter(JSON.fullmatch, self.content), None)

    @property
    def responses(self) -> dict[str, dict[str, Any]]:
        """Its responses, by status or range of statuses."""
        return {key: resolve(self.document, each) for key, each in self.definition.get("responses", {}).items()}

    @cached_property
    def security(self) -> list[list[dict[str, Any]]]:
        """The alternatives of its security, each with its required schemes."""
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        required = self.definition.get("security", self.document.get("security", ()))
        return [[resolve(self.document, schemes[name]) for name in each] for each in required]

    @property
    def needs_credentials(self) -> bool:
        return bool(self.security) and all(self.security)

    @property
    def is_bearer(self) -> bool:
        """Whether it requires a bearer token."""
        return self.needs_credentials and all(
            any(str(scheme.get("scheme")).lower() == "bearer" for scheme in schemes) for schemes in self.security
        )

    def credentials(self, token: str) -> dict[tuple[str, str], str]:
        """The values that carry `token`, by place and name, for the first alternative of its security."""
        carriers = filter(None, map(carrier, self.security[0] if self.security else ()))
        return {(place, name): f"{prefix} {token}".lstrip() for place, name, prefix in carriers}

    @property
    def fixed_query(self) -> list[tuple[str, str]]:
        """The query in its route, as in /messages?beta=true."""
        return parse_qsl(self.route.partition("?")[2], keep_blank_values=True)

    def matches(self, path: str, query: list[tuple[str, str]]) -> dict[str, str] | None:
        """The decoded path parameters of a request, or None if it is for another operation."""
        documented, sent = self.route.partition("?")[0].split("/"), path.split("/")
        if len(documented) != len(sent) or not set(self.fixed_query) <= set(query):
            return None
        found = dict[str, str]()
        for segment, text in zip(documented, sent, strict=True):
            pattern = "(.+)".join(re.escape(unquote(each)) for each in re.split("{.*?}", segment))
            if (match := re.fullmatch(pattern, unquote(text), re.DOTALL)) is None:
                return None
            found |= zip(re.findall(r"{(.*?)}", segment), match.groups(), strict=True)
        return found


def carrier(scheme: dict[str, Any]) -> tuple[str, str, str] | None:
    """The place and name of the parameter that carries a token, and its prefix there; None for a certificate."""
    match scheme["type"]:
        case "apiKey":
            return scheme["in"], scheme["name"], ""
        case "mutualTLS":
            return None
        case _:
            return "header", "Authorization", str(scheme.get("scheme", "bearer")).capitalize()


def bare(media_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def of(document: dict[str, Any]) -> Iterator[Operation]:
    """The operations of `document` in order, including those of referenced path items."""
    for route in object_or_empty(document.get("paths")):
        item = follow(document, ("paths", route))
        for method in METHODS:
            if method in object_or_empty(at(document, item)):
                yield Operation(document, (*item, method), route)


def relax_required(document: dict[str, Any]) -> None:
    """Make `readOnly` properties optional in requests, and `writeOnly` ones in responses.

    A schema that requests and responses share has one class, so a field is required only if both require it.
    """
    found = list(of(document))
    sent = [part for each in found for part in (at(document, each.body), *each.parameters.values()) if part]
    received = [response for each in found for response in each.responses.values()]
    for keyword, waiting in (("readOnly", sent), ("writeOnly", received)):
        visited = dict[int, dict[str, Any]]()
        while waiting:
            schema = waiting.pop()
            if id(schema) in visited:
                continue
            for _, part in walk(schema):
                visited[id(part)] = part
                if "$ref" in part:
                    waiting.append(resolve(document, part))
                if isinstance(part.get("required"), list):  # a boolean in a parameter
                    _relax(document, part, keyword)


def _relax(document: dict[str, Any], schema: dict[str, Any], keyword: str) -> None:
    optional = {
        name
        for part in parts(document, schema)
        for name, given in part.get("properties", {}).items()
        if object_or_empty(given).get(keyword) is True or resolve(document, given).get(keyword) is True
    }
    schema["required"] = [name for name in schema["required"] if name not in optional]
    if not schema["required"]:
        del schema["required"]  # OpenAPI 3.0 forbids an empty list.
