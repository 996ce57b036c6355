"""Takes a new document over in one go, or leaves everything as it was."""

from argparse import Namespace
from pathlib import Path

from generator.verification import PACKAGE, files

from .. import CURES, REFERENCE, ROOT, VENDORED, gate
from ..document import loading, overlay, settings
from ..document.defects import Refusal
from ..history import diff, release, revisions
from . import changelog, cures, placement, report

_CHANGELOG = ROOT / "CHANGELOG.md"
_HEAD = "# `make adopt` writes this file at each adoption: what one document needs. Yours goes into overlay.yaml.\n"


def run(arguments: Namespace) -> int:
    """Adopts the document and says on one screen what that means; raises Refusal where it can't be."""
    if arguments.undo:
        with placement.alone():  # which undoes what it finds
            return 0
    if arguments.document is None:
        raise Refusal.environment("No document is named.", "Name it: make adopt DOCUMENT=file")
    with placement.alone():
        return _adopt(arguments.document)


def _adopt(document: Path) -> int:
    own = [each for each in settings.read().overlays if each != CURES]
    text = loading.load(document, []).source.file.read_bytes()
    before = revisions.load("HEAD")
    found = cures.find(document, own, before.document)
    written = (_HEAD + overlay.dump_file(found, "Cures for relay.json")).encode()
    after = revisions.make(str(document), text, [written, *(each.read_bytes() for each in own)])
    overlays = [after.packages[0].parent / "overlay-0.yaml", *own]
    _require_effect(document, overlays)
    asked = Namespace(document=document, overlay=overlays, package=after.packages[0], checks=gate.CHECKS)
    if gate.run(asked):
        raise Refusal(f"the gate is not green; {document} was not adopted, nothing was changed.")
    if document.read_bytes() != text:
        raise Refusal(f"{document} changed meanwhile; nothing was adopted.")
    changes = diff.compare(before, after)
    tag = release.last_tag()
    since = diff.compare(revisions.load(tag), after) if tag else changes
    is_heads = not changes and revisions.git("show", f"HEAD:./{VENDORED.name}") == text
    draft = _draft_of_head() if is_heads else diff.markdown(tag or "HEAD", since)
    now = _CHANGELOG.read_text(encoding="utf-8") if _CHANGELOG.is_file() else "# Changelog\n\n"
    contents: dict[str, Path | bytes] = {
        VENDORED.name: text,
        f"generator/{CURES.name}": written,
        PACKAGE: after.packages[0],
        f"docs/{REFERENCE.name}": after.reference.read_bytes(),
        _CHANGELOG.name: changelog.with_draft(now, draft).encode(),
    }
    replaced = {name: content for name, content in contents.items() if not _is_there(ROOT / name, content)}
    if replaced:
        placement.put(replaced)
    print("\n".join(report.screen(changes, found, after.notes, _version(tag, since))))
    print(f"replaced: {', '.join(replaced) or 'nothing'}. Read `git diff`, then run `make test`.")
    return 0


def _require_effect(document: Path, overlays: list[Path]) -> None:
    """An action that finds no place in the new document would stop the next `make generate`."""
    try:
        loading.load(document, overlays, is_vendored=True)
    except Refusal as refusal:
        raise Refusal(f"{refusal}\n{document} was not adopted; nothing was changed.", refusal.code) from refusal


def _draft_of_head() -> str:
    return changelog.draft_in(revisions.git("show", f"HEAD:./{_CHANGELOG.name}").decode())


def _is_there(place: Path, content: Path | bytes) -> bool:
    if isinstance(content, bytes):
        return place.is_file() and place.read_bytes() == content
    return place.is_dir() and files(place) == files(content)


def _version(tag: str, since: list[diff.Change]) -> str:
    says = f"pyproject.toml says {release.own_version()}"
    if not tag:
        return f"{says}; nothing was released yet, so none must follow."
    demanded = release.demand(tag.removeprefix("v"), diff.worst(change.level for change in since))
    return f"{demanded} or higher must follow {tag}; {says}."
