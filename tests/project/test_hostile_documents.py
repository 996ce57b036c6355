"""Documents that nobody wrote in good faith: each ends in a place, or in a package that keeps what it says."""

import json
import re
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import pytest

from checkout import contract_check, generate
from contract_check import __main__ as command
from contract_check.document import loading, overlay, text
from specimens import small, write

REFERENCE = "#/components/schemas/"
THING = {"$ref": f"{REFERENCE}Thing"}
OK = {"200": {"description": "好"}}
PARAMETER = {"name": "a", "in": "query", "schema": {"type": "string"}}


@dataclass(frozen=True)
class Refused:
    """A document, the place of its defect, and what is said of it."""

    document: object
    pointer: str
    said: str
    cures: int = 1
    """How many actions the suggested overlay has."""


def _field(**schema: object) -> dict[str, Any]:
    """A document whose model has one field, `a`."""
    return small(Thing={"type": "object", "properties": {"a": schema}})


def _nested(levels: int, *, lists: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema} if lists else {"type": "object", "properties": {"a": schema}}
    return schema


def _unions(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"anyOf": [schema, {"type": "integer"}]}
    return schema


def _answers(**responses: object) -> dict[str, Any]:
    document = small()
    document["paths"]["/things"]["post"]["responses"] |= responses
    return document


def _parameters(*given: object) -> dict[str, Any]:
    document = small()
    document["paths"]["/things"]["post"]["parameters"] = list(given)
    return document


def _twice(*routes: str) -> dict[str, Any]:
    return {**small(), "paths": {route: {"get": {"operationId": "twice", "responses": OK}} for route in routes}}


def _number(digits: str) -> str:
    return json.dumps(_field(type="number", default=7)).replace('"default": 7', f'"default": {digits}')


def _schemes(amount: int) -> dict[str, Any]:
    scheme = {"type": "apikey", "name": "key", "in": "header"}
    return {
        **small(),
        "components": {"schemas": {"Thing": {}}, "securitySchemes": dict.fromkeys(map(str, range(amount)), scheme)},
    }


_DEEP = json.dumps({**small(), "components": {"schemas": {"Thing": _nested(250, lists=False)}}})
FIELD = f"{REFERENCE}Thing/properties/a"
REFUSED = {
    "ids that differ in nothing but a slash or case": Refused(
        _twice("/a", "/a/", "/A"), "#/paths/~1a~1/get/operationId", "already that of GET /a", 2
    ),
    "pattern that is no regular expression": Refused(_field(pattern="[", default="x"), f"{FIELD}/pattern", "ECMA-262"),
    "key that is no regular expression": Refused(
        small(Thing={"patternProperties": {"[": {}}, "default": {"a": 1}}),
        f"{REFERENCE}Thing/patternProperties/[",
        "ECMA",
    ),
    "default that its pattern takes for ever to refuse": Refused(
        _field(type="string", pattern="^(a+)+$", default="a" * 60 + "b"), f"{FIELD}/default", "contradicts"
    ),
    "default that is no date": Refused(
        _field(type="string", format="date", default="soon"), f"{FIELD}/default", '"date"'
    ),
    "default that is no UUID": Refused(
        _field(type="string", format="uuid", default="soon"), f"{FIELD}/default", '"uuid"'
    ),
    "default that is no time": Refused(
        _field(type="string", format="date-time", default="soon"), f"{FIELD}/default", '"date-time"'
    ),
    "allOf of itself": Refused(
        small(Thing={"allOf": [THING, {"type": "object"}]}), f"{REFERENCE}Thing/allOf/0/$ref", "itself"
    ),
    "anyOf of itself": Refused(
        small(Thing={"anyOf": [THING, {"type": "object"}]}), f"{REFERENCE}Thing/anyOf/0/$ref", "itself"
    ),
    "allOf in a circle": Refused(
        small(Thing={"allOf": [{"$ref": f"{REFERENCE}B"}]}, B={"allOf": [THING], "example": {}}),
        f"{REFERENCE}B/allOf/0/$ref",
        "itself",
        2,
    ),
    "reference to an operation": Refused(_field(**{"$ref": "#/paths/~1things/post"}), f"{FIELD}/$ref", "no schema"),
    "references in a circle": Refused(
        small(A={"$ref": f"{REFERENCE}B"}, B={"$ref": f"{REFERENCE}A"}), f"{REFERENCE}B/$ref", "leads back to itself"
    ),
    "parameter that stands twice": Refused(
        _parameters(PARAMETER, PARAMETER), "#/paths/~1things/post/parameters/1", "twice"
    ),
    "parameter that stands twice before one that is wrong": Refused(
        _parameters(PARAMETER, PARAMETER, {"name": "b", "in": "query", "style": "wide", "schema": {}}),
        "#/paths/~1things/post/parameters/2/style",
        "is none of",
        2,
    ),
    "default that 3.0's exclusive limit excludes": Refused(
        {**_field(type="integer", minimum=3, exclusiveMinimum=True, default=3), "openapi": "3.0.3"},
        f"{FIELD}/default",
        "contradicts",
    ),
    "status that is none": Refused(
        _answers(abc={"description": "?"}), "#/paths/~1things/post/responses/abc", "no field that may stand here"
    ),
    "paths in a list": Refused({**small(), "paths": []}, "#/paths", "not of type object"),
    "info in a list": Refused({**small(), "info": []}, "#/info", "not of type object"),
    "lists too deep": Refused(_field(**_nested(60, lists=True)), FIELD, "50 lists or unions deep", 0),
    "unions too deep": Refused(_field(**_unions(60)), FIELD, "50 lists or unions deep", 0),
    "no scheme of the security is there": Refused(
        {**small(), "security": [{"a": []}, {"b": []}]}, "#/security/0/a", "is not defined", 1
    ),
    "a text for a list": Refused(
        small(Thing={"type": "object", "required": "a"}), f"{REFERENCE}Thing/required", "is not of type array"
    ),
    "objects too deep": Refused(_DEEP, f"{REFERENCE}Thing", "400 levels deep", 0),
    "integer of 5,000 digits": Refused(_number("9" * 5000), "#", "999... is beyond", 0),
    "number that is infinite": Refused(_number("1e999"), "#", "1e999... is beyond", 0),
    "file that breaks off": Refused(json.dumps(small(), indent=1)[:400], "#", "Unterminated string", 0),
    "Swagger 2.0": Refused({"swagger": "2.0", "info": {}, "paths": {}}, "#/swagger", "this is Swagger 2.0", 0),
    "version that is none": Refused({**small(), "openapi": "3.1.0x"}, "#/openapi", "this is OpenAPI 3.1.0x", 0),
    "property without a name": Refused(
        small(Thing={"properties": {"": {"type": "strin"}}}), f"{REFERENCE}Thing/properties//type", "is none of"
    ),
    "property without a name that is no schema": Refused(
        small(Thing={"properties": {"": 5, "a": {}}}), f"{REFERENCE}Thing/properties/", "5 is not of type"
    ),
    "property with a number for its name": Refused(
        small(Thing={"properties": {"0": {"type": "strin"}}}), f"{REFERENCE}Thing/properties/0/type", "is none of"
    ),
    "field with an apostrophe in its name": Refused(
        {**small(), "info": {"title": "小", "version": "1", "it's": 1}}, "#/info/it's", "no field that may stand here"
    ),
    "parameter of a path item elsewhere": Refused(
        {
            **small(),
            "paths": {"/a/{id}": {"$ref": "#/components/pathItems/A"}},
            "components": {"pathItems": {"A": {"get": {"responses": OK}}}},
        },
        "#/components/pathItems/A/get",
        "the path's `{id}` is declared by no parameter",
    ),
    "path items in a circle": Refused(
        {
            **small(),
            "paths": {"/a": {"$ref": "#/components/pathItems/A"}},
            "components": {"pathItems": {"A": {"$ref": "#/components/pathItems/A"}}},
        },
        "#/components/pathItems/A/$ref",
        "leads back to itself",
    ),
    "hidden characters in a key": Refused(
        small(Thing={"properties": {"a\x01\u202e\u3164\u115f\u2800\U000e0101": {"type": "strin"}}}),
        rf"{REFERENCE}Thing/properties/a\u0001\u202e\u3164\u115f\u2800\U000e0101/type",
        "is none of",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.timeout(20)
def test_a_defect_has_a_place_and_a_cure_that_cures(name: str, tmp_path: File, deep_recursion: None) -> None:
    case = REFUSED[name]
    file = write(tmp_path, case.document)

    found = loading.load(file, [])

    lines = list(loading.report(found))
    [first, *_] = [line for line in lines if line.startswith(str(file))]
    place = re.fullmatch(rf"{re.escape(str(file))}:(\d+):(\d+): (.*?): (.*)", first)
    assert place, first
    assert place[3].startswith(case.pointer)
    assert case.said in place[4]
    assert (place[1], place[2]) != ("1", "1")
    assert all(text.is_visible(line) for line in lines)
    assert len(found.cures) == case.cures
    if case.cures:
        cures = tmp_path / "cures.yaml"
        cures.write_text(overlay.dump_file(found.cures, "cures"), encoding="utf-8")
        assert loading.load(file, [cures]).defects == []


def test_a_defect_that_many_components_share_is_one_line_and_one_cure(tmp_path: File) -> None:
    file, cures = write(tmp_path, _schemes(240)), tmp_path / "cures.yaml"
    found = loading.load(file, [])
    lines = "\n".join(loading.report(found))

    assert lines.count("none of apiKey") == 2  # the line, and the reason in its cure
    assert "The same at 239 other places; --suggest prints all cures." in lines
    cures.write_text(overlay.dump_file(found.cures, "cures"), encoding="utf-8")
    assert loading.load(file, [cures]).defects == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "rest"),
    [("schemas", "type", "file", {}), ("parameters", "style", "wide", {"name": "a", "in": "query", "schema": {}})],
)
def test_components_that_are_wrong_alike_lose_their_field_by_one_cure(
    kind: str, field: str, value: str, rest: dict[str, object], tmp_path: File
) -> None:
    wrong = {f"Wrong{number}": {**rest, field: value} for number in range(3)}
    document = small(Thing={"type": "object"})
    document["components"][kind] = {**document["components"].get(kind, {}), **wrong}
    found = loading.load(write(tmp_path, document), [])
    assert len({str(cure["target"]) for cure in found.cures}) == 1

    cures = tmp_path / "cures.yaml"
    cures.write_text(overlay.dump_file(found.cures, "cures"), encoding="utf-8")
    cured = loading.load(tmp_path / "relay.json", [cures])

    assert cured.defects == []
    components = cured.value["components"]
    assert {name: components[kind][name] for name in wrong} == dict.fromkeys(wrong, rest)
    assert components["schemas"]["Thing"] == {"type": "object"}


def test_an_example_that_is_wrong_is_one_short_line_that_says_why(tmp_path: File) -> None:
    field = {"type": "object", "example": json.dumps({"一": "二" * 300}, indent=2, ensure_ascii=False)}

    [warning] = loading.report(loading.load(write(tmp_path, _field(**field)), []))

    assert f'{FIELD}/example: the example contradicts its schema: $: "{{ "一": "二二' in warning
    assert warning.endswith('..." is not of type "object"')


def test_the_first_holder_of_an_operation_id_keeps_it(tmp_path: File) -> None:
    file = write(tmp_path, _twice("/a", "/a/", "/A"))
    cures = tmp_path / "cures.yaml"
    cures.write_text(overlay.dump_file(loading.load(file, []).cures, "cures"), encoding="utf-8")

    paths = loading.load(file, [cures]).value["paths"]

    ids = [paths[route]["get"]["operationId"] for route in ("/a", "/a/", "/A")]
    assert ids[0] == "twice"
    assert len({name.lower() for name in ids}) == 3


@pytest.mark.parametrize(("pattern", "text"), [("[^]", "a"), (r"\p{L}", "a"), ("(?<n>a)", "a"), (r"^\W$", "宇")])
def test_a_pattern_of_ecma_262_is_no_defect(pattern: str, text: str, tmp_path: File) -> None:
    found = loading.load(write(tmp_path, _field(type="string", pattern=pattern, default=text, example=text)), [])

    assert found.defects == []


def test_a_pattern_that_nobody_checks_is_said(tmp_path: File) -> None:
    document = write(tmp_path, _field(type="string", pattern="[^]", default="a"))

    [warning] = loading.report(loading.load(document, []))

    assert f"{FIELD}/pattern" in warning
    assert "is not checked" in warning


_BODY = "$.paths['/things'].post.requestBody.content['application/json'].schema"
_EVERY_BODY = "$.paths[*].post.requestBody.content['application/json'].schema"


@pytest.mark.parametrize(
    ("version", "target", "update", "said"),
    [
        ("3.0.3", _EVERY_BODY, {"title": "Other"}, "beside a `$ref`, where OpenAPI 3.0 ignores it"),
        ("3.0.3", _EVERY_BODY, {"required": ["a"]}, "beside a `$ref`, where OpenAPI 3.0 ignores it"),
        ("3.1.0", _BODY, {"$ref": f"{REFERENCE}Thing"}, "what stands there already"),
        ("3.1.0", _BODY, {}, "what stands there already"),
    ],
)
def test_an_overlay_action_without_effect_is_named(
    version: str, target: str, update: dict[str, Any], said: str, tmp_path: File
) -> None:
    document = {**small(), "openapi": version}
    actions = tmp_path / "overlay.yaml"
    actions.write_text(overlay.dump_file([{"description": "why", "target": target, "update": update}], "actions"))

    [warning] = loading.report(loading.load(write(tmp_path, document), [actions]))

    assert warning.startswith(f"warning: {actions}:")
    assert said in warning
    assert target in warning


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("beneath", [False, True])
def test_a_target_that_names_one_place_finds_it_behind_a_reference(version: str, beneath: bool) -> None:
    document: dict[str, Any] = {**small(), "openapi": version}
    shared = deepcopy(document["components"]["schemas"]["Thing"])
    body = document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]
    assert "$ref" in body["schema"]
    field = next(iter(shared["properties"]))

    if beneath:
        action: dict[str, Any] = {"target": f"{_BODY}.properties.{field}", "remove": True}
        expected = {**shared, "properties": {k: v for k, v in shared["properties"].items() if k != field}}
    else:
        action = {"target": _BODY, "update": {"title": "Other"}}
        expected = {**shared, "title": "Other"}

    assert overlay.apply_action(action, document) is None
    assert body["schema"] == expected
    assert document["components"]["schemas"]["Thing"] == shared  # what others refer to stays


def test_a_fault_of_the_tools_own_is_one_line(
    tmp_path: File, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("responses")

    monkeypatch.setattr(loading, "load", broken)
    monkeypatch.setattr(sys, "argv", ["contract_check", "document", str(tmp_path)])

    assert command.main() == 2

    [line] = capsys.readouterr().err.splitlines()
    assert re.search(r"contract_check/__main__\.py:\d+ \(KeyError: 'responses'\)", line)
    assert "Report this line" in line


def test_diff_of_a_name_that_no_file_can_have() -> None:
    refused = contract_check("diff", "x" * 300)

    assert refused.returncode == 2
    assert "is no file, and no git revision" in refused.stderr


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _generable() -> dict[str, Any]:
    """What is sound, and was refused by the generator, or was generated as something else."""
    text_field: dict[str, Any] = {"type": "string"}
    doubled = {f"A{i}": {"allOf": [{"$ref": f"{REFERENCE}A{i + 1}"}] * 2} for i in range(30)}
    fields: dict[str, Any] = dict.fromkeys(
        (
            *("a-b", "a_b", "a b", "😀", "😁", "mixedCase", "mixed_case", "items", "a\u200bb\u202e", "a\u3164\u2800"),
            *("image1", "image_1"),
        ),
        text_field,
    )
    fields |= {
        "lists": _nested(45, lists=True),
        "pair": {"type": "array", "prefixItems": [text_field, {"type": "integer"}], "items": False},
        "anything": True,
        "nothing": {"not": True},
        "doubled": {"$ref": f"{REFERENCE}A0"},
        "joined": {"$ref": f"{REFERENCE}Joined"},
        "hidden": {"enum": ["a", "\u202e"]},
        "by_pattern": {"type": "object", "patternProperties": {"^[^]$": text_field}, "additionalProperties": False},
    }
    names = ["a-b", "a_b", "client", "client_query", "url", "body", "body_", "self", "mixedCase", "mixed_case"]
    parameters: list[dict[str, Any]] = [{"name": name, "in": "query", "schema": text_field} for name in names]
    parameters += [{"name": name, "in": "header", "schema": text_field} for name in ("a-b", "a.b")]
    parameters += map(_in_path, ("i-d", "i_d"))
    document = small(
        Thing={"type": "object", "properties": fields},
        **doubled,
        A30={"type": "object", "properties": {"x": text_field}},
        Joined={"allOf": [{"$ref": f"{REFERENCE}X"}, {"$ref": f"{REFERENCE}Y"}]},
        X={"type": "object", "properties": {"a-b": text_field}},
        Y={"type": "object", "properties": {"a_b": text_field}, "required": ["a_b"]},
        Yes=True,
        No=False,
    )
    [operation] = document["paths"]["/things"].values()
    silent = {"operationId": "silent", "description": "a\u202eb\x07"}
    document["paths"] = {
        "/things/{i-d}/{i_d}": {"post": {**operation, "parameters": parameters}},
        "/one/{a-b}": {"get": {**silent, "operationId": "getOne", "parameters": [_in_path("a-b")]}},
        "/one/{a_b}": {"put": {**silent, "operationId": "putOne", "parameters": [_in_path("a_b")]}},
        "/silent": {"get": silent, "parameters": [parameters[0], parameters[1]]},
        "/free": {
            "get": {"responses": {"200": {"description": "好", "content": {"application/json": {"schema": True}}}}}
        },
    }
    document["info"]["title"] = "a\u2066b"
    extension = {"get": {"responses": {"200": {"$ref": "#/nowhere"}}}}
    document["paths"] |= {"x-paths": extension}
    operation["responses"]["x-200:另一个"] = extension
    return document


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> File:
    folder = tmp_path_factory.mktemp("generable")
    document, none = write(folder, _generable()), folder / "none.yaml"
    none.write_text(overlay.dump_file([], "none"), encoding="utf-8")
    done = generate(folder / "generated_client", "--document", document, "--overlay", none)
    assert done.returncode == 0, done.stderr
    checked = contract_check("wire", document, "--overlay", none, "--package", folder / "generated_client")
    assert checked.returncode == 0, checked.stdout
    return folder / "generated_client"


def test_what_is_sound_is_generated_and_sends_what_the_document_says(package: File) -> None:
    model = (package / "models" / "thing.py").read_text(encoding="utf-8")

    assert re.search(r'\("a_b", "a_b", ', model)
    assert re.search(r'\("a_b_x\w{7}", "a-b", ', model)
    assert '"a\\u200bb\\u202e"' in model
    assert '("image1", "image1", ' in model
    assert '("image_1", "image_1", ' in model


def test_two_paths_that_become_one_keep_their_operations(package: File) -> None:
    assert {file.stem for file in (package / "api" / "one").glob("[a-z]*.py")} == {"get_one", "put_one"}


def test_no_hidden_character_is_in_generated_code(package: File) -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in package.rglob("*.py")}

    assert [file for file, source in sources.items() if not text.is_visible(source)] == []


@pytest.mark.parametrize("left_out", ["paths", "operations"])
def test_a_document_without_operations_is_a_package_of_models(left_out: str, tmp_path: File) -> None:
    document: dict[str, Any] = {**small(), "paths": {}, "webhooks": {}}
    if left_out == "paths":
        del document["paths"]

    done = generate(tmp_path / "generated_client", "--document", write(tmp_path, document))

    assert done.returncode == 0, done.stderr
    assert "0 operations in 0 groups" in done.stdout
    assert (tmp_path / "generated_client" / "models" / "thing.py").is_file()
