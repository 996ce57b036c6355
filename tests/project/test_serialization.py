"""Parameters and forms whose `style`, `explode` or `encoding` is not the usual one travel as OpenAPI says."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path as File
from typing import Any

import httpx
import pytest

from checkout import contract_check, generate
from contract_check.document import overlay
from specimens import small, write

_IDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_AREA: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}


def _query(name: str, schema: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def _form(media_type: str, encoding: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "ids": _IDS,
        "area": _AREA,
        "size": {"type": "integer"},
        "file": {"type": "string", "format": "binary"},
    }
    if "urlencoded" in media_type:
        del fields["file"]
    return {"content": {media_type: {"schema": {"type": "object", "properties": fields}, "encoding": encoding}}}


def _document() -> dict[str, Any]:
    document = small()
    answer: dict[str, Any] = {"responses": {"204": {"description": "好"}}}
    path: dict[str, Any] = {"in": "path", "required": True, "schema": {"type": "string"}}
    styles: dict[str, dict[str, Any]] = {
        "form": {},
        "comma": {"explode": False},
        "space": {"style": "spaceDelimited", "explode": False},
        "pipe": {"style": "pipeDelimited"},
        "deep": {"style": "deepObject", "explode": True},
    }
    parameters = [_query(f"{name}_area", _AREA, **style) for name, style in styles.items()]
    parameters += [_query(f"{name} 号", _IDS, **style) for name, style in styles.items() if name != "deep"]
    parameters += [_query("scalar", {"type": "integer"}, explode=False)]
    urlencoded: dict[str, Any] = {"ids": {"style": "pipeDelimited"}, "area": {"style": "deepObject"}}
    multipart: dict[str, Any] = {"ids": {"contentType": "text/x-id"}, "file": {"contentType": "image/*, image/png"}}
    document["paths"] |= {
        "/query": {"get": {"tags": ["t"], "operationId": "query", "parameters": parameters, **answer}},
        "/label/{k}/matrix/{m}": {
            "get": {
                "tags": ["t"],
                "operationId": "path",
                "parameters": [{"name": "k", "style": "label", **path}, {"name": "m", "style": "matrix", **path}],
                **answer,
            }
        },
        "/form": {
            "post": {
                "tags": ["t"],
                "operationId": "form",
                "requestBody": _form("application/x-www-form-urlencoded", urlencoded),
                **answer,
            }
        },
        "/parts": {
            "post": {
                "tags": ["t"],
                "operationId": "parts",
                "requestBody": _form("multipart/form-data", multipart),
                "servers": [{"url": "https://elsewhere.example.com"}],
                **answer,
            }
        },
    }
    return document


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[File, subprocess.CompletedProcess[str]]:
    """The package's folder, and how its generation went."""
    folder = tmp_path_factory.mktemp("styles")
    document, none = write(folder, _document()), folder / "none.yaml"
    none.write_text(overlay.dump_file([], "none"), encoding="utf-8")
    done = generate(folder / "styles_client", "--document", document, "--overlay", none)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def client(made: tuple[File, Any]) -> Iterator[Any]:
    """A client of that package; its transport keeps the last request."""
    sys.path.insert(0, str(made[0]))
    kept: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        kept[:] = [request]
        return httpx.Response(204)

    package = import_module("styles_client")
    arguments = {"transport": httpx.MockTransport(answer)}
    with package.Client(base_url="http://relay.example", httpx_args=arguments) as opened:
        yield opened, kept
    sys.path.remove(str(made[0]))


def _sent(client: Any, operation: str, *path: str, **arguments: Any) -> httpx.Request:
    opened, kept = client
    import_module(f"styles_client.api.t.{operation}").sync_detailed(*path, client=opened, **arguments)
    request: httpx.Request = kept[-1]
    request.read()
    return request


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
def test_a_query_parameter_follows_its_style(client: Any, argument: str, value: Any, query: str) -> None:
    if isinstance(value, dict):
        names = {name: name.title().replace("_", "") for name in ("form_area", "comma_area", "pipe_area", "deep_area")}
        models = import_module("styles_client.models")
        found = next(getattr(models, each) for each in models.__all__ if each.endswith(names[argument]))
        made = found.from_dict(value)
        assert _sent(client, "query", **{argument: made}).url.query.decode() == query
    else:
        assert _sent(client, "query", **{argument: value}).url.query.decode() == query


def test_styles_stand_beside_each_other_and_beside_parameters_of_the_client(client: Any) -> None:
    assert _sent(client, "query", comma_号=["a", "b"], form_号=["c"], scalar=1).url.query.decode() == (
        "form+%E5%8F%B7=c&scalar=1&comma%20%E5%8F%B7=a,b"
    )
    kept: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        kept.append(request)
        return httpx.Response(204)

    arguments = {"transport": httpx.MockTransport(answer), "params": {"own": "1"}}
    with import_module("styles_client").Client(base_url="http://relay.example", httpx_args=arguments) as other:
        import_module("styles_client.api.t.query").sync_detailed(client=other, comma_号=["a", "b"])
    assert dict(kept[0].url.params) == {"own": "1", "comma 号": "a,b"}


def test_a_path_parameter_follows_its_style(client: Any) -> None:
    assert _sent(client, "path", "a/b", "c d").url.raw_path == b"/label/.a%2Fb/matrix/;m=c%20d"


def test_the_fields_of_a_form_follow_their_styles(client: Any) -> None:
    models = import_module("styles_client.models")
    body = models.FormBody(ids=["a b", "c"], area=models.FormBodyArea.from_dict({"x": 1}), size=3)
    assert _sent(client, "form", body=body).content == b"ids=a%20b%7Cc&area%5Bx%5D=1&size=3"


def test_the_parts_of_a_form_have_their_media_types(client: Any) -> None:
    models, types = import_module("styles_client.models"), import_module("styles_client.types")
    for given, expected in ((None, "image/png"), ("image/webp", "image/webp")):
        file = types.File(payload=BytesIO(b"x"), file_name="a.bin", mime_type=given)
        content = _sent(client, "parts", body=models.PartsBody(ids=["a"], file=file, size=3)).content.decode()
        heads = [part.partition("\r\n\r\n")[0] for part in content.split("--")]
        assert any('name="file"' in head and f"Content-Type: {expected}" in head for head in heads)
        assert any('name="ids"' in head and "Content-Type: text/x-id" in head for head in heads)
        assert any('name="size"' in head and "Content-Type" not in head for head in heads)


def test_a_server_of_its_own_is_not_followed_and_said(client: Any, made: tuple[File, Any]) -> None:
    models = import_module("styles_client.models")
    assert _sent(client, "parts", body=models.PartsBody(size=1)).url.host == "relay.example"
    assert "its own server https://elsewhere.example.com is not followed" in made[1].stdout


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("query", "_parameters.joined(", "_parameters.pairs("),
        ("query", "_parameters.deep(", "_parameters.pairs("),
        ("path", '";" + "m" + "=" + ', ""),
        ("form", '"ids": "%7C"', '"ids": ","'),
        ("parts", "text/x-id", "text/plain"),
    ],
)
def test_wire_sees_what_follows_another_style(made: tuple[File, Any], module: str, old: str, new: str) -> None:
    folder = made[0]
    arguments = ("wire", folder / "relay.json", "--overlay", folder / "none.yaml", "--package")
    file = folder / "styles_client" / "api" / "t" / f"{module}.py"
    text = file.read_text(encoding="utf-8")
    done = contract_check(*arguments, folder / "styles_client")
    assert done.returncode == 0, done.stdout
    assert old.replace('"', "'") in text.replace('"', "'")
    file.write_text(text.replace("'", '"').replace(old, new), encoding="utf-8")
    try:
        done = contract_check(*arguments, folder / "styles_client")
    finally:
        file.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done.stdout
