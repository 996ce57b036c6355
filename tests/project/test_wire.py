"""`contract_check wire`: reports each kind of disagreement between a document and a package, and nothing else.

One package is generated from a document with an operation for each kind. Then the document or
the package is changed, and the findings for each operation must be exactly those of its case.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from checkout import Completed, contract_check, generate
from specimens import write

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
THING: dict[str, Any] = {"$ref": "#/components/schemas/Thing"}
RICH: dict[str, Any] = {"$ref": "#/components/schemas/Rich"}


def _object(*required: str, **properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": [*required]} if required else {})}


SCHEMAS: dict[str, Any] = {
    "Thing": _object("name", name=TEXT, size={"type": "number", "minimum": 7}),
    "Rich": _object(
        "name",
        name=TEXT,
        kind={"enum": ["好", "a-b"]},
        at={"type": "string", "format": "date-time"},
        parts={"type": "array", "items": RICH},
        either={"oneOf": [WHOLE, {"$ref": "#/components/schemas/Part"}, {"type": "null"}]},
        free={"type": "object", "additionalProperties": True},
        counts={"type": "object", "additionalProperties": WHOLE},
        any={},
    ),
    "Part": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"width": WHOLE}}]},
    "Base": _object("id", id=TEXT),
    "Problem": _object(code={"type": ["string", "null"]}),
    **{name: _object(a=TEXT) for name in ("Grown", "Shrunk", "Strict", "Broken", "Unmade")},
    "Lax": _object("a", a=TEXT),
    "Narrower": _object(
        kind={"type": ["integer", "null"]},
        choice={"enum": ["a", "b"]},
        items={"type": "array", "items": {"type": ["string", "null"]}},
        map={"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    ),
    "Outer": _object(b=_object(c=_object(d=WHOLE))),
    "Tree": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    "Word": TEXT,
    "Prod": _object("kind", kind=TEXT, a=TEXT),
    "Server": _object("kind", kind=TEXT, a=TEXT),
    "Host": {
        "oneOf": [{"$ref": "#/components/schemas/Prod"}, {"$ref": "#/components/schemas/Server"}],
        "discriminator": {"propertyName": "kind", "mapping": {"s": "#/components/schemas/Server"}},
    },
    "Pet": _object("kind", kind=TEXT) | {"discriminator": {"propertyName": "kind"}},
    **{name: {"allOf": [{"$ref": "#/components/schemas/Pet"}, _object(a=TEXT)]} for name in ("Cat", "Dog")},
    "Rack": _object(
        host={"$ref": "#/components/schemas/Host"},
        hosts={"type": "array", "items": {"$ref": "#/components/schemas/Host"}},
        pet={"$ref": "#/components/schemas/Pet"},
    ),
    "Defining": {"type": "object", "$defs": {"Part": _object(a={"type": "number"})}},
}
NULL = {"type": "null"}
ECHOED: dict[str, dict[str, Any]] = {
    # schemas that wire once judged wrongly, or crashed on
    "null": NULL,
    "const": {"const": None},
    "nulls": _object(
        "const",
        const={"const": None},
        list={"type": "array", "items": NULL},
        map={"type": "object", "additionalProperties": NULL},
    ),
    "const_text": _object("const", const={"const": "a"}),
    "word": {"$ref": "#/components/schemas/Word"},
    "tree": _object(tree={"$ref": "#/components/schemas/Tree"}),
    "defined": _object(a={"$ref": "#/components/schemas/Defining/$defs/Part"}),
    "extended": {"allOf": [{"properties": {"a": TEXT}}, {"additionalProperties": WHOLE}], "type": "object"},
    "merged_or_null": {"anyOf": [{"$ref": "#/components/schemas/Base"}, NULL], "properties": {"z": TEXT}},
    "object_or_null": {"oneOf": [{"type": "object", "additionalProperties": WHOLE, "properties": {"a": TEXT}}, NULL]},
    "null_by_default": {"anyOf": [_object(a=TEXT), NULL], "default": None},
    "required_elsewhere": {"allOf": [_object(a=WHOLE), _object("a")]},
    "list_with_required": {"type": "array", "items": TEXT, "required": ["a"]},
    "either_required": _object(a=TEXT, b=TEXT) | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "const_or_null": {"anyOf": [{"const": "a"}, NULL]},
    "narrowed": RICH | {"required": ["kind"]},
    "repeated": RICH | {"required": ["name"], "properties": {"name": TEXT}},
    "mixed": {"allOf": [_object(a=TEXT), TEXT]},
    "ten": _object(a={"type": "integer", "example": 10.0}),
    "capitals": _object(id={"type": "string", "format": "uuid", "example": "6F1F5C1E-8D0E-4B57-9A5B-0D7A1C2E3F40"}),
    "rack": {"$ref": "#/components/schemas/Rack"},
    "hosts": {"type": "array", "items": {"$ref": "#/components/schemas/Host"}},
}
IDS = {"type": "array", "items": TEXT}
URLENCODED = "application/x-www-form-urlencoded"
FILES = _object("files", files={"type": "array", "items": {"type": "string", "format": "binary"}})
UPLOAD = _object(
    "file",
    file={"type": "string", "format": "binary"},
    count=WHOLE,
    tags={"type": "array", "items": TEXT},
    area=_object(x=WHOLE, y=TEXT),
)


def _content(schema: object, media_type: str = "application/json", **more: object) -> dict[str, Any]:
    return {"content": {media_type: {"schema": schema, **more}}}


def _parameter(name: str, place: str, schema: object = TEXT, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _operation(name: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": ["cases"],
        "security": [{"Bearer": []}],
        "parameters": [
            _parameter("id", "path", required=True),
            _parameter("limit", "query", WHOLE),
            _parameter("X-Trace", "header", required=True),
        ],
        "requestBody": {"required": True, **_content(THING)},
        "responses": {"200": {"description": "好", **_content(THING)}},
    }


NOT_SENT = "before it sends anything"
TYPE_ERROR = f"raises TypeError {NOT_SENT}: sync_detailed() missing 1 required"
INVALID_BODY = f"raises InvalidArgument {NOT_SENT}: body: expected Thing"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
BODILESS = ("101", "204", "304")
Change = Callable[[Any], object]
DOCUMENT_SAYS: dict[str, tuple[Change | None, *tuple[str, ...]]] = {
    # a change of an operation's definition, and the finding
    "put": (None, "does not send one PUT /put/{id}: ['POST /base/put/"),
    "moved": (None, "does not send one POST /elsewhere/to/{id}: ['POST /base/moved/"),
    "page": (
        lambda o: o["parameters"].append(_parameter("page", "query")),
        *("missing parameter of sync_detailed, `page (query)`", "does not send page (query) as documented"),
    ),
    "no_limit": (lambda o: o["parameters"].pop(1), "additional parameter of sync_detailed, `limit`: the document"),
    "required": (lambda o: o["parameters"][1].update(required=True), "`limit (query)`: the document requires it"),
    "optional": (
        lambda o: o["parameters"][2].update(required=False),
        *("`x-trace (header)`: the package requires it", TYPE_ERROR),
    ),
    "elsewhere": (
        lambda o: o["parameters"][1].update({"in": "header"}),
        *("does not send limit (query) as documented: ['", "limit (header) as documented: None instead of ['"),
    ),
    "text": (
        lambda o: o["parameters"][1].update(schema={"type": "boolean"}),
        "limit (query) of sync_detailed is not what #/paths/~1text~1{id}/post/parameters/1/schema asks for: int",
        f"raises InvalidArgument {NOT_SENT}: limit: expected int, got bool",
    ),
    "media_type": (
        lambda o: o["requestBody"].update(_content(THING, "application/x.json")),
        *("sends application/json, which is not", "no value of `body` was sent as application/x.json"),
    ),
    "other_body": (lambda o: o["requestBody"].update(_content(PROBLEM)), INVALID_BODY),
    "no_body": (lambda o: o.pop("requestBody"), "additional parameter of sync_detailed, `body`", TYPE_ERROR),
    "may_lack_body": (
        lambda o: o["requestBody"].update(required=False),
        *("parameter of sync_detailed, `body`: the package requires it", TYPE_ERROR),
    ),
    "number": (
        lambda o: o["responses"]["200"].update(_content({"type": "number"})),
        "DecodeError for the documented 200",
    ),
    "created": (
        lambda o: o["responses"].update({"201": o["responses"].pop("200")}),
        "raises UnexpectedStatus for the documented 201: POST",
    ),
    "beside": (
        lambda o: o["requestBody"].update(_content(THING | {"required": ["size"]})),
        *("field of Thing `size`: the document requires it", "missing model `BesideBody`"),
    ),
    "impossible": (
        lambda o: o["responses"]["200"].update(_content(THING | {"required": ["nowhere"]})),
        *("missing field of Thing `nowhere`: the package", "missing model `ImpossibleResponse200`"),
    ),
    "bodiless": (
        lambda o: o["responses"].update({key: {"description": "不", **_content(THING)} for key in BODILESS}),
        *(f"not checked: HTTP does not allow the documented response {key}" for key in BODILESS),
    ),
    "upgrade": (
        lambda o: o.update(responses={"101": {"description": "升级"}}),
        "not checked: HTTP does not allow the documented response 101",
    ),
    "public": (lambda o: o.update(security=[]), "the `token`: the package requires it, the document does not"),
    "key": (lambda o: o.update(security=[{"Key": []}]), "not checked: the client sends the token in a header, not"),
    "form": (
        lambda o: o["requestBody"]["content"].update(_content(UPLOAD, "multipart/form-data")["content"]),
        *("no value of `body` was sent as multipart/form-data", INVALID_BODY),
        *("missing model `FormBodyFormData`", "missing model `FormBodyFormDataArea`"),
    ),
}


def _wrapped(before: str = "pass", after: str = "pass") -> str:
    """Code that wraps the generated function."""
    return f"""
import copy, functools, attrs
_real = sync_detailed
@functools.wraps(_real)
def sync_detailed(**given):
    {before}
    got = _real(**given)
    {after}
    return got
"""


COLOUR = """
import inspect
_all = inspect.signature(_real)
_new = inspect.Parameter("colour", inspect.Parameter.KEYWORD_ONLY, annotation=str)
sync_detailed.__signature__ = _all.replace(parameters=[*_all.parameters.values(), _new])
sync_detailed.__annotations__ = {**_real.__annotations__, "colour": str}
"""
OTHER_TOKEN = "client = given['client'] = copy.deepcopy(given['client']); client.set_token('sk-no')"
PACKAGE_DOES = {
    # code to append to the function's module, and the finding
    "raises": (_wrapped("raise RuntimeError('不')"), f"raises RuntimeError {NOT_SENT}: 不"),
    "status": (_wrapped(after="got.status_code = 202"), "returns Thing and 202 for the documented 200."),
    "kind": (_wrapped(after="got.parsed = got.parsed.to_dict()"), "returns dict and 200 for the documented 200."),
    "loss": (_wrapped(after="got.parsed.name = '不'"), "changes the body for the documented 200: $.name: "),
    "twice": (_wrapped("_real(**given)"), "does not send one POST /twice/{id}: ['POST"),
    "body": (
        _wrapped("given['body'] = attrs.evolve(given['body'], name='不')"),
        "sends another body than it was given: $.name: ",
    ),
    "query": (_wrapped("given['limit'] = 77"), "send limit (query) as documented: ['77'] instead of "),
    "segment": (_wrapped("given['id'] = '不'"), "send id (path) as documented: ['不'] instead of "),
    "token": (_wrapped(OTHER_TOKEN, "client.close()"), "authorization (header) as documented: ['Bearer sk-no']"),
    "extra_header": (
        _wrapped("given['client'] = given['client'].with_headers({'X-Extra': '1'})"),
        "does not send x-extra (header) as documented: ['1'] instead of None",
    ),
    "parameter": (
        _wrapped("given.pop('colour')") + COLOUR,
        "additional parameter of sync_detailed, `colour`: the document has none of this name",
        f"raises KeyError {NOT_SENT}: 'colour'",
    ),
    "untyped": ("\ndef sync_detailed(**given):\n    pass\n", "cases.untyped is not a generated module: KeyError"),
}
FOUND = {name: [str(line) for line in case[1:]] for name, case in (DOCUMENT_SAYS | PACKAGE_DOES).items()}
BROKEN = "\ndef _no(*_, **__):\n    raise RuntimeError('不')\n"
NARROWER = "#/components/schemas/Narrower/properties/"
NAMED = [
    # findings besides those of the tables
    "paths: additional function `sound.delete_sound_refused.sync_detailed`: the document",
    "paths: missing function `cases.later.asyncio_detailed`: the package has none of this name",
    "components/schemas/Grown: missing field of Grown `b`: the package has none of this name",
    "components/schemas/Shrunk: additional field of Shrunk `a`: the document has none of this name",
    "components/schemas/Lax: field of Lax `a`: the package requires it, the document does not",
    "components/schemas/Strict: field of Strict `a`: the document requires it, the package does not",
    "components/schemas/Later: missing model `Later`: the package has none of this name",
    "components/schemas/Unmade: no value of the package's types fits: RuntimeError: 不",
    "components/schemas/Broken: no value of the package's types fits: RuntimeError: 不",
    "paths/~1sound~1picture/get: the `token`: the document requires it, the package does not",
    "paths/~1sound~1text/head: not checked: HTTP does not allow the documented response 200",
    "paths/~1sound~1upload~1{id}/post: sync_detailed does not send the part `tags` with its documented media type",
    "paths/~1sound~1hosts/post: sync_detailed returns list and 200 for the documented 200",
    *(
        f"components/schemas/Rack: field `{key}` of Rack is read as another class than Server"
        for key in ("host", "hosts")
    ),
    "components/schemas/Rack: field `pet` of Rack is read as another class than Cat",
    *(
        f"paths/~1sound~1styled~1{{id}}/post: sync_detailed does not send {key} as documented"
        for key in ("id (path)", "ids (query)", "area[x] (query)")
    ),
    "paths/~1sound~1styled~1{id}/post: sync_detailed sends another body than it was given: $.ids",
    f"{NARROWER}kind asks for: null instead of integer",
    f"{NARROWER}choice asks for: 'b' is not one of its values",
    f"{NARROWER}items/items asks for: null instead of string",
    f"{NARROWER}map/additionalProperties asks for: null instead of string",
]


def _document() -> dict[str, Any]:
    rich = _operation("rich")
    rich["parameters"].append(_parameter("crumb", "cookie"))
    rich["requestBody"].update(_content(RICH))
    rich["responses"] = {
        "200": {"description": "好", **_content(RICH, example={"name": "好", "at": "2026-01-02T03:04:05.5Z"})},
        "4XX": {"description": "坏", **_content(PROBLEM)},
        "default": {"description": "空"},
    }
    encoding = {"tags": {"contentType": "text/x-tag"}, "count": {"style": "form"}}
    upload = _operation("upload") | {"requestBody": _content(UPLOAD, "multipart/form-data", encoding=encoding)}
    styled = _operation("styled")
    styled["requestBody"] = _content(_object("ids", ids=IDS), URLENCODED)
    styled["parameters"] += [_parameter("ids", "query", IDS), _parameter("area", "query", _object("x", x=WHOLE))]
    at = "#/components/schemas/Outer/properties/b"
    inner = _object(b={"$ref": at}, c={"$ref": f"{at}/properties/c"})

    def responds(status: str = "200", *parameters: object, **content: object) -> dict[str, Any]:
        return {"parameters": [*parameters], "responses": {status: {"description": "好", **content}}}

    def echo(schema: dict[str, Any]) -> dict[str, Any]:
        return {"post": responds(**_content(schema)) | {"requestBody": {"required": True, **_content(schema)}}}

    alike = [_parameter(name, "query") for name in ("userid", "user_id", "a1")]
    sound: dict[str, Any] = {
        "/sound/rich/{id}": {"post": rich},
        "/sound/upload/{id}": {"post": upload},
        "/sound/styled/{id}": {"post": styled},
        "/sound/picture": {"get": responds(content={"image/png": {}})},
        "/sound/text": {"get": responds(content={"text/plain": {}}), "head": responds()},
        "/sound/refused": {"delete": responds("501", **_content(THING))},
        "/sound/alike": {"get": responds("200", *alike)},
        "/sound/fixed?beta=true": {"get": responds("200", _parameter("page", "query"))},
        "/sound/shared": {"$ref": "#/components/pathItems/Shared"},
        "/sound/inner": {"get": responds(**_content(inner))},
        "/sound/p%20q": {"get": responds()},
        "/sound/key": {"get": responds("200", _parameter("X-Key", "header")) | {"security": [{"XKey": []}]}},
        "/sound/files": {
            "post": responds() | {"requestBody": {"required": True, **_content(FILES, "multipart/form-data")}}
        },
        "/sound/lines": {"post": responds() | {"requestBody": _content(THING, "application/x-ndjson")}},
        **{f"/sound/{name}": echo(schema) for name, schema in ECHOED.items()},
    }
    schemes = {
        "Bearer": {"type": "http", "scheme": "bearer"},
        "Key": {"type": "apiKey", "in": "query", "name": "key"},
        "XKey": {"type": "apiKey", "in": "header", "name": "X-Key"},
    }
    items = {"Shared": {"put": responds("200", _parameter("limit", "query"))}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "小", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "paths": {f"/{name}/{{id}}": {"post": _operation(name)} for name in FOUND} | sound,
        "components": {"schemas": deepcopy(SCHEMAS), "securitySchemes": schemes, "pathItems": items},
    }


def _change(document: dict[str, Any]) -> None:
    """Change the document after the package was generated."""
    paths, schemas = document["paths"], document["components"]["schemas"]
    for name, (change, *_) in DOCUMENT_SAYS.items():
        if change:
            change(paths[f"/{name}/{{id}}"]["post"])
    paths["/put/{id}"]["put"] = paths["/put/{id}"].pop("post")
    paths["/elsewhere/to/{id}"] = paths.pop("/moved/{id}")
    schemas["Grown"]["properties"] = {"a": TEXT, "b": TEXT}
    schemas["Shrunk"]["properties"] = {}
    schemas["Strict"]["required"] = ["a"]
    schemas["Lax"]["required"] = []
    schemas["Later"] = _object(a=TEXT)
    schemas["Host"]["discriminator"]["mapping"] = {"Prod": "#/components/schemas/Server"}
    schemas["Pet"]["discriminator"]["mapping"] = {"Dog": "#/components/schemas/Cat"}
    paths["/later"] = {"get": {"operationId": "later", "tags": ["cases"], "responses": {"200": {"description": "好"}}}}
    del paths["/sound/refused"]
    form = paths["/sound/upload/{id}"]["post"]["requestBody"]["content"]["multipart/form-data"]
    form["encoding"]["tags"] = {"contentType": "text/x-other"}
    styled = paths["/sound/styled/{id}"]["post"]
    in_path, _, _, in_query, area = styled["parameters"]
    in_path["style"], area["style"] = "matrix", "deepObject"
    in_query |= {"style": "pipeDelimited", "explode": False}
    styled["requestBody"]["content"][URLENCODED]["encoding"] = {"ids": {"style": "spaceDelimited", "explode": False}}
    paths["/sound/text"]["head"]["responses"]["200"] |= _content(THING)
    paths["/sound/picture"]["get"]["security"] = [{"Bearer": []}]
    schemas["Narrower"] = _object(
        kind=WHOLE,
        choice={"enum": ["a"]},
        items={"type": "array", "items": TEXT},
        map={"type": "object", "additionalProperties": TEXT},
    )


def _tamper(package: Path) -> None:
    """Change the generated package."""
    appended = {f"api/cases/{name}.py": code for name, (code, *_) in PACKAGE_DOES.items()}
    appended["models/broken.py"] = f"{BROKEN}Broken.to_dict = _no\n"
    appended["models/unmade.py"] = f"{BROKEN}Unmade.__init__ = _no\n"
    for name, code in appended.items():
        with (package / name).open("a", encoding="utf-8") as file:
            file.write(code)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a document and its package."""
    write(tmp_path, _document(), "sound.json")
    write(tmp_path, "overlay: 1.0.0\nactions: []\n", "none.yaml")
    arguments = ["--document", tmp_path / "sound.json", "--overlay", tmp_path / "none.yaml"]
    done = generate(tmp_path / "generated_client", *arguments)
    assert done.returncode == 0, done.stderr
    return tmp_path


def _wire(folder: Path, document: str) -> Completed:
    given = [folder / document, "--overlay", folder / "none.yaml", "--package", folder / "generated_client"]
    return contract_check("wire", *given, env={"GITHUB_ACTIONS": ""})


def test_each_departure_is_reported_and_nothing_else(folder: Path) -> None:
    """All in one package, since generation takes the time."""
    agreed = _wire(folder, "sound.json")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    assert re.fullmatch(r"ok +wire +\d+\.\d s\n", agreed.stdout)
    document = _document()
    _change(document)
    write(folder, document, "changed.json")
    _tamper(folder / "generated_client")
    done = _wire(folder, "changed.json")
    assert done.returncode == 1, done.stderr
    assert [line for line in NAMED if line not in done.stdout] == []
    assert "Lax: no value" not in done.stdout  # the required field is the reason, and reported
    for name, due in FOUND.items():
        route = "elsewhere~1to" if name == "moved" else name
        lines = [line for line in done.stdout.splitlines() if f": #/paths/~1{route}~1{{id}}" in line]
        assert [line for line in due if line not in "\n".join(lines)] == [], f"{name}: {lines}"
        departures = [line.replace("asyncio", "sync") for line in lines if "not checked" not in line]
        assert [line for line in departures if not any(known in line for known in due)] == [], name
