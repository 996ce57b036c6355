"""release: what stands in its way is named; else dist/ holds all that a release consists of."""

import hashlib
import shutil
from pathlib import Path as File

import pytest

from checkout import PYTHON, ROOT, Completed, copy, run
from history import commit, git, say_version
from specimens import changed, request_properties, write

pytestmark = pytest.mark.timeout(300)
_PUBLISHED = ("README.md", "README.zh-CN.md", "LICENSE", ".gitignore")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> File:
    """A clean repository, ready for its first release."""
    root = copy(tmp_path_factory.mktemp("release") / "checkout")
    run([root / "generate.sh"], cwd=root)
    for name in _PUBLISHED:
        shutil.copy2(ROOT / name, root / name)
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## [0.1.0] - 2026-11-30\n\nFirst.\n", encoding="utf-8")
    say_version(root, "0.1.0")
    git(root, "init", "--quiet")
    commit(root, *(file.name for file in root.iterdir() if file.name not in (".git", ".venv")))
    return root


@pytest.fixture
def checkout(original: File, tmp_path: File) -> File:
    """A copy of that repository."""
    return shutil.copytree(original, tmp_path / "checkout", symlinks=True)


def release(root: File) -> Completed:
    return run(
        [root / ".venv" / "bin" / "python", "-m", "contract_check", "release"], cwd=root, env={"PYTHONUTF8": "1"}
    )


@pytest.mark.slow
def test_a_release_is_in_dist(checkout: File) -> None:
    done = run(["make", "--silent", "release"], cwd=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["RELEASE.md", "SHA256SUMS", "relay_client-0.1.0-py3-none-any.whl", "relay_client-0.1.0.tar.gz"]
    dist = checkout / "dist"
    assert sorted(file.name for file in dist.glob("[!.]*")) == names
    assert done.stdout.splitlines()[-4:] == [f"dist/{name}" for name in names]
    sums = "".join(f"{hashlib.sha256((dist / n).read_bytes()).hexdigest()}  {n}\n" for n in names if n != "SHA256SUMS")
    assert (dist / "SHA256SUMS").read_text(encoding="utf-8") == sums
    assert (dist / "RELEASE.md").read_text(encoding="utf-8") == "# relay-client 0.1.0\n\n**The first release.**\n"
    assert not run(["git", "status", "--porcelain"], cwd=checkout).stdout


@pytest.mark.slow
def test_a_release_is_made_at_its_own_tag(checkout: File) -> None:
    git(checkout, "tag", "v0.1.0")
    done = release(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "**The first release.**" in (checkout / "dist" / "RELEASE.md").read_text(encoding="utf-8")


def test_a_release_at_another_versions_tag_is_refused(checkout: File) -> None:
    git(checkout, "tag", "v0.0.9")
    done = release(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "HEAD is tagged v0.0.9, and pyproject.toml says 0.1.0: tag it v0.1.0."


def test_everything_in_the_way_is_named(checkout: File) -> None:
    git(checkout, "tag", "v0.9.0")
    write(checkout, changed(lambda d: request_properties(d).update(mask={"type": "string"})))
    say_version(checkout, "0.9.1")
    done = release(checkout)
    assert (done.returncode, (checkout / "dist").exists()) == (1, False)
    assert done.stderr.splitlines()[-3:] == [
        "pyproject.toml says 0.9.1; what changed since v0.9.0 (minor) demands 0.10.0 or higher.",
        "CHANGELOG.md has no entry for 0.9.1: give it the heading `## 0.9.1`.",
        "the tree is not clean: commit what `git status` lists, or take it away.",
    ]


def test_a_red_gate_is_in_the_way(checkout: File) -> None:
    model = checkout / "generated_client" / "models" / "video_task.py"
    model.write_text(model.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
    commit(checkout, "generated_client")
    done = release(checkout)
    assert (done.returncode, (checkout / "dist").exists()) == (1, False)
    assert "the gate is not green" in done.stderr


def test_the_verdict_demands_a_version() -> None:
    demanded = {
        ("0.1.0", "none"): "0.1.0",
        ("0.1.0", "patch"): "0.1.1",
        ("0.1.4", "minor"): "0.2.0",
        ("0.1.4", "major"): "0.2.0",
        ("1.2.3", "patch"): "1.2.4",
        ("1.2.3", "minor"): "1.3.0",
        ("1.2.3", "major"): "2.0.0",
        ("0.9.10", "minor"): "0.10.0",
    }
    ask = f"from contract_check.history.release import demand; print([demand(*given) for given in {list(demanded)}])"
    assert run([PYTHON, "-c", ask]).stdout.strip() == str(list(demanded.values()))
