"""Load documents and git revisions, and generate their packages."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import move
from tempfile import TemporaryDirectory
from typing import Any

from generator import making
from generator.prepare import preparation
from generator.verification import PACKAGE

from .. import CONFIG, CURES, ROOT, VENDORED
from ..document import loading, settings
from ..document.defects import Action, Refusal, count
from ..document.text import progress
from . import surface

_CACHE = ROOT / ".venv" / ".contract_check"
_INPUTS = (
    *("requirements/generate.txt", "contract_check/**/*.py", "generator/config.yaml"),
    *("generator/**/*.py", "generator/templates/**/*"),
)


@dataclass(frozen=True)
class Layers:
    """A sound document with and without its overlays, and their actions, by overlay and line."""

    overlaid: dict[str, Any]
    beneath: dict[str, Any]
    actions: dict[str, Action]

    @cached_property
    def prepared(self) -> dict[str, Any]:
        """The overlaid document, prepared for the generator."""
        document = deepcopy(self.overlaid)
        surface.keep_originals(document)
        preparation.prepare(document)
        return document


@dataclass(frozen=True)
class Revision:
    """A document and its package, to compare with another."""

    layers: Layers
    package: Path


def load(revision: str | None) -> Revision:
    """Load a document file, a git revision or (None) the working tree, with its own overlays.

    Remaining defects are cured as by `document --suggest`; raise Refusal if that is not enough. For a commit, the
    package is the committed one, not regenerated, since users have that one.
    """
    commit, text, overlays = _source(revision)
    if shipped := git("archive", commit, PACKAGE) if commit else b"":
        unpack = ("tar", "-x", "-C")
        folder = _cached(commit, lambda into: subprocess.run([*unpack, into], input=shipped, check=True))
        return Revision(layers(_checked(str(revision), text, overlays)), folder / PACKAGE)
    return make(revision or "the working tree", text, overlays)


def load_layers(revision: str | None) -> Layers:
    """Load the layers of a revision, without its package."""
    _, text, overlays = _source(revision)
    return layers(_checked(revision or "the working tree", text, overlays))


def layers(found: loading.Document) -> Layers:
    """The layers of a document with its cures."""
    actions = {
        f"{each.file.name}:{line}": action
        for each in found.overlays
        for line, action in each.actions
        if each.file.name != CURES.name
    }
    overlaid, beneath = (loading.completed(each, found.cures) for each in (deepcopy(found.value), found.beneath()))
    return Layers(overlaid, beneath, actions)


def _source(revision: str | None) -> tuple[str, bytes, dict[str, bytes]]:
    """The commit, if any, the document and the overlays of a revision."""
    if revision is None or os.path.isfile(revision):  # noqa: PTH113  # Path.is_file raises if a name is too long
        file = Path(revision or VENDORED)
        return "", file.read_bytes(), {each.name: each.read_bytes() for each in settings.overlays(file)}
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    text = git("show", f"{commit}:./{VENDORED.name}") if commit else b""
    if not text:
        problem = f"{revision} is neither a file nor a git revision that holds a {VENDORED.name}."
        raise Refusal.environment(problem, "Name one of these, such as HEAD or v0.1.0.")
    with TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG.name
        config.write_bytes(git("show", f"{commit}:./generator/{CONFIG.name}"))
        found = {each.name: git("show", f"{commit}:./generator/{each.name}") for each in settings.read(config).overlays}
    return commit, text, {name: content for name, content in found.items() if content}


def git(*arguments: str) -> bytes:
    """The output of git in the checkout, empty if it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False).stdout


def make(name: str, text: bytes, overlays: dict[str, bytes]) -> Revision:
    """Check a document with its overlays, and generate its package, or load that from the cache."""
    found = _checked(name, text, overlays)
    unmatched = f"{count(found.actions_without_effect, 'overlay action')} changed nothing"
    cured = f"{count(len(found.cures), 'suggested cure')} applied"
    if notes := [unmatched] * bool(found.actions_without_effect) + [cured] * bool(found.cures):
        print(f"note: {name}: {', '.join(notes)}", file=sys.stderr)
    inputs = sorted(file for pattern in _INPUTS for file in ROOT.glob(pattern) if file.is_file())
    contents = [text, json.dumps(list(overlays)).encode(), *overlays.values(), *(file.read_bytes() for file in inputs)]
    key = hashlib.sha256(b"\0".join(contents)).hexdigest()
    return Revision(layers(found), _cached(key, lambda into: _generate(name, found, into)) / PACKAGE)


def _checked(name: str, text: bytes, overlays: dict[str, bytes]) -> loading.Document:
    """Check a document with its overlays; raise Refusal if a defect has no cure."""
    with TemporaryDirectory() as folder:
        for file, content in {VENDORED.name: text, **overlays}.items():
            Path(folder, file).write_bytes(content)
        found = loading.load(Path(folder, VENDORED.name), [Path(folder, file) for file in overlays])
    if found.incurable:
        raise Refusal("\n".join([f"{name} cannot be compared:", *loading.report(found)]))
    return found


def _generate(name: str, found: loading.Document, into: Path) -> None:
    progress(f"generating from {name} ...")
    loading.complete(found.value, found.cures)
    with TemporaryDirectory() as work:
        move(making.make(found.value, Path(work)).package, into / PACKAGE)
    progress("")


def _cached(key: str, make: Callable[[Path], object]) -> Path:
    """A cached folder that `make` fills; it appears only when complete."""
    if not (folder := _CACHE / key).is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=_CACHE) as work:
            (made := Path(work) / "made").mkdir()
            make(made)
            with suppress(OSError):  # Another run was faster.
                made.rename(folder)
    return folder
