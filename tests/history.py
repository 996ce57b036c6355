"""Git repositories for the tests of what compares revisions."""

import re
import subprocess
from pathlib import Path

_IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false")


def git(root: Path, *arguments: str) -> None:
    """Runs git in `root`; no configuration of this machine's user decides what it does."""
    subprocess.run(["git", *_IDENTITY, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, *paths: str) -> None:
    """Commits what is in `paths`."""
    git(root, "add", "--force", "--", *paths)
    git(root, "commit", "--quiet", "--message", "A revision")


def say_version(root: Path, version: str) -> None:
    """Gives the package of `root` this version."""
    project = root / "pyproject.toml"
    text = re.sub(r'^version = ".*"$', f'version = "{version}"', project.read_text(encoding="utf-8"), flags=re.M)
    project.write_text(text, encoding="utf-8")
