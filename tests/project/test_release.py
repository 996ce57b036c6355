"""`contract_check release`: reports what prevents a release, or builds it in dist/."""

import hashlib
from pathlib import Path

import pytest

from checkout import contract_check, in_copy, run
from contract_check.document.defects import Refusal
from contract_check.history import diff, release, revisions
from contract_check.history.diff import Change
from history import commit, git, repository


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with only a version and a changelog, whose gate passes."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "0.9.1"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.9.1.dev\n\n## [0.9.1] - 2026-11-30\n", encoding="utf-8")
    (tmp_path / "contract_check.py").write_text("", encoding="utf-8")
    (tmp_path / "Makefile").write_text("build:\n\t@mkdir dist && touch dist/a.whl dist/.built\n", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("dist/\n__pycache__/\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, ".")
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release, "DIST", tmp_path / "dist")
    return tmp_path


def _since(monkeypatch: pytest.MonkeyPatch, expected: str, *levels: str) -> None:
    def between(tag: str) -> list[Change]:
        assert tag == expected
        return [Change(level, "", "models.Thing", "is new") for level in levels]

    monkeypatch.setattr(diff, "between", between)


def test_a_release_has_its_note_and_the_sums_of_its_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "tag", "v0.9.0")
    git(project, "commit", "--allow-empty", "--message", "Release")
    git(project, "tag", "v0.9.1")  # the tag of this release
    _since(monkeypatch, "v0.9.0", "patch")
    (project / "dist").mkdir()
    (project / "dist" / "old.whl").touch()
    done = contract_check("release")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["dist/RELEASE.md", "dist/SHA256SUMS", "dist/a.whl"]
    note = (project / "dist" / "RELEASE.md").read_bytes()
    assert note.decode().startswith("# a 0.9.1\n\n**patch** since v0.9.0\n")
    sums = (project / "dist" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert sums == [
        f"{hashlib.sha256(each).hexdigest()}  {name}" for name, each in (("RELEASE.md", note), ("a.whl", b""))
    ]


def test_everything_that_prevents_a_release_is_listed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "tag", "v0.9.0")
    _since(monkeypatch, "v0.9.0", "patch", "minor")
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## 0.9.1.dev\n", encoding="utf-8")
    done = contract_check("release")
    assert (done.returncode, (project / "dist").exists()) == (1, False)
    assert done.stderr.splitlines() == [
        "pyproject.toml says 0.9.1; the changes since v0.9.0 (minor) require 0.10.0 or higher.",
        "CHANGELOG.md has no entry for 0.9.1: give it the heading `## 0.9.1`.",
        "the tree is not clean: commit or remove what `git status` lists.",
    ]


def test_a_failing_gate_prevents_a_release(project: Path) -> None:
    (project / "contract_check.py").write_text("raise SystemExit(1)", encoding="utf-8")
    commit(project, ".")
    done = contract_check("release")
    assert (done.returncode, (project / "dist").exists()) == (1, False)
    assert "the gate failed" in done.stderr


def test_a_release_at_another_versions_tag_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "tag", "v0.0.9")
    _since(monkeypatch, "v0.0.9")
    done = contract_check("release")
    assert done.returncode == 1
    assert done.stderr == "HEAD is tagged v0.0.9, but pyproject.toml says 0.9.1: tag it v0.9.1.\n"


def test_the_verdict_requires_a_version() -> None:
    for last, level, required in (
        ("0.1.0", "none", "0.1.0"),
        ("0.1.0", "patch", "0.1.1"),
        ("0.1.4", "major", "0.2.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "major", "2.0.0"),
        ("0.9.10", "minor", "0.10.0"),
    ):
        assert release.required_version(last, level) == required, (last, level)


def test_an_invalid_version_is_refused() -> None:
    with pytest.raises(Refusal, match=r"1\.2 is not a version.*three numbers"):
        release.required_version("1.2", "minor")


@pytest.mark.slow
def test_the_first_release_of_a_checkout(tmp_path: Path) -> None:
    root = repository(tmp_path / "checkout")
    done = run(["make", "--silent", "release"], cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["RELEASE.md", "SHA256SUMS", "relay_client-0.2.0-py3-none-any.whl", "relay_client-0.2.0.tar.gz"]
    assert done.stdout.splitlines()[-4:] == [f"dist/{name}" for name in names]
    note = (root / "dist" / "RELEASE.md").read_text(encoding="utf-8")
    assert note == "# relay-client 0.2.0\n\n**The first release.**\n"
    assert not run(["git", "status", "--porcelain"], cwd=root).stdout
    git(root, "tag", "v0.2.0")
    assert in_copy(root, ("release",))[0].returncode == 0
