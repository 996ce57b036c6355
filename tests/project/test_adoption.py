"""`make adopt` adopts a new document completely, or changes nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT, in_copy, run, tree
from contract_check.adoption import cures
from contract_check.adoption.report import screen, with_draft
from contract_check.document import loading
from contract_check.document.defects import Action, remove, update
from contract_check.history.diff import Change
from generated import LARGER
from generator.prepare import preparation
from history import CHANGELOG, IDENTITY, git, repository
from specimens import small, write

REPLACED = "replaced: relay.json, generator/cures.yaml, generated_client, CHANGELOG.md."


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
def test_one_command_adopts_a_new_document(tmp_path: Path) -> None:
    """Adopt a larger document, again when it is committed, and when it is not; then drop it as the command says."""
    root = repository(tmp_path / "检出 out")
    git(root, "tag", "v0.2.0")
    held = _held(root)
    document = tmp_path / "新文档 1.json"
    document.write_bytes(LARGER.read_bytes())
    adopt = ("adopt", document)
    unfit = [("adopt", each) for each in (*_spoil(tmp_path), tmp_path / "no such file.json")]
    committing = [("git", "add", "."), ("git", *IDENTITY, "commit", "--message", "Adopt")]
    undoing = ("git", "reset", "--soft", "HEAD^")

    done = in_copy(root, adopt, *committing, adopt, *unfit, ("git", "status", "--porcelain"), undoing, adopt)
    adopted, _, _, again, *refused, status, _, uncommitted = done

    assert adopted.returncode == 0, adopted.stderr
    assert REPLACED in adopted.stdout
    _assert_is_one_screen(adopted.stdout)
    _assert_is_adopted(_held(root))
    assert again.returncode == 0, again.stderr
    assert "replaced: nothing" in again.stdout
    for each, problem in zip(
        refused,
        ("2.0", "matches nothing: $.paths['/kling/v1/videos/image2video'].post", "no such file.json"),
        strict=True,
    ):
        assert problem in each.stderr
        assert "nothing was changed" in each.stderr
    assert [each.returncode for each in refused] == [1, 1, 2]
    assert (status.returncode, status.stdout) == (0, "")

    # As if killed while the package was replaced: test_generation.py kills each step.
    (root / "generated_client").rename(root / ".generated_client.previous")
    assert uncommitted.returncode == 2
    [command] = re.findall(r"drop them: (git restore .*)", uncommitted.stderr)
    assert run(["sh", "-c", command], cwd=root).returncode == 0
    assert run(["git", "status", "--porcelain"], cwd=root).stdout == ""
    assert _held(root) == held


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
    for number, more in ((12, []), (13, ["  ... and 1 more"])):
        head = [f"verdict: major, {number} changes since HEAD", f"breaks for callers: {number}"]
        assert list(screen(changes[:number], [], [], [], "1.0.0")) == [*head, *shown, *more, "version: 1.0.0"]


def test_the_report_names_the_places_of_each_cure_and_counts_them() -> None:
    why, kept = "no such type.", "Callers use the name a.b."
    schemes = [remove(("components", "securitySchemes", name), why) for name in ("A", "AB", "C")]
    names = [remove(("paths", "/a", "get", "tags"), kept), update(("paths", "/a", "get"), {"tags": ["a"]}, kept)]
    assert list(screen([], [*schemes, *names], [], [], "1.0.0"))[1:-1] == [
        "cured, in generator/cures.yaml: 2",
        f"  $.components.securitySchemes.A, $.components.securitySchemes.AB ...: {why} (3 places)",
        f"  $.paths['/a'].get: {kept}",
    ]


def test_a_draft_begins_an_empty_changelog_and_replaces_the_last_draft() -> None:
    first = with_draft("# Changelog\n\n", "**minor**\n")
    assert first.startswith("# Changelog\n\n## Unreleased\n")
    assert "\n**minor**\n" in first
    assert with_draft(first, "**major**\n") == first.replace("minor", "major")


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


def test_make_passes_the_document_and_reports_that_it_is_missing() -> None:
    assert run(["make", "--dry-run", "adopt", "DOCUMENT=新 1.json"]).stdout.endswith(' adopt "新 1.json"\n')
    done = run(["make", "--silent", "adopt"])
    assert (done.returncode, "make adopt DOCUMENT=file" in done.stderr) == (2, True)
