"""What is compared: documents or git revisions, each with the packages made from it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from shutil import move
from tempfile import TemporaryDirectory
from typing import Any

from generator import making
from generator.prepare import preparation
from generator.verification import PACKAGE, files

from .. import CONFIG, ROOT, VENDORED
from ..document import loading, settings
from ..document.defects import Refusal, count
from ..document.semantic_rules import server_url
from ..document.text import progress
from . import surface

_CACHE = ROOT / ".venv" / ".contract_check"
_INPUTS = (
    *("requirements/generate.txt", "contract_check/**/*.py", "generator/config.yaml"),
    *("generator/**/*.py", "generator/templates/**/*"),
)


@dataclass(frozen=True)
class Layers:
    """A sound document that is not prepared yet: after its overlays, and as it stands beneath them."""

    file: Path
    overlaid: dict[str, Any]
    beneath: dict[str, Any]

    def prepared(self) -> dict[str, Any]:
        """Turn the overlaid document, which may have been changed, into what would be generated."""
        has_server = "servers" in self.overlaid
        loading.cure(self.file, self.overlaid)
        surface.keep_originals(self.overlaid)
        preparation.prepare(self.overlaid)
        if not has_server:
            self.overlaid.pop("servers", None)
        return self.overlaid


@dataclass(frozen=True)
class Revision:
    """One of the two that are compared: its prepared document, the packages made from it, and what it was made from."""

    document: dict[str, Any]
    packages: list[Path]
    layers: Layers


def load(revision: str | None) -> Revision:
    """A document file, a git revision or (None) the working tree, with the overlays that belong to it.

    What these leave undone is done as `document --suggest` would; raises Refusal where that isn't enough.
    """
    commit, text, overlays = _source(revision)
    made = make(revision or "the working tree", text, overlays)
    if shipped := git("archive", commit, PACKAGE) if commit else b"":  # What users have, whatever made it.
        unpack = ("tar", "-x", "-C")
        package = _cached(commit, lambda into: subprocess.run([*unpack, into], input=shipped, check=True)) / PACKAGE
        if files(package) != files(made.packages[0]):
            made.packages.append(package)
    return made


def load_layers(revision: str | None, into: Path) -> Layers:
    """The layers of a revision, written to the folder `into`, without a package made from them."""
    _, text, overlays = _source(revision)
    file, given = _write(text, overlays, into)
    return layers(loading.load(file, given), given)


def layers(found: loading.Document, overlays: list[Path]) -> Layers:
    """The layers of a document that was loaded with these overlays."""
    made = Layers(found.source.file, deepcopy(found.value), loading.beneath(found.source.file, overlays))
    for value in (made.overlaid, made.beneath):
        loading.complete(value, found.cures)
        if not server_url(found.value):
            value.pop("servers", None)  # A cure's placeholder is no promise.
    return made


def _source(revision: str | None) -> tuple[str, bytes, dict[str, bytes]]:
    """The commit, if any, the document and the overlays of a revision."""
    if revision is None or os.path.isfile(revision):  # noqa: PTH113  # a Path raises where a name is too long
        file = Path(revision or VENDORED)
        return "", file.read_bytes(), {each.name: each.read_bytes() for each in settings.overlays(file)}
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    text = git("show", f"{commit}:./{VENDORED.name}") if commit else b""
    if not text:
        problem = f"{revision} is no file, and no git revision that holds a {VENDORED.name}."
        raise Refusal.environment(problem, "Name one of these, such as HEAD or v0.1.0.")
    return commit, text, _overlays(commit)


def git(*arguments: str) -> bytes:
    """What git says in the checkout; nothing where it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False).stdout


def _overlays(commit: str) -> dict[str, bytes]:
    """The overlays of a commit, as its own config.yaml lists them."""
    with TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG.name
        config.write_bytes(git("show", f"{commit}:./generator/{CONFIG.name}"))
        names = [each.name for each in settings.read(config).overlays]
    found = {name: git("show", f"{commit}:./generator/{name}") for name in names}
    return {name: content for name, content in found.items() if content}


def make(name: str, text: bytes, overlays: dict[str, bytes]) -> Revision:
    """The revision that a document and its overlays come to, kept for the next time."""
    inputs = sorted(file for pattern in _INPUTS for file in ROOT.glob(pattern) if file.is_file())
    contents = [text, json.dumps(list(overlays)).encode(), *overlays.values(), *(file.read_bytes() for file in inputs)]
    key = hashlib.sha256(b"\0".join(contents)).hexdigest()
    folder = _cached(key, lambda into: _generate(name, text, overlays, into))
    if note := (folder / "note").read_text(encoding="utf-8"):
        print(f"note: {name}: {note}", file=sys.stderr)
    document, kept = (
        json.loads((folder / f"{each}.json").read_text(encoding="utf-8")) for each in ("prepared", "layers")
    )
    return Revision(document, [folder / PACKAGE], Layers(folder / VENDORED.name, **kept))


def _write(text: bytes, overlays: dict[str, bytes], into: Path) -> tuple[Path, list[Path]]:
    file, given = into / VENDORED.name, [into / name for name in overlays]
    for each, content in zip((file, *given), (text, *overlays.values()), strict=True):
        each.write_bytes(content)
    return file, given


def _generate(name: str, text: bytes, overlays: dict[str, bytes], into: Path) -> None:
    progress(f"generating from {name} ...")
    file, given = _write(text, overlays, into)
    found = loading.load(file, given)
    if found.incurable:
        raise Refusal("\n".join([f"{name} cannot be compared:", *loading.report(found)]))
    has_server, kept = server_url(found.value), layers(found, given)
    (into / "layers.json").write_text(
        json.dumps({"overlaid": kept.overlaid, "beneath": kept.beneath}), encoding="utf-8"
    )
    loading.complete(found.value, found.cures)
    surface.keep_originals(found.value)
    with TemporaryDirectory() as work:
        move(making.make(found.value, Path(work)).package, into / PACKAGE)
    if not has_server:
        found.value.pop("servers", None)  # A cure's placeholder is no promise.
    (into / "prepared.json").write_text(json.dumps(found.value), encoding="utf-8")
    notes = {"overlay action": (found.actions_without_effect, "changed nothing")}
    notes["suggested cure"] = (len(found.cures), "applied")
    note = ", ".join(f"{count(amount, noun)} {done}" for noun, (amount, done) in notes.items() if amount)
    (into / "note").write_text(note, encoding="utf-8")
    progress("")


def _cached(key: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, kept for the next time; it appears whole or not at all."""
    if not (folder := _CACHE / key).is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=_CACHE) as work:
            (made := Path(work) / "made").mkdir()
            make(made)
            with suppress(OSError):  # Another run was first.
                made.rename(folder)
    return folder
