"""Check that a release may be made, and build it; upload nothing."""

import hashlib
import re
import subprocess
import sys
import tomllib
from argparse import Namespace
from shutil import rmtree
from typing import Any

from .. import ROOT
from ..document.defects import Refusal
from . import diff, revisions

DIST = ROOT / "dist"


def run(_: Namespace) -> int:
    """Check, build, and list dist/; raise Refusal with all reasons against a release."""
    own = project()
    version = own["version"]
    tag = last_tag()
    at_head = [each for each in revisions.git("tag", "--points-at", "HEAD").decode().splitlines() if each == tag]
    if at_head == [f"v{version}"]:
        tag = last_tag("HEAD^")  # HEAD is already tagged for this release.
    changes = diff.between(tag) if tag else []
    verdict = diff.worst(change.level for change in changes)
    required = required_version(tag.removeprefix("v"), verdict) if tag else version
    changelog = ROOT / "CHANGELOG.md"
    entries = changelog.read_text(encoding="utf-8") if changelog.is_file() else ""
    problems: list[str] = []
    if _numbers(version) < _numbers(required):
        problems.append(
            f"pyproject.toml says {version}; the changes since {tag} ({verdict}) require {required} or higher."
        )
    if not re.search(rf"^## \[?{re.escape(version)}(?![\w.])", entries, re.MULTILINE):
        problems.append(f"CHANGELOG.md has no entry for {version}: give it the heading `## {version}`.")
    if revisions.git("status", "--porcelain"):
        problems.append("the tree is not clean: commit or remove what `git status` lists.")
    elif at_head and at_head != [f"v{version}"]:
        problems.append(f"HEAD is tagged {at_head[0]}, but pyproject.toml says {version}: tag it v{version}.")
    if not problems and subprocess.run([sys.executable, "-m", "contract_check"], cwd=ROOT, check=False).returncode:
        problems.append("the gate failed: see the output of `python -m contract_check` above.")
    if problems:
        raise Refusal("\n".join(problems))
    note = diff.markdown(tag, changes) if tag else "**The first release.**\n"
    _build(f"# {own['name']} {version}\n\n{note}")
    print("\n".join(str(file.relative_to(ROOT)) for file in sorted(DIST.glob("[!.]*"))))
    return 0


def last_tag(at: str = "HEAD") -> str:
    """The tag of the last release before a revision, or an empty string."""
    return revisions.git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", at).decode().strip()


def project() -> dict[str, Any]:
    """The table `project` of pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def required_version(last: str, verdict: str) -> str:
    """The lowest version that may follow `last`; below 1.0, a breaking change raises the minor version (SemVer, 4)."""
    major, minor, patch = _numbers(last)
    if verdict == "major" and major:
        return f"{major + 1}.0.0"
    if verdict in ("major", "minor"):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + (verdict == 'patch')}"


def _numbers(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refusal.environment(f"{version} is not a version that can be compared.", "Use three numbers: 1.2.3.")
    return tuple(map(int, version.split(".")))


def _build(note: str) -> None:
    rmtree(DIST, ignore_errors=True)
    if subprocess.run(["make", "--silent", "build"], cwd=ROOT, stdout=subprocess.PIPE, check=False).returncode:
        raise Refusal("the package could not be built; see above.", 2)
    (DIST / "RELEASE.md").write_text(note, encoding="utf-8")
    files = sorted(file for file in DIST.iterdir() if file.name[0] != ".")
    sums = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (DIST / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
