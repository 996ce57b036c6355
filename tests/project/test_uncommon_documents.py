"""What is sound and uncommon, in other people's documents too, is generated whole and travels as OpenAPI says."""

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path as File
from typing import Any

import httpx
import pytest

from checkout import contract_check, generate
from contract_check.document import overlay
from specimens import small, write

_TEXT: dict[str, Any] = {"type": "string"}
_STATE = {"type": ["string", "null"], "enum": ["on", "off", None]}
_REFERENCE = "#/components/schemas/"


def _object(*required: str, **properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"{_REFERENCE}{name}"}


def _joined() -> dict[str, Any]:
    """Schemas that join others, and those that a discriminator chooses."""
    apple, pear = _object(kind=_TEXT, core={"type": "boolean"}), _object(kind=_TEXT, stalk={"type": "integer"})
    chosen = {"propertyName": "kind", "mapping": {"pome": f"{_REFERENCE}Pear", "apple": "Apple"}}
    fruits = {"oneOf": [_ref("Apple"), _ref("Pear")]}
    return {
        "Apple": apple,
        "Pear": pear,
        "Fruit": _object("color", color=_TEXT) | fruits,
        "Mapped": fruits | {"discriminator": chosen},
        "Unmapped": fruits | {"discriminator": {"propertyName": "kind"}},
        "Ripe": _object("color", color=_TEXT) | fruits | {"discriminator": chosen},
        "Basket": _object(one={"allOf": [_object("name", name=_TEXT), fruits]}),
        "Pet": _object("kind", kind=_TEXT) | {"discriminator": {"propertyName": "kind", "mapping": {"c": "Cat"}}},
        "Cat": {"allOf": [_ref("Pet"), _object(lives={"type": "integer"})]},
        "Dog": {"allOf": [_ref("Pet"), _object(tricks={"type": "integer"})]},
        "Puppy": {"allOf": [_ref("Dog"), _object(age={"type": "integer"})]},
        "House": _object(
            pet={"allOf": [_ref("Pet")], "description": "Any."}, pets={"type": "array", "items": _ref("Pet")}
        ),
        "Result": _object(code={"type": "integer"}, data={"type": "object"}),
        "Envelope": {"allOf": [_ref("Result"), _object(data=_ref("Pear"))]},
        "Above": _object(inner=_object(a=_TEXT)),
        "Beyond": _object(inner=_object("b", b={"type": "integer"})),
        "Deep": {"allOf": [_ref("Above"), _ref("Beyond")]},
        "Named": {"type": "object", "required": ["name"]},
        "Typed": {"allOf": [_ref("Named"), {"additionalProperties": {"type": "integer"}}]},
    }


def _document() -> dict[str, Any]:
    answer: dict[str, Any] = {"200": {"description": "好", "content": {"application/json": {"schema": {}}}}}
    upload = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "file_id": _TEXT,
            "state": _STATE,
            "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        },
    }
    times: dict[str, Any] = {
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}, _TEXT]},
        "on": {"type": "string", "format": "date"},
    }
    document = small(
        Times={"type": "object", "properties": times},
        Base={
            "type": "object",
            "required": ["kind"],
            "properties": {
                "top": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "size": {"type": "number"},
                "kind": {"type": "string"},
                "state": {"type": "string", "enum": ["on", "off", "broken"]},
            },
        },
        Narrow={
            "allOf": [
                {"$ref": f"{_REFERENCE}Base"},
                {
                    "type": "object",
                    "required": ["top"],
                    "properties": {
                        "top": {"type": "integer", "maximum": 20},
                        "size": {"type": "integer"},
                        "kind": {"type": "string", "enum": ["a", "b"]},
                        "state": {"type": "string", "enum": ["on", "off"]},
                    },
                },
            ]
        },
        Word={"oneOf": [{"type": "string", "enum": ["auto"]}, {"type": "object", "properties": {"name": _TEXT}}]},
        Wide={"type": "object", "properties": {"word": {"allOf": [{"$ref": f"{_REFERENCE}Word"}, {"nullable": True}]}}},
        Closed={"type": "object", "additionalProperties": False, "properties": {"a": _TEXT}},
        More={"allOf": [{"$ref": f"{_REFERENCE}Closed"}, {"type": "object", "properties": {"b": _TEXT}}]},
        Upload=upload,
        **_joined(),
    )

    def parameter(name: str, where: str, schema: object) -> dict[str, Any]:
        return {"name": name, "in": where, "required": where == "path", "schema": schema}

    def operation(name: str, *parameters: object, content: object = None, returns: str = "") -> dict[str, Any]:
        body: dict[str, Any] = {"requestBody": {"content": content}} if content else {}
        schema = {"schema": {"$ref": f"{_REFERENCE}{returns}"}}
        responses = {"200": {"description": "好", "content": {"application/json": schema}}} if returns else answer
        return {"operationId": name, "tags": ["t"], "parameters": list(parameters), "responses": responses, **body}

    both = {kind: {"schema": {"$ref": f"{_REFERENCE}Upload"}} for kind in ("application/json", "multipart/form-data")}
    states = {"type": "array", "items": _STATE}
    binary = {"type": "string", "format": "binary"}
    file31 = {"type": "string", "contentMediaType": "application/octet-stream"}
    parts = _object(file=file31, files={"type": "array", "items": file31}, note=_object(inner=binary), picture={})
    wild = {"*/*": {"schema": _ref("Apple")}}
    document["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    document["paths"] |= {
        "/with?beta=true": {"get": operation("with_query", parameter("n", "query", {"type": "integer"}))},
        "/const/{word}": {"get": operation("const", parameter("word", "path", {"const": "only this"}))},
        "/states": {
            "get": operation("states", parameter("states", "query", states), parameter("a crumb", "cookie", _TEXT))
        },
        "/upload": {"post": operation("upload", content=both)},
        "/any": {
            "post": operation("any_type", content=wild) | {"responses": {"200": {"description": "好", "content": wild}}}
        },
        "/picture": {"put": operation("picture", content={"image/*": {"schema": binary}})},
        "/words": {"put": operation("words", content={"text/plain": {"schema": _TEXT}})},
        "/fields": {
            "put": operation("fields", content={"application/x-www-form-urlencoded": {"schema": _object(a=binary)}})
        },
        "/parts": {
            "put": operation(
                "parts",
                content={
                    "multipart/form-data": {"schema": parts, "encoding": {"picture": {"contentType": "image/png"}}}
                },
            )
        },
        "/table": {
            "get": operation(
                "table", parameter("If-Modified-Since", "header", {"type": "string", "format": "date-time"})
            )
            | {"responses": {"200": {"description": "好", "content": {"text/csv": {"schema": binary}}}}}
        },
        "/plain": {
            "get": operation("plain", parameter("word", "header", {"const": "w"}), parameter("b", "query", binary))
            | {
                "responses": {"200": {"description": "好", "content": {"*/*": {"schema": _TEXT}}}},
                "security": [{"key": []}],
            }
        },
        "/peek": {"head": operation("peek", returns="Narrow")},
        **{
            f"/{name.lower()}": {
                "post": operation(
                    name.lower(),
                    content={"application/json": {"schema": {"$ref": f"{_REFERENCE}{name}"}}},
                    returns=name,
                )
            }
            for name in ("Narrow", "Wide", "More", *_joined())
        },
    }
    return document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[File]:
    """Where the package is, which `wire` found to be as documented."""
    folder = tmp_path_factory.mktemp("uncommon")
    document, none = write(folder, _document()), folder / "none.yaml"
    none.write_text(overlay.dump_file([], "none"), encoding="utf-8")
    done = generate(folder / "uncommon_client", "--document", document, "--overlay", none)
    assert done.returncode == 0, done.stderr
    checked = contract_check("wire", document, "--overlay", none, "--package", folder / "uncommon_client")
    assert checked.returncode == 0, checked.stdout
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@contextmanager
def _client(sent: list[httpx.Request], data: object = (), **more: Any) -> Generator[Any]:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=data or {})

    arguments = {"transport": httpx.MockTransport(answer), **more}
    with import_module("uncommon_client").Client(base_url="http://relay.example", httpx_args=arguments) as opened:
        yield opened


def _call(operation: str, *path: Any, own: Any = None, **arguments: Any) -> httpx.Request:
    sent: list[httpx.Request] = []
    with _client(sent, **({"params": own} if own else {})) as client:
        import_module(f"uncommon_client.api.t.{operation}").sync_detailed(*path, client=client, **arguments)
    sent[0].read()
    return sent[0]


def test_a_query_in_the_path_stays_beside_parameters(folder: File) -> None:
    assert _call("with_query").url.query == b"beta=true"
    assert _call("with_query", n=5).url.query == b"n=5&beta=true"
    assert dict(_call("with_query", n=5, own={"x": "1"}).url.params) == {"x": "1", "n": "5", "beta": "true"}


def test_a_response_to_head_has_no_body(folder: File) -> None:
    peek = import_module("uncommon_client.api.t.peek")
    args = {"transport": httpx.MockTransport(lambda _: httpx.Response(200))}
    with import_module("uncommon_client").Client(base_url="http://relay.example", httpx_args=args) as client:
        assert peek.sync(client=client) is None
    assert _call("peek").headers["accept"] == "*/*"


def test_null_in_a_list_of_the_query_is_not_sent(folder: File) -> None:
    state = import_module("uncommon_client.models").StatesStatesItem
    assert _call("states", states=[state.ON, None, state.OFF]).url.query == b"states=on&states=off"


def test_a_file_goes_into_the_form_and_what_json_can_say_into_json(folder: File) -> None:
    models, types = (import_module(f"uncommon_client.{name}") for name in ("models", "types"))
    assert _call("upload", body=models.Upload(file_id="f")).headers["content-type"] == "application/json"
    request = _call("upload", body=models.Upload(file=types.File(payload=BytesIO(b"x")), grid=[[1, 2], [3]]))
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert [line for line in request.content.split(b"\r\n") if line.startswith(b"[")] == [b"[1, 2]", b"[3]"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", date(2026, 1, 2)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("20260102", "20260102"),
        ("2026-W01-1", "2026-W01-1"),
        ("tomorrow", "tomorrow"),
    ],
)
def test_a_date_a_time_and_a_text_are_told_apart_and_come_back(folder: File, text: str, value: object) -> None:
    times = import_module("uncommon_client.models").Times.from_dict({"at": text, "on": text})
    assert times.at == value
    assert type(times.at) is type(value)
    assert times.to_dict()["at"] == text.replace("Z", "+00:00")


def test_a_part_that_narrows_a_type_or_takes_null_away_is_followed(folder: File) -> None:
    models = import_module("uncommon_client.models")
    narrow = models.Narrow(kind="a", top=3, size=4)
    assert narrow.to_dict() == {"kind": "a", "top": 3, "size": 4}
    state: Any = models.Narrow.from_dict({"kind": "a", "top": 3, "state": "on"}).state
    assert set(state.__class__.__members__) == {"ON", "OFF"}
    with pytest.raises(TypeError, match="top"):
        _call("narrow", body=models.Narrow(kind="a", top=None))
    with pytest.raises(TypeError, match="word"):
        _call("wide", body=models.Wide(word=None))


@pytest.mark.parametrize(
    ("schema", "data", "read"),
    [
        ("Fruit", {"color": "red", "stalk": 1}, "FruitPear(color='red', stalk=1)"),
        ("Mapped", {"kind": "pome", "core": True}, "Pear(kind='pome', additional_properties={'core': True})"),
        ("Unmapped", {"kind": "Pear", "core": True}, "Pear(kind='Pear', additional_properties={'core': True})"),
        ("Unmapped", {"kind": "plum", "stalk": 2}, "Pear(kind='plum', stalk=2)"),
        ("Ripe", {"color": "red", "kind": "pome"}, "RipePear(color='red', kind='pome')"),
        ("Basket", {"one": {"name": "n", "stalk": 1}}, "Basket(one=BasketOnePear(name='n', stalk=1))"),
        ("Pet", {"kind": "c", "lives": 9}, "Cat(kind='c', lives=9)"),
        ("Pet", {"kind": "Dog"}, "Dog(kind='Dog')"),
        ("Pet", {"kind": "Puppy", "lives": 1}, "Puppy(kind='Puppy', additional_properties={'lives': 1})"),
        ("Pet", {"kind": "cow"}, "Pet(kind='cow')"),
        ("Dog", {"kind": "Puppy"}, "Dog(kind='Puppy')"),
        (
            "House",
            {"pet": {"kind": "c"}, "pets": [{"kind": "Dog"}]},
            "House(pet=Cat(kind='c'), pets=[Dog(kind='Dog')])",
        ),
        ("Envelope", {"data": {"stalk": 1}, "code": 0}, "Envelope(code=0, data=Pear(stalk=1))"),
        ("Deep", {"inner": {"a": "A", "b": 1}}, "Deep(inner=DeepInner(b=1, a='A'))"),
        ("Typed", {"name": 1, "more": 2}, "Typed(name=1, additional_properties={'more': 2})"),
    ],
)
def test_schemas_that_join_others_are_read_and_sent_as_the_class_that_fits(
    folder: File, schema: str, data: dict[str, Any], read: str
) -> None:
    sent = list[httpx.Request]()
    operation = import_module(f"uncommon_client.api.t.{schema.lower()}")
    with _client(sent, data) as client:
        found = operation.sync(client=client)
        assert repr(found) == read
        operation.sync(client=client, body=found)
    assert json.loads(sent[1].content) == data


def test_a_body_under_a_wildcard_has_the_type_of_its_schema(folder: File) -> None:
    sent, apple = list[httpx.Request](), import_module("uncommon_client.models").Apple(kind="k")
    with _client(sent, {"kind": "k"}) as client:
        found = import_module("uncommon_client.api.t.any_type").sync(client=client, body=apple)
    assert found == apple
    assert sent[0].headers["content-type"] == sent[0].headers["accept"] == "application/json"


def test_bytes_and_text_are_sent_under_a_media_type_without_a_wildcard(folder: File) -> None:
    file = import_module("uncommon_client.types").File
    for media_type, expected in (("image/png", "image/png"), (None, "application/octet-stream")):
        request = _call("picture", body=file(payload=BytesIO(b"x"), mime_type=media_type))
        assert (request.headers["content-type"], request.content) == (expected, b"x")
    for words in ("w", file(payload=BytesIO(b"w"))):
        request = _call("words", body=words)
        assert (request.headers["content-type"], request.content) == ("text/plain; charset=utf-8", b"w")


def test_a_form_has_files_in_its_own_fields_only(folder: File) -> None:
    models, file = import_module("uncommon_client.models"), import_module("uncommon_client.types").File
    given = {name: file(payload=BytesIO(b"x"), file_name=f"{name}.png") for name in ("file", "picture")}
    body = models.PartsBody(**given, files=[given["file"]], note=models.PartsBodyNote(inner="text"))
    content = _call("parts", body=body).content
    assert content.count(b'filename="file.png"') == 2
    assert b'filename="picture.png"\r\nContent-Type: image/png' in content
    assert b'{"inner": "text"}' in content
    assert _call("fields", body=models.FieldsBody(a="b")).content == b"a=b"


def test_a_date_of_http_is_text_and_a_binary_text_is_bytes(folder: File) -> None:
    sent, since = list[httpx.Request](), "Wed, 21 Oct 2026 07:28:00 GMT"

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=b"a,\xff", headers={"Content-Type": "text/csv"})

    with _client([], transport=httpx.MockTransport(answer)) as client:
        found = import_module("uncommon_client.api.t.table").sync(client=client, if_modified_since=since)
    assert (found, sent[0].headers["if-modified-since"]) == (b"a,\xff", since)


def test_the_token_goes_into_the_documented_header(folder: File) -> None:
    sent = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, text="plain")

    package = import_module("uncommon_client")
    with package.AuthenticatedClient(token="sk-...", httpx_args={"transport": httpx.MockTransport(answer)}) as client:
        found = import_module("uncommon_client.api.t.plain").sync(client=client, word="w", b="x")
    assert found == "plain"
    assert (sent[0].headers["word"], sent[0].url.query) == ("w", b"b=x")
    assert (sent[0].headers["x-key"], sent[0].headers.get("authorization")) == ("***", None)
