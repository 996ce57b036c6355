"""A document with defects is refused: what, where, and what would cure it; the package stays as it was."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import pytest

from checkout import FROZEN, ROOT, contract_check, generate, tree
from contract_check.document import loading
from specimens import RELAY, ROUTE, changed, operation, request_properties, small, write

AT = f"#/paths/{ROUTE.replace('/', '~1')}/post"
BODY = f"{AT}/requestBody/content/application~1json/schema/properties"


@dataclass(frozen=True)
class Defect:
    """A change of relay.json, and what is to be said of it."""

    change: Callable[[Any], object]
    pointer: str
    marker: str
    """What stands in the file at the place that is to be named."""
    cure: str
    said: str


def _twins(document: Any) -> None:
    first = {"operationId": "twice", "responses": {"200": {"description": "好"}}}
    second = {"operationId": "twice", "tags": ["videos"], "responses": {"200": {"description": "好"}}}
    document["paths"].update({"/one": {"post": first}, "/two": {"post": second}})


_FORM: dict[str, Any] = {
    "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "string", "format": "binary"}}}},
    "responses": {"200": {"description": "好"}},
}

CURABLE = {
    "bad type in the request body": Defect(
        lambda d: request_properties(d)["width"].update(type="integr"),
        f"{BODY}/width/type",
        '"type": "integr"',
        "type: integer",
        '"integr" is none of',
    ),
    "unknown $ref": Defect(
        lambda d: request_properties(d).update(camera={"$ref": "#/components/schemas/Nope"}),
        f"{BODY}/camera/$ref",
        '"$ref": "#/components/schemas/Nope"',
        "remove: true",
        "names nothing",
    ),
    "$ref that leaves the file": Defect(
        lambda d: request_properties(d).update(mask={"$ref": "https://example.com/mask.json"}),
        f"{BODY}/mask/$ref",
        '"$ref": "https://example.com/mask.json"',
        "remove: true",
        "leaves the file",
    ),
    "duplicate operationId": Defect(
        _twins,
        "#/paths/~1two/post/operationId",
        '"operationId": "twice",\n        "tags"',
        "operationId: post_two",
        "already that of POST /one",
    ),
    "missing response description": Defect(
        lambda d: operation(d)["responses"]["400"].pop("description"),
        f"{AT}/responses/400",
        '"400"',
        "description:",
        "`description` is missing",
    ),
    "unknown security scheme": Defect(
        lambda d: operation(d).update(security=[{"Nope": []}]),
        f"{AT}/security/0/Nope",
        '"Nope"',
        "remove: true",
        "is not defined",
    ),
    "undeclared path parameter": Defect(
        lambda d: d["paths"].update({"/{id}": {"get": {"responses": {"200": {"description": "好"}}}}}),
        "#/paths/~1{id}/get",
        '"get"',
        "in: path",
        "declared by no parameter",
    ),
    "header that HTTP forbids": Defect(
        lambda d: operation(d).update(parameters=[{"name": "X 追踪", "in": "header", "schema": {"type": "string"}}]),
        f"{AT}/parameters/0",
        '{\n            "name": "X 追踪"',
        "remove: true",
        "`X 追踪` is no name of a header",
    ),
    "key in a header that HTTP forbids": Defect(
        lambda d: d["components"]["securitySchemes"].update(Key={"type": "apiKey", "in": "header", "name": "X Key"}),
        "#/components/securitySchemes/Key/name",
        '"name": "X Key"',
        "name: XKey",
        "`X Key` is no name of a header",
    ),
    "form without fields": Defect(
        lambda d: d["paths"].update({"/form": {"post": _FORM}}),
        "#/paths/~1form/post/requestBody/content/multipart~1form-data/schema",
        '"schema": {\n                "type": "string",\n                "format": "binary"',
        "remove: true",
        "its schema must be an object, not string",
    ),
    "no such anchor": Defect(
        lambda d: request_properties(d).update(zoom={"$ref": "#zoom"}),
        f"{BODY}/zoom/$ref",
        '"$ref": "#zoom"',
        "remove: true",
        "is no `$anchor` of this document",
    ),
    "no such field": Defect(
        lambda d: operation(d)["responses"]["200"].update(contents={}),
        f"{AT}/responses/200/contents",
        '"contents"',
        "remove: true",
        "no field that may stand here",
    ),
}

INCURABLE = {
    "duplicate key": (RELAY.replace('"type": "number"', '"type": "number", "type": "x"'), '"type": "x"', "twice"),
    "NaN": (RELAY.replace("20231234", "NaN"), "NaN", "NaN"),
    "trailing comma": (RELAY.replace('"url"\n', '"url",\n'), ",\n                    ]", "JSON"),
    "comment": (RELAY.replace('"openapi"', '/* 注 */ "openapi"', 1), "/* 注 */", "JSON"),
    "end missing": (RELAY.rstrip().removesuffix("}"), None, "missing"),
}


def _place(text: str, marker: str) -> str:
    """Line and column of `marker`, as an editor counts them."""
    before = text[: text.index(marker)]
    return f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"


def _old_package(folder: File) -> File:
    """A package that a refused run must leave alone."""
    package = folder / "generated_client"
    (package / "models").mkdir(parents=True)
    (package / "models" / "old.py").write_text("OLD = True\n", encoding="utf-8")
    return package


@pytest.fixture
def package(tmp_path: File) -> File:
    return _old_package(tmp_path)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> File:
    """relay.json with all the curable defects at once."""

    def change(document: Any) -> None:
        for defect in CURABLE.values():
            defect.change(document)

    return write(tmp_path_factory.mktemp("broken"), changed(change))


@pytest.fixture(scope="module")
def refusal(broken: File) -> str:
    """What one run says of it; a package stood there before, and stands there untouched."""
    package = _old_package(broken.parent)
    before = tree(package)
    refused = generate(package, "--document", broken)
    assert refused.returncode == 1
    assert tree(package) == before
    assert sorted(entry.name for entry in broken.parent.iterdir()) == ["generated_client", "relay.json"]
    assert "stays as it was" in refused.stderr
    return refused.stderr


@pytest.mark.parametrize("name", CURABLE)
def test_each_defect_is_named_with_its_place_and_its_cure(name: str, broken: File, refusal: str) -> None:
    defect = CURABLE[name]
    place = _place(broken.read_text(encoding="utf-8"), defect.marker)
    _, found, rest = refusal.partition(f"{broken}:{place}: {defect.pointer}: ")
    assert found, refusal
    assert defect.said in rest.partition("\n")[0]
    assert defect.cure in rest.partition("  cure, to paste")[2].partition(f"{broken}:")[0]


def test_no_defect_is_made_up(refusal: str) -> None:
    assert f"{len(CURABLE)} defects;" in refusal


def test_one_overlay_cures_them_all(broken: File, package: File) -> None:
    cures = package.with_name("cures.yaml")
    suggested = contract_check("document", broken, "--suggest")
    assert suggested.returncode == 0, suggested.stderr
    cures.write_text(suggested.stdout, encoding="utf-8")
    overlays = ["--overlay", ROOT / "generator" / "overlay.yaml", "--overlay", cures]
    done = generate(package, "--document", broken, *overlays)
    assert done.returncode == 0, done.stderr
    assert "api/videos/create_kling_image_to_video.py" in tree(package)


@pytest.mark.parametrize("name", INCURABLE)
def test_what_is_not_json_is_refused_with_its_place(name: str, tmp_path: File) -> None:
    text, marker, said = INCURABLE[name]
    assert text != RELAY
    document = write(tmp_path, text)
    refused = contract_check("document", document)
    assert refused.returncode == 1
    place = re.escape(_place(text, marker)) if marker else r"\d+:\d+"
    assert re.search(rf"{re.escape(str(document))}:{place}: #\S*: .*{said}", refused.stderr), refused.stderr
    assert "mend the file" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_is_not_json_leaves_the_package_alone(tmp_path: File, package: File) -> None:
    before = tree(package)
    assert generate(package, "--document", write(tmp_path, INCURABLE["duplicate key"][0])).returncode == 1
    assert tree(package) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe{}", "UTF-8"),
        (b"\xef\xbb\xbf" + RELAY.encode(), "byte order mark"),
        (b"[]", "object"),
        (b"", "JSON"),
        (b'{"openapi": "2.0"}', "3.0 and 3.1"),
        (b"openapi: 3.1.0\ninfo: {}\n", "this is YAML. Convert it to JSON first"),
        (b"[" * 100_000, "nested too deeply"),
        (RELAY.encode().replace(b'"openapi"', b'"x-a": "\\ud800", "openapi"', 1), "half a character"),
    ],
    ids=[
        "not UTF-8",
        "byte order mark",
        "no object",
        "empty",
        "another OpenAPI",
        "YAML",
        "too deep",
        "half a character",
    ],
)
def test_what_is_no_document_is_refused(content: bytes, said: str, tmp_path: File) -> None:
    document = tmp_path / "relay.json"
    document.write_bytes(content)
    refused = contract_check("document", document)
    assert refused.returncode == 1
    assert str(document) in refused.stderr
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_file_that_cannot_be_read_is_the_environments_fault(tmp_path: File, package: File) -> None:
    for document in (tmp_path / "missing.json", tmp_path):
        refused = generate(package, "--document", document)
        assert refused.returncode == 2
        assert str(document) in refused.stderr
        assert "Traceback" not in refused.stderr


def _overlay(folder: File, *actions: dict[str, Any]) -> File:
    head = {"overlay": "1.0.0", "info": {"title": "own", "version": "1"}}
    return write(folder, {**head, "actions": list(actions)}, "own.yaml")


IDLE = {"target": "$.paths['/nowhere']", "description": "It was there once.", "update": {"summary": "无"}}


def test_an_action_that_matches_nothing_in_the_vendored_document_is_an_error(tmp_path: File, package: File) -> None:
    overlay = _overlay(tmp_path, IDLE)
    refused = generate(package, "--overlay", overlay)
    assert refused.returncode == 1
    assert re.search(
        rf"{re.escape(str(overlay))}:\d+: .*matches nothing.*/nowhere.*x-optional", refused.stderr, re.DOTALL
    )


def test_unless_it_is_marked_optional(tmp_path: File) -> None:
    overlay = _overlay(tmp_path, {**IDLE, "x-optional": True})
    done = generate(tmp_path / "own_client", "--document", FROZEN, "--overlay", overlay)
    assert done.returncode == 0, done.stderr
    assert "matches nothing" not in done.stderr


def test_and_a_warning_in_another_document(tmp_path: File) -> None:
    document = write(tmp_path, small())
    done = generate(tmp_path / "own_client", "--document", document, "--overlay", _overlay(tmp_path, IDLE))
    assert done.returncode == 0, done.stderr
    assert "warning:" in done.stderr
    assert "matches nothing" in done.stderr


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"target": "$.info", "update": {}}, "reason"),
        ({"target": "$.info", "description": "x"}, "does nothing"),
        ({"target": "$.info[", "description": "x", "remove": True}, "JSONPath"),
        ({"target": "$.info", "description": "x", "updat": {}}, "updat"),
    ],
    ids=["no reason", "no deed", "no JSONPath", "misspelled"],
)
def test_an_action_that_is_none_is_refused(action: dict[str, Any], said: str, tmp_path: File, package: File) -> None:
    overlay = _overlay(tmp_path, action)
    refused = generate(package, "--overlay", overlay)
    assert refused.returncode == 1
    assert str(overlay) in refused.stderr
    assert said in refused.stderr


def test_an_overlay_that_cannot_be_read_is_the_environments_fault(tmp_path: File, package: File) -> None:
    refused = generate(package, "--overlay", tmp_path / "missing.yaml")
    assert refused.returncode == 2
    assert "missing.yaml" in refused.stderr


def test_a_sound_document_is_said_to_be_sound() -> None:
    told = contract_check("document")
    assert told.returncode == 0
    assert told.stdout.startswith("sound: relay.json")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"const": "x"},
        {"type": "integer", "exclusiveMinimum": 3},
    ],
)
def test_a_document_that_uses_words_of_a_newer_version_becomes_one_of_that(schema: object, tmp_path: File) -> None:
    document = {
        **small(Thing={"type": "object", "properties": {"a": schema, "b": {"nullable": True}}}),
        "openapi": "3.0.3",
    }
    found = loading.load(write(tmp_path, document), [])
    assert [cure["update"] for cure in found.cures] == [{"openapi": "3.1.0"}]
    assert all("OpenAPI 3.1 allows it" in defect.problem for defect in found.defects)


def test_a_parent_that_names_its_children_loses_the_union_and_they_keep_its_fields(tmp_path: File) -> None:
    child = {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"type": "object"}]}
    pet = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": {"propertyName": "kind"}}
    found = loading.load(write(tmp_path, small(Pet=pet, Cat=child)), [])
    assert [cure["target"] for cure in found.cures] == ["$.components.schemas.Pet.oneOf"]


def test_a_reference_to_an_anchor_is_one_to_its_schema(tmp_path: File) -> None:
    item = {"$dynamicAnchor": "item", "type": "object", "properties": {"a": {"$ref": "#top"}}}
    thing = {"$anchor": "top", "type": "object", "properties": {"b": {"$dynamicRef": "#item"}}}
    schemas = loading.load(write(tmp_path, small(Thing=thing, Item=item)), []).value["components"]["schemas"]
    assert schemas["Item"]["properties"]["a"] == {"$ref": "#/components/schemas/Thing"}
    assert schemas["Thing"]["properties"]["b"] == {"$ref": "#/components/schemas/Item"}
