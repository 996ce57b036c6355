"""`make adopt` takes a new document over, or leaves everything as it was."""

import json
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import pytest

from checkout import FROZEN, ROOT, Completed, copy, run, tree
from contract_check.adoption import cures
from contract_check.adoption.report import screen
from contract_check.document import loading
from contract_check.document.defects import Action, remove, update
from contract_check.history.diff import Change
from flavours import LARGER
from generator.prepare import preparation
from history import commit, git, say_version
from specimens import small, write

REPLACED = "replaced: relay.json, generator/cures.yaml, generated_client, CHANGELOG.md."
CHANGELOG = "# Changelog\n\n## 0.2.0 - 2026-11-30\n\n- 第一版。\n"


def adopt(root: File, document: object) -> Completed:
    return run(["make", "--silent", "adopt", f"DOCUMENT={document}"], cwd=root)


def status(root: File) -> str:
    """What `git status` lists."""
    return run(["git", "status", "--porcelain"], cwd=root).stdout


def repository(folder: File) -> File:
    """A checkout whose HEAD holds the frozen document and its package."""
    root = copy(folder / "检出 out")
    run([root / "generate.sh"], cwd=root)
    shutil.copy2(ROOT / ".gitignore", root)
    (root / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    say_version(root, "0.2.0")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    commit(root, "pyproject.toml")
    git(root, "tag", "v0.2.0")
    return root


@dataclass(frozen=True)
class Story:
    """HEAD's document is adopted, then a larger one, twice; git undoes that; it is adopted again and committed."""

    root: File
    own: Completed
    left: str
    """What `git status` lists once HEAD's own document was adopted."""
    adopted: Completed
    files: dict[str, bytes]
    """What the checkout holds once the larger document was adopted."""
    refused: Completed
    after_refused: dict[str, bytes]
    undone: str
    """What `git status` lists after the commands that the refusal names."""
    again: Completed


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    root = repository(tmp_path_factory.mktemp("adoption"))
    document = root.parent / "新文档 1.json"
    shutil.copy2(FROZEN, document)
    own, left = adopt(root, document), status(root)
    shutil.copy2(LARGER, document)
    adopted, files = adopt(root, document), _held(root)
    refused, after_refused = adopt(root, document), _held(root)
    _restore(root, refused)
    undone = status(root)
    adopt(root, document)
    git(root, "add", ".")
    commit(root, "relay.json")
    return Story(root, own, left, adopted, files, refused, after_refused, undone, adopt(root, document))


def _restore(root: File, refused: Completed) -> None:
    """Runs the commands that a refusal names."""
    [command] = re.findall(r"drop it: (git restore .*)", refused.stderr)
    assert run(["sh", "-c", command], cwd=root).returncode == 0


def _held(root: File) -> dict[str, bytes]:
    held = {name: root.joinpath(name).read_bytes() for name in ("relay.json", "CHANGELOG.md")}
    held |= {f"generator/{name}": content for name, content in tree(root / "generator").items()}
    return held | {f"generated_client/{name}": content for name, content in tree(root / "generated_client").items()}


def test_a_new_document_takes_one_command(story: Story) -> None:
    assert story.adopted.returncode == 0, story.adopted.stderr
    assert REPLACED in story.adopted.stdout
    assert story.files["relay.json"] == LARGER.read_bytes()
    for call in ("create_kling_image_to_video", "get_kling_image_to_video", "download_video", "upload_file"):
        assert any(name.endswith(f"/{call}.py") for name in story.files)


def test_it_ends_with_one_screen(story: Story) -> None:
    screen = story.adopted.stdout.splitlines()

    assert len(screen) < 50
    assert screen[0].startswith("verdict: major, ")
    # The document has the status query that the overlay adds to relay.json, and types its 404 otherwise.
    status = (
        "  videos.get_kling_image_to_video: api.videos.get_kling_image_to_video status 404: type: was ErrorResponse"
    )
    assert screen[1:3] == ["breaks for callers: 1", f"{status}, is Error"]
    assert {"new: 2", "cured, in generator/cures.yaml: 2"} <= set(screen)
    assert "pyproject.toml says 0.2.0" in story.adopted.stdout
    assert "Read `git add -A && git diff --cached --stat`, then run `make test`." in screen[-1]


def test_the_screen_shows_twelve_of_a_kind_and_counts_the_rest() -> None:
    changes = [Change("major", "things.create", f"field {n:02}", "is gone") for n in range(13)]
    shown = [f"  things.create: field {n:02}: is gone" for n in range(12)]
    counted = ["verdict: major, 13 changes since HEAD", "breaks for callers: 13", *shown, "  ... and 1 more"]
    assert list(screen(changes, [], [], [], "1.0.0")) == [*counted, "version: 1.0.0"]
    whole = list(screen(changes[:12], [], [], [], "1.0.0"))
    assert whole == ["verdict: major, 12 changes since HEAD", "breaks for callers: 12", *shown, "version: 1.0.0"]


def test_the_screen_says_where_each_cure_is_and_counts_places() -> None:
    why, kept = "no such type.", "Callers have typed a.b."
    schemes = [remove(("components", "securitySchemes", name), why) for name in ("A", "AB", "C")]
    names = [remove(("paths", "/a", "get", "tags"), kept), update(("paths", "/a", "get"), {"tags": ["a"]}, kept)]
    assert list(screen([], [*schemes, *names], [], [], "1.0.0"))[1:-1] == [
        "cured, in generator/cures.yaml: 2",
        f"  $.components.securitySchemes.A, $.components.securitySchemes.AB ...: {why} (3 places)",
        f"  $.paths['/a'].get: {kept}",
    ]


def test_callers_go_on_with_the_names_that_they_have_typed(story: Story) -> None:
    names = set(story.files)

    assert {"generated_client/models/video_task.py", "generated_client/models/error_response.py"} <= names
    assert b"operationId: createKlingI2V" not in story.files["generator/cures.yaml"]
    assert "is gone" not in story.adopted.stdout


def test_what_the_overlay_requires_is_required_behind_a_reference(story: Story) -> None:
    assert b"    task_id: str\n" in story.files["generated_client/models/video_task.py"]


def test_todays_server_stays_where_the_document_names_an_example(story: Story) -> None:
    assert b"https://api.xiexus.cn" in story.files["generated_client/client.py"]
    assert not [name for name, content in story.files.items() if b"relay.example.com" in content and ".py" in name]


def test_each_cure_has_its_reason_in_a_file_of_its_own(story: Story) -> None:
    cures = story.files["generator/cures.yaml"].decode()

    assert cures.startswith("# `make adopt` writes this file")
    assert cures.count("description:") == cures.count("target:")
    assert story.files["generator/overlay.yaml"] == (ROOT / "generator" / "overlay.yaml").read_bytes()


def test_the_changelog_has_a_draft(story: Story) -> None:
    changelog = story.files["CHANGELOG.md"].decode()
    start, draft = changelog.partition("## Unreleased")[::2]

    assert "upload_file" in draft
    assert CHANGELOG.startswith(start)
    assert draft.endswith(CHANGELOG.removeprefix(start))


def test_uncommitted_changes_are_not_overwritten(story: Story) -> None:
    assert story.refused.returncode == 2
    assert "not committed" in story.refused.stderr
    assert story.after_refused == story.files


def test_git_undoes_an_adoption(story: Story) -> None:
    assert story.undone == ""


def test_a_second_adoption_changes_nothing(story: Story) -> None:
    assert story.again.returncode == 0, story.again.stderr
    assert "replaced: nothing" in story.again.stdout


def test_heads_own_document_leaves_nothing_behind(story: Story) -> None:
    assert story.own.returncode == 0, story.own.stderr
    assert "replaced: nothing" in story.own.stdout
    assert story.left == ""


@pytest.mark.parametrize("moves", [3, 4], ids=["within the swap of the package", "behind it"])
def test_killed_halfway_git_brings_back_what_head_holds(moves: int, tmp_path: File) -> None:
    root = repository(tmp_path)
    held = _held(root)
    code = f"""\
import os, signal, sys
from itertools import count
from contract_check.__main__ import main
from generator import placement
move, times = placement.move, count(1)
placement.move = lambda *paths: move(*paths) if next(times) < {moves} else os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["contract_check", "adopt", {str(LARGER)!r}]
main()
"""
    killed = run([root / ".venv" / "bin" / "python", "-c", code], cwd=root)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert root.joinpath("generated_client").exists() == (moves == 4)

    _restore(root, adopt(root, LARGER))

    assert status(root) == ""
    assert _held(root) == held
    assert adopt(root, LARGER).returncode == 0


def _needed(folder: File, document: dict[str, Any]) -> list[Action]:
    """The cures for a document that takes the place of one with a server."""
    before = small()
    preparation.prepare(before)
    return cures.find(loading.load(write(folder, document), []), [], before)


def test_a_reference_that_leads_nowhere_is_a_warning_in_the_first_lines(tmp_path: File) -> None:
    properties = {"lost": {"$ref": "#/components/schemas/Nowhere"}}
    needed = _needed(tmp_path, small(Thing={"type": "object", "properties": properties}))

    shown = list(screen([], needed, ["warning: an example is none"], [], "1.0.0"))

    assert shown[1] == "warnings: 2"
    assert "names nothing in this document. Without it, anything may stand here." in shown[2]


def test_only_cures_of_the_server_give_way_to_todays_server(tmp_path: File) -> None:
    document = small(Thing={"type": "object", "properties": {"observers": {"type": "integr"}}})
    document["servers"] = []

    targets = [cure["target"] for cure in _needed(tmp_path, document)]

    assert targets[:2] == ["$.servers", "$"]
    assert targets[2:] == ["$.components.schemas.Thing.properties.observers"]


def _without_the_submission(document: dict[str, Any]) -> None:
    del document["paths"]["/kling/v1/videos/image2video"]


def _of_version_2(document: dict[str, Any]) -> None:
    document["openapi"] = "2.0"


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (_of_version_2, 1, "2.0"),
        (_without_the_submission, 1, "matches nothing: $.paths['/kling/v1/videos/image2video'].post"),
    ],
)
def test_what_cannot_be_adopted_leaves_everything_as_it_was(
    spoil: Callable[[dict[str, Any]], None], code: int, said: str, story: Story, tmp_path: File
) -> None:
    document = json.loads(LARGER.read_text(encoding="utf-8"))
    spoil(document)
    file = tmp_path / "new.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    before = status(story.root)

    done = run([".venv/bin/python", "-m", "contract_check", "adopt", file], cwd=story.root)

    assert done.returncode == code
    assert said in done.stderr
    assert "nothing was changed" in done.stderr
    assert status(story.root) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "make adopt DOCUMENT=file"), (["DOCUMENT=no such file.json"], "no such file.json")],
)
def test_a_document_that_is_not_there_is_said(arguments: list[str], said: str) -> None:
    done = run(["make", "--silent", "adopt", *arguments])

    assert done.returncode == 2
    assert said in done.stderr
