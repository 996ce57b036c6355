"""`make adopt` takes a new document over, or leaves everything as it was."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from checkout import FROZEN, ROOT, in_copy, run, tree
from contract_check.adoption import cures
from contract_check.adoption.report import screen
from contract_check.document import loading
from contract_check.document.defects import Action, remove, update
from contract_check.history.diff import Change
from flavours import LARGER
from generator.prepare import preparation
from history import CHANGELOG, commit, git, repository
from specimens import small, write

REPLACED = "replaced: relay.json, generator/cures.yaml, generated_client, CHANGELOG.md."


def _status(root: Path) -> str:
    """What `git status` lists."""
    return run(["git", "status", "--porcelain"], cwd=root).stdout


def _held(root: Path) -> dict[str, bytes]:
    """What the files of an adoption hold."""
    held = {name: root.joinpath(name).read_bytes() for name in ("relay.json", "CHANGELOG.md")}
    held |= {f"generator/{name}": content for name, content in tree(root / "generator").items()}
    return held | {f"generated_client/{name}": content for name, content in tree(root / "generated_client").items()}


def _spoil(folder: Path) -> tuple[Path, Path]:
    """A document that is no OpenAPI 3, and one without an operation that the overlay names."""
    document = json.loads(LARGER.read_text(encoding="utf-8"))
    other = write(folder, {**document, "openapi": "2.0"}, "other.json")
    del document["paths"]["/kling/v1/videos/image2video"]
    return other, write(folder, document, "less.json")


@pytest.mark.timeout(300)
def test_a_new_document_takes_one_command(shared: Path, tmp_path: Path) -> None:
    """HEAD's own document is adopted, and a larger one; a third adoption is refused until that one is committed."""
    root = repository(shared, tmp_path / "检出 out")
    git(root, "tag", "v0.2.0")
    document = tmp_path / "新文档 1.json"
    document.write_bytes(LARGER.read_bytes())

    own, adopted = in_copy(root, ("adopt", FROZEN), ("adopt", document))

    assert (own.returncode, adopted.returncode) == (0, 0), own.stderr + adopted.stderr
    assert "replaced: nothing" in own.stdout
    assert REPLACED in adopted.stdout
    files = _held(root)
    _assert_is_one_screen(adopted.stdout)
    _assert_is_adopted(files)

    refused = run(["make", "--silent", "adopt", f"DOCUMENT={document}"], cwd=root)

    assert refused.returncode == 2
    assert "not committed" in refused.stderr
    assert _held(root) == files

    git(root, "add", ".")
    commit(root, "relay.json")
    again, other, less = in_copy(root, *(("adopt", each) for each in (document, *_spoil(tmp_path))))

    assert (again.returncode, other.returncode, less.returncode) == (0, 1, 1)
    assert "replaced: nothing" in again.stdout
    assert "2.0" in other.stderr
    assert "matches nothing: $.paths['/kling/v1/videos/image2video'].post" in less.stderr
    assert all("nothing was changed" in each.stderr for each in (other, less))
    assert _status(root) == ""


def _assert_is_one_screen(told: str) -> None:
    screen = told.splitlines()
    assert len(screen) < 50
    assert screen[0].startswith("verdict: major, ")
    # The document has the status query that the overlay adds to relay.json, and types its 404 otherwise.
    status = (
        "  videos.get_kling_image_to_video: api.videos.get_kling_image_to_video status 404: type: was ErrorResponse"
    )
    assert screen[1:3] == ["breaks for callers: 1", f"{status}, is Error"]
    assert {"new: 2", "cured, in generator/cures.yaml: 2"} <= set(screen)
    assert "version: 0.3.0 or higher must follow v0.2.0; pyproject.toml says 0.2.0." in screen
    assert "is gone" not in told
    assert "Read `git add -A && git diff --cached --stat`, then run `make test`." in screen[-1]


def _assert_is_adopted(files: dict[str, bytes]) -> None:
    assert files["relay.json"] == LARGER.read_bytes()
    for call in ("create_kling_image_to_video", "get_kling_image_to_video", "download_video", "upload_file"):
        assert any(name.endswith(f"/{call}.py") for name in files)
    # Callers go on with the names that they have typed.
    assert {"generated_client/models/video_task.py", "generated_client/models/error_response.py"} <= files.keys()
    # What the overlay requires is required behind a reference.
    assert b"    task_id: str\n" in files["generated_client/models/video_task.py"]
    # Today's server stays where the document names an example.
    assert b"https://api.xiexus.cn" in files["generated_client/client.py"]
    assert not [name for name, content in files.items() if b"relay.example.com" in content and ".py" in name]
    # Each cure has its reason in a file of its own.
    cures = files["generator/cures.yaml"].decode()
    assert cures.startswith("# `make adopt` writes this file")
    assert cures.count("description:") == cures.count("target:")
    assert "operationId: createKlingI2V" not in cures
    assert files["generator/overlay.yaml"] == (ROOT / "generator" / "overlay.yaml").read_bytes()
    # The changelog has a draft.
    start, draft = files["CHANGELOG.md"].decode().partition("## Unreleased")[::2]
    assert "upload_file" in draft
    assert CHANGELOG.startswith(start)
    assert draft.endswith(CHANGELOG.removeprefix(start))


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "moves", [3, pytest.param(4, marks=pytest.mark.slow)], ids=["within the swap of the package", "behind it"]
)
def test_killed_halfway_git_brings_back_what_head_holds(moves: int, shared: Path, tmp_path: Path) -> None:
    root = repository(shared, tmp_path / "检出 out")
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

    [refused] = in_copy(root, ("adopt", LARGER))
    [command] = re.findall(r"drop it: (git restore .*)", refused.stderr)
    assert run(["sh", "-c", command], cwd=root).returncode == 0

    assert _status(root) == ""
    assert _held(root) == held


def _needed(folder: Path, document: dict[str, Any]) -> list[Action]:
    """The cures for a document that takes the place of one with a server."""
    before = small()
    preparation.prepare(before)
    return cures.find(loading.load(write(folder, document), []), [], before)


def test_a_reference_that_leads_nowhere_is_a_warning_in_the_first_lines(tmp_path: Path) -> None:
    properties = {"lost": {"$ref": "#/components/schemas/Nowhere"}}
    needed = _needed(tmp_path, small(Thing={"type": "object", "properties": properties}))

    shown = list(screen([], needed, ["warning: an example is none"], [], "1.0.0"))

    assert shown[1] == "warnings: 2"
    assert "names nothing in this document. Without it, anything may stand here." in shown[2]


def test_only_cures_of_the_server_give_way_to_todays_server(tmp_path: Path) -> None:
    document = small(Thing={"type": "object", "properties": {"observers": {"type": "integr"}}})
    document["servers"] = []

    targets = [cure["target"] for cure in _needed(tmp_path, document)]

    assert targets[:2] == ["$.servers", "$"]
    assert targets[2:] == ["$.components.schemas.Thing.properties.observers"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "make adopt DOCUMENT=file"), (["DOCUMENT=no such file.json"], "no such file.json")],
)
def test_a_document_that_is_not_there_is_said(arguments: list[str], said: str) -> None:
    done = run(["make", "--silent", "adopt", *arguments])

    assert done.returncode == 2
    assert said in done.stderr
