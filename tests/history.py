"""Git repositories for tests that compare revisions."""

import re
import shutil
import subprocess
from pathlib import Path

import frozen
from checkout import ROOT, copy

IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false")

CHANGELOG = "# Changelog\n\n## 0.2.0 - 2026-11-30\n\n- 第一版。\n"


def git(root: Path, *arguments: str) -> None:
    """Run git in `root` without the user's configuration."""
    subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, *paths: str) -> None:
    """Commit `paths`."""
    git(root, "add", "--force", "--", *paths)
    git(root, "commit", "--quiet", "--message", "A revision")


def repository(root: Path) -> Path:
    """A copy of the checkout whose HEAD holds the frozen document and its package, and is version 0.2.0."""
    copy(root)
    for name in ("README.md", "README.zh-CN.md", "LICENSE", ".gitignore"):
        shutil.copy2(ROOT / name, root / name)
    shutil.copytree(frozen.FOLDER / "generated_client", root / "generated_client")
    (root / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    project = root / "pyproject.toml"
    text = re.sub(r'^version = ".*"$', 'version = "0.2.0"', project.read_text(encoding="utf-8"), flags=re.MULTILINE)
    project.write_text(text, encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    commit(root, "pyproject.toml")
    return root
