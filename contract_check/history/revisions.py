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
from tempfile import TemporaryDirectory
from typing import Any

from .. import CONFIG, ROOT, VENDORED
from ..document import loading, overlay, settings
from ..document.defects import Refusal, count
from ..document.prose_rules import server_url
from ..package import preparation
from ..package.verification import PACKAGE
from . import surface

_CACHE = ROOT / ".venv" / ".contract_check"
_ALL_FITS = "0 overlay actions changed nothing, 0 suggested cures applied"
_GENERATE = ROOT / "generate.sh"
_INPUTS = (
    *("generate.sh", "requirements-dev.txt", "contract_check/**/*.py"),
    *("generator/config.yaml", "generator/modules/**/*", "generator/templates/**/*"),
)


@dataclass(frozen=True)
class Revision:
    """One of the two that are compared: its prepared document, and the packages made from it."""

    document: dict[str, Any]
    packages: list[Path]

    @property
    def notes(self) -> list[str]:
        """What the generator was told to leave out or to say less of."""
        return (self.packages[0].parent / "notes").read_text(encoding="utf-8").splitlines()

    @property
    def reference(self) -> Path:
        """The list of the package's operations."""
        return self.packages[0].parent / "api.md"


def load(revision: str | None) -> Revision:
    """A document file, a git revision or (None) the working tree, with the overlays that belong to it.

    What these leave undone is done as `document --suggest` would; raises Refusal where that isn't enough.
    """
    if revision is None or os.path.isfile(revision):  # noqa: PTH113  # a Path raises where a name is too long
        file = Path(revision or VENDORED)
        overlays = [each.read_bytes() for each in settings.overlays(file)]
        return make(revision or "the working tree", file.read_bytes(), overlays)
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    text = git("show", f"{commit}:./{VENDORED.name}") if commit else b""
    if not text:
        problem = f"{revision} is no file, and no git revision that holds a {VENDORED.name}."
        raise Refusal.environment(problem, "Name one of these, such as HEAD or v0.1.0.")
    made = make(revision, text, _overlays(commit))
    if shipped := git("archive", commit, PACKAGE):  # What users have, whatever made it.
        unpack = ("tar", "-x", "-C")
        folder = _cached(commit, lambda into: subprocess.run([*unpack, into], input=shipped, check=True))
        made.packages.append(folder / PACKAGE)
    return made


def git(*arguments: str) -> bytes:
    """What git says in the checkout; nothing where it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False).stdout


def _overlays(commit: str) -> list[bytes]:
    """The overlays of a commit, as its own config.yaml lists them."""
    with TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG.name
        config.write_bytes(git("show", f"{commit}:./generator/{CONFIG.name}"))
        names = [each.name for each in settings.read(config).overlays]
    found = (git("show", f"{commit}:./generator/{name}") for name in names)
    return [content for content in found if content]


def make(name: str, text: bytes, overlays: list[bytes]) -> Revision:
    """The revision that a document and its overlays come to, kept for the next time."""
    inputs = sorted(file for pattern in _INPUTS for file in ROOT.glob(pattern) if file.is_file())
    key = hashlib.sha256(b"\0".join([text, *overlays, *(file.read_bytes() for file in inputs)])).hexdigest()
    folder = _cached(key, lambda into: _generate(name, text, overlays, into))
    if (note := (folder / "note").read_text(encoding="utf-8")) != _ALL_FITS:
        print(f"note: {name}: {note}", file=sys.stderr)
    return Revision(json.loads((folder / "prepared.json").read_text(encoding="utf-8")), [folder / PACKAGE])


def _generate(name: str, text: bytes, overlays: list[bytes], into: Path) -> None:
    print(f"generating from {name} ...", file=sys.stderr)
    file, cures = into / "relay.json", into / "cures.yaml"
    file.write_bytes(text)
    given = [into / f"overlay-{number}.yaml" for number in range(len(overlays))]
    for each, content in zip(given, overlays, strict=True):
        each.write_bytes(content)
    found = loading.load(file, given)
    cures.write_text(overlay.dump_file(found.cures, "Suggested cures"), encoding="utf-8")
    options: list[str | Path] = [option for each in (*given, cures) for option in ("--overlay", each)]
    command: list[str | Path] = [_GENERATE, "--document", file, *options]
    command += ["--output", into / PACKAGE, "--reference", into / "api.md"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"{name} cannot be compared:\n{done.stderr}")
    documented = {"servers": deepcopy(found.value.get("servers"))}
    for cure in found.cures:
        overlay.apply_action(cure, found.value)
    loading.complete(found.value)
    surface.keep_originals(found.value)
    prepared = preparation.prepare(found.value)
    if not server_url(documented):
        found.value.pop("servers", None)  # A cure's placeholder is no promise.
    (into / "prepared.json").write_text(json.dumps(found.value), encoding="utf-8")
    (into / "notes").write_text("".join(f"{note}\n" for note in prepared.notes), encoding="utf-8")
    without_effect = count(found.actions_without_effect, "overlay action")
    told = f"{without_effect} changed nothing, {count(len(found.cures), 'suggested cure')} applied"
    (into / "note").write_text(told, encoding="utf-8")


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
