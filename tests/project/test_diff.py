"""`contract_check diff`: the changes between two documents or revisions that affect a caller's code."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from checkout import FROZEN, ROOT, Completed, contract_check, copy, in_copy, run
from contract_check.history import revisions
from contract_check.history.diff import hidden_changes
from generator import making
from generator.prepare import preparation
from history import commit, git
from mutations import MUTATIONS, base, mutated
from specimens import changed, operation, request_properties, small, write

LEVELS = ("none", "patch", "minor", "major")


@pytest.fixture
def documents_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Compare documents without their packages, whose generation takes most of the time."""

    def make(document: dict[str, Any], into: Path) -> making.Made:
        package = into / "generated_client"
        package.mkdir()
        (package / "__init__.py").touch()
        return making.Made(package, preparation.prepare(document).notes, "")

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(revisions, "_CACHE", tmp_path / "cache")


def diff(*arguments: str | Path, env: dict[str, str] | None = None) -> Completed:
    return contract_check("diff", *arguments, env={"GITHUB_ACTIONS": "", **(env or {})})


def verdict(old: Path, new: Path) -> tuple[str, list[dict[str, str]]]:
    done = diff(old, new, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    return report["verdict"], report["changes"]


def _worst(levels: Iterable[str]) -> str:
    return max(levels, key=LEVELS.index, default="none")


def _assert_levels(version: str, names: Collection[str], folder: Path, **other: str) -> None:
    """Compare two documents that differ in the mutations of these names."""
    old = write(folder, base(version, names), "old.json")
    whole, changes = verdict(old, write(folder, mutated(version, names), "new.json"))
    assert whole == "major"
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        found[change["operation"].partition(".")[2].removesuffix("_x")].append(change["level"])
    levels = {name: _worst(found.pop(name.replace(" ", "_"), [])) for name in names}
    assert levels == {name: MUTATIONS[name][0] for name in names} | other
    assert found == {}


DECLARED = {
    "fields in a part of a body": "none",
    "fields of a body from a part": "none",
    "order of path parameters": "none",
    "order of path parameters and deprecated": "minor",
    "sent enum becomes text": "minor",
    "sent object closed": "none",
    "sent object opened": "none",
    "answered value removed": "minor",
    "answered object closed": "none",
    "answered object opened": "none",
}
"""Mutations that change the package's declarations, with their levels without it."""
IMPLIED = ("untouched", "renamed", "removed", "parameter type", "field added", "body removed", "security no more")
"""Mutations whose changes of declarations are implied by those of the document."""


@pytest.mark.parametrize("version", ["3.1.0", "3.0.3"])
def test_every_mutation_has_its_level(version: str, tmp_path: Path, documents_only: None) -> None:
    assert len(MUTATIONS) >= 30
    _assert_levels(version, MUTATIONS, tmp_path, **DECLARED)


def test_changed_declarations_are_reported_unless_the_document_implies_them(tmp_path: Path) -> None:
    _assert_levels("3.1.0", (*DECLARED, *IMPLIED), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.1.0", "3.0.3"])
def test_every_mutation_has_its_level_with_both_packages(version: str, tmp_path: Path) -> None:
    _assert_levels(version, MUTATIONS, tmp_path)


def _text(**rules: object) -> dict[str, Any]:
    return {"type": "string", **rules}


def _either(**rules: object) -> dict[str, Any]:
    """A string with two alternatives, the first with these rules."""
    return {"anyOf": [_text(**rules), _text(maxLength=50, pattern="^b")]}


def _both(limit: int) -> dict[str, Any]:
    return {"allOf": [_text(maxLength=limit), _text(maxLength=20)]}


def _items(*items: object) -> dict[str, Any]:
    return {"type": "array", "prefixItems": items}


def _or_null(limit: int) -> dict[str, Any]:
    return {"anyOf": [_text(maxLength=limit), {"type": "null"}], "pattern": "^a"}


def _inner(limit: int) -> dict[str, Any]:
    inner = {"type": "object", "properties": {"a": _text(maxLength=limit)}}
    return {"anyOf": [inner, {"type": "integer"}], "readOnly": True}


TEXT = _text()
BELOW: dict[str, Any] = {"allOf": [{"$ref": "#/components/schemas/Word"}], "readOnly": True}
PART: dict[str, Any] = {"$ref": "#/components/schemas/Part"}
DESCRIBED = {"allOf": [PART], "description": "一部分"}
OBJECT: dict[str, Any] = {"type": "object"}
WORD = _text(enum=["a", "b"])
TWO: dict[str, Any] = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
CHOICE: dict[str, Any] = {"oneOf": [PART, {"$ref": "#/components/schemas/Rest"}]}
# A field before and after, and the level of the change in a request and in a response.
FIELDS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (_either(maxLength=10), _either(maxLength=5), "major", "minor"),
    (_either(pattern="^a"), _either(pattern="^aa"), "major", "major"),
    (_both(10), _both(5), "major", "minor"),
    ({"anyOf": [TEXT, _text(enum=["a"])]}, {"anyOf": [TEXT, _text(enum=["a", "b"])]}, "minor", "minor"),
    (TEXT, _text(const="x"), "major", "minor"),
    (_text(const="x"), TEXT, "minor", "major"),
    (TEXT, _text(format="email"), "major", "minor"),
    (_text(format="byte"), TEXT, "minor", "major"),
    (TEXT, _text(format="password"), "none", "none"),
    (_text(pattern="^a"), _text(pattern=".*"), "minor", "major"),
    (DESCRIBED, PART, "none", "none"),
    (PART, DESCRIBED, "none", "none"),
    (PART, {"allOf": [PART, {"description": "一部分", "example": {}}]}, "none", "none"),
    (PART, PART | {"required": ["kind"], "properties": {"kind": _text(description="种类")}}, "none", "none"),
    (PART, {"allOf": [PART, {"type": "object", "required": ["kind"]}], "required": ["kind"]}, "none", "none"),
    (PART, PART | {"required": ["size"]}, "major", "major"),
    (TEXT, {"allOf": [TEXT, {"deprecated": True}]}, "minor", "minor"),
    (_or_null(9), _or_null(5), "major", "minor"),
    (WORD, {"anyOf": [WORD, {"type": "null"}]}, "minor", "major"),
    (TWO, {"oneOf": [{"enum": [None]}, TWO]}, "minor", "major"),
    (_text(readOnly=True, maxLength=9), _text(readOnly=True, maxLength=5), "none", "minor"),
    (BELOW, BELOW | {"maxLength": 5}, "none", "minor"),
    (_inner(9), _inner(5), "none", "minor"),
    (_text(writeOnly=True, maxLength=5), _text(writeOnly=True, maxLength=9), "minor", "none"),
    (TEXT, _text(deprecated=True), "minor", "minor"),
    (TWO, TWO | {"dependentRequired": {"a": ["b"]}}, "major", "minor"),
    (TWO, TWO | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "major", "minor"),
    (_items(TEXT, {"type": "integer"}), _items({"type": "integer"}, TEXT), "major", "major"),
    (_items(TEXT), _items(_text(description="第一项")), "none", "none"),
    (CHOICE | {"discriminator": {"propertyName": "kind"}}, CHOICE, "minor", "major"),
    (OBJECT, OBJECT | {"unevaluatedProperties": True, "propertyNames": {}}, "none", "none"),
    (OBJECT, OBJECT | {"unevaluatedProperties": False}, "major", "minor"),
    ({"example": {"a": "b"}}, {"example": "b"}, "none", "none"),
]


def test_every_change_of_a_field_has_its_level_in_both_directions(tmp_path: Path, documents_only: None) -> None:
    files = list[Path]()
    for version in (0, 1):
        thing = {
            "type": "object",
            "properties": {f"field{number}": case[version] for number, case in enumerate(FIELDS)},
        }
        part = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}}
        document = small(Sent=thing, Got=thing, Part=part, Rest=part, Word=_text(maxLength=9))
        got = {"application/json": {"schema": {"$ref": "#/components/schemas/Got"}}}
        _thing(document)["responses"]["200"]["content"] = got
        files.append(write(tmp_path, document, f"{version}.json"))
    found: dict[str, list[str]] = defaultdict(list)
    for change in verdict(*files)[1]:
        place = re.match(r"models\.(Sent|Got)\.?field(\d+)", change["where"], re.IGNORECASE)  # the field, or its class
        found[" ".join(place.groups()) if place else change["where"]].append(change["level"])
    for number, (before, after, *levels) in enumerate(FIELDS):
        assert [_worst(found.pop(f"{side} {number}", [])) for side in ("Sent", "Got")] == levels, (before, after)
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


def test_a_renamed_operation_is_one_line_with_its_classes(tmp_path: Path) -> None:
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
    unlike = [each["where"] for each in verdict(old, write(tmp_path, document, "new.json"))[1]]
    names = ("CreateThingBodyPart", "MakeAnotherBody.part", "MakeAnotherBodyPart")
    assert unlike == [change["where"], *(f"models.{name}" for name in names)]


def test_a_renamed_class_is_one_line_for_all_operations(tmp_path: Path) -> None:
    document = small()
    answer = _thing(document)["responses"]["200"]
    for number in range(3):
        read = {"operationId": f"read{number}", "tags": ["things"], "responses": {"200": answer}}
        document["paths"][f"/things/{number}"] = {"get": read}
    old = write(tmp_path, document, "old.json")
    _rename(document)
    level, [change] = verdict(old, write(tmp_path, document, "new.json"))
    assert (level, change["where"], change["what"]) == ("major", "models.Object", "was called models.Thing")
    assert change["operation"] == "4 operations"


def test_a_field_that_became_optional_is_reported_as_optional(tmp_path: Path, documents_only: None) -> None:
    thing: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    old = write(tmp_path, small(Thing=thing), "old.json")
    thing = {"type": "object", "properties": {"name": {"type": "integer"}}}
    changes = verdict(old, write(tmp_path, small(Thing=thing), "new.json"))[1]
    assert [change["what"] for change in changes if change["what"].startswith("type: ")] == [
        "type: was str, is int | Unset, so it is optional"
    ]


# A change, its level, and its report if that is a single line.
WHOLE: list[tuple[Callable[[Any], object], str, str]] = [
    (_what_nobody_feels, "none", ""),
    (lambda d: _thing(d).update(description="Makes it."), "patch", "its documentation or internals changed"),
    (lambda d: d["servers"][0].update(url="https://a.example"), "major", "is https://a.example"),
    (lambda d: d.pop("servers"), "major", "URL: was https://relay.example.com, is unset"),
]


@pytest.mark.parametrize(("change", "level", "what"), WHOLE)
def test_a_change_of_the_whole_document(change: Callable[[Any], object], level: str, what: str, tmp_path: Path) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    change(document)
    found, changes = verdict(old, write(tmp_path, document, "new.json"))
    assert found == level
    assert [what in each["what"] for each in changes] == ([True] if what else [])


def _success(document: Any) -> Any:
    return operation(document)["responses"]["200"]["content"]["application/json"]["schema"]


def _error(document: Any) -> Any:
    return operation(document)["responses"]["400"]["content"]["application/json"]["schema"]["properties"]["error"]


def _error_elsewhere(document: Any, kind: str) -> None:
    """Move the 400, with a code of this type, to the components."""
    content = operation(document)["responses"]["400"]["content"]["application/json"]
    _error(document)["properties"]["code"]["type"] = kind
    document["components"]["schemas"] = {"Failure": content["schema"]}
    content["schema"] = {"$ref": "#/components/schemas/Failure"}


def _nothing(_: Any) -> None: ...


_OVERLAY = (ROOT / "generator" / "overlay.yaml").read_text(encoding="utf-8").splitlines()
COMPLETES = f"generator/overlay.yaml:{_OVERLAY.index('      title: VideoTask') - 3}"
"""The action that gives a submission's response its name and `task_id`."""
CODE, ID = "models.CreateKlingImageToVideoResponse400Error.code", "models.VideoTask.task_id"


def _id(document: Any) -> Any:
    return _success(document)["properties"]["task_id"]


# The changes of the older and of the newer document, and the report of those that an overlay hides.
HIDDEN: list[tuple[Callable[[Any], object], Callable[[Any], object], list[tuple[str, str]]]] = [
    (_nothing, lambda d: _success(d)["properties"].pop("task_id"), [("major", ID)]),
    (lambda d: _success(d).update(required=["task_id"]), _nothing, [("major", ID)]),
    (_nothing, lambda d: _success(d).update(required=["task_id"]), []),
    (_nothing, lambda d: _error(d)["properties"]["code"].update(type="integer"), [("major", CODE)]),
    (
        lambda d: _error_elsewhere(d, "string"),
        lambda d: _error_elsewhere(d, "integer"),
        [("major", "models.FailureError.code")],
    ),
    (_nothing, lambda d: _error(d).update(required=["message"]), [("minor", CODE.replace("code", "message"))]),
    (_nothing, lambda d: operation(d).update(operationId="other", tags=["others"]), []),
    (_nothing, lambda d: _id(d).update(description="任务的 ID"), []),
]


@pytest.mark.parametrize(("before", "after", "expected"), HIDDEN)
def test_changes_that_an_overlay_hides_are_reported(
    before: Callable[[Any], object], after: Callable[[Any], object], expected: list[tuple[str, str]], tmp_path: Path
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
def test_an_action_that_completes_hides_no_change(
    field: object, level: str, what: str, tmp_path: Path, documents_only: None
) -> None:
    new = changed(lambda d: _success(d)["properties"].pop("task_id"))
    _success(new)["properties"] |= {"task_id": field} if field else {}
    worst, [change, *_] = verdict(FROZEN, write(tmp_path, new, "new.json"))
    assert (worst, change["where"], change["what"]) == (level, "models.VideoTask.task_id", what)


THING, USER = "models.Thing", "things.create_thing"


@pytest.fixture
def pair(tmp_path: Path, documents_only: None) -> tuple[Path, Path]:
    """Two documents with one breaking change and one new field."""
    old, new = ({"type": "object", "properties": {name: TEXT, "kept": TEXT}} for name in ("old", "new"))
    return write(tmp_path, small(Thing=old), "old.json"), write(tmp_path, small(Thing=new), "new.json")


def test_text_has_a_line_for_each_change_and_github_an_annotation_of_what_breaks(pair: tuple[Path, Path]) -> None:
    gone = f"{USER}: {THING}.old: was removed"
    lines = [f"major: 2 changes since {pair[0]}", f"major {gone}", f"minor {USER}: {THING}.new: is new"]
    assert diff(*pair).stdout.splitlines() == lines
    lines.insert(2, f"::warning title=breaking change::{gone}")
    assert diff(*pair, env={"GITHUB_ACTIONS": "true"}).stdout.splitlines() == lines


def test_json_holds_verdict_and_changes_and_markdown_is_a_release_note(pair: tuple[Path, Path]) -> None:
    assert json.loads(diff(*pair, "--format", "json").stdout) == {
        "verdict": "major",
        "changes": [
            {"level": "major", "operation": USER, "where": f"{THING}.old", "what": "was removed"},
            {"level": "minor", "operation": USER, "where": f"{THING}.new", "what": "is new"},
        ],
    }
    assert diff(*pair, "--format", "markdown").stdout == (
        f"**major** since {pair[0]}\n\n"
        "### Breaking: callers may have to change\n\n"
        f"- `{THING}.old` was removed ({USER})\n\n"
        "### New\n\n"
        f"- `{THING}.new` is new ({USER})\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "codes"), [(1, 0, (1, 1)), (0, 1, (0, 1)), (0, 0, (0, 0))], ids=["major", "minor", "none"]
)
def test_fail_on_decides_the_exit_code(
    old: int, new: int, codes: tuple[int, int], tmp_path: Path, documents_only: None
) -> None:
    more = small(Thing={"type": "object", "properties": {"name": TEXT, "new": TEXT}})
    files = write(tmp_path, small(), "old.json"), write(tmp_path, more, "new.json")
    assert tuple(diff(files[old], files[new], "--fail-on", level).returncode for level in ("major", "minor")) == codes


def test_an_error_is_not_a_verdict(tmp_path: Path) -> None:
    for name in ("no-such-revision", "x" * 300):
        unknown = diff(name, "--fail-on", "major")
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert f"{name} is neither a file nor a git revision" in unknown.stderr
    twice = write(tmp_path, '{"openapi": "3.1.0", "openapi": "3.1.0"}')
    refused = diff(twice, twice)
    assert (refused.returncode, "occurs twice" in refused.stderr) == (2, True)
    assert diff().returncode == 2
    asked = run(["make", "diff"])
    assert (asked.returncode, "make diff OLD=" in asked.stderr) == (2, True)


def test_a_cured_defect_is_noted(tmp_path: Path, documents_only: None) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    document["paths"]["/more"] = {"post": _thing(document)}  # An operationId used twice.
    new = write(tmp_path, document, "new.json")
    done = diff(old, new)
    assert done.returncode == 0
    assert f"note: {new}: 6 overlay actions changed nothing, 1 suggested cure applied\n" in done.stderr
    assert f"note: {old}: 6 overlay actions changed nothing\n" in done.stderr


NAME, REQUEST = "videos.create_kling_image_to_video", "models.KlingImageToVideoRequest"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two revisions; the second removes a field, adds another, and changes the overlay."""
    root = copy(tmp_path_factory.mktemp("revisions") / "检出 out")
    git(root, "init", "--quiet")
    commit(root, "relay.json", "generator")
    git(root, "tag", "v0.1.0")
    write(root, changed(lambda d: request_properties(d).update(mask=TEXT)))
    overlay = root / "generator" / "overlay.yaml"
    overlay.write_text(overlay.read_text(encoding="utf-8").replace("VideoTask", "Task"), encoding="utf-8")
    commit(root, "relay.json", "generator")
    return root


def test_revisions_are_generated_once_with_their_own_overlays(checkout: Path) -> None:
    (checkout / ".venv" / ".contract_check" / "tmpkilled" / "made").mkdir(parents=True)  # left by a killed run
    write(checkout, changed(lambda d: request_properties(d).pop("fps")))
    kept = _kept(checkout)
    first, again, tree = in_copy(checkout, ("diff", "v0.1.0", "HEAD"), ("diff", "v0.1.0", "HEAD"), ("diff", "HEAD"))
    assert first.stdout.splitlines()[0] == "major: 2 changes since v0.1.0"
    assert f"minor {NAME}: {REQUEST}.mask: is new\n" in first.stdout
    assert f"major {NAME}: models.Task: was called models.VideoTask\n" in first.stdout
    assert again.stdout == first.stdout
    assert tree.stdout.splitlines() == [
        "major: 2 changes since HEAD",
        f"major {NAME}: {REQUEST}.fps: was removed",
        f"major {NAME}: {REQUEST}.mask: was removed",
    ]
    assert len(_kept(checkout) - kept) == 3
    config = checkout / "generator" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "# another\n", encoding="utf-8")
    made = run(["make", "--silent", "diff", "OLD=HEAD", "NEW=HEAD"], cwd=checkout)
    assert made.stdout == "none: 0 changes since HEAD\n"
    assert len(_kept(checkout) - kept) == 4
    git(checkout, "checkout", "--quiet", ".")


def _kept(checkout: Path) -> set[str]:
    """The cached revisions, named by 64 digits; a commit's own files have 40."""
    return {folder.name for folder in (checkout / ".venv" / ".contract_check").iterdir() if len(folder.name) == 64}


def test_the_document_check_reports_changes_since_head_that_an_overlay_hides(checkout: Path) -> None:
    said = f"major since HEAD: models.Task.task_id: type: was str, is Any; hidden by {COMPLETES}"
    [before] = in_copy(checkout, ("document",))
    write(checkout, changed(lambda d: _success(d)["properties"].pop("task_id")))
    [after] = in_copy(checkout, ("document",))
    git(checkout, "checkout", "--quiet", ".")
    assert (said in before.stderr, said in after.stderr) == (False, True)


@pytest.mark.slow
def test_a_revision_s_committed_package_is_compared(checkout: Path) -> None:
    run([checkout / "generate.sh"], cwd=checkout)
    errors = checkout / "generated_client" / "errors.py"
    errors.write_text(errors.read_text(encoding="utf-8") + "\n\nclass Old(Exception): ...\n", encoding="utf-8")
    commit(checkout, "generated_client")
    [done] = in_copy(checkout, ("diff", "HEAD"))
    assert done.stdout == "major: 1 change since HEAD\nmajor the package: errors.Old: was removed\n"
