"""`contract_check diff`: the changes between two documents or revisions that affect a caller's code."""

import json
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from checkout import FROZEN, ROOT, Completed, contract_check, copy, in_copy, run
from contract_check.history import revisions
from contract_check.history.diff import compare, hidden_changes, worst
from generator import making
from history import commit, git
from mutations import CHANGES, DECLARED, DECLARED_FIELDS, FIELDS, FIELDS_IN_3_0, IMPLIED, Field, pair
from specimens import changed, operation, request_properties, small, write

TEXT = {"type": "string"}


@pytest.fixture
def documents_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Compare documents without their packages, whose generation takes most of the time; list those documents."""
    made = list[dict[str, Any]]()

    def make(document: dict[str, Any], into: Path) -> making.Made:
        made.append(document)
        package = into / "generated_client"
        package.mkdir()
        (package / "__init__.py").touch()
        return making.Made(package, [], "")

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(revisions, "_CACHE", tmp_path / "cache")
    return made


def diff(*arguments: str | Path, env: dict[str, str] | None = None) -> Completed:
    return contract_check("diff", *arguments, env={"GITHUB_ACTIONS": "", **(env or {})})


def verdict(old: Path, new: Path) -> tuple[str, list[dict[str, str]]]:
    done = diff(old, new, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    return report["verdict"], report["changes"]


def _compare(folder: Path, names: Collection[str], fields: Sequence[Field], version: str = "3.1.0") -> dict[str, str]:
    """The level of each of these changes, in one comparison."""
    old, new = pair(names, fields, version)
    _, changes = verdict(write(folder, old, "old.json"), write(folder, new, "new.json"))
    found: dict[str, list[str]] = {name: [] for name in names}
    found |= {f"{side} {number}": [] for number in range(len(fields)) for side in ("Sent", "Got")}
    for change in changes:
        place = re.match(r"models\.(Sent|Got)\.?field(\d+)", change["where"], re.IGNORECASE)  # the field, or its class
        name = change["operation"].partition(".")[2].removesuffix("_x").replace("_", " ")
        found[" ".join(place.groups()) if place else name].append(change["level"])
    return {name: worst(levels) for name, levels in found.items()}


def _levels(fields: Sequence[Field]) -> dict[str, str]:
    both = ((("Sent", sent), ("Got", got)) for _, _, sent, got in fields)
    return {f"{side} {number}": level for number, sides in enumerate(both) for side, level in sides}


def test_every_change_has_its_level(tmp_path: Path, documents_only: object) -> None:
    fields = [*FIELDS, *(field for field, _ in DECLARED_FIELDS)]
    levels = {name: level for name, (level, _) in CHANGES.items()}
    assert _compare(tmp_path, CHANGES, fields) == levels | DECLARED | _levels(fields)


def test_every_change_in_the_notation_of_3_0_has_its_level(tmp_path: Path, documents_only: object) -> None:
    header = "required field of an object in a header"  # The object has an empty `allOf`, which only 3.0 allows.
    found = _compare(tmp_path, (header,), FIELDS_IN_3_0, "3.0.3")
    assert found == {header: "major"} | _levels(FIELDS_IN_3_0)


@pytest.mark.parametrize(
    "names", [(*DECLARED, *IMPLIED), pytest.param((*CHANGES,), marks=pytest.mark.slow)], ids=["declarations", "all"]
)
def test_changed_declarations_are_reported_unless_the_document_implies_them(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    fields = [(*field[:2], *levels) for field, levels in DECLARED_FIELDS]
    levels = {name: CHANGES[name][0] for name in names}
    assert _compare(tmp_path, names, fields) == levels | _levels(fields)


def test_an_argument_of_a_new_function_is_no_argument_of_the_operation(tmp_path: Path, documents_only: object) -> None:
    call = "def sync_detailed(*, client: str) -> None: ...\n"
    modules = {
        "old": call,
        "polled": f"{call}def poll(task: str, *, client: str) -> None: ...\n",
        "asked": call.replace("client", "task: str, client"),
    }
    made = dict[str, revisions.Revision]()
    for name, source in modules.items():
        made[name] = revisions.load(str(write(tmp_path, small() | {"x-name": name}, f"{name}.json")))
        folder = made[name].package / "api" / "things"
        folder.mkdir(parents=True)
        for package in (folder, folder.parent):
            (package / "__init__.py").touch()
        (folder / "make.py").write_text(source, encoding="utf-8")

    found = {name: [(each.level, each.where) for each in compare(made["old"], made[name])] for name in modules}

    assert found == {
        "old": [],
        "polled": [("minor", "api.things.make.poll()")],
        "asked": [("major", "api.things.make.task")],
    }


def _thing(document: Any) -> Any:
    return document["paths"]["/things"]["post"]


def _object(**properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _operation(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """An operation with this body and a serialized parameter, which keep their names if it is renamed."""
    schema = {"type": "array", "items": TEXT}
    ids = {"name": "ids", "in": "query", "style": "pipeDelimited", "explode": False, "schema": schema}
    content = {"content": {"application/json": {"schema": body}}}
    made = {"204": {"description": "Made."}}
    return {"operationId": name, "tags": ["things"], "parameters": [ids], "requestBody": content, "responses": made}


def test_a_renamed_operation_or_class_is_one_line(tmp_path: Path) -> None:
    files = list[Path]()
    for name, prefix, field in (("Thing", "make", "a"), ("Object", "create", "b")):
        document = small(**{name: _object(name=TEXT)})
        things = document["paths"]["/things"]["post"]
        for number in range(3):
            document["paths"][f"/{number}"] = {"post": things | {"operationId": f"read{number}"}}
        alike, unlike = _object(part=_object(a=TEXT)), _object(part=_object(**{field: TEXT}))
        document["paths"]["/alike"] = {"post": _operation(f"{prefix}_alike", alike)}
        document["paths"]["/unlike"] = {"post": _operation(f"{prefix}_unlike", unlike)}
        files.append(write(tmp_path, document, f"{name}.json"))

    level, changes = verdict(*files)

    assert level == "major"
    parts = "MakeAlikeBody is CreateAlikeBody, MakeAlikeBodyPart is CreateAlikeBodyPart"
    one_line = [("models.Object", "was called models.Thing")]
    one_line += [("api.things.create_alike", f"was called api.things.make_alike, {parts}")]
    one_line += [("api.things.create_unlike", "was called api.things.make_unlike, MakeUnlikeBody is CreateUnlikeBody")]
    assert [(change["where"], change["what"]) for change in changes[:3]] == one_line
    assert changes[0]["operation"] == "4 operations"
    names = ("CreateUnlikeBody.part", "MakeUnlikeBodyPart", "CreateUnlikeBodyPart")  # parts without a common field
    assert [each["where"] for each in changes[3:]] == [f"models.{name}" for name in names]


def test_a_field_that_became_optional_is_reported_as_optional(tmp_path: Path, documents_only: object) -> None:
    old = write(tmp_path, small(Thing=_object(name=TEXT) | {"required": ["name"]}), "old.json")
    changes = verdict(old, write(tmp_path, small(Thing=_object(name={"type": "integer"})), "new.json"))[1]
    assert [change["what"] for change in changes if change["what"].startswith("type: ")] == [
        "type: was str, is int | Unset, so it is optional"
    ]


def _what_no_caller_notices(document: Any) -> None:
    document["info"]["version"] = "2"
    document["servers"].append({"url": "https://elsewhere.example.com"})
    document["components"]["securitySchemes"] = {"A": {"type": "http", "scheme": "basic"}}


def _describe(document: Any) -> None:
    _thing(document)["description"] = "Makes it."


@pytest.mark.parametrize(
    ("change", "level", "what"),
    [
        (_what_no_caller_notices, "none", list[str]()),
        (_describe, "patch", ["its documentation or internals changed"]),
    ],
)
def test_a_change_of_names_or_texts_alone(
    change: Callable[[Any], object], level: str, what: list[str], tmp_path: Path
) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    change(document)
    found, changes = verdict(old, write(tmp_path, document, "new.json"))
    assert (found, [each["what"] for each in changes]) == (level, what)


def test_another_server_breaks_callers(tmp_path: Path, documents_only: object) -> None:
    old = write(tmp_path, small(), "old.json")
    for servers, url in (([{"url": "https://a.example"}], "https://a.example"), ([], "unset")):
        [change] = verdict(old, write(tmp_path, small() | {"servers": servers}, "new.json"))[1]
        assert change["level"] == "major"
        assert change["what"] == f"URL: was https://relay.example.com, is {url}"


def _schema(document: Any, status: str) -> Any:
    return operation(document)["responses"][status]["content"]["application/json"]["schema"]


def _error(document: Any) -> Any:
    return _schema(document, "400")["properties"]["error"]


def _error_elsewhere(document: Any, kind: str) -> None:
    """Move the 400, with a code of this type, to the components."""
    content = operation(document)["responses"]["400"]["content"]["application/json"]
    _error(document)["properties"]["code"]["type"] = kind
    document["components"]["schemas"] = {"Failure": content["schema"]}
    content["schema"] = {"$ref": "#/components/schemas/Failure"}


def _nothing(_: Any) -> None: ...


def _require_id(document: Any) -> None:
    _schema(document, "200")["required"] = ["task_id"]


def _id_and_error(document: Any) -> None:
    """Changes that an overlay hides, and others that callers do not notice."""
    _schema(document, "200")["properties"].pop("task_id")
    _error(document)["required"] = ["message"]
    _error(document)["properties"]["code"]["type"] = "integer"
    _error(document)["properties"]["message"]["description"] = "出错的原因"
    operation(document).update(operationId="other", tags=["others"])


_OVERLAY = (ROOT / "generator" / "overlay.yaml").read_text(encoding="utf-8").splitlines()
COMPLETES = f"generator/overlay.yaml:{_OVERLAY.index('      title: VideoTask') - 3}"
"""The action that gives a submission's response its name and `task_id`."""
ERROR, ID = "models.CreateKlingImageToVideoResponse400Error", "models.VideoTask.task_id"
# The changes of the older and of the newer document, and the report of those that an overlay hides.
HIDDEN: list[tuple[Callable[[Any], object], Callable[[Any], object], list[tuple[str, str]]]] = [
    (_nothing, _id_and_error, [("major", ID), ("major", f"{ERROR}.code"), ("minor", f"{ERROR}.message")]),
    (_require_id, _nothing, [("major", ID)]),
    (_nothing, _require_id, []),
    (
        lambda d: _error_elsewhere(d, "string"),
        lambda d: _error_elsewhere(d, "integer"),
        [("major", "models.FailureError.code")],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), HIDDEN)
def test_changes_that_an_overlay_hides_are_reported(
    before: Callable[[Any], object], after: Callable[[Any], object], expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    old, new = write(tmp_path, changed(before), "old.json"), write(tmp_path, changed(after), "new.json")

    found = hidden_changes(str(old), str(new))

    assert sorted((each.level, each.where) for each in found) == sorted(expected)
    assert all(re.search(r"; hidden by generator/(overlay|gateway)\.yaml:\d+$", each.what) for each in found)


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ({"type": "integer"}, "type: was str, is int"),
        ({"anyOf": [TEXT, {"type": "null"}]}, "type: was str, is str | None"),
        (None, f"type: was str, is Any; hidden by {COMPLETES}"),
    ],
    ids=["another type", "null", "gone"],
)
def test_an_action_that_completes_hides_no_change(
    field: object, what: str, tmp_path: Path, documents_only: object
) -> None:
    new = changed(lambda d: _schema(d, "200")["properties"].pop("task_id"))
    _schema(new, "200")["properties"] |= {"task_id": field} if field else {}
    worst_level, [change, *_] = verdict(FROZEN, write(tmp_path, new, "new.json"))
    assert (worst_level, change["where"], change["what"]) == ("major", ID, what)


# Reports and errors

THING, USER = "models.Thing", "things.create_thing"


@pytest.fixture
def files(tmp_path: Path, documents_only: object) -> dict[str, Path]:
    """Three documents: in the second, a field is gone, and in the third, another one is new."""
    fields = {"old": ("old", "kept"), "less": ("kept",), "new": ("kept", "new")}
    things = {name: _object(**dict.fromkeys(properties, TEXT)) for name, properties in fields.items()}
    return {name: write(tmp_path, small(Thing=thing), f"{name}.json") for name, thing in things.items()}


def test_text_has_a_line_for_each_change_and_github_an_annotation_of_what_breaks(files: dict[str, Path]) -> None:
    gone = f"{USER}: {THING}.old: was removed"
    lines = [f"major: 2 changes since {files['old']}", f"major {gone}", f"minor {USER}: {THING}.new: is new"]
    assert diff(files["old"], files["new"]).stdout.splitlines() == lines
    lines.insert(2, f"::warning title=breaking change::{gone}")
    assert diff(files["old"], files["new"], env={"GITHUB_ACTIONS": "true"}).stdout.splitlines() == lines


def test_json_holds_verdict_and_changes_and_markdown_is_a_release_note(files: dict[str, Path]) -> None:
    assert json.loads(diff(files["old"], files["new"], "--format", "json").stdout) == {
        "verdict": "major",
        "changes": [
            {"level": "major", "operation": USER, "where": f"{THING}.old", "what": "was removed"},
            {"level": "minor", "operation": USER, "where": f"{THING}.new", "what": "is new"},
        ],
    }
    assert diff(files["old"], files["new"], "--format", "markdown").stdout == (
        f"**major** since {files['old']}\n\n"
        "### Breaking: callers may have to change\n\n"
        f"- `{THING}.old` was removed ({USER})\n\n"
        "### New\n\n"
        f"- `{THING}.new` is new ({USER})\n"
    )


def test_fail_on_decides_the_exit_code(files: dict[str, Path]) -> None:
    for old, new, codes in (("old", "less", [1, 1]), ("less", "new", [0, 1]), ("new", "new", [0, 0])):
        given = files[old], files[new], "--fail-on"
        assert [diff(*given, level).returncode for level in ("major", "minor")] == codes, new


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


def test_make_diff_passes_its_variables() -> None:
    shown = run(["make", "--dry-run", "diff", "OLD=v0.1.0", "NEW=new file.json", "ARGS=--format=markdown"]).stdout
    assert shown.endswith(' -m contract_check diff "v0.1.0" "new file.json" --format=markdown\n')


def test_a_cured_defect_is_noted(tmp_path: Path, documents_only: object) -> None:
    document = small()
    old = write(tmp_path, document, "old.json")
    document["paths"]["/more"] = {"post": _thing(document)}  # An operationId used twice.
    new = write(tmp_path, document, "new.json")
    done = diff(old, new)
    assert done.returncode == 0
    assert f"note: {new}: 6 overlay actions changed nothing, 1 suggested cure applied\n" in done.stderr
    assert f"note: {old}: 6 overlay actions changed nothing\n" in done.stderr


# Revisions

NAME, REQUEST = "videos.create_kling_image_to_video", "models.KlingImageToVideoRequest"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a revision, v0.1.0."""
    root = copy(tmp_path_factory.mktemp("revisions") / "检出 out")
    git(root, "init", "--quiet")
    commit(root, "relay.json", "generator")
    git(root, "tag", "v0.1.0")
    return root


def _change_fields(document: Any) -> None:
    request_properties(document)["mask"] = TEXT
    request_properties(document).pop("fps")
    _schema(document, "200")["properties"].pop("task_id")


def test_revisions_are_generated_once_with_their_own_overlays(checkout: Path) -> None:
    cache = checkout / ".venv" / ".contract_check"
    (cache / "tmpkilled" / "made").mkdir(parents=True)  # left by a killed run
    write(checkout, changed(_change_fields))
    overlay = checkout / "generator" / "overlay.yaml"
    overlay.write_text(overlay.read_text(encoding="utf-8").replace("VideoTask", "Task"), encoding="utf-8")

    first, unchanged, document = in_copy(checkout, ("diff", "HEAD"), ("diff", "v0.1.0", "HEAD"), ("document",))

    hidden = f"models.Task.task_id: type: was str, is Any; hidden by {COMPLETES}"
    assert first.stdout.splitlines() == [
        "major: 4 changes since HEAD",
        f"major {NAME}: {REQUEST}.fps: was removed",
        f"major {NAME}: models.Task: was called models.VideoTask",
        f"major {NAME}: {hidden}",
        f"minor {NAME}: {REQUEST}.mask: is new",
    ]
    assert len([folder for folder in cache.iterdir() if len(folder.name) == 64]) == 2
    assert [line for line in document.stderr.splitlines() if "since HEAD" in line] == [
        f"warning: {checkout / 'relay.json'}: major since HEAD: {hidden}"
    ]
    assert unchanged.stdout == "none: 0 changes since v0.1.0\n"
    git(checkout, "checkout", "--quiet", ".")


def test_a_revision_is_generated_again_if_the_generator_changed(
    tmp_path: Path, documents_only: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "generator"
    shutil.copytree(ROOT / "generator", folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    text = json.dumps(small()).encode()
    for changed_file in ("", "", "config.yaml", "modules/errors.py", "templates/model.py.jinja"):
        if changed_file:
            (folder / changed_file).write_text("another", encoding="utf-8")
        revisions.make("a document", text, {})
    assert len(documents_only) == 4


@pytest.mark.slow
def test_a_revision_s_committed_package_is_compared(checkout: Path) -> None:
    run([checkout / "generate.sh"], cwd=checkout)
    errors = checkout / "generated_client" / "errors.py"
    errors.write_text(errors.read_text(encoding="utf-8") + "\n\nclass Old(Exception): ...\n", encoding="utf-8")
    commit(checkout, "generated_client")
    [done] = in_copy(checkout, ("diff", "HEAD"))
    assert done.stdout == "major: 1 change since HEAD\nmajor the package: errors.Old: was removed\n"
