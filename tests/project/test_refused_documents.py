"""A defective document or overlay is refused with the problem, its place and a cure; the package is unchanged."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from checkout import FROZEN, ROOT, contract_check, generate, tree
from contract_check.document import loading, overlay, text
from specimens import NONE, RELAY, changed, operation, request_properties, small, with_field, with_operation, write

SCHEMAS, OPERATION = "#/components/schemas", "#/paths/~1things/post"
THING, FIELD = f"{SCHEMAS}/Thing", f"{SCHEMAS}/Thing/properties/a"
REF: dict[str, Any] = {"$ref": THING}
TEXT: dict[str, Any] = {"type": "string"}
MULTIPART = f"{OPERATION}/requestBody/content/multipart~1form-data"
BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
OK: dict[str, Any] = {"200": {"description": "好"}}
QUERY: dict[str, Any] = {"name": "a", "in": "query", "schema": TEXT}
WIDE: dict[str, Any] = {"name": "b", "in": "query", "style": "wide", "schema": {}}
B: dict[str, Any] = {"$ref": f"{SCHEMAS}/B"}
GET: dict[str, Any] = {"get": {"responses": OK}}
EXCLUSIVE = with_field(type="integer", minimum=3, exclusiveMinimum=True, default=3)
ITEM: dict[str, Any] = {"$ref": "#/components/pathItems/A"}
TASK: dict[str, object] = {
    **dict.fromkeys(("status-operation", "download-operation"), "look"),
    **dict.fromkeys(("result", "state", "failure-reason"), "/data"),
    **dict.fromkeys(("interval-seconds", "timeout-seconds"), 1),
    "success-states": ["END"],
    "failure-states": [],
    "task-id": ["/id"],
}
DECLARATION = f"{OPERATION}/x-long-running-operation"
HIDDEN = "a\x01\u202e\u3164\u115f\u2800\U000e0101"
ESCAPED = r"a\u0001\u202e\u3164\u115f\u2800\U000e0101"


def _thing(**schema: object) -> dict[str, Any]:
    return small(Thing=schema)


def _text(**rules: object) -> dict[str, Any]:
    return with_field(type="string", **rules)


def _info(**more: object) -> dict[str, Any]:
    return {**small(), "info": {"title": "小", "version": "1", **more}}


def _answers(**more: Any) -> dict[str, Any]:
    return with_operation(responses={**OK, **more})


def _parameters(*given: object) -> dict[str, Any]:
    return with_operation(parameters=[*given])


def _gets(*routes: str, **more: object) -> dict[str, Any]:
    return {**small(), "paths": {route: {"get": {**more, "responses": OK}} for route in routes}}


def _multipart(schema: object) -> dict[str, Any]:
    return with_operation(requestBody={"content": {"multipart/form-data": {"schema": schema}}})


def _declared(**changes: object) -> dict[str, Any]:
    """A correct declaration of a task, with `changes`."""
    document = with_operation(**{"x-long-running-operation": TASK | changes})
    parameters = [{"name": "id", "in": "path", "required": True, "schema": TEXT}]
    document["paths"]["/things/{id}"] = {"get": {"operationId": "look", "parameters": parameters, "responses": OK}}
    return document


def _key(name: str) -> dict[str, Any]:
    schemes = {"Key": {"type": "apiKey", "in": "header", "name": name}}
    return {**small(), "components": {"schemas": {"Thing": {}}, "securitySchemes": schemes}}


def _ids(*routes: str) -> dict[str, Any]:
    return _gets(*routes, operationId="twice")


def _item(route: str, item: object) -> dict[str, Any]:
    return {**small(), "paths": {route: ITEM}, "components": {"pathItems": {"A": item}}}


def _nested(levels: int, wrap: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
    schema = TEXT
    for _ in range(levels):
        schema = wrap(schema)
    return schema


def _deep_objects() -> dict[str, Any]:
    document = small()
    document["components"]["schemas"]["Thing"] = _nested(250, lambda s: {"type": "object", "properties": {"a": s}})
    return document


def _number(digits: str) -> bytes:
    return json.dumps(with_field(type="number", default=7)).replace('"default": 7', f'"default": {digits}').encode()


# A document, the place of its first defect, and the message; the suggested cure removes the value.
REMOVED: list[tuple[dict[str, Any], str, str]] = [
    (_thing(properties={"": 5, "a": {}}), f"{THING}/properties/", "5 is not of type"),
    (_info(**{"it's": 1}), "#/info/it's", "not allowed here"),
    (_answers(abc={"description": "?"}), f"{OPERATION}/responses/abc", "not allowed here"),
    (
        _answers(**{"400": {"description": "坏", "contents": {}}}),
        f"{OPERATION}/responses/400/contents",
        "not allowed here",
    ),
    (with_field(**{"$ref": "#/no"}), f"{FIELD}/$ref", "does not exist"),
    (with_field(**{"$ref": "#zoom"}), f"{FIELD}/$ref", "is not an `$anchor` of this document"),
    (_thing(type="object", required="a"), f"{THING}/required", "is not of type array"),
    (_multipart(BYTES), f"{MULTIPART}/schema", "its schema must be an object, not string"),
    (with_field(**{"$ref": "https://example.com/mask.json"}), f"{FIELD}/$ref", "refers to another file"),
    (with_field(**{"$ref": "#/paths/~1things/post"}), f"{FIELD}/$ref", "does not refer to a schema"),
    (small(A={"$ref": f"{SCHEMAS}/B"}, B={"$ref": f"{SCHEMAS}/A"}), f"{SCHEMAS}/B/$ref", "refers to itself"),
    (_item("/a", ITEM), "#/components/pathItems/A/$ref", "refers to itself"),
    (_thing(allOf=[REF, {"type": "object"}]), f"{THING}/allOf/0/$ref", "itself"),
    (_thing(anyOf=[REF, {"type": "object"}]), f"{THING}/anyOf/0/$ref", "itself"),
    (small(Thing={"allOf": [B]}, B={"allOf": [REF], "example": {}}), f"{SCHEMAS}/B/allOf/0/$ref", "itself"),
    (with_operation(security=[{"Nope": []}]), f"{OPERATION}/security/0/Nope", "is not defined"),
    (
        _parameters({**QUERY, "name": "追踪", "in": "header"}),
        f"{OPERATION}/parameters/0",
        "`追踪` is not a valid header name",
    ),
    (_parameters(QUERY, QUERY), f"{OPERATION}/parameters/1", "twice"),
    (_parameters(QUERY, QUERY, WIDE), f"{OPERATION}/parameters/2/style", "is not one of"),
    (_declared(pause=1), DECLARATION, "it must have exactly these keys"),
    (_declared(**{"status-operation": "no"}), DECLARATION, "`status-operation`: there is no operationId"),
    (_declared(**{"download-operation": "createThing"}), DECLARATION, "createThing must have exactly one required"),
    (_declared(**{"task-id": "/id"}), DECLARATION, "`task-id` must be a list of JSON pointers"),
    (_declared(**{"task-id": ["id"]}), DECLARATION, "`task-id` must be a list of JSON pointers"),
    (_declared(state="/status"), DECLARATION, "`state` must be a JSON pointer"),
    (_declared(**{"success-states": "END"}), DECLARATION, "`success-states` must be a list of states"),
    (_declared(**{"interval-seconds": 0}), DECLARATION, "`interval-seconds` must be a number of seconds above 0"),
    (_text(pattern="[", default="x"), f"{FIELD}/pattern", "ECMA-262"),
    (_thing(patternProperties={"[": {}}, default={"a": 1}), f"{THING}/patternProperties/[", "ECMA"),
    (_text(pattern="^(a+)+$", default="a" * 60 + "b"), f"{FIELD}/default", "contradicts"),  # backtracks forever
    (_text(format="date", default="soon"), f"{FIELD}/default", '"date"'),
    (_text(format="uuid", default="soon"), f"{FIELD}/default", '"uuid"'),
    (_text(format="date-time", default="soon"), f"{FIELD}/default", '"date-time"'),
    (EXCLUSIVE | {"openapi": "3.0.3"}, f"{FIELD}/default", "contradicts"),
]
# The same, with a line of another cure.
CURED: list[tuple[dict[str, Any], str, str, str]] = [
    (with_field(type="integr"), f"{FIELD}/type", '"integr" is not one of', "type: integer"),
    (_thing(properties={"": {"type": "strin"}}), f"{THING}/properties//type", "is not one of", "type: string"),
    (_thing(properties={"0": {"type": "strin"}}), f"{THING}/properties/0/type", "is not one of", "type: string"),
    (_thing(properties={HIDDEN: {"type": "x"}}), f"{THING}/properties/{ESCAPED}/type", "is not one of", "remove: true"),
    ({**small(), "paths": []}, "#/paths", "not of type object", "paths: {}"),
    ({**small(), "info": []}, "#/info", "not of type object", "title:"),
    ({**small(), "servers": [{"url": "https://a.example/\u200b"}]}, "#/servers", "no server", "url: https://relay"),
    (_answers(**{"400": {}}), f"{OPERATION}/responses/400", "`description` is missing", "description:"),
    (_key("X Key"), "#/components/securitySchemes/Key/name", "`X Key` is not a valid header name", "name: XKey"),
    (_ids("/a", "/a/", "/A"), "#/paths/~1a~1/get/operationId", "already used by GET /a", "operationId: get_"),
    (_gets("/{id}"), "#/paths/~1{id}/get", "no parameter declares `{id}` of the path", "in: path"),
    (_item("/{id}", GET), "#/components/pathItems/A/get", "no parameter declares `{id}`", "in: path"),
]
# The same, without a cure.
INCURABLE: list[tuple[dict[str, Any], str, str]] = [
    (with_field(**_nested(60, lambda s: {"type": "array", "items": s})), FIELD, "50 lists or unions deep"),
    (with_field(**_nested(60, lambda s: {"anyOf": [s, {"type": "integer"}]})), FIELD, "50 lists or unions deep"),
    (_deep_objects(), THING, "400 levels deep"),
    ({"swagger": "2.0", "info": {}, "paths": {}}, "#/swagger", "this is Swagger 2.0"),
    ({**small(), "openapi": "3.1.0x"}, "#/openapi", "this is OpenAPI 3.1.0x"),
]
DEFECTS = [*((*row, "remove: true") for row in REMOVED), *CURED, *((*row, "") for row in INCURABLE)]


def _object_at(document: Any, pointer: str) -> Any:
    for token in pointer.removeprefix("#").split("/")[1:]:
        document = document[int(token) if isinstance(document, list) else token.replace("~1", "/")]
    return document


def _is_place(text: str, row: str, column: str, pointer: str) -> bool:
    """Whether the place in `text` is right before the member that `pointer` names."""
    lines = text.splitlines(keepends=True)
    offset = sum(map(len, lines[: int(row) - 1])) + int(column) - 1
    holder_pointer, _, token = pointer.rpartition("/")
    is_item = token.isdigit() and isinstance(_object_at(json.loads(text), holder_pointer), list)
    marked = json.loads(text[:offset] + ('"here", ' if is_item else '"here": 0, ') + text[offset:])
    found = list(_object_at(marked, holder_pointer))
    return found.index("here") == (int(token) if is_item else found.index(token.replace("~1", "/")) - 1)


@pytest.mark.parametrize(("document", "pointer", "said", "cure"), DEFECTS)
@pytest.mark.timeout(20)
def test_a_defect_has_a_place_and_a_cure_that_cures(
    document: dict[str, Any], pointer: str, said: str, cure: str, tmp_path: Path
) -> None:
    file, cures = write(tmp_path, document), tmp_path / "cures.yaml"

    done = contract_check("document", file, "--suggest", "--overlay", NONE)

    line = next(line for line in done.stderr.splitlines() if line.startswith(str(file)))
    place = re.fullmatch(rf"{re.escape(str(file))}:(\d+):(\d+): {re.escape(pointer)}\S*: (.*)", line)
    assert place, line
    assert said in place[3]
    assert text.is_visible(done.stderr.replace("\n", ""))
    if "deep" not in said:
        assert _is_place(file.read_text(encoding="utf-8"), place[1], place[2], pointer.replace(ESCAPED, HIDDEN))
    if not cure:
        assert (done.returncode, "target:" in done.stdout) == (1, False)
        return
    cures.write_text(done.stdout, encoding="utf-8")
    assert cure in done.stdout
    assert done.stdout.count("target: ") == len(re.findall(rf"^{re.escape(str(file))}", done.stderr, re.M))
    assert contract_check("document", file, "--overlay", cures).returncode == 0


# A file, the text at the reported place, and the message.
UNREADABLE: dict[str, tuple[bytes, str, str]] = {
    "duplicate key": (RELAY.replace('"number"', '"number", "type": "x"', 1).encode(), '"type": "x"', "twice"),
    "NaN": (RELAY.replace("20231234", "NaN").encode(), "NaN", "NaN"),
    "trailing comma": (RELAY.replace('"url"\n', '"url",\n').encode(), ",\n                    ]", "JSON"),
    "comment": (RELAY.replace('"openapi"', '/* 注 */ "openapi"', 1).encode(), "/* 注 */", "JSON"),
    "end missing": (RELAY.rstrip().removesuffix("}").encode(), "", "missing"),
    "text that breaks off": (json.dumps(small(), indent=1)[:400].encode(), "", "Unterminated string"),
    "integer of 5,000 digits": (_number("9" * 5000), "999", "999... is out of range"),
    "infinite number": (_number("1e999"), "1e999", "1e999... is out of range"),
    "not UTF-8": (b"\xff\xfe{}", "", "UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf" + RELAY.encode(), "", "byte order mark"),
    "no object": (b"[]", "", "object"),
    "empty": (b"", "", "JSON"),
    "another OpenAPI": (b'{"openapi": "2.0"}', '"openapi"', "3.0 and 3.1"),
    "YAML": (b"openapi: 3.1.0\ninfo: {}\n", "", "this is YAML. Convert it to JSON first"),
    "too deep": (b"[" * 100_000, "", "nested too deeply"),
    "lone surrogate": (
        RELAY.replace('"openapi"', '"x-a": "\\ud83d\\uDE00",\n"x-b": "\\uD83D", "openapi"', 1).encode(),
        '\\uD83D"',
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
    document["paths"]["/{id}"] = {"get": {"responses": OK}}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that a refused run must not change."""
    package = tmp_path / "generated_client"
    package.mkdir()
    (package / "old.py").write_text("OLD = True\n", encoding="utf-8")
    return package


def test_a_refused_run_changes_nothing_and_one_overlay_cures_all(package: Path) -> None:
    document, cures = write(package.parent, changed(_spoil)), package.with_name("cures.yaml")
    beside = sorted(package.parent.iterdir())

    refused = generate(package, "--document", document)

    assert refused.returncode == 1
    assert "4 defects;" in refused.stderr
    assert "  cure, to paste" in refused.stderr
    assert "the package is unchanged" in refused.stderr
    assert tree(package) == {"old.py": b"OLD = True\n"}
    assert sorted(package.parent.iterdir()) == beside

    suggested = contract_check("document", document, "--suggest")
    cures.write_text(suggested.stdout, encoding="utf-8")
    assert suggested.returncode == 0
    overlays = ("--overlay", ROOT / "generator" / "overlay.yaml", "--overlay", cures)
    done = generate(package, "--document", document, *overlays)
    assert done.returncode == 0, done.stderr
    assert "api/videos/create_kling_image_to_video.py" in tree(package)


def test_an_unreadable_file_is_an_environment_error(package: Path) -> None:
    missing = package / "missing"
    for option, file in (("--document", missing), ("--document", package), ("--overlay", missing)):
        refused = generate(package, option, file)
        assert refused.returncode == 2
        assert str(file) in refused.stderr
        assert "Traceback" not in refused.stderr
    assert tree(package) == {"old.py": b"OLD = True\n"}


def test_a_sound_document_is_reported_as_sound() -> None:
    done = contract_check("document")
    assert done.returncode == 0
    assert done.stdout.startswith("sound: relay.json")


def _cured(folder: Path, document: dict[str, Any]) -> Any:
    """The document with its suggested cures."""
    file, cures = write(folder, document), folder / "cures.yaml"
    cures.write_text(contract_check("document", file, "--suggest", "--overlay", NONE).stdout, encoding="utf-8")
    found = loading.load(file, [cures])
    assert found.defects == []
    return found.value


def test_a_defect_that_many_components_share_is_one_line_and_one_cure(tmp_path: Path) -> None:
    scheme = {"type": "apikey", "name": "key", "in": "header"}
    schemes = dict.fromkeys(map(str, range(40)), scheme)
    document = small()
    document["components"]["securitySchemes"] = schemes

    printed = contract_check("document", write(tmp_path, document), "--overlay", NONE).stderr

    assert printed.count("not one of apiKey") == 2  # the line, and the reason in its cure
    assert "The same at 39 other places; --suggest prints all cures." in printed
    _cured(tmp_path, document)


@pytest.mark.parametrize(
    ("kind", "wrong", "rest"),
    [("schemas", {"type": "file"}, {}), ("parameters", {"style": "wide"}, QUERY)],
)
def test_one_cure_removes_the_same_invalid_field_of_several_components(
    kind: str, wrong: dict[str, Any], rest: dict[str, Any], tmp_path: Path
) -> None:
    document = small(Thing={"type": "object"})
    document["components"].setdefault(kind, {}).update({f"Wrong{number}": {**rest, **wrong} for number in range(3)})

    components = _cured(tmp_path, document)["components"]

    assert (tmp_path / "cures.yaml").read_text(encoding="utf-8").count("target: ") == 1
    assert [components[kind][f"Wrong{number}"] for number in range(3)] == [rest] * 3
    assert components["schemas"]["Thing"] == {"type": "object"}


def test_one_cure_removes_security_without_a_known_scheme(tmp_path: Path) -> None:
    assert "security" not in _cured(tmp_path, {**small(), "security": [{"a": []}, {"b": []}]})
    assert (tmp_path / "cures.yaml").read_text(encoding="utf-8").count("target: ") == 1


def test_the_first_holder_of_an_operation_id_keeps_it(tmp_path: Path) -> None:
    paths = _cured(tmp_path, _ids("/a", "/a/", "/A"))["paths"]
    ids = [paths[route]["get"]["operationId"] for route in ("/a", "/a/", "/A")]
    assert ids[0] == "twice"
    assert len({name.lower() for name in ids}) == 3


def test_an_invalid_example_is_one_short_line_with_the_reason(tmp_path: Path) -> None:
    example = json.dumps({"一": "二" * 300}, indent=2, ensure_ascii=False)
    [warning] = _warnings(write(tmp_path, with_field(type="object", example=example)))
    assert f'{FIELD}/example: the example contradicts its schema: $: "{{ "一": "二二' in warning
    assert warning.endswith('..." is not of type "object"')


@pytest.mark.parametrize(("pattern", "fits"), [("[^]", "a"), (r"\p{L}", "a"), ("(?<n>a)", "a"), (r"^\W$", "宇")])
def test_a_pattern_of_ecma_262_is_valid(pattern: str, fits: str, tmp_path: Path) -> None:
    warnings = _warnings(write(tmp_path, _text(pattern=pattern, default=fits, example=fits)))
    unchecked = [f"{FIELD}/pattern" in warning and "is not checked" in warning for warning in warnings]
    assert unchecked == ([True] if pattern == "[^]" else [])


def _warnings(file: Path, overlay_file: Path = NONE) -> list[str]:
    done = contract_check("document", file, "--overlay", overlay_file)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def _overlay(folder: Path, *actions: object) -> Path:
    head = {"overlay": "1.0.0", "info": {"title": "own", "version": "1"}}
    return write(folder, {**head, "actions": list(actions)}, "own.yaml")


IDLE = {"target": "$.paths['/nowhere']", "description": "It was there once.", "update": {"summary": "无"}}


def test_an_action_that_matches_nothing_is_an_error_in_the_vendored_document_only(tmp_path: Path) -> None:
    file = _overlay(tmp_path, IDLE)
    refused = contract_check("document", "--overlay", file)
    assert refused.returncode == 1
    assert re.search(rf"{re.escape(str(file))}:\d+: .*matches nothing.*/nowhere.*x-optional", refused.stderr, re.S)
    warned = contract_check("document", FROZEN, "--overlay", file)
    assert warned.returncode == 0
    assert re.search(rf"^warning: {re.escape(str(file))}:\d+: .*matches nothing", warned.stderr)
    optional = contract_check("document", "--overlay", _overlay(tmp_path, {**IDLE, "x-optional": True}))
    assert (optional.returncode, optional.stderr) == (0, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"target": "$.info", "update": {}}, "reason"),
        ({"target": "$.info", "description": "x"}, "does nothing"),
        ({"target": "$.info[", "description": "x", "remove": True}, "JSONPath"),
        ({"target": "$.info", "description": "x", "updat": {}}, "updat"),
        ("actions: [", "not YAML"),
        ("[]", "`actions` must be a list"),
        ("overlay: 1.0.0\nactions: {}", "actions"),
        ("\tactions: []", "not YAML"),
    ],
)
def test_an_invalid_overlay_is_refused(content: Any, said: str, tmp_path: Path) -> None:
    file = write(tmp_path, content, "own.yaml") if isinstance(content, str) else _overlay(tmp_path, content)
    refused = contract_check("document", "--overlay", file)
    assert refused.returncode == 1
    assert str(file) in refused.stderr
    assert said in refused.stderr


BODY = "$.paths['/things'].post.requestBody.content['application/json'].schema"
BODIES = BODY.replace("['/things']", "[*]")


@pytest.mark.parametrize(
    ("version", "target", "update", "said"),
    [
        ("3.0.3", BODIES, {"title": "Other"}, "OpenAPI 3.0 ignores what stands beside it"),
        ("3.0.3", BODIES, {"required": ["a"]}, "OpenAPI 3.0 ignores what stands beside it"),
        ("3.1.0", BODY, REF, "sets what is already there"),
        ("3.1.0", BODY, {}, "sets what is already there"),
    ],
)
def test_an_action_without_effect_is_reported(
    version: str, target: str, update: object, said: str, tmp_path: Path
) -> None:
    actions = _overlay(tmp_path, {"target": target, "description": "why", "update": update})
    [warning] = _warnings(write(tmp_path, {**small(), "openapi": version}), actions)
    assert warning.startswith(f"warning: {actions}:")
    assert said in warning
    assert target in warning


OLD: dict[str, Any] = {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/b"}}}
ADDED: dict[str, Any] = {"type": "string", "title": "T", "required": ["y"], "properties": {"x": TEXT, "y": {}}}
LIST: dict[str, Any] = {"a": [0, 1, 2, 3], "b": 4}
# A document, an action, and the result.
DONE: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "objects are merged": (
        {"a": {"b": 1, "c": {"d": 2}}},
        {"update": {"c": {"e": 3}}},
        {"a": {"b": 1, "c": {"d": 2, "e": 3}}},
    ),
    "arrays are appended": ({"a": {"r": ["x"]}}, {"update": {"r": ["y"]}}, {"a": {"r": ["x", "y"]}}),
    "what an array has is not repeated": ({"a": {"r": ["x"]}}, {"update": {"r": ["x", "y"]}}, {"a": {"r": ["x", "y"]}}),
    "values are replaced": ({"a": {"type": "strin"}}, {"update": TEXT}, {"a": TEXT}),
    "what is there is kept": (
        {"a": OLD},
        {"update": ADDED, "x-add-only": True},
        {"a": {**OLD, "title": "T", "required": ["x", "y"], "properties": {"x": {"$ref": "#/b"}, "y": {}}}},
    ),
    "filtered items are removed": (LIST, {"target": "$.a[?@ > 1]", "remove": True}, {"a": [0, 1], "b": 4}),
    "items are removed in any order": (LIST, {"target": "$.a[1,0]", "remove": True}, {"a": [2, 3], "b": 4}),
    "all items are removed": (LIST, {"target": "$.a[::-1]", "remove": True}, {"a": [], "b": 4}),
    "an item is removed once": (LIST, {"target": "$.a[0,0]", "remove": True}, {"a": [1, 2, 3], "b": 4}),
    "a member is removed once": (LIST, {"target": "$['b','b']", "remove": True}, {"a": [0, 1, 2, 3]}),
    "everything is removed": (LIST, {"target": "$..*", "remove": True}, {}),
}


@pytest.mark.parametrize("name", DONE)
def test_an_action_of_an_overlay(name: str) -> None:
    document, action, expected = deepcopy(DONE[name])
    assert overlay.apply_action({"target": "$.a", "description": "why", **action}, document) is None
    assert document == expected


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_target_that_names_one_place_finds_it_behind_a_reference(version: str) -> None:
    rows: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        (f"{BODY}.properties.name", {"remove": True}, {"type": "object", "properties": {}}),
        (BODY, {"update": {"title": "Other"}}, {"type": "object", "properties": {"name": TEXT}, "title": "Other"}),
    )
    for target, action, expected in rows:
        document: dict[str, Any] = {**small(), "openapi": version}
        assert overlay.apply_action({"target": target, "description": "why", **action}, document) is None
        assert document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"] == expected
        assert document["components"] == small()["components"]  # the shared object is unchanged


def test_an_internal_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("responses")

    monkeypatch.setattr(loading, "load", broken)
    done = contract_check("document", "relay.json")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert re.search(r"contract_check/__main__\.py:\d+ \(KeyError: 'responses'\)", line)
    assert "Report this line" in line


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"const": "x"},
        {"type": "integer", "exclusiveMinimum": 3},
    ],
)
def test_a_document_with_newer_keywords_gets_the_newer_version(schema: object, tmp_path: Path) -> None:
    document = {
        **small(Thing={"type": "object", "properties": {"a": schema, "b": {"nullable": True}}}),
        "openapi": "3.0.3",
    }
    found = loading.load(write(tmp_path, document), [])
    assert [cure["update"] for cure in found.cures] == [{"openapi": "3.1.0"}]
    assert all("OpenAPI 3.1 allows it" in defect.problem for defect in found.defects)


def test_a_parent_that_names_its_children_loses_the_union_and_they_keep_its_fields(tmp_path: Path) -> None:
    child = {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"type": "object"}]}
    pet = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": {"propertyName": "kind"}}
    found = loading.load(write(tmp_path, small(Pet=pet, Cat=child)), [])
    assert [cure["target"] for cure in found.cures] == ["$.components.schemas.Pet.oneOf"]


def test_a_reference_to_an_anchor_resolves_to_its_schema(tmp_path: Path) -> None:
    item = {"$dynamicAnchor": "item", "type": "object", "properties": {"a": {"$ref": "#top"}}}
    thing = {"$anchor": "top", "type": "object", "properties": {"b": {"$dynamicRef": "#item"}}}
    schemas = loading.load(write(tmp_path, small(Thing=thing, Item=item)), []).value["components"]["schemas"]
    assert schemas["Item"]["properties"]["a"] == {"$ref": "#/components/schemas/Thing"}
    assert schemas["Thing"]["properties"]["b"] == {"$ref": "#/components/schemas/Item"}
