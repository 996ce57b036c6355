"""Uncommon but sound features: one document has them all, and its package follows OpenAPI."""

import json
import re
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import import_module
from inspect import Parameter, signature
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from dateutil.parser import isoparse
from hypothesis import given
from hypothesis import strategies as st

from checkout import contract_check, generate, generate_once
from contract_check.document import text
from generator.prepare.preparation import prepare
from specimens import NONE, small, with_field, with_operation, write

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
WORD = {**TEXT, "enum": ["a", "b"]}
STATE = {"type": ["string", "null"], "enum": ["on", "off", None]}
AREA: dict[str, Any] = {"$ref": "#/components/schemas/Area"}
BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
DATE = {"type": "string", "format": "date"}
TIME = {"type": "string", "format": "date-time"}
SCHEMAS = "#/components/schemas"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"{SCHEMAS}/{name}"}


def _object(*required: str, **properties: object) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": properties}


def _list(items: object) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _lists(levels: int) -> dict[str, Any]:
    return _list(_lists(levels - 1)) if levels else TEXT


IDS = _list(TEXT)
NAMES = ("a-b", "a_b", "a b", "😀", "😁", "mixedCase", "mixed_case", "items", "a\u200bb\u202e", "a\u3164\u2800")
FIELDS = {
    **dict.fromkeys((*NAMES, "image1", "image_1"), TEXT),
    "lists": _lists(45),
    "pair": {"type": "array", "prefixItems": [TEXT, NUMBER], "items": False},
    "anything": True,
    "nothing": {"not": True},
    "text_or_anything": {"anyOf": [TEXT, True]},
    "doubled": _ref("A0"),
    "joined": _ref("Joined"),
    "hidden": {"enum": ["a", "\u202e"]},
    "by_pattern": {"type": "object", "patternProperties": {"^[^]$": TEXT}, "additionalProperties": False},
}
NULLABLE, ON_OFF_BROKEN = {"anyOf": [NUMBER, {"type": "null"}]}, {**TEXT, "enum": ["on", "off", "broken"]}
BASE = _object("kind", top=NULLABLE, size={"type": "number"}, kind=TEXT, state=ON_OFF_BROKEN)
ON_OFF = {**TEXT, "enum": ["on", "off"]}
NARROWER = _object("top", top={**NUMBER, "maximum": 20}, size=NUMBER, kind=WORD, state=ON_OFF)
WRITTEN = {**TEXT, "writeOnly": True}
DIRECTED = _object("id", "name", "key", id=_ref("Id"), name=TEXT, key=WRITTEN, parts=_list(_ref("Id")))
CHOSEN = {"propertyName": "kind", "mapping": {"pome": f"{SCHEMAS}/Pear", "apple": "Apple"}}
FRUITS = {"oneOf": [_ref("Apple"), _ref("Pear")]}
COLORED = _object("color", color=TEXT) | FRUITS
JOINED: dict[str, Any] = {
    "Apple": _object(kind=TEXT, core={"type": "boolean"}),
    "Pear": _object(kind=TEXT, stalk=NUMBER),
    "Fruit": COLORED,
    "Mapped": FRUITS | {"discriminator": CHOSEN},
    "Unmapped": FRUITS | {"discriminator": {"propertyName": "kind"}},
    "Ripe": COLORED | {"discriminator": CHOSEN},
    "Basket": _object(one={"allOf": [_object("name", name=TEXT), FRUITS]}),
    "Pet": _object("kind", kind=TEXT) | {"discriminator": {"propertyName": "kind", "mapping": {"c": "Cat"}}},
    "Cat": {"allOf": [_ref("Pet"), _object(lives=NUMBER)]},
    "Dog": {"allOf": [_ref("Pet"), _object(tricks=NUMBER)]},
    "Puppy": {"allOf": [_ref("Dog"), _object(age=NUMBER)]},
    "House": _object(pet={"allOf": [_ref("Pet")], "description": "Any."}, pets=_list(_ref("Pet"))),
    "Result": _object(code=NUMBER, data={"type": "object"}),
    "Envelope": {"allOf": [_ref("Result"), _object(data=_ref("Pear"))]},
    "Couple": _object(a=TEXT, b=TEXT),
    "Couples": {"oneOf": [_ref("Couple"), _list(_ref("Couple"))]},
    "Only": {"allOf": [_ref("Pear")], "additionalProperties": False},
    "Above": _object(inner=_object(a=TEXT)),
    "Beyond": _object(inner=_object("b", b=NUMBER)),
    "Deep": {"allOf": [_ref("Above"), _ref("Beyond")]},
    "Named": {"type": "object", "required": ["name"]},
    "Untyped": {"additionalProperties": NUMBER},
    "Typed": {"allOf": [_ref("Named"), {"additionalProperties": NUMBER}]},
    "Top": {"$anchor": "top", **_object(b={"$dynamicRef": "#item"})},
    "Item": {"$dynamicAnchor": "item", **_object(a={"$ref": "#top"})},
}
"""Schemas that combine others, those that a discriminator selects, and those with anchors."""
SCHEMA: dict[str, Any] = {
    "Thing": {"type": "object", "properties": FIELDS},
    "Area": {"type": "object", "additionalProperties": NUMBER},
    "Many": {"allOf": [{"anyOf": [_object(**{f"{side}{i}": TEXT}) for i in range(15)]} for side in "ab"]},
    **{f"A{number}": {"allOf": [_ref(f"A{number + 1}")] * 2} for number in range(30)},
    "A30": _object(x=TEXT),
    "Joined": {"allOf": [_ref("X"), _ref("Y")]},
    "X": {"type": "object", "properties": {"a-b": TEXT}},
    "Y": _object("a_b", a_b=TEXT),
    "Yes": True,
    "No": False,
    "Times": _object(at={"anyOf": [TIME, DATE, TEXT]}, on=DATE),
    "Event": _object("at", "on", at=TIME, on=DATE),
    "Base": BASE,
    "Narrow": {"allOf": [_ref("Base"), NARROWER]},
    "Word": {"oneOf": [{**TEXT, "enum": ["auto"]}, _object(name=TEXT)]},
    "Wide": _object(
        word={"allOf": [_ref("Word"), {"nullable": True}]}, sizes={"allOf": [_list(NUMBER), {"items": {"maximum": 20}}]}
    ),
    "Closed": {**_object(a=TEXT), "additionalProperties": False},
    "More": {"allOf": [_ref("Closed"), _object(b=TEXT)]},
    "Upload": _object(file=BYTES, file_id=TEXT, state=STATE, grid=_list(_list(NUMBER))),
    "Id": {**TEXT, "readOnly": True},
    **dict.fromkeys(("Sent", "Got", "Both"), DIRECTED),
    "Part": {"allOf": [_ref("Directed"), _object("id")]},
    "Directed": _object(id=_ref("Id"), self=_list(_ref("Directed")), next=_ref("Directed")),
    "Fits": {"allOf": [_object(a={"type": "number"}, b=TEXT), _object(a=NUMBER, b=TEXT)]},
    "Excludes": {"allOf": [_object(a=TEXT, b=TEXT), _object(a=NUMBER, b=TEXT)]},
    "Mixes": _object(a={"allOf": [{"type": "object"}, TEXT]}, b={"allOf": [{"const": "word"}, NUMBER]}),
    "Endless": _list(_ref("Endless")),
    "Turn": _list(_ref("Return")),
    "Return": _list(_ref("Turn")),
    **JOINED,
}


def _parameter(name: str, where: str, schema: object = TEXT, **more: object) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, **more}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(name)}}


def _responds(content: object) -> dict[str, Any]:
    return {"responses": {"200": {"description": "好", "content": content}}}


def _operation(*parameters: object, content: object = None, returns: object = None, **more: Any) -> dict[str, Any]:
    body = {"requestBody": {"content": content}} if content else {}
    found = _responds(_json(returns) if isinstance(returns, str) else returns or {"application/json": {"schema": {}}})
    return {"tags": ["t"], "parameters": [*parameters], **found, **body, **more}


STYLES: dict[str, dict[str, Any]] = {
    "form": {},
    "comma": {"explode": False},
    "space": {"style": "spaceDelimited", "explode": False},
    "pipe": {"style": "pipeDelimited"},
    "deep": {"style": "deepObject", "explode": True},
}
QUERY = [
    *(_parameter(f"{name}_area", "query", AREA, **style) for name, style in STYLES.items()),
    *(_parameter(f"{name} 号", "query", IDS, **style) for name, style in STYLES.items() if name != "deep"),
    _parameter("scalar", "query", NUMBER, explode=False),
    _parameter("reserved", "query", allowReserved=True),
]
FORM = {
    "schema": _object(ids=IDS, area=AREA, size=NUMBER),
    "encoding": {"ids": {"style": "pipeDelimited"}, "area": {"style": "deepObject"}},
}
PARTS = {
    "schema": _object(ids=IDS, area=AREA, size=NUMBER, file=BYTES),
    "encoding": {"ids": {"contentType": "text/x-id"}, "file": {"contentType": "image/*, image/png"}},
}
RESERVED = ("a-b", "a_b", "client", "client_query", "url", "body", "body_", "self", "mixedCase", "mixed_case")
ODD = [*(_parameter(name, "query") for name in RESERVED), *(_parameter(name, "header") for name in ("a-b", "a.b"))]
SILENT = {"description": "a\u202eb\x07"}
EXTENSION = {"get": {"responses": {"200": {"$ref": "#/nowhere"}}}}
WILD = {"*/*": {"schema": _ref("Apple")}}
FILE: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
PICTURES = {
    "schema": _object(file=FILE, files=_list(FILE), note=_object(inner=BYTES), picture={}),
    "encoding": {"picture": {"contentType": "image/png"}},
}
ECHOED = ("Event", "Times", "Narrow", "Wide", "More", *JOINED)
OPERATIONS: dict[str, dict[str, Any]] = {
    "post /things/{i-d}/{i_d} things": _operation(
        *ODD, _parameter("i-d", "path"), _parameter("i_d", "path"), content=_json("Thing"), returns="Thing"
    ),
    "get /one/{a-b} getOne": {**SILENT, "parameters": [_parameter("a-b", "path")]},
    "put /one/{a_b} putOne": {**SILENT, "parameters": [_parameter("a_b", "path")]},
    "get /silent silent": {**SILENT, "parameters": ODD[:2]},
    "get /free free": _responds({"application/json": {"schema": True}}),
    "get /with?beta=true with_query": _operation(_parameter("n", "query", NUMBER)),
    "get /const/{word} const": _operation(_parameter("word", "path", {"const": "only this"})),
    "get /states states": _operation(_parameter("states", "query", _list(STATE)), _parameter("a crumb", "cookie")),
    "post /upload upload": _operation(content={**_json("Upload"), "multipart/form-data": {"schema": _ref("Upload")}}),
    "post /any any_type": _operation(content=WILD, returns=WILD),
    "put /picture picture": _operation(content={"image/*": {"schema": BYTES}}),
    "put /words words": _operation(content={"text/plain": {"schema": TEXT}}),
    "put /fields fields": _operation(content={"application/x-www-form-urlencoded": {"schema": _object(a=BYTES)}}),
    "put /any_fields any_fields": _operation(content={"multipart/form-data": {}}),
    "put /pictures pictures": _operation(content={"multipart/form-data": PICTURES}),
    "get /table table": _operation(
        _parameter("If-Modified-Since", "header", TIME), returns={"text/csv": {"schema": BYTES}}
    ),
    "get /plain plain": _operation(
        _parameter("word", "header", {"const": "w"}),
        _parameter("x-key", "header"),
        _parameter("b", "query", BYTES),
        returns={"*/*": {"schema": TEXT}},
        security=[{"key": []}],
    ),
    "get /maybe maybe": _operation(security=[{"key": []}, {}]),
    "get /keyed keyed": _operation(security=[{"in_query": [], "in_cookie": []}]),
    "head /peek peek": _operation(returns="Narrow"),
    "get /query query": _operation(*QUERY),
    "get /label/{k}/matrix/{m} path": _operation(
        _parameter("k", "path", style="label"), _parameter("m", "path", style="matrix")
    ),
    "post /form form": _operation(content={"application/x-www-form-urlencoded": FORM}),
    "post /parts parts": _operation(
        content={"multipart/form-data": PARTS}, servers=[{"url": "https://elsewhere.example.com"}]
    ),
    **{f"post /{name} {name.lower()}": _operation(content=_json(name), returns=name) for name in ECHOED},
    "post /Sent sent": _operation(content=_json("Sent")),
    "get /Got got": _operation(returns="Got"),
    "post /Both both": _operation(content=_json("Both"), returns="Both"),
    "get /Part part": _operation(returns="Part"),
    "get /failing failing": {"responses": {"400": {"description": "坏"}}},
    "get /socket socket": {"responses": {"101": {"description": "WebSocket"}}},
    "get /several several": _responds({"text/plain": {"schema": TEXT}, "application/json": {}}),
    "get /list/{ids} list": _operation(_parameter("ids", "path", IDS)),
}
NO_SUCCESS = "documents no success; it has the detailed calls only."
NOTES = [
    "#/paths/~1table/get/parameters/0: the header parameter `If-Modified-Since` is a string, sent as it is.",
    "#/paths/~1plain/get/parameters/0: the header parameter `word` is a string, sent as it is.",
    "#/paths/~1query/get/parameters/10: reserved characters of `reserved` are percent-encoded anyway.",
    "#/paths/~1several/get/responses/200: of text/plain, application/json, application/json is typed; "
    "`stream()` yields any.",
    "#/paths/~1list~1{ids}/get/parameters/0: the path parameter `ids` is a string, sent as it is.",
    f"{SCHEMAS}/Many: it has more than 200 combinations of alternatives; typed as Any.",
    *(f"{SCHEMAS}/Mixes/properties/{name}: no value fits all parts; typed as Any." for name in "ab"),
    f"{SCHEMAS}/Excludes/properties/a: no value fits all parts; typed as Any.",
    *(f"{SCHEMAS}/{name}/items: refers to itself without a class; typed as Any." for name in ("Endless", "Turn")),
    "#/components/securitySchemes/in_query: the token is sent as `X-Key`; pass this one as "
    'httpx_args={"params": {"key": ...}}.',
    '#/components/securitySchemes/in_cookie: the token is sent as `X-Key`; pass this one as cookies={"key": ...}.',
    "#/paths/~1plain/get: the client's token replaces the header parameter `x-key`.",
    *(f"#/paths/~1one~1{{a_b}}/{method}: {NO_SUCCESS}" for method in ("get", "put")),
    f"#/paths/~1silent/get: {NO_SUCCESS}",
    "#/paths/~1parts/post: its own server https://elsewhere.example.com is not followed: "
    "the token belongs to the client's base_url.",
    f"#/paths/~1failing/get: {NO_SUCCESS}",
    "#/paths/~1socket/get: cannot be called over plain HTTP; it has the detailed calls only.",
]


def _document() -> dict[str, Any]:
    document: dict[str, Any] = small(**SCHEMA)
    document["info"]["title"] = "a\u2066b"
    document["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "in_query": {"type": "apiKey", "in": "query", "name": "key"},
        "in_cookie": {"type": "apiKey", "in": "cookie", "name": "key"},
    }
    paths: dict[str, Any] = {"x-paths": EXTENSION}
    for key, operation in deepcopy(OPERATIONS).items():
        method, route, name = key.split()
        paths.setdefault(route, {})[method] = {"operationId": name, **operation}
    paths["/free"]["get"]["responses"]["x-200:另一个"] = EXTENSION
    return document | {"paths": paths}


@pytest.fixture(scope="session")
def package(shared: Path) -> Path:
    """The package `uncommon_client` of the document, beside it."""
    document, package = write(shared, _document(), "uncommon.json"), shared / "uncommon_client"
    generate_once(package, "--document", document, "--overlay", NONE)
    return package


def _load(module: str) -> Any:
    return import_module(f"uncommon_client.{module}")


def _call(
    operation: str, *path: Any, response: httpx.Response | None = None, own: Any = None, **arguments: Any
) -> tuple[httpx.Request, Any]:
    """Call an operation of a client with its own query parameters; return the request and the parsed response."""
    sent = list[httpx.Request]()

    def respond(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        return response or httpx.Response(200, json={})

    args = {"transport": httpx.MockTransport(respond), "params": own}
    with _load("client").AuthenticatedClient("http://relay.example", token="sk-...", httpx_args=args) as client:
        parsed = _load(f"api.t.{operation}").sync_detailed(*path, client=client, **arguments).parsed
    return sent[0], parsed


def _query(operation: str, own: Any = None, **arguments: Any) -> str:
    """The query of the request."""
    return _call(operation, own=own, **arguments)[0].url.query.decode()


def _file(content: bytes, **more: Any) -> Any:
    return _load("types").File(payload=BytesIO(content), **more)


def _wire(document: Path, package: Path) -> str:
    return contract_check("wire", document, "--overlay", NONE, "--package", package).stdout


def test_each_operation_sends_and_reads_what_the_document_says(package: Path) -> None:
    printed = _wire(package.with_name("uncommon.json"), package)
    assert printed.startswith("ok "), printed


def test_wire_reports_violations_of_a_style(package: Path, tmp_path: Path) -> None:
    document = _document()
    parameters = {each["name"]: each for each in document["paths"]["/query"]["get"]["parameters"]}
    parameters["pipe 号"]["style"] = "form"
    parameters["deep_area"]["style"] = "form"
    document["paths"]["/label/{k}/matrix/{m}"]["get"]["parameters"][1]["style"] = "simple"
    forms = [document["paths"][route]["post"]["requestBody"]["content"] for route in ("/form", "/parts")]
    forms[0]["application/x-www-form-urlencoded"]["encoding"]["ids"]["style"] = "spaceDelimited"
    forms[1]["multipart/form-data"]["encoding"]["ids"]["contentType"] = "text/plain"
    routes = ("/query", "/label/{k}/matrix/{m}", "/form", "/parts")
    document["paths"] = {route: document["paths"][route] for route in routes}
    printed = _wire(write(tmp_path, document), package)
    for place, said in (
        ("query/get", "pipe 号 (query)"),
        ("query/get", "deep_area[x-0] (query)"),
        ("label~1{k}~1matrix~1{m}/get", "m (path)"),
        ("form/post", "$.ids[0]"),
        ("parts/post", "the part `ids` with its documented media type"),
    ):
        assert re.search(rf"#/paths/~1{re.escape(place)}: sync_detailed .*{re.escape(said)}", printed), printed


def test_only_unsupported_features_are_noted(package: Path) -> None:
    printed = package.with_name("uncommon_client.txt").read_text(encoding="utf-8").splitlines()
    assert [line.removeprefix("note: ") for line in printed if line.startswith("note: ")] == NOTES


def test_colliding_names_are_disambiguated_and_invisible_characters_escaped(package: Path) -> None:
    model = (package / "models" / "thing.py").read_text(encoding="utf-8")
    for name in ("a_b", "image1", "image_1"):
        assert f'("{name}", "{name}", ' in model
    assert re.search(r'\("a_b_x\w{7}", "a-b", ', model)
    assert '"a\\u200bb\\u202e"' in model
    assert {file.stem for file in (package / "api" / "one").glob("[a-z]*.py")} == {"get_one", "put_one"}
    sources = {file: file.read_text(encoding="utf-8") for file in package.rglob("*.py")}
    assert [file for file, source in sources.items() if not text.is_visible(source)] == []


@pytest.mark.parametrize(
    ("name", "required"),
    [("Sent", ["name", "key"]), ("Got", ["id", "name"]), ("Both", ["name"]), ("Part", ["id"])],
)
def test_a_property_is_required_if_its_directions_require_it(package: Path, name: str, required: list[str]) -> None:
    parameters = signature(getattr(_load("models"), name)).parameters.values()
    assert [each.name for each in parameters if each.default is Parameter.empty] == required


@pytest.mark.parametrize(
    ("argument", "value", "query"),
    [
        ("form_号", ["a b", "c,d"], "form+%E5%8F%B7=a+b&form+%E5%8F%B7=c%2Cd"),
        ("comma_号", ["a b", "c,d", "好"], "comma%20%E5%8F%B7=a%20b,c%2Cd,%E5%A5%BD"),
        ("space_号", ["a", "b|c"], "space%20%E5%8F%B7=a%20b%7Cc"),
        ("pipe_号", ["a b", "c"], "pipe%20%E5%8F%B7=a%20b%7Cc"),
        ("comma_号", [], ""),
        ("form_area", {"x": 1, "y": 2}, "x=1&y=2"),
        ("comma_area", {"x": 1, "y": 2}, "comma_area=x,1,y,2"),
        ("pipe_area", {"x": 1}, "pipe_area=x%7C1"),
        ("deep_area", {"x": 1, "y": 2}, "deep_area%5Bx%5D=1&deep_area%5By%5D=2"),
        ("scalar", 5, "scalar=5"),
    ],
)
def test_a_query_parameter_follows_its_style(package: Path, argument: str, value: Any, query: str) -> None:
    if isinstance(value, dict):
        value = _load("models").Area.from_dict(value)
    assert _query("query", **{argument: value}) == query


def test_parameters_are_combined_with_those_of_the_path_and_the_client(package: Path) -> None:
    assert _query("query", comma_号=["a"], form_号=["c"], scalar=1) == "form+%E5%8F%B7=c&scalar=1&comma%20%E5%8F%B7=a"
    assert _query("query", own={"own": "1"}, comma_号=["a", "b"]) == "own=1&comma+%E5%8F%B7=a%2Cb"
    assert _query("with_query") == "beta=true"
    assert _query("with_query", n=5, own={"x": "1"}) == "x=1&n=5&beta=true"
    state = _load("models").StatesStatesItem
    assert _query("states", states=[state.ON, None, state.OFF]) == "states=on&states=off"
    request, _ = _call("path", "a/b", "c d")
    assert request.url.raw_path == b"/label/.a%2Fb/matrix/;m=c%20d"


def test_the_fields_and_parts_of_forms_follow_their_styles_and_media_types(package: Path) -> None:
    models = _load("models")
    body = models.FormBody(ids=["a b", "c"], area=models.Area.from_dict({"x": 1}), size=3)
    assert _call("form", body=body)[0].content == b"ids=a%20b%7Cc&area%5Bx%5D=1&size=3"
    for given_type, expected in ((None, "image/png"), ("image/webp", "image/webp")):
        part = _file(b"x", file_name="a.bin", mime_type=given_type)
        request, _ = _call("parts", body=models.PartsBody(ids=["a"], file=part, size=3))
        heads = [part.partition("\r\n\r\n")[0] for part in request.content.decode().split("--")]
        assert any('name="file"' in head and f"Content-Type: {expected}" in head for head in heads)
        assert any('name="ids"' in head and "Content-Type: text/x-id" in head for head in heads)
        assert any('name="size"' in head and "Content-Type" not in head for head in heads)
        assert request.url.host == "relay.example"


def test_a_body_with_a_file_is_a_form_and_any_other_json(package: Path) -> None:
    upload = _load("models").Upload
    assert _call("upload", body=upload(file_id="f"))[0].headers["content-type"] == "application/json"
    request, _ = _call("upload", body=upload(file=_file(b"x"), grid=[[1, 2], [3]]))
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert [line for line in request.content.split(b"\r\n") if line.startswith(b"[")] == [b"[1, 2]", b"[3]"]


def test_a_form_has_files_only_in_its_direct_fields(package: Path) -> None:
    models, files = _load("models"), {name: _file(b"x", file_name=f"{name}.png") for name in ("file", "picture")}
    body = models.PicturesBody(**files, files=[files["file"]], note=models.PicturesBodyNote(inner="text"))
    content = _call("pictures", body=body)[0].content
    assert content.count(b'filename="file.png"') == 2
    assert b'filename="picture.png"\r\nContent-Type: image/png' in content
    assert b'{"inner": "text"}' in content
    assert _call("fields", body=models.FieldsBody(a="b"))[0].content == b"a=b"


def test_bytes_and_text_are_sent_under_a_media_type_without_a_wildcard(package: Path) -> None:
    text_type = "text/plain; charset=utf-8"
    for name, body, media_type in (
        ("picture", _file(b"x", mime_type="image/png"), "image/png"),
        ("picture", _file(b"x"), "application/octet-stream"),
        ("words", _file(b"x"), text_type),
        ("words", "x", text_type),
    ):
        request, _ = _call(name, body=body)
        assert (request.headers["content-type"], request.content) == (media_type, b"x")


def test_a_body_under_a_wildcard_has_the_type_of_its_schema(package: Path) -> None:
    apple = _load("models").Apple(kind="k")
    request, found = _call("any_type", response=httpx.Response(200, json={"kind": "k"}), body=apple)
    assert found == apple
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"


def test_a_response_to_head_has_no_body(package: Path) -> None:
    request, found = _call("peek", response=httpx.Response(200))
    assert (request.headers["accept"], found) == ("*/*", None)


def test_a_date_of_http_is_text_and_a_binary_text_is_bytes(package: Path) -> None:
    since, csv = "Wed, 21 Oct 2026 07:28:00 GMT", {"Content-Type": "text/csv"}
    request, found = _call("table", response=httpx.Response(200, content=b"\xff", headers=csv), if_modified_since=since)
    assert (request.headers["if-modified-since"], found) == (since, b"\xff")


def test_the_token_goes_into_the_documented_header(package: Path) -> None:
    request, found = _call("plain", response=httpx.Response(200, text="plain"), word="w", b="x", x_key="?")
    assert found == "plain"
    assert (request.headers["word"], request.url.query) == ("w", b"b=x")
    assert (request.headers["x-key"], request.headers.get("authorization")) == ("***", None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", date(2026, 1, 2)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.5Z", datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC)),
        ("20260102", "20260102"),
        ("2026-W01-1", "2026-W01-1"),
        ("tomorrow", "tomorrow"),
    ],
)
def test_dates_times_and_texts_are_distinguished(package: Path, text: str, value: object) -> None:
    times = _load("models").Times.from_dict({"at": text, "on": text})
    assert (times.at, type(times.at)) == (value, type(value))
    assert times.to_dict()["at"] == text.replace(".5Z", ".500000Z").replace("Z", "+00:00")


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_dates_and_times_round_trip(package: Path) -> None:
    event = _load("models").Event

    @given(at=st.datetimes(timezones=ZONES), on=st.dates())
    def round_trips(at: datetime, on: date) -> None:
        written = event(at=at, on=on).to_dict()
        assert isoparse(written["at"]) == at
        assert isoparse(written["at"]).utcoffset() == at.utcoffset()
        assert isoparse(written["on"]).date() == on
        assert event.from_dict(written) == event(at=at, on=on)

    round_trips()


def test_a_part_may_narrow_a_type_or_exclude_null(package: Path) -> None:
    models = _load("models")
    assert models.Narrow(kind="a", top=3, size=4).to_dict() == {"kind": "a", "top": 3, "size": 4}
    state: Any = models.Narrow.from_dict({"kind": "a", "top": 3, "state": "on"}).state
    assert set(state.__class__.__members__) == {"ON", "OFF"}
    with pytest.raises(TypeError, match="top"):
        _call("narrow", body=models.Narrow(kind="a", top=None))
    with pytest.raises(TypeError, match="word"):
        _call("wide", body=models.Wide(word=None))
    with pytest.raises(TypeError, match="sizes"):
        _call("wide", body=models.Wide(sizes=["a"]))


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
        ("Dog", {"kind": "Puppy"}, "Puppy(kind='Puppy')"),
        ("Dog", {"kind": "cow"}, "Dog(kind='cow')"),
        (
            "House",
            {"pet": {"kind": "c"}, "pets": [{"kind": "Dog"}]},
            "House(pet=Cat(kind='c'), pets=[Dog(kind='Dog')])",
        ),
        ("Envelope", {"data": {"stalk": 1}, "code": 0}, "Envelope(code=0, data=Pear(stalk=1))"),
        ("Only", {"stalk": 1}, "Pear(stalk=1)"),
        ("Deep", {"inner": {"a": "A", "b": 1}}, "Deep(inner=DeepInner(b=1, a='A'))"),
        ("Typed", {"name": 1, "more": 2}, "Typed(name=1, additional_properties={'more': 2})"),
        ("Top", {"b": {"a": {}}}, "Top(b=Item(a=Top()))"),
    ],
)
def test_combined_schemas_round_trip_as_the_matching_class(
    package: Path, schema: str, data: dict[str, Any], read: str
) -> None:
    _, found = _call(schema.lower(), response=httpx.Response(200, json=data))
    assert repr(found) == read
    request, _ = _call(schema.lower(), response=httpx.Response(200, json=data), body=found)
    assert json.loads(request.content) == data


@pytest.mark.parametrize(
    "schema",
    [
        WORD,
        {"type": ["string", "null"], "enum": ["a", "b", None]},
        {"anyOf": [WORD, {"type": "null"}]},
        {"oneOf": [{"enum": [None]}, WORD], "description": "a or b"},
        {"anyOf": [{"anyOf": [WORD, {"const": None}]}]},
        {"anyOf": [{"type": "object", "properties": {"b": TEXT}}, {"type": "null"}]},
    ],
)
def test_a_schema_with_or_without_null_is_named_after_its_property(schema: dict[str, Any]) -> None:
    assert set(prepare(with_field(**schema)).classes) == {"Thing", "ThingA"}


def test_a_document_without_operations_gives_a_package_of_models(tmp_path: Path) -> None:
    document: dict[str, Any] = {**small(), "webhooks": {}}
    del document["paths"]
    done = generate(tmp_path / "generated_client", "--document", write(tmp_path, document))
    assert done.returncode == 0, done.stderr
    assert "0 operations in 0 groups" in done.stdout
    assert (tmp_path / "generated_client" / "models" / "thing.py").is_file()


def test_basic_authentication_is_noted() -> None:
    document = with_operation(security=[{"basic": []}])
    document["components"]["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
    notes = prepare(document).notes
    assert notes == ["#/components/securitySchemes: the token is the Base64 text of `user:password`."]
