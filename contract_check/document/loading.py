"""Load a document: read it, apply its overlays, check it, and convert it to OpenAPI 3.1."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import CURES, VENDORED
from . import media_types, nesting, overlay, reading, schema_rules, semantic_rules, settings, tree
from .defects import Action, Defect, Finding, Refusal, count
from .operations import of, relax_required
from .text import escape_invisible
from .tree import SCHEMA_KEYWORDS, is_array, is_object, keyword_of, pointer, resolve, walk


@dataclass
class Document:
    """A document with its overlays applied, its defects and their cures."""

    source: reading.Source
    value: dict[str, Any]
    defects: list[Defect]
    warnings: list[Finding] = field(default_factory=list[Finding])
    cures: list[Action] = field(default_factory=list[Action])
    overlays: list[overlay.Overlay] = field(default_factory=list[overlay.Overlay])
    version: str = ""
    """The OpenAPI version of its file; `value` of a sound document is OpenAPI 3.1."""
    actions_without_effect: int = 0
    """The number of overlay actions that changed nothing."""

    @property
    def incurable(self) -> list[Defect]:
        """The defects that no overlay action can cure."""
        return [defect for defect in self.defects if defect.cure is None]

    def finding(self, defect: Defect) -> Finding:
        """Locate a defect in the file."""
        row, column = defect.place or self.source.place(defect.path)
        return Finding(self.source.file, row, column, f"{pointer(defect.path)}: {defect.problem}", defect.warning)

    def beneath(self) -> dict[str, Any]:
        """The document without its overlays, except for the cures."""
        value: dict[str, Any] = json.loads(self.source.text)
        _drop_unread(value)
        tree.resolve_anchors(value)
        for each in self.overlays:
            for _, action in each.actions:
                (overlay.apply_action if each.file.name == CURES.name else overlay.copy_references)(action, value)
        return value


def load(file: Path, overlays: Iterable[Path] | None = None) -> Document:
    """Read and check the document in `file` with its overlays; default: those of config.yaml."""
    source = reading.read(file)
    overlays = settings.overlays(file) if overlays is None else overlays
    return check(source, map(overlay.read, overlays), is_vendored=file.resolve() == VENDORED)


def check(source: reading.Source, overlays: Iterable[overlay.Overlay], *, is_vendored: bool = False) -> Document:
    """Apply overlays to a document, and find its defects.

    Raise Refusal if an action matches nothing in the vendored document, or in the one that replaces it.
    """
    document = Document(source, {} if source.defects else json.loads(source.text), list(source.defects))
    for rule in (schema_rules.check_version, nesting.check_depth):
        document.defects = document.defects or list(rule(document.value))
    if document.defects:  # The other rules would fail on another format.
        return document
    document.version = document.value["openapi"]
    _drop_unread(document.value)
    tree.resolve_anchors(document.value)
    for each in overlays:
        unmatched, no_op = overlay.apply(each, document.value, VENDORED.name if is_vendored else source.file.name)
        if unmatched and is_vendored:
            advice = f"Correct its target, delete it, or mark it `{overlay.OPTIONAL}: true`."
            raise Refusal("\n".join([*(line for found in unmatched for line in found.lines()), advice]))
        document.overlays.append(each)
        document.actions_without_effect += len(unmatched + no_op)
        document.warnings += _summarize(each.file, unmatched + no_op)
    found, document.cures = _find(document.value)
    document.warnings += [document.finding(each) for each in found if each.warning]
    document.defects = [each for each in found if not each.warning]
    if not document.defects:
        complete(document.value)
    return document


def _summarize(file: Path, without_effect: list[Finding]) -> list[Finding]:
    """Merge the warnings about an overlay's actions: it was probably written for another document."""
    if len(without_effect) < 2:
        return [replace(each, is_warning=True) for each in without_effect]
    lines = ", ".join(str(each.row) for each in without_effect)
    text = f"{len(without_effect)} of its actions change nothing in this document: lines {lines}."
    return [Finding(file, 0, 0, text, is_warning=True)]


def _drop_unread(document: dict[str, Any]) -> None:
    """Drop `x-` keys that look like a path or a status, and titles, which name classes.

    Only an overlay may give titles: those in real documents repeat, or are words such as "data".
    """
    for path, part in walk(document):
        for key in ("paths", "responses") if path != ("components",) else ():
            if is_object(part.get(key)):
                part[key] = {name: each for name, each in part[key].items() if not name.startswith("x-")}
        if keyword_of(path) in SCHEMA_KEYWORDS and isinstance(part.get("title"), str):
            del part["title"]


def _find(value: dict[str, Any]) -> tuple[list[Defect], list[Action]]:
    """Find every defect and warning. A cure may uncover other defects, so cure a copy until nothing new is found.

    Each check relies on the ones before it.
    """
    trial, reported, cures, effects = deepcopy(value), list[Defect](), list[Action](), set[str]()
    for _ in range(20):
        found = list(schema_rules.check(trial)) or list(semantic_rules.check(trial))
        if not _cure_new(trial, found, reported, cures, effects):
            break
    if not reported or all(defect.cure for defect in reported):
        _modernize(trial)
        judged = list(semantic_rules.check_values(trial))  # Removing a value can't cause other defects.
        reported += [defect for defect in judged if defect.warning]
        _cure_new(trial, [defect for defect in judged if not defect.warning], reported, cures, effects)
    return reported, cures


def _cure_new(
    trial: dict[str, Any], found: list[Defect], reported: list[Defect], cures: list[Action], effects: set[str]
) -> bool:
    """Report the new defects among `found`, and cure them in `trial`; return whether there are any."""
    # Two rules may report one place with the same cure: only the first is reported.
    by_effect = {(each.path, _effect(each.cure)): each for each in reversed(found) if each.cure}
    fresh = [defect for (_, effect), defect in by_effect.items() if effect not in effects][::-1]
    fresh.sort(key=_removal_order)  # so that the cures work in this order
    reported += fresh or (replace(defect, cure=None) for defect in found)
    for defect in fresh:
        if defect.cure and _effect(defect.cure) not in effects:
            overlay.apply_action(defect.cure, trial)
            cures.append(defect.cure)
            effects.add(_effect(defect.cure))
    return bool(fresh)


def _removal_order(defect: Defect) -> tuple[int, ...]:
    """A sort key that puts removals from arrays last, since other cures name items by their index."""
    path = overlay.single_place(defect.cure["target"]) if defect.cure and defect.cure.get("remove") else ()
    return overlay.removal_order(path) if path and isinstance(path[-1], int) else ()


def _effect(cure: Action) -> str:
    return json.dumps({key: value for key, value in cure.items() if key != "description"}, ensure_ascii=False)


def complete(document: dict[str, Any], cures: Iterable[Action] = ()) -> None:
    """Cure a document, and convert it to OpenAPI 3.1."""
    for action in cures:
        overlay.apply_action(action, document)
    _modernize(document)
    media_types.settle(document)
    relax_required(document)


def completed(document: dict[str, Any], cures: Iterable[Action] | None = None) -> dict[str, Any]:
    """Complete a document, by its own cures if none are given, but without a server that a cure added."""
    has_server = semantic_rules.server_url(document)
    complete(document, _find(document)[1] if cures is None else cures)
    if not has_server:
        document.pop("servers", None)
    return document


def _modernize(document: dict[str, Any]) -> None:
    """Convert OpenAPI 3.0 to 3.1, and inline the references to path items; all else keeps its place."""
    is_30 = document["openapi"].startswith("3.0.")
    document["openapi"] = "3.1.0" if is_30 else document["openapi"]
    for item in document.get("paths", {}).values():
        item |= {**deepcopy(resolve(document, item)), **item}
        item.pop("$ref", None)
    for path, part in list(walk(document)):
        if is_30 and "$ref" in part and keyword_of(path) in SCHEMA_KEYWORDS:
            for key in part.keys() - {"$ref"}:  # ignored by 3.0
                del part[key]
        # OpenAPI 3.0 ignores `nullable` without a type, but the generator does not, so keep it there.
        if part.get("nullable") is True and "type" in part:
            types = part["type"] if is_array(part["type"]) else [part["type"]]
            part["type"] = [*types, "null"]
            if "enum" in part:
                part["enum"] = [*part["enum"], None]
            del part["nullable"]
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(part.get(exclusive), bool) and part.pop(exclusive) and limit in part:
                part[exclusive] = part.pop(limit)


def findings(document: Document) -> Iterator[Finding]:
    """List the defects, grouped by cure.

    A defect that repeats in all components of one kind, as tools produce it, is listed once.
    """
    yield from document.warnings
    by_cure: dict[str, dict[Finding, Defect]] = {}
    for defect in document.defects:
        by_cure.setdefault(json.dumps(defect.cure), {}).setdefault(document.finding(defect), defect)
    alike = Counter(_kind(defect) for defects in by_cure.values() for defect in defects.values())
    reported: set[tuple[object, ...]] = set()
    for defects in by_cure.values():
        shown = list[Finding]()
        for finding, defect in defects.items():
            others = f" The same at {count(alike[_kind(defect)] - 1, 'other place')}; --suggest prints all cures."
            if _kind(defect) not in reported:
                shown.append(replace(finding, text=finding.text + (others if alike[_kind(defect)] > 1 else "")))
            reported.add(_kind(defect))
        action = next(iter(defects.values())).cure
        if shown and action is not None:
            lines = ["  cure, to paste under the overlay's `actions`:", *overlay.dump([action]).rstrip().split("\n")]
            shown[-1] = replace(shown[-1], details=tuple(lines))
        yield from shown


def _kind(defect: Defect) -> tuple[object, ...]:
    is_component = defect.path[:1] == ("components",) and len(defect.path) > 3
    place = (defect.path[:2], defect.path[3:]) if is_component else defect.place or defect.path
    return place, defect.problem


def report(document: Document) -> Iterator[str]:
    """The findings, as lines."""
    return (line for finding in findings(document) for line in finding.lines())


def additions(document: Document) -> Iterator[str]:
    """A line for each operation that an overlay added."""
    for operation in of(document.value):
        if overlay.ADDED in operation.definition:
            yield escape_invisible(f"{operation}: {operation.definition[overlay.ADDED]}")


def summary(document: Document) -> str:
    """Describe the document in one line."""
    number = count(len(list(of(document.value))), "operation")
    return escape_invisible(f"{document.source.file.name}: OpenAPI {document.version}, {number}")
