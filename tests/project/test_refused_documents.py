"""A defective document is refused with each problem, its place and a cure; the package is unchanged."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from checkout import ROOT, contract_check, generate, tree
from contract_check.document import loading, text
from specimens import NONE, RELAY, changed, operation, request_properties, small, with_field, write

SCHEMAS, OPERATION, HEADER = "#/components/schemas", "#/paths/~1things/post", "is not a valid header name"
THING, FIELD, PARAMETERS = f"{SCHEMAS}/Thing", f"{SCHEMAS}/Thing/properties/a", f"{OPERATION}/parameters"
REF: dict[str, Any] = {"$ref": THING}
B: dict[str, Any] = {"$ref": f"{SCHEMAS}/B"}
ITEM: dict[str, Any] = {"$ref": "#/components/pathItems/A"}
TEXT: dict[str, Any] = {"type": "string"}
OK: dict[str, Any] = {"200": {"description": "好"}}
GET: dict[str, Any] = {"get": {"responses": OK}}
QUERY: dict[str, Any] = {"name": "a", "in": "query", "schema": TEXT}
LOOK = {"operationId": "look", "parameters": [{**QUERY, "name": "id", "in": "path", "required": True}], "responses": OK}
TASK: dict[str, object] = {
    **dict.fromkeys(("status-operation", "download-operation"), "look"),
    **dict.fromkeys(("result", "state", "failure-reason"), "/data"),
    **dict.fromkeys(("interval-seconds", "timeout-seconds"), 1),
    "success-states": ["END"],
    "failure-states": [],
    "task-id": ["/id"],
}
HIDDEN = "a\x01\u202e\u3164\u115f\u2800\U000e0101"
ESCAPED = r"a\u0001\u202e\u3164\u115f\u2800\U000e0101"
SAME_ID = {route: {"get": {"operationId": "twice", "responses": OK}} for route in ("/a", "/a/", "/A")}


class Row(NamedTuple):
    """A value put into a sound document, and the first defect that this makes."""

    at: str
    value: object
    place: str
    """The place of the defect, below `at` unless it begins with `#`."""
    said: str
    cure: str = "remove: true"
    """A line of the suggested cure."""
    version: str = "3.1.0"


def _task(said: str, **changes: object) -> Row:
    return Row(f"{OPERATION}/x-long-running-operation", TASK | changes, "", said)


def _form(schema: object) -> Row:
    place = "/multipart~1form-data/schema"
    said = "its schema must be an object, not string"
    return Row(f"{OPERATION}/requestBody/content", {"multipart/form-data": {"schema": schema}}, place, said)


def _nested(levels: int, wrap: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
    schema = TEXT
    for _ in range(levels):
        schema = wrap(schema)
    return schema


DEFECTS = [
    Row(THING, {"properties": {"": 5, "a": {}}}, "/properties/", "5 is not of type"),
    Row("#/info/it's", 1, "", "not allowed here"),
    Row(f"{OPERATION}/responses/abc", {"description": "?"}, "", "not allowed here"),
    Row(f"{FIELD}/$ref", "#/no", "", "does not exist"),
    Row(f"{FIELD}/$ref", "#zoom", "", "is not an `$anchor` of this document"),
    Row(f"{FIELD}/$ref", "https://example.com/mask.json", "", "refers to another file"),
    Row(f"{FIELD}/$ref", OPERATION, "", "does not refer to a schema"),
    Row(f"{THING}/required", "a", "", "is not of type array"),
    _form({"type": "string", "format": "binary"}),
    _form({"enum": ["a"]}),
    Row(SCHEMAS, {"Thing": {}, "A": B, "B": {"$ref": f"{SCHEMAS}/A"}}, "/B/$ref", "refers to itself"),
    Row("#/components/pathItems/A", ITEM, "/$ref", "refers to itself"),
    Row(THING, {"allOf": [REF, {"type": "object"}]}, "/allOf/0/$ref", "itself"),
    Row(THING, {"anyOf": [REF, {"type": "object"}]}, "/anyOf/0/$ref", "itself"),
    Row(SCHEMAS, {"Thing": {"allOf": [B]}, "B": {"allOf": [REF], "example": {}}}, "/B/allOf/0/$ref", "itself"),
    Row(f"{OPERATION}/security", [{"Nope": []}], "/0/Nope", "is not defined"),
    Row(PARAMETERS, [{**QUERY, "name": "追踪", "in": "header"}], "/0", f"`追踪` {HEADER}"),
    Row(PARAMETERS, [QUERY, QUERY], "/1", "twice"),
    Row(PARAMETERS, [QUERY, QUERY, {**QUERY, "style": "wide"}], "/2/style", "is not one of"),
    _task("it must have exactly these keys", pause=1),
    _task("`status-operation`: there is no operationId", **{"status-operation": "no"}),
    _task("createThing must have exactly one required", **{"download-operation": "createThing"}),
    _task("`task-id` must be a list of JSON pointers", **{"task-id": "/id"}),
    _task("`task-id` must be a list of JSON pointers", **{"task-id": ["id"]}),
    _task("`state` must be a JSON pointer", state="/status"),
    _task("`success-states` must be a list of states", **{"success-states": "END"}),
    _task("`interval-seconds` must be a number of seconds above 0", **{"interval-seconds": 0}),
    Row(FIELD, {"pattern": "[", "default": "x"}, "/pattern", "ECMA-262"),
    Row(THING, {"patternProperties": {"[": {}}, "default": {"a": 1}}, "/patternProperties/[", "ECMA"),
    # Python's `re` would try this pattern's combinations forever.
    Row(FIELD, {"pattern": "^(a+)+$", "default": "a" * 60 + "b"}, "/default", "contradicts"),
    Row(FIELD, {**TEXT, "format": "date", "default": "soon"}, "/default", '"date"'),
    Row(FIELD, {**TEXT, "format": "date-time", "default": "soon"}, "/default", '"date-time"'),
    Row(FIELD, {"minimum": 3, "exclusiveMinimum": True, "default": 3}, "/default", "contradicts", version="3.0.3"),
    # A parent with a discriminator that lists its children, which contain it.
    Row(
        SCHEMAS,
        {"Thing": {"oneOf": [B], "discriminator": {"propertyName": "kind"}}, "B": {"allOf": [REF, {"type": "object"}]}},
        "/B/allOf/0/$ref",
        "refers to itself",
        "target: $.components.schemas.Thing.oneOf",
    ),
    # Other cures than removal.
    Row(f"{FIELD}/type", "integr", "", '"integr" is not one of', "type: integer"),
    Row(f"{THING}/properties/", {"type": "strin"}, "/type", "is not one of", "type: string"),
    Row(f"{THING}/properties/0", {"type": "strin"}, "/type", "is not one of", "type: string"),
    Row(f"{THING}/properties/{HIDDEN}", {"type": "x"}, "/type", "is not one of"),
    Row("#/paths", [], "", "not of type object", "paths: {}"),
    Row("#/info", [], "", "not of type object", "title:"),
    Row("#/servers", [{"url": "https://a.example/\u200b"}], "", "no server", "url: https://relay"),
    Row(f"{OPERATION}/responses/400", {}, "", "`description` is missing", "description:"),
    Row(
        "#/components/securitySchemes/Key",
        {"type": "apiKey", "in": "header", "name": "X Key"},
        "/name",
        f"`X Key` {HEADER}",
        "name: XKey",
    ),
    Row("#/paths", SAME_ID, "/~1a~1/get/operationId", "already used by GET /a", "operationId: get_"),
    Row("#/paths/~1{id}", GET, "/get", "no parameter declares `{id}` of the path", "in: path"),
    Row("#/paths/~1{id}", ITEM, "#/components/pathItems/A/get", "no parameter declares `{id}`", "in: path"),
    Row(FIELD, {"type": ["string", "null"]}, "/type", "OpenAPI 3.1 allows it", "openapi: 3.1.0", "3.0.3"),
    Row(FIELD, {"const": "x"}, "/const", "OpenAPI 3.1 allows it", "openapi: 3.1.0", "3.0.3"),
    Row(FIELD, {"exclusiveMinimum": 3}, "/exclusiveMinimum", "OpenAPI 3.1 allows it", "openapi: 3.1.0", "3.0.3"),
    # No cure.
    Row(FIELD, _nested(60, lambda s: {"type": "array", "items": s}), "", "50 lists or unions deep", ""),
    Row(FIELD, _nested(60, lambda s: {"anyOf": [s, {"type": "integer"}]}), "", "50 lists or unions deep", ""),
    Row(THING, _nested(250, lambda s: {"type": "object", "properties": {"a": s}}), "", "400 levels deep", ""),
    Row("#/openapi", "3.1.0x", "", "this is OpenAPI 3.1.0x", ""),
]


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/") for token in pointer.split("/")[1:]]


def _document(at: str, value: object, version: str = "3.1.0") -> dict[str, Any]:
    """A sound document with `value` put at a place."""
    document: dict[str, Any] = {**with_field(), "openapi": version}
    document["paths"]["/things/{id}"] = {"get": LOOK}
    if version == "3.1.0":
        document["components"]["pathItems"] = {"A": GET}
    part: Any = document
    *holders, last = _tokens(at)
    for token in holders:
        part = part.setdefault(token, {})
    part[last] = value
    return document


def _begins(source: str, row: int, column: int, pointer: str) -> bool:
    """Whether the member or item that `pointer` names begins at this place, in a text with an indent of 2."""
    *holders, last = _tokens(pointer)
    line = source.splitlines()[row - 1]
    return column == 2 * len(holders) + 3 and line[column - 1 :].startswith((f'"{last}": ', "{"))


@pytest.mark.parametrize("row", DEFECTS)
@pytest.mark.timeout(20)
def test_a_defect_has_a_place_and_a_cure_that_cures(row: Row, tmp_path: Path) -> None:
    file, cures = write(tmp_path, _document(row.at, row.value, row.version)), tmp_path / "cures.yaml"
    pointer = row.place if row.place.startswith("#") else row.at + row.place
    shown = pointer.replace(HIDDEN, ESCAPED)

    done = contract_check("document", file, "--suggest", "--overlay", NONE)

    line = next(line for line in done.stderr.splitlines() if line.startswith(str(file)))
    place = re.fullmatch(rf"{re.escape(str(file))}:(\d+):(\d+): {re.escape(shown)}\S*: (.*)", line)
    assert place, line
    assert row.said in place[3]
    assert text.is_visible(done.stderr.replace("\n", ""))
    if "deep" not in row.said:
        assert _begins(file.read_text(encoding="utf-8"), int(place[1]), int(place[2]), pointer)
    if not row.cure:
        assert (done.returncode, "target:" in done.stdout) == (1, False)
        return
    cures.write_text(done.stdout, encoding="utf-8")
    assert row.cure in done.stdout
    assert done.stdout.count("target: ") == len(re.findall(rf"^{re.escape(str(file))}", done.stderr, re.M))
    assert contract_check("document", file, "--overlay", cures).returncode == 0


def _number(digits: str) -> bytes:
    return json.dumps(with_field(type="number", default=7)).replace('"default": 7', f'"default": {digits}').encode()


# A file, the text at the reported place, and the message.
UNREADABLE: dict[str, tuple[bytes, str, str]] = {
    "duplicate key": (RELAY.replace('"number"', '"number", "type": "x"', 1).encode(), '"type": "x"', "twice"),
    "NaN": (RELAY.replace("20231234", "NaN").encode(), "NaN", "NaN"),
    "trailing comma": (RELAY.replace('"url"\n', '"url",\n').encode(), ",\n                    ]", "JSON"),
    "end missing": (RELAY.rstrip().removesuffix("}").encode(), "", "missing"),
    "text that breaks off": (json.dumps(small(), indent=1)[:400].encode(), "", "Unterminated string"),
    "integer of 5,000 digits": (_number("9" * 5000), "999", "999... is out of range"),
    "infinite number": (_number("1e999"), "1e999", "1e999... is out of range"),
    "not UTF-8": (b"\xff\xfe{}", "", "UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf" + RELAY.encode(), "", "byte order mark"),
    "no object": (b"[]", "", "object"),
    "empty": (b"", "", "JSON"),
    "Swagger": (b'{"swagger": "2.0"}', '"swagger"', "this is Swagger 2.0; 3.0 and 3.1 are supported"),
    "YAML": (b"openapi: 3.1.0\ninfo: {}\n", "", "this is YAML. Convert it to JSON first"),
    "too deep": (b"[" * 100_000, "", "nested too deeply"),
    "lone surrogate": (
        RELAY.replace('"openapi"', '"x-a": "\\ud83d\\uDE00",\n"x-b": "\\uD83D", "openapi"', 1).encode(),
        '"x-b"',
        "the escape \\ud83d is an unpaired",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_document_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    content, marker, said = UNREADABLE[name]
    document = tmp_path / "relay.json"
    document.write_bytes(content)

    refused = contract_check("document", document)

    assert refused.returncode == 1
    before = content.decode(errors="replace").partition(marker or "{")[0]
    place = f":{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}" if marker else r"(:\d+)*"
    assert re.search(rf"^{re.escape(str(document))}{place}: .*{re.escape(said)}", refused.stderr), refused.stderr
    assert "Traceback" not in refused.stderr


def _spoil(document: Any) -> None:
    """Put defects at the beginning, in the middle and at the end of the frozen document."""
    request_properties(document)["width"]["type"] = "integr"
    operation(document)["responses"]["400"].pop("description")
    operation(document)["parameters"] = [{**QUERY, "name": "X 追踪", "in": "header"}]
    document["paths"]["/{id}"] = GET


def test_a_refused_run_changes_nothing_and_one_overlay_cures_all(tmp_path: Path) -> None:
    document, cures, package = write(tmp_path, changed(_spoil)), tmp_path / "cures.yaml", tmp_path / "generated_client"
    package.mkdir()
    write(package, "OLD = True\n", "old.py")

    missing = package / "missing"
    for option, file in (("--document", missing), ("--document", package), ("--overlay", missing)):
        unreadable = generate(package, option, file)
        assert unreadable.returncode == 2
        assert str(file) in unreadable.stderr
        assert "Traceback" not in unreadable.stderr
    refused = generate(package, "--document", document)
    assert refused.returncode == 1
    for said in ("4 defects;", "  cure, to paste", "the package is unchanged"):
        assert said in refused.stderr
    assert tree(tmp_path).keys() == {"relay.json", "generated_client/old.py"}

    suggested = contract_check("document", document, "--suggest")
    cures.write_text(suggested.stdout, encoding="utf-8")
    assert suggested.returncode == 0
    done = generate(package, "--document", document, "--overlay", ROOT / "generator/overlay.yaml", "--overlay", cures)
    assert done.returncode == 0, done.stderr
    assert "api/videos/create_kling_image_to_video.py" in tree(package)


def _cured(folder: Path, document: dict[str, Any]) -> tuple[Any, int]:
    """The document with its suggested cures, and their number."""
    file, cures = write(folder, document), folder / "cures.yaml"
    cures.write_text(contract_check("document", file, "--suggest", "--overlay", NONE).stdout, encoding="utf-8")
    found = loading.load(file, [cures])
    assert found.defects == []
    return found.value, cures.read_text(encoding="utf-8").count("target: ")


# A value put into a document with one cure, and what is there afterwards.
SHARED: list[tuple[str, Any, Any]] = [
    (SCHEMAS, {"Thing": {}, "A": {"type": "file"}, "B": {"type": "file"}}, {"Thing": {}, "A": {}, "B": {}}),
    ("#/components/parameters", dict.fromkeys("AB", QUERY | {"style": "wide"}), {"A": QUERY, "B": QUERY}),
    ("#/security", [{"a": []}, {"b": []}], None),
]


@pytest.mark.parametrize(("at", "value", "cured"), SHARED)
def test_a_defect_of_several_components_has_one_cure(at: str, value: Any, cured: Any, tmp_path: Path) -> None:
    found, cures = _cured(tmp_path, _document(at, value))
    for token in _tokens(at):
        found = found.get(token)
    assert (found, cures) == (cured, 1)


def test_a_defect_of_many_components_is_one_line(tmp_path: Path) -> None:
    schemes = {key: {"type": "apikey", "name": "key", "in": "header"} for key in "abcd"}
    document = _document("#/components/securitySchemes", schemes)
    printed = contract_check("document", write(tmp_path, document), "--overlay", NONE).stderr
    assert printed.count("not one of apiKey") == 2  # the line, and the reason in its cure
    assert "The same at 3 other places; --suggest prints all cures." in printed
    _cured(tmp_path, document)


def test_the_first_holder_of_an_operation_id_keeps_it(tmp_path: Path) -> None:
    found, _ = _cured(tmp_path, _document("#/paths", SAME_ID))
    first, *others = [item["get"]["operationId"] for item in found["paths"].values()]
    assert first == "twice"
    assert len({name.lower() for name in (first, *others)}) == 3


def test_only_an_example_with_a_value_is_judged(tmp_path: Path) -> None:
    document = small()
    document["components"]["examples"] = {"near": {"value": {"name": "a"}}}
    content = document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]
    content["examples"] = {
        "reference": {"$ref": "#/components/examples/near"},
        "URL": {"externalValue": "https://relay.example.com/thing.json"},
        "value": {"value": {"name": 1}},
    }
    done = contract_check("document", write(tmp_path, document), "--overlay", NONE)
    assert done.returncode == 0
    assert set(re.findall(r"/examples/(\w+)/value: the example contradicts", done.stderr)) == {"value"}


# A field, and the beginning and end of the warning about it.
LONG = json.dumps({"一": "二" * 300}, indent=2, ensure_ascii=False)
WARNED: list[tuple[dict[str, str], str, str]] = [
    (
        {"type": "object", "example": LONG},
        '/example: the example contradicts its schema: $: "{ "一": "二二',
        '..." is not of type "object"',
    ),
    ({"pattern": "[^]", "default": "a"}, "/pattern: the pattern `[^]` is not checked", "does not support it."),
    ({"pattern": r"\p{L}", "default": "a", "example": "a"}, "", ""),
    ({"pattern": "(?<n>a)", "default": "a", "example": "a"}, "", ""),
    ({"pattern": r"^\W$", "default": "宇", "example": "宇"}, "", ""),
]


@pytest.mark.parametrize(("field", "begin", "end"), WARNED)
def test_a_contradicting_example_and_an_unchecked_pattern_are_warnings(
    field: dict[str, str], begin: str, end: str, tmp_path: Path
) -> None:
    done = contract_check("document", write(tmp_path, with_field(**field)), "--overlay", NONE)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == bool(begin)
    assert re.search(rf"^(warning: \S+:\d+:\d+: {FIELD}{re.escape(begin)}.*{re.escape(end)})?$", done.stderr.strip())


def test_an_internal_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("responses")

    monkeypatch.setattr(loading, "load", broken)
    done = contract_check("document", "relay.json")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert re.search(r"contract_check/__main__\.py:\d+ \(KeyError: 'responses'\)", line)
    assert "Report this line" in line
