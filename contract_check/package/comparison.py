"""A document and the package that was generated from it, made ready to be held against each other."""

import asyncio
import re
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema.protocols import Validator

from generator.prepare import preparation

from ..document import values
from ..document.closed_objects import forbid_undocumented_fields
from ..document.defects import Defect, Refusal
from ..document.loading import Document
from ..document.settings import HTTP_LIBRARIES
from ..document.tree import (
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    keyword_of,
    list_or_empty,
    object_or_empty,
    operations,
    pointer,
    resolve,
    walk,
)
from .generated_values import Package, Strategy, examples, plain
from .recording import Recorder

TOKEN = "sk-" + "loopback"
"""What is sent as a token; it opens nothing."""

# What generated types say of a value; limits, formats and the like a caller has to know.
_TYPED = ("$ref", "type", "properties", "required", "additionalProperties", "items", "prefixItems")
_COMBINED = ("allOf", "anyOf", "enum", "const")


class Comparison:
    """A document, the package that was generated from it, and what was found."""

    def __init__(self, document: Document, folder: Path) -> None:
        if document.defects:
            raise Refusal("the document is not sound: see `python -m contract_check document`.")
        self.findings: dict[tuple[JsonPath, str], Defect] = {}
        self.loop = asyncio.Runner()
        self._opened = ExitStack()
        self._opened.callback(self.loop.close)
        self.client = cache(self._client)
        self._full_examples = dict[Any, list[Any]]()
        self.package = Package(folder)
        self.recorder = Recorder(self._http_library())
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
        preparation.schemas_as_objects(self.base)
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

    def close(self) -> None:
        """Closes the clients and their event loop."""
        self._opened.close()

    def find(self, path: JsonPath, problem: str, detail: object = "", *, warning: bool = False) -> None:
        """Keeps a finding, once, however many values show it."""
        text = f"{problem}{str(detail)[:400]}".replace("\n", "\\n")
        self.findings.setdefault((path, problem), Defect(path, text, warning=warning))

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

    def one_of_each(self, drawn: list[tuple[JsonPath, Strategy]]) -> list[list[Any]]:
        """A value, or none, of each strategy: in one run of hypothesis, whose start takes longer than its work."""
        try:
            return [[value] for [values] in [examples(st.tuples(*(one for _, one in drawn)), 1)] for value in values]
        except Exception:  # noqa: BLE001  # of which one that is, and why, is found one by one
            return [self.examples(path, strategy, 1) for path, strategy in drawn]

    def full_examples(self, path: JsonPath, kind: Any) -> list[Any]:
        """Some values of a type with all their fields, as JSON has them; the same for all that ask."""
        if kind not in self._full_examples:
            self._full_examples[kind] = self.examples(path, self.package.values(kind, True).map(plain), 3)
        return self._full_examples[kind]

    def examples(self, path: JsonPath, strategy: Strategy, amount: int) -> list[Any]:
        """Up to `amount` values; that they can't be made is a finding."""
        try:
            return examples(strategy, amount)
        except Exception as error:  # noqa: BLE001  # generated code may raise anything, and each is a finding
            self.find(path, "no value of the package's types fits", f": {type(error).__name__}: {error}")
            return []

    def judge(self, path: JsonPath, what: str, place: JsonPath, value: Any) -> None:
        """Holds a value against the closed document; what is wrong is found at `path`."""
        errors = self.validator(place).iter_errors(value) if at(self.closed, place) is not None else ()
        for error in errors:
            where = re.sub(r"\d+", "*", error.json_path)
            self.find(path, f"{what} is not what {pointer(place)} asks for at {where}", f": {error.message}")

    def _http_library(self) -> Any:
        """What the package sends by."""
        imported = vars(self.package.module("errors"))
        return next(imported[name] for name in HTTP_LIBRARIES if name in imported)

    def _client(self, header: str, prefix: str) -> Any:
        """A client of the relay, entered in both ways, that sends the token as the document says."""
        module, url = self.package.module("client"), "http://relay.example/base"
        token = {"token": TOKEN, "prefix": prefix, "auth_header_name": header} if header else {}
        kind = module.AuthenticatedClient if header else module.Client
        made = kind(base_url=url, httpx_args={"transport": self.recorder.transport}, **token)
        self.loop.run(made.__aenter__())
        self._opened.callback(lambda: self.loop.run(made.__aexit__(None, None, None)))
        return self._opened.enter_context(made)


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
