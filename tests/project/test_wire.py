"""`contract_check wire`: each kind of disagreement between a document and a package is named, and nothing else is.

One package is generated from a document with an operation for each kind. Then either the document says something
else, or the package does, and all that is found of an operation is what its case expects.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import pytest

from checkout import Completed, contract_check, generate
from specimens import write

THING: dict[str, Any] = {"$ref": "#/components/schemas/Thing"}
SCHEMAS: dict[str, Any] = {
    "Thing": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "number", "minimum": 7},
            "kind": {"enum": ["好", "a-b"]},
            "at": {"type": "string", "format": "date-time"},
            "parts": {"type": "array", "items": THING},
            "either": {"oneOf": [{"type": "integer"}, {"$ref": "#/components/schemas/Part"}, {"type": "null"}]},
            "free": {"type": "object", "additionalProperties": True},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "any": {},
        },
    },
    "Part": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"width": {"type": "integer"}}}]},
    "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
    "Problem": {"type": "object", "properties": {"code": {"type": ["string", "null"]}}},
    **{name: {"type": "object", "properties": {"a": {"type": "string"}}} for name in ("Grown", "Shrunk", "Strict")},
    "Lax": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
    "Broken": {"type": "object", "properties": {"a": {"type": "string"}}},
    "Narrower": {
        "type": "object",
        "properties": {
            "kind": {"type": ["integer", "null"]},
            "choice": {"enum": ["a", "b"]},
            "items": {"type": "array", "items": {"type": ["string", "null"]}},
            "map": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        },
    },
    "Unmade": {"type": "object", "properties": {"a": {"type": "string"}}},
}
EXAMPLE = {"name": "好", "at": "2026-01-02T03:04:05Z"}
UPLOAD: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "count": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


@dataclass(frozen=True)
class Case:
    """What is changed, in the document (`says`) or in the package (`does`, a function's module), and what is found."""

    found: tuple[str, ...]
    says: Callable[[Any], object] | None = None
    does: str = ""


def _json(schema: object, **more: object) -> dict[str, Any]:
    return {"application/json": {"schema": schema, **more}}


def _parameter(name: str, where: str, *, required: bool = False, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": {"type": kind}}


def _operation(name: str) -> dict[str, Any]:
    """An operation with something of everything."""
    places = {"id": "path", "limit": "query", "X-Trace": "header", "crumb": "cookie"}
    return {
        "operationId": name,
        "tags": ["cases"],
        "security": [{"Bearer": []}],
        "parameters": [
            _parameter(key, place, required=key in ("id", "X-Trace"), kind="integer" if key == "limit" else "string")
            for key, place in places.items()
        ],
        "requestBody": {"required": True, "content": _json(THING)},
        "responses": {
            "200": {
                "description": "好",
                "content": _json(THING, example={"name": "好", "at": "2026-01-02T03:04:05.5Z"}),
            },
            "4XX": {"description": "坏", "content": _json({"$ref": "#/components/schemas/Problem"})},
            "default": {"description": "空"},
        },
    }


def _wrapped(before: str = "", after: str = "") -> str:
    """Code that puts something before and behind the call of the generated function."""
    body = [before or "pass", "got = _real(**given)", after or "pass", "return got"]
    imports = "\nimport functools as _f, attrs as _a\n_real = sync_detailed\n"
    return f"{imports}@_f.wraps(_real)\ndef sync_detailed(**given):\n" + "".join(f"    {line}\n" for line in body)


DOCUMENT_SAYS = {
    "put": Case(("does not send one PUT /put/{id}: ['POST /base/put/",), lambda o: o),
    "moved": Case(("does not send one POST /elsewhere/to/{id}: ['POST /base/moved/",), lambda o: o),
    "page": Case(
        (
            "missing parameter of sync_detailed, `page (query)`",
            "sync_detailed does not send page (query) as documented",
        ),
        lambda o: o["parameters"].append(_parameter("page", "query")),
    ),
    "no_limit": Case(
        ("additional parameter of sync_detailed, `limit`: the document",),
        lambda o: o["parameters"].pop(1),
    ),
    "required": Case(
        ("parameter of sync_detailed, `limit (query)`: the document requires it, the package does not",),
        lambda o: o["parameters"][1].update(required=True),
    ),
    "optional": Case(
        (
            "parameter of sync_detailed, `x-trace (header)`: the package requires it, the document does not",
            "sync_detailed raises TypeError before it sends anything: sync_detailed() missing 1 required",
        ),
        lambda o: o["parameters"][2].update(required=False),
    ),
    "elsewhere": Case(
        (
            "does not send limit (query) as documented: ['",
            "does not send limit (header) as documented: None instead of ['",
        ),
        lambda o: o["parameters"][1].update({"in": "header"}),
    ),
    "text": Case(
        (
            "limit (query) of sync_detailed is not what #/paths/~1text~1{id}/post/parameters/1/schema asks for: int",
            "sync_detailed raises InvalidArgument before it sends anything: limit: expected int, got bool",
        ),
        lambda o: o["parameters"][1].update(schema={"type": "boolean"}),
    ),
    "media_type": Case(
        (
            "sends application/json, which is not documented",
            "not checked: no value of `body` was sent as application/x.json",
        ),
        lambda o: o["requestBody"].update(content={"application/x.json": {"schema": THING}}),
    ),
    "other_body": Case(
        ("sync_detailed raises InvalidArgument before it sends anything: body: expected Thing",),
        lambda o: o["requestBody"].update(content=_json({"$ref": "#/components/schemas/Problem"})),
    ),
    "no_body": Case(
        (
            "additional parameter of sync_detailed, `body`",
            "sync_detailed raises TypeError before it sends anything: sync_detailed() missing 1 required",
        ),
        lambda o: o.pop("requestBody"),
    ),
    "may_lack_body": Case(
        (
            "parameter of sync_detailed, `body`: the package requires it",
            "sync_detailed raises TypeError before it sends anything: sync_detailed() missing 1 required",
        ),
        lambda o: o["requestBody"].update(required=False),
    ),
    "number": Case(
        ("sync_detailed raises DecodeError at the documented 200",),
        lambda o: o["responses"]["200"].update(content=_json({"type": "number"})),
    ),
    "created": Case(
        ("sync_detailed raises UnexpectedStatus at the documented 201: POST",),
        lambda o: o["responses"].update({"201": o["responses"].pop("200")}),
    ),
    "beside": Case(
        (
            "schema: field of Thing `size`: the document requires it, the package does not",
            "schema: missing model `BesideBody`: the package has none of this name",  # what stands beside makes a class
        ),
        lambda o: o["requestBody"].update(content=_json(THING | {"required": ["size"]})),
    ),
    "impossible": Case(
        ("schema: missing field of Thing `nowhere`: the package has none of this name",),
        lambda o: o["responses"]["200"].update(content=_json(THING | {"required": ["nowhere"]})),
    ),
    "upgrade": Case(
        ("not checked: HTTP carries no answer like the documented 101",),
        lambda o: o["responses"].update({"101": {"description": "升级"}}),
    ),
    "public": Case(("the `token`: the package requires it, the document does not",), lambda o: o.update(security=[])),
    "key": Case(("not checked: the token belongs in the query",), lambda o: o.update(security=[{"Key": []}])),
    "form": Case(
        (
            "not checked: no value of `body` was sent as multipart/form-data",
            "missing model `FormBodyFormData`",
            "sync_detailed raises InvalidArgument before it sends anything: body: expected Thing",
        ),
        lambda o: o["requestBody"]["content"].update({"multipart/form-data": {"schema": UPLOAD}}),
    ),
}
PACKAGE_DOES = {
    "raises": Case(
        ("sync_detailed raises RuntimeError before it sends anything: 不",),
        does=_wrapped("raise RuntimeError('不')"),
    ),
    "status": Case(
        ("sync_detailed returns Thing and 202 at the documented 200.",),
        does=_wrapped(after="got.status_code = 202 if got.status_code == 200 else got.status_code"),
    ),
    "kind": Case(
        ("sync_detailed returns dict and 200 at the documented 200.",),
        does=_wrapped(after="got.parsed = got.parsed.to_dict() if got.status_code == 200 else got.parsed"),
    ),
    "loss": Case(
        ("sync_detailed changes the body at the documented 200: $.name: ",),
        does=_wrapped(after="if got.status_code == 200: got.parsed = _a.evolve(got.parsed, name='不')"),
    ),
    "twice": Case(("sync_detailed does not send one POST /twice/{id}: ['POST",), does=_wrapped("_real(**given)")),
    "body": Case(
        ("sync_detailed sends another body than it is given: $.name: ",),
        does=_wrapped("given['body'] = _a.evolve(given['body'], name='不')"),
    ),
    "query": Case(
        ("sync_detailed does not send limit (query) as documented: ['77'] instead of ",),
        does=_wrapped("given['limit'] = 77"),
    ),
    "segment": Case(
        ("sync_detailed does not send id (path) as documented: ['不'] instead of ",),
        does=_wrapped("given['id'] = '不'"),
    ),
    "token": Case(
        ("sync_detailed does not send the token as documented: Authorization: Bearer sk-no",),
        does=_wrapped(
            "import copy; c = given['client'] = copy.deepcopy(given['client']); c.set_token('sk-no')", "c.close()"
        ),
    ),
    "extra_header": Case(
        ("sync_detailed does not send x-extra (header) as documented: ['1'] instead of None",),
        does=_wrapped("given['client'] = given['client'].with_headers({'X-Extra': '1'})"),
    ),
    "parameter": Case(
        (
            "additional parameter of sync_detailed, `colour`: the document has none of this name",
            "sync_detailed raises KeyError before it sends anything: 'colour'",
        ),
        does=_wrapped("given.pop('colour')")
        + "import inspect as _i\n_all = _i.signature(_real)\n"
        + "_new = _i.Parameter('colour', _i.Parameter.KEYWORD_ONLY, annotation=str)\n"
        + "sync_detailed.__signature__ = _all.replace(parameters=[*_all.parameters.values(), _new])\n"
        + "sync_detailed.__annotations__ = {**_real.__annotations__, 'colour': str}\n",
    ),
    "untyped": Case(
        ("cases.untyped is no generated module: KeyError",), does="\ndef sync_detailed(**given):\n    pass\n"
    ),
}
ALL = DOCUMENT_SAYS | PACKAGE_DOES


def _document() -> dict[str, Any]:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "小", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "paths": {f"/{name}/{{id}}": {"post": _operation(name)} for name in ALL},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Key": {"type": "apiKey", "in": "query", "name": "key"},
            },
        },
    }
    encoded = {"schema": UPLOAD, "encoding": {"tags": {"contentType": "text/x-tag"}, "count": {"style": "form"}}}
    upload = _operation("upload") | {"requestBody": {"content": {"multipart/form-data": encoded}}}
    answered: dict[str, Any] = {"responses": {"200": {"description": "好"}}}
    at = "#/components/schemas/Outer/properties/b"
    reference = {"type": "object", "properties": {"b": {"$ref": at}, "c": {"$ref": f"{at}/properties/c"}}}
    sound: dict[str, Any] = {
        "upload": {"post": upload},
        "picture": {"get": {"responses": {"200": {"description": "图", "content": {"image/png": {}}}}}},
        "text": {"get": {"responses": {"200": {"description": "文", "content": {"text/plain": {}}}}}},
        "refused": {"delete": {"responses": {"501": {"description": "不", "content": _json(THING)}}}},
        "alike": {
            "get": answered | {"parameters": [_parameter(name, "query") for name in ("userid", "user_id", "a1")]}
        },
        "fixed?beta=true": {"get": answered | {"parameters": [_parameter("page", "query")]}},
        "shared": {"$ref": "#/components/pathItems/Shared"},
        "inner": {"get": {"responses": {"200": {"description": "内", "content": _json(reference)}}}},
    }
    document["paths"] |= {
        f"/sound/{name}/{{id}}" if name == "upload" else f"/sound/{name}": item for name, item in sound.items()
    }
    document["components"]["pathItems"] = {"Shared": {"put": answered | {"parameters": [_parameter("limit", "query")]}}}
    inner = {"type": "object", "properties": {"c": {"type": "object", "properties": {"d": {"type": "integer"}}}}}
    document["components"]["schemas"]["Outer"] = {"type": "object", "properties": {"b": inner}}
    return document


def _changed(document: dict[str, Any]) -> dict[str, Any]:
    """`document`, saying something else than the package was generated from."""
    paths, schemas = document["paths"], document["components"]["schemas"]
    for name, case in DOCUMENT_SAYS.items():
        if case.says:
            case.says(paths[f"/{name}/{{id}}"]["post"])
    paths["/put/{id}"]["put"] = paths["/put/{id}"].pop("post")
    paths["/elsewhere/to/{id}"] = paths.pop("/moved/{id}")
    schemas["Grown"]["properties"]["b"] = {"type": "string"}
    schemas["Shrunk"]["properties"] = {}
    schemas["Strict"]["required"] = ["a"]
    schemas["Lax"]["required"] = []
    schemas["Later"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    paths["/later"] = {"get": {"operationId": "later", "tags": ["cases"], "responses": {"200": {"description": "好"}}}}
    del paths["/sound/refused"]
    paths["/sound/picture"]["get"]["security"] = [{"Bearer": []}]
    narrower = schemas["Narrower"]["properties"]
    narrower["kind"]["type"], narrower["choice"]["enum"] = "integer", ["a"]
    narrower["items"]["items"]["type"] = narrower["map"]["additionalProperties"]["type"] = "string"
    return document


def _tampered(package: File) -> None:
    """Makes the package do something else than it was generated to."""
    for name, case in PACKAGE_DOES.items():
        _append(package / "api" / "cases" / f"{name}.py", case.does)
    _append(package / "models" / "broken.py", "\ndef _no(self):\n    raise RuntimeError('不')\nBroken.to_dict = _no\n")
    _append(
        package / "models" / "unmade.py", "\ndef _no(self, **_):\n    raise RuntimeError('不')\nUnmade.__init__ = _no\n"
    )


def _append(file: File, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: File) -> File:
    """A folder with a document and its package."""
    write(tmp_path, _document(), "sound.json")
    write(tmp_path, "overlay: 1.0.0\nactions: []\n", "none.yaml")
    arguments = ["--document", tmp_path / "sound.json", "--overlay", tmp_path / "none.yaml"]
    done = generate(tmp_path / "generated_client", *arguments)
    assert done.returncode == 0, done.stderr
    return tmp_path


def _wire(folder: File, document: str, package: str) -> Completed:
    arguments = [folder / document, "--overlay", folder / "none.yaml", "--package", folder / package]
    return contract_check("wire", *arguments, env={"GITHUB_ACTIONS": ""})


def _lines(done: Completed, place: str) -> list[str]:
    return [line for line in done.stdout.splitlines() if re.search(rf": #/{re.escape(place)}[:/]", line)]


COMPONENTS = "components/schemas"
NARROWER = f"#/{COMPONENTS}/Narrower/properties/"
NAMED = {
    "additional function": "paths: additional function `sound.delete_sound_refused.sync_detailed`: the document",
    "missing function": "paths: missing function `cases.later.asyncio_detailed`: the package has none of this name",
    "missing field": "components/schemas/Grown: missing field of Grown `b`: the package has none of this name",
    "additional field": "components/schemas/Shrunk: additional field of Shrunk `a`: the document has none of this name",
    "field that must be given": f"{COMPONENTS}/Lax: field of Lax `a`: the package requires it, the document does not",
    "field that may lack": f"{COMPONENTS}/Strict: field of Strict `a`: the document requires it, the package does not",
    "missing model": "components/schemas/Later: missing model `Later`: the package has none of this name",
    "token that may lack": "paths/~1sound~1picture/get: the `token`: the document requires it, the package does not",
    "null where there is none": f"{NARROWER}kind asks for: null instead of integer",
    "value that is none": f"{NARROWER}choice asks for: 'b' is none of its values",
    "null in a list": f"{NARROWER}items/items asks for: null instead of string",
    "null in a map": f"{NARROWER}map/additionalProperties asks for: null instead of string",
    "model that can't be made": "components/schemas/Unmade: no value of the package's types fits: RuntimeError: 不",
    "model that can't be sent": "components/schemas/Broken: no value of the package's types fits: RuntimeError: 不",
}


def test_agreement_is_silent_and_each_departure_is_named(folder: File) -> None:
    """All in one package: to generate it takes the time."""
    agreed = _wire(folder, "sound.json", "generated_client")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    assert re.fullmatch(r"ok +wire +\d+\.\d s\n", agreed.stdout)
    write(folder, _changed(_document()), "changed.json")
    _tampered(folder / "generated_client")
    done = _wire(folder, "changed.json", "generated_client")
    assert done.returncode == 1, done.stderr
    assert not {name for name, line in NAMED.items() if line not in done.stdout}, done.stdout
    assert "Lax: no value" not in done.stdout  # its field that must be given is why, and named
    for name, case in ALL.items():
        route = "elsewhere/to" if name == "moved" else name
        lines = _lines(done, f"paths/~1{route.replace('/', '~1')}~1{{id}}")
        assert not [line for line in case.found if line not in "\n".join(lines)], f"{name}: {lines}"
        departures = [line.replace("asyncio", "sync") for line in lines if "not checked" not in line]
        known = [line.replace("asyncio", "sync") for line in case.found]
        assert not [line for line in departures if not any(one in line for one in known)], name
