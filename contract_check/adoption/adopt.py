"""Replace the vendored document and everything generated from it, or change nothing."""

from argparse import Namespace
from copy import deepcopy
from pathlib import Path

from generator import making, placement
from generator.verification import PACKAGE, files

from .. import CURES, ROOT, VENDORED, gate
from ..document import loading, overlay, reading, settings
from ..document.defects import Refusal
from ..document.text import progress
from ..history import diff, release, revisions
from . import cures, report

_CHANGELOG = ROOT / "CHANGELOG.md"
_PLACES = {place: place.relative_to(ROOT).as_posix() for place in (VENDORED, CURES, ROOT / PACKAGE)}
_PLACES[_CHANGELOG] = _CHANGELOG.name
"""The files that an adoption replaces, with their names in git."""
_HEAD = "# `make adopt` writes this file at each adoption: what one document needs. Yours goes into overlay.yaml.\n"


def run(arguments: Namespace) -> int:
    """Adopt the document and report the consequences; raise Refusal if it can't be adopted."""
    document: Path = arguments.document
    names = " ".join(_PLACES.values())
    if revisions.git("status", "--porcelain", "--", *_PLACES.values()):
        problem = f"An adoption would overwrite uncommitted changes in {names}."
        restore = f"git restore --staged --worktree {names} && git clean -fd {PACKAGE}"
        raise Refusal.environment(problem, f"Commit, stash or drop them: {restore}")
    with placement.work_folder(ROOT / PACKAGE) as work:
        try:
            screen, replaced = _make(document, work)
        except Refusal as refusal:
            advice = f"{document} was not adopted; nothing was changed."
            raise Refusal(f"{refusal}\n{advice}", refusal.code) from refusal
        placement.replace(replaced)
    print("\n".join(screen))
    names = ", ".join(_PLACES[place] for place in replaced)
    print(f"replaced: {names or 'nothing'}. Read `git add -A && git diff --cached --stat`, then run `make test`.")
    return 0


def _make(document: Path, work: Path) -> tuple[list[str], dict[Path, Path]]:
    """Make the report, and the new content of each file that changes, in the folder `work`."""
    new = {place: work / place.name for place in _PLACES}
    before = revisions.load("HEAD")
    progress(f"checking {document} ...")
    source = reading.read(document)
    own = [overlay.read(each) for each in settings.read().overlays if each != CURES]
    needed = cures.find(loading.check(source, []), own, before.layers.prepared)
    new[CURES].write_text(_HEAD + overlay.dump_file(needed, f"Cures for {VENDORED.name}"), encoding="utf-8")
    found = loading.check(source, [overlay.read(new[CURES]), *own], is_vendored=True)
    if found.defects:
        raise Refusal("\n".join(loading.report(found)))
    progress(f"generating from {document} ...")
    made = making.make(deepcopy(found.value), work)
    departures = list(gate.wire(found, made.package))
    progress("")
    if failures := [line for each in departures if not each.is_warning for line in each.lines()]:
        raise Refusal("\n".join(["the generated functions do not follow the document:", *failures]))
    after = revisions.Revision(revisions.layers(found), made.package)
    changes = diff.compare(before, after)
    tag = release.last_tag()
    since = diff.compare(revisions.load(tag), after) if tag else changes
    entries = _CHANGELOG.read_text(encoding="utf-8") if _CHANGELOG.is_file() else "# Changelog\n\n"
    text = source.text.encode()
    if changes or text != VENDORED.read_bytes():
        entries = report.with_draft(entries, diff.markdown(tag or "HEAD", since))
    new[VENDORED].write_bytes(text)
    new[ROOT / PACKAGE] = made.package
    new[_CHANGELOG].write_text(entries, encoding="utf-8")
    version = f"pyproject.toml says {release.project()['version']}"
    if tag:
        required = release.required_version(tag.removeprefix("v"), diff.worst(each.level for each in since))
        version = f"{required} or higher must follow {tag}; {version}."
    else:
        version += "; no release exists yet, so it may stay."
    warnings = [each.lines()[0] for each in (*found.warnings, *departures)]
    screen = list(report.screen(changes, needed, warnings, made.notes, version))
    return screen, {place: each for place, each in new.items() if not _is_alike(place, each)}


def _is_alike(place: Path, new: Path) -> bool:
    if new.is_dir():
        return place.is_dir() and files(place) == files(new)
    return place.is_file() and place.read_bytes() == new.read_bytes()
