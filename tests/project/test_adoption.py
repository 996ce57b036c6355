"""`make adopt` adopts a new document completely, or changes nothing."""

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
from generated import LARGER
from generator.prepare import preparation
from history import CHANGELOG, commit, git, repository
from specimens import small, write

REPLACED = "replaced: relay.json, generator/cures.yaml, generated_client, CHANGELOG.md."


def _status(root: Path) -> str:
    """The output of `git status`."""
    return run(["git", "status", "--porcelain"], cwd=root).stdout


def _held(root: Path) -> dict[str, bytes]:
    """The contents of the files that an adoption writes."""
    held = {name: root.joinpath(name).read_bytes() for name in ("relay.json", "CHANGELOG.md")}
    held |= {f"generator/{name}": content for name, content in tree(root / "generator").items()}
    return held | {f"generated_client/{name}": content for name, content in tree(root / "generated_client").items()}


def _spoil(folder: Path) -> tuple[Path, Path]:
    """A document that is not OpenAPI 3, and one without an operation that the overlay names."""
    document = json.loads(LARGER.read_text(encoding="utf-8"))
    other = write(folder, {**document, "openapi": "2.0"}, "other.json")
    del document["paths"]["/kling/v1/videos/image2video"]
    return other, write(folder, document, "less.json")


@pytest.mark.timeout(300)
def test_one_command_adopts_a_new_document(shared: Path, tmp_path: Path) -> None:
    """Adopt HEAD's own document, and a larger one; a third adoption is refused until that is committed."""
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
    assert "uncommitted" in refused.stderr
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


def _assert_is_one_screen(printed: str) -> None:
    screen = printed.splitlines()
    assert len(screen) < 50
    assert screen[0].startswith("verdict: major, ")
    # The document has the status query that the overlay adds to relay.json, with another type for 404.
    status = (
        "  videos.get_kling_image_to_video: api.videos.get_kling_image_to_video status 404: type: was ErrorResponse"
    )
    assert screen[1:3] == ["breaks for callers: 1", f"{status}, is Error"]
    assert {"new: 2", "cured, in generator/cures.yaml: 2"} <= set(screen)
    assert "version: 0.3.0 or higher must follow v0.2.0; pyproject.toml says 0.2.0." in screen
    assert "was removed" not in printed
    assert "Read `git add -A && git diff --cached --stat`, then run `make test`." in screen[-1]


def _assert_is_adopted(files: dict[str, bytes]) -> None:
    assert files["relay.json"] == LARGER.read_bytes()
    for call in ("create_kling_image_to_video", "get_kling_image_to_video", "download_video", "upload_file"):
        assert any(name.endswith(f"/{call}.py") for name in files)
    # The names that callers use are kept.
    assert {"generated_client/models/video_task.py", "generated_client/models/error_response.py"} <= files.keys()
    # The overlay's `required` applies behind a reference.
    assert b"    task_id: str\n" in files["generated_client/models/video_task.py"]
    # The current server is kept if the document names an example.
    assert b"https://api.xiexus.cn" in files["generated_client/client.py"]
    assert not [name for name, content in files.items() if b"relay.example.com" in content and ".py" in name]
    # cures.yaml has each cure with its reason.
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


def test_the_report_shows_twelve_lines_per_section_and_counts_the_rest() -> None:
    changes = [Change("major", "things.create", f"field {n:02}", "was removed") for n in range(13)]
    shown = [f"  things.create: field {n:02}: was removed" for n in range(12)]
    counted = ["verdict: major, 13 changes since HEAD", "breaks for callers: 13", *shown, "  ... and 1 more"]
    assert list(screen(changes, [], [], [], "1.0.0")) == [*counted, "version: 1.0.0"]
    whole = list(screen(changes[:12], [], [], [], "1.0.0"))
    assert whole == ["verdict: major, 12 changes since HEAD", "breaks for callers: 12", *shown, "version: 1.0.0"]


def test_the_report_names_the_places_of_each_cure_and_counts_them() -> None:
    why, kept = "no such type.", "Callers use the name a.b."
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
def test_after_a_kill_git_restores_head(moves: int, shared: Path, tmp_path: Path) -> None:
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
    [command] = re.findall(r"drop them: (git restore .*)", refused.stderr)
    assert run(["sh", "-c", command], cwd=root).returncode == 0

    assert _status(root) == ""
    assert _held(root) == held


def _needed(folder: Path, document: dict[str, Any]) -> list[Action]:
    """The cures for a document that replaces one with a server."""
    before = small()
    preparation.prepare(before)
    return cures.find(loading.load(write(folder, document), []), [], before)


def test_an_unresolved_reference_is_among_the_first_warnings(tmp_path: Path) -> None:
    properties = {"lost": {"$ref": "#/components/schemas/Nowhere"}}
    needed = _needed(tmp_path, small(Thing={"type": "object", "properties": properties}))

    shown = list(screen([], needed, ["warning: an example is none"], [], "1.0.0"))

    assert shown[1] == "warnings: 2"
    assert "does not exist in this document. Without it, any value is allowed." in shown[2]


def test_todays_server_replaces_only_cures_of_the_server(tmp_path: Path) -> None:
    document = small(Thing={"type": "object", "properties": {"observers": {"type": "integr"}}})
    document["servers"] = []

    targets = [cure["target"] for cure in _needed(tmp_path, document)]

    assert targets[:2] == ["$.servers", "$"]
    assert targets[2:] == ["$.components.schemas.Thing.properties.observers"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "make adopt DOCUMENT=file"), (["DOCUMENT=no such file.json"], "no such file.json")],
)
def test_a_missing_document_is_reported(arguments: list[str], said: str) -> None:
    done = run(["make", "--silent", "adopt", *arguments])

    assert done.returncode == 2
    assert said in done.stderr
