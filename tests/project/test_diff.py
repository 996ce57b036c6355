"""diff: what changed between two documents or revisions, as a caller's code will feel it."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import pytest

from checkout import FROZEN, ROOT, Completed, contract_check, copy, run
from contract_check.history.diff import hidden_changes
from history import commit, git
from mutations import MUTATIONS, base, mutated
from specimens import changed, operation, request_properties, small, write

pytestmark = pytest.mark.timeout(300)  # Each test runs whole generations.
LEVELS = ("none", "patch", "minor", "major")


def diff(*arguments: str | File, root: File = ROOT, env: dict[str, str] | None = None) -> Completed:
    """Runs `diff` in a checkout."""
    environment = {"GITHUB_ACTIONS": "", **(env or {})}
    if root == ROOT:
        return contract_check("diff", *arguments, env=environment)
    command = [root / ".venv" / "bin" / "python", "-m", "contract_check", "diff", *arguments]
    return run(command, cwd=root, env={"PYTHONUTF8": "1", **environment})


def verdict(old: File, new: File) -> tuple[str, list[dict[str, str]]]:
    done = diff(old, new, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    return report["verdict"], report["changes"]


@pytest.mark.parametrize("version", ["3.1.0", pytest.param("3.0.3", marks=pytest.mark.slow)])
def test_every_mutation_has_its_verdict(version: str, tmp_path: File) -> None:
    old, new = write(tmp_path, base(version), "old.json"), write(tmp_path, mutated(version), "new.json")
    whole, changes = verdict(old, new)
    assert whole == "major"
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        found[change["operation"].partition(".")[2].removesuffix("_x")].append(change["level"])
    levels = {name: max(found.pop(name.replace(" ", "_"), []), key=LEVELS.index, default="none") for name in MUTATIONS}
    assert levels == {name: level for name, (level, _) in MUTATIONS.items()}
    assert found == {}
    assert len(MUTATIONS) >= 30


def _either(**rule: object) -> dict[str, Any]:
    """Text by one of two alternatives, of which the first has `rule`."""
    return {"anyOf": [{"type": "string", **rule}, {"type": "string", "maxLength": 50, "pattern": "^b"}]}


TEXT, PART = {"type": "string"}, {"$ref": "#/components/schemas/Part"}
FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "length of an alternative": (_either(maxLength=10), _either(maxLength=5), "major", "minor"),
    "pattern of an alternative": (_either(pattern="^a"), _either(pattern="^aa"), "major", "major"),
    "length of a part": (
        {"allOf": [{**TEXT, "maxLength": 10}, {**TEXT, "maxLength": 20}]},
        {"allOf": [{**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 20}]},
        "major",
        "minor",
    ),
    "known value added": (
        {"anyOf": [TEXT, {**TEXT, "enum": ["a"]}]},
        {"anyOf": [TEXT, {**TEXT, "enum": ["a", "b"]}]},
        "minor",
        "minor",
    ),
    "constant added": (TEXT, {**TEXT, "const": "x"}, "major", "minor"),
    "constant removed": ({**TEXT, "const": "x"}, TEXT, "minor", "major"),
    "format added": (TEXT, {**TEXT, "format": "email"}, "major", "minor"),
    "format removed": ({**TEXT, "format": "byte"}, TEXT, "minor", "major"),
    "format that only shows": (TEXT, {**TEXT, "format": "password"}, "none", "none"),
    "pattern that any text fits": ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": ".*"}, "minor", "major"),
    "described reference made plain": ({"allOf": [PART], "description": "一部分"}, PART, "none", "none"),
    "plain reference described": (PART, {"allOf": [PART], "description": "一部分"}, "none", "none"),
    "read-only length lowered": (
        {**TEXT, "readOnly": True, "maxLength": 9},
        {**TEXT, "readOnly": True, "maxLength": 5},
        "none",
        "minor",
    ),
    "write-only length raised": (
        {**TEXT, "writeOnly": True, "maxLength": 5},
        {**TEXT, "writeOnly": True, "maxLength": 9},
        "minor",
        "none",
    ),
    "deprecated": (TEXT, {**TEXT, "deprecated": True}, "minor", "minor"),
    "fields that ask for others": (
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "dependentRequired": {"a": ["b"]}},
        "major",
        "minor",
    ),
    "one of two fields": (
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "major",
        "minor",
    ),
    "order of items": (
        {"type": "array", "prefixItems": [TEXT, {"type": "integer"}]},
        {"type": "array", "prefixItems": [{"type": "integer"}, TEXT]},
        "major",
        "major",
    ),
    "words about items": (
        {"type": "array", "prefixItems": [TEXT]},
        {"type": "array", "prefixItems": [{**TEXT, "description": "第一项"}]},
        "none",
        "none",
    ),
    "choice of a class": (
        {"oneOf": [PART, {"$ref": "#/components/schemas/Rest"}], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [PART, {"$ref": "#/components/schemas/Rest"}]},
        "minor",
        "major",
    ),
    "a rule that says nothing": (
        {"type": "object"},
        {"type": "object", "unevaluatedProperties": True, "propertyNames": {}},
        "none",
        "none",
    ),
    "no further fields": ({"type": "object"}, {"type": "object", "unevaluatedProperties": False}, "major", "minor"),
}


def test_every_change_of_a_field_has_its_verdict_in_both_directions(tmp_path: File) -> None:
    files = list[File]()
    for version in (0, 1):
        fields = {f"field{number}": case[version] for number, case in enumerate(FIELDS.values())}
        part = {"type": "object", "properties": {"kind": TEXT}}
        document = small(Sent={"type": "object", "properties": fields}, Part=part, Rest=part)
        document["components"]["schemas"]["Got"] = document["components"]["schemas"]["Sent"]
        got = {"application/json": {"schema": {"$ref": "#/components/schemas/Got"}}}
        _thing(document)["responses"]["200"]["content"] = got
        files.append(write(tmp_path, document, f"{version}.json"))
    _, changes = verdict(*files)
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        place = re.match(r"models\.(Sent|Got)\.?field(\d+)", change["where"], re.IGNORECASE)  # the field, or its class
        found[" ".join(place.groups()) if place else change["where"]].append(change["level"])
    levels = {
        name: tuple(
            max(found.pop(f"{side} {number}", []), key=LEVELS.index, default="none") for side in ("Sent", "Got")
        )
        for number, name in enumerate(FIELDS)
    }
    assert levels == {name: case[2:] for name, case in FIELDS.items()}
    assert found == {}


def _thing(document: Any) -> Any:
    return document["paths"]["/things"]["post"]


def _rename(document: Any) -> None:
    document["components"]["schemas"]["Object"] = document["components"]["schemas"].pop("Thing")
    for holder in (_thing(document)["requestBody"], _thing(document)["responses"]["200"]):
        holder["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Object"}


def _what_nobody_feels(document: Any) -> None:
    document["info"]["version"] = "2"
    document["servers"].append({"url": "https://elsewhere.example.com"})
    document["components"]["securitySchemes"] = {"A": {"type": "http", "scheme": "basic"}}


WHOLE: dict[str, tuple[str, Callable[[Any], object]]] = {
    "version, second server, unused scheme": ("none", _what_nobody_feels),
    "description": ("patch", lambda d: _thing(d).update(description="Makes a thing.")),
    "server": ("major", lambda d: d["servers"][0].update(url="https://elsewhere.example.com")),
    "class": ("major", _rename),
}


def test_a_renamed_operation_is_one_line_with_its_classes(tmp_path: File) -> None:
    document = small()
    inline: dict[str, Any] = {"type": "object", "properties": {"part": {"type": "object", "properties": {"a": {}}}}}
    _thing(document)["requestBody"]["content"]["application/json"]["schema"] = inline
    _thing(document)["responses"] = {"204": {"description": "Made."}}
    ids = {"type": "array", "items": {"type": "string"}}
    parameter = {"name": "ids", "in": "query", "style": "pipeDelimited", "explode": False, "schema": ids}
    _thing(document)["parameters"] = [parameter]
    old = write(tmp_path, document, "old.json")
    _thing(document)["operationId"] = "make_another"
    level, [change] = verdict(old, write(tmp_path, document, "new.json"))
    assert (level, change["where"]) == ("major", "api.things.make_another")
    assert change["what"] == (
        "was called api.things.create_thing, CreateThingBody is MakeAnotherBody, "
        "CreateThingBodyPart is MakeAnotherBodyPart"
    )
    inline["properties"]["part"]["properties"].pop("a")
    inline["properties"]["part"]["properties"]["b"] = {}
    assert [each["where"] for each in verdict(old, write(tmp_path, document, "new.json"))[1]] != [change["where"]]


@pytest.mark.parametrize(("readers", "named"), [(0, "things.create_thing"), (3, "4 operations")])
def test_a_renamed_class_is_one_line_and_names_a_few_operations(readers: int, named: str, tmp_path: File) -> None:
    document = small()
    answer = _thing(document)["responses"]["200"]
    for number in range(readers):
        read = {"operationId": f"read{number}", "tags": ["things"], "responses": {"200": answer}}
        document["paths"][f"/things/{number}"] = {"get": read}
    old = write(tmp_path, document, "old.json")
    _rename(document)
    _, [change] = verdict(old, write(tmp_path, document, "new.json"))
    assert (change["where"], change["what"]) == ("models.Object", "was called models.Thing")
    assert change["operation"] == named


def test_a_placeholder_for_a_missing_server_is_no_promise(tmp_path: File) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    del document["servers"]
    level, [change] = verdict(old, write(tmp_path, document, "new.json"))
    assert level == "major"
    assert change["what"] == "URL: was https://relay.example.com, is unset"


def test_what_may_be_missing_now_is_not_said_to_have_to_be_there(tmp_path: File) -> None:
    thing: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    old = write(tmp_path, small(Thing=thing), "old.json")
    thing = {"type": "object", "properties": {"name": {"type": "integer"}}}
    _, changes = verdict(old, write(tmp_path, small(Thing=thing), "new.json"))
    assert [change["what"] for change in changes if change["what"].startswith("type: ")] == [
        "type: was str, is int | Unset, so it may be missing"
    ]


@pytest.mark.parametrize(("expected", "change"), WHOLE.values(), ids=WHOLE)
def test_a_change_of_the_whole_has_its_verdict(expected: str, change: Callable[[Any], object], tmp_path: File) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    change(document)
    found, changes = verdict(old, write(tmp_path, document, "new.json"))
    assert (found, bool(changes)) == (expected, expected != "none")


def _success(document: Any) -> Any:
    return operation(document)["responses"]["200"]["content"]["application/json"]["schema"]


def _error(document: Any) -> Any:
    return operation(document)["responses"]["400"]["content"]["application/json"]["schema"]["properties"]["error"]


def _error_elsewhere(document: Any, kind: str) -> None:
    """Moves the 400, with a code of this type, to where it is referred to."""
    content = operation(document)["responses"]["400"]["content"]["application/json"]
    _error(document)["properties"]["code"]["type"] = kind
    document["components"]["schemas"] = {"Failure": content["schema"]}
    content["schema"] = {"$ref": "#/components/schemas/Failure"}


def _nothing(_: Any) -> None: ...


_OVERLAY = (ROOT / "generator" / "overlay.yaml").read_text(encoding="utf-8").splitlines()
COMPLETES = f"generator/overlay.yaml:{_OVERLAY.index('      title: VideoTask') - 3}"
"""The action that gives a submission's answer its name and `task_id`."""
CODE = "models.CreateKlingImageToVideoResponse400Error.code"
HIDDEN: dict[str, tuple[Callable[[Any], object], Callable[[Any], object], list[tuple[str, str]]]] = {
    "a field that an action adds": (
        _nothing,
        lambda d: _success(d)["properties"].pop("task_id"),
        [("major", "models.VideoTask.task_id")],
    ),
    "a requirement that an action repeats": (
        lambda d: _success(d).update(required=["task_id"]),
        _nothing,
        [("major", "models.VideoTask.task_id")],
    ),
    "a requirement that confirms an action": (_nothing, lambda d: _success(d).update(required=["task_id"]), []),
    "a schema that an action replaces": (
        _nothing,
        lambda d: _error(d)["properties"]["code"].update(type="integer"),
        [("major", CODE)],
    ),
    "the same behind a reference": (
        lambda d: _error_elsewhere(d, "string"),
        lambda d: _error_elsewhere(d, "integer"),
        [("major", "models.FailureError.code")],
    ),
    "a schema that an action replaces, loosened": (
        _nothing,
        lambda d: _error(d).update(required=["message"]),
        [("minor", CODE.replace("code", "message"))],
    ),
    "names": (_nothing, lambda d: operation(d).update(operationId="other", tags=["others"]), []),
    "words": (_nothing, lambda d: _success(d)["properties"]["task_id"].update(description="任务的 ID"), []),
}


@pytest.mark.parametrize(("before", "after", "expected"), HIDDEN.values(), ids=HIDDEN)
def test_what_an_overlay_hides_is_judged_as_if_it_did_not(
    before: Callable[[Any], object], after: Callable[[Any], object], expected: list[tuple[str, str]], tmp_path: File
) -> None:
    old, new = write(tmp_path, changed(before), "old.json"), write(tmp_path, changed(after), "new.json")

    found = hidden_changes(str(old), str(new))

    assert [(each.level, each.where) for each in found] == expected
    assert all(re.search(r"; hidden by generator/(overlay|gateway)\.yaml:\d+$", each.what) for each in found)


@pytest.mark.parametrize(
    ("field", "level", "what"),
    [
        ({"type": "integer"}, "major", "type: was str, is int"),
        ({"type": ["string", "null"]}, "major", "type: was str, is str | None"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "major", "type: was str, is str | None"),
        (None, "major", f"type: was str, is Any; hidden by {COMPLETES}"),
    ],
    ids=["another type", "null", "null by choice", "gone"],
)
def test_an_action_that_completes_hides_no_change(field: object, level: str, what: str, tmp_path: File) -> None:
    new = changed(lambda d: _success(d)["properties"].pop("task_id"))
    _success(new)["properties"] |= {"task_id": field} if field else {}
    worst, [change, *_] = verdict(FROZEN, write(tmp_path, new, "new.json"))
    assert (worst, change["where"], change["what"]) == (level, "models.VideoTask.task_id", what)


@pytest.fixture
def pair(tmp_path: File) -> tuple[File, File]:
    """relay.json, and a copy with one breaking change and one new field."""
    new = changed(lambda d: (request_properties(d).pop("fps"), request_properties(d).update(mask={"type": "string"})))
    return write(tmp_path, changed(lambda d: None), "old.json"), write(tmp_path, new, "new.json")


NAME = "videos.create_kling_image_to_video"


def test_text_has_a_line_for_each_change(pair: tuple[File, File]) -> None:
    assert diff(*pair).stdout.splitlines() == [
        f"major: 2 changes since {pair[0]}",
        f"major {NAME}: models.KlingImageToVideoRequest.fps: is gone",
        f"minor {NAME}: models.KlingImageToVideoRequest.mask: is new",
    ]


def test_json_holds_verdict_and_changes(pair: tuple[File, File]) -> None:
    where = "models.KlingImageToVideoRequest"
    assert json.loads(diff(*pair, "--format", "json").stdout) == {
        "verdict": "major",
        "changes": [
            {"level": "major", "operation": NAME, "where": f"{where}.fps", "what": "is gone"},
            {"level": "minor", "operation": NAME, "where": f"{where}.mask", "what": "is new"},
        ],
    }


def test_markdown_is_a_release_note(pair: tuple[File, File]) -> None:
    assert diff(*pair, "--format", "markdown").stdout == (
        f"**major** since {pair[0]}\n\n"
        "### Breaking: callers may have to change\n\n"
        f"- `models.KlingImageToVideoRequest.fps` is gone ({NAME})\n\n"
        "### New\n\n"
        f"- `models.KlingImageToVideoRequest.mask` is new ({NAME})\n"
    )


def test_breaking_changes_are_annotated_on_github(pair: tuple[File, File]) -> None:
    told = diff(*pair, env={"GITHUB_ACTIONS": "true"}).stdout
    assert [line for line in told.splitlines() if line.startswith("::")] == [
        f"::warning title=breaking change::{NAME}: models.KlingImageToVideoRequest.fps: is gone"
    ]


def test_fail_on_decides_the_exit_code(tmp_path: File) -> None:
    grown = changed(lambda d: request_properties(d).update(mask={"type": "string"}))
    old, new = write(tmp_path, changed(lambda d: None), "old.json"), write(tmp_path, grown, "new.json")
    for level, codes in {"major": (1, 0), "minor": (1, 1)}.items():
        assert diff(new, old, "--fail-on", level).returncode == codes[0]
        assert diff(old, new, "--fail-on", level).returncode == codes[1]
        assert diff(old, old, "--fail-on", level).returncode == 0


def test_what_cannot_be_compared_is_no_verdict(tmp_path: File) -> None:
    unknown = diff("no-such-revision", "--fail-on", "major")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "no-such-revision is no file, and no git revision" in unknown.stderr
    twice = write(tmp_path, '{"openapi": "3.1.0", "openapi": "3.1.0"}')
    refused = diff(twice, twice)
    assert (refused.returncode, "stands twice" in refused.stderr) == (2, True)
    assert diff().returncode == 2


def test_a_defect_is_cured_and_said_so(tmp_path: File) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    document["paths"]["/more"] = {"post": _thing(document)}  # An operationId used twice.
    new = write(tmp_path, document, "new.json")
    done = diff(old, new)
    assert done.returncode == 0
    assert f"note: {new}: 6 overlay actions changed nothing, 1 suggested cure applied\n" in done.stderr
    assert f"note: {old}: 6 overlay actions changed nothing\n" in done.stderr


@pytest.fixture
def checkout(tmp_path: File) -> File:
    """A repository with two revisions: in the second, a field is gone, another came, and the overlay differs."""
    root = copy(tmp_path / "检出 out")
    git(root, "init", "--quiet")
    commit(root, "relay.json", "generator")
    git(root, "tag", "v0.1.0")
    write(root, changed(lambda d: request_properties(d).update(mask={"type": "string"})))
    overlay = root / "generator" / "overlay.yaml"
    overlay.write_text(overlay.read_text(encoding="utf-8").replace("VideoTask", "Task"), encoding="utf-8")
    commit(root, "relay.json", "generator")
    write(root, changed(lambda d: request_properties(d).pop("fps")))
    return root


def test_revisions_are_compared_each_with_its_own_overlay_and_made_once(checkout: File) -> None:
    (checkout / ".venv" / ".contract_check" / "tmpkilled" / "made").mkdir(parents=True)  # what a killed run leaves
    kept = _kept(checkout)
    first = diff("v0.1.0", "HEAD", root=checkout)
    lines, both = first.stdout.splitlines(), _kept(checkout)
    assert len(both - kept) == 2
    assert lines[0] == "major: 2 changes since v0.1.0"
    assert f"minor {NAME}: models.KlingImageToVideoRequest.mask: is new" in lines
    assert f"major {NAME}: models.Task: was called models.VideoTask" in lines
    again = run(["make", "--silent", "diff", "OLD=v0.1.0", "NEW=HEAD"], cwd=checkout)
    assert (again.stdout, again.stderr) == (first.stdout, "")
    assert _kept(checkout) == both
    tree = diff("HEAD", root=checkout)
    assert len(_kept(checkout) - both) == 1
    assert tree.stdout.splitlines() == [
        "major: 2 changes since HEAD",
        f"major {NAME}: models.KlingImageToVideoRequest.fps: is gone",
        f"major {NAME}: models.KlingImageToVideoRequest.mask: is gone",
    ]
    config = checkout / "generator" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "# another\n", encoding="utf-8")
    diff("HEAD", "HEAD", root=checkout)
    assert len(_kept(checkout) - both) == 2


def _kept(checkout: File) -> set[str]:
    """The revisions that are kept for the next time, named by 64 digits; a commit's own files have 40."""
    return {folder.name for folder in (checkout / ".venv" / ".contract_check").iterdir() if len(folder.name) == 64}


def test_the_check_of_the_document_says_what_an_overlay_hides_since_head(checkout: File) -> None:
    git(checkout, "checkout", "--quiet", ".")
    check = [checkout / ".venv" / "bin" / "python", "-m", "contract_check", "document"]
    assert "hidden by" not in run(check, cwd=checkout).stderr
    write(checkout, changed(lambda d: _success(d)["properties"].pop("task_id")))
    assert f"major since HEAD: models.Task.task_id: type: was str, is Any; hidden by {COMPLETES}" in (
        run(check, cwd=checkout).stderr
    )


def test_make_diff_asks_for_the_old_one() -> None:
    done = run(["make", "diff"], cwd=ROOT)
    assert (done.returncode, "make diff OLD=" in done.stderr) == (2, True)


@pytest.mark.slow
def test_what_a_revision_shipped_counts_whatever_made_it(checkout: File) -> None:
    git(checkout, "checkout", "--quiet", ".")
    run([checkout / "generate.sh"], cwd=checkout)
    errors = checkout / "generated_client" / "errors.py"
    errors.write_text(errors.read_text(encoding="utf-8") + "\n\nclass Old(Exception): ...\n", encoding="utf-8")
    commit(checkout, "generated_client")
    assert diff("HEAD", root=checkout).stdout == (
        "major: 1 change since HEAD\nmajor the package: errors.Old: is gone\n"
    )
