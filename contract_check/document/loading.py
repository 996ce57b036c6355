"""The document: read, mended by its overlays, checked, and made ready for the generator."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import CURES, VENDORED
from . import (
    directions,
    long_running,
    media_types,
    nesting,
    overlay,
    reading,
    schema_rules,
    semantic_rules,
    settings,
    tree,
)
from .defects import Action, Defect, Refusal, count
from .text import visible
from .tree import SCHEMA_KEYWORDS, is_array, keyword_of, object_or_empty, operations, pointer, resolve, walk


@dataclass
class Document:
    """A document with its overlays applied, what is wrong with it, and the actions that would cure that."""

    source: reading.Source
    value: dict[str, Any]
    defects: list[Defect] = field(default_factory=list[Defect])
    warnings: list[str] = field(default_factory=list[str])
    cures: list[Action] = field(default_factory=list[Action])
    version: str = ""
    """The OpenAPI version that its file names; a sound document is kept as OpenAPI 3.1."""
    actions_without_effect: int = 0
    """How many actions of its overlays changed nothing."""

    @property
    def incurable(self) -> list[Defect]:
        """The defects that no overlay action would take away."""
        return [defect for defect in self.defects if defect.cure is None]


def load(file: Path, overlays: Iterable[Path] | None = None, *, is_vendored: bool | None = None) -> Document:
    """The document in `file` after its overlays (without any given, those of config.yaml); its defects are found.

    Raises Refusal where the file or an overlay can't be read, and, for the vendored document (or one that is to take
    its place, which `is_vendored` says), where an action of an overlay finds no place to change.
    """
    is_vendored = file.resolve() == VENDORED if is_vendored is None else is_vendored
    source = reading.read(file)
    document = Document(source, source.value, list(source.defects))
    if not document.defects:
        document.defects += schema_rules.check_version(document.value)
    if not document.defects:
        document.defects += nesting.check_depth(document.value)
    if document.defects:  # The rules have nothing to say of another format.
        return document
    document.version = document.value["openapi"]
    _drop_unread(document.value)
    tree.resolve_anchors(document.value)
    for each in settings.overlays(file) if overlays is None else overlays:
        unmatched, no_op = overlay.apply(each, document.value, VENDORED.name if is_vendored else file.name)
        if unmatched and is_vendored:
            advice = f"Mend its target, delete it, or mark it `{overlay.OPTIONAL}: true`."
            raise Refusal("\n".join([*unmatched, advice]))
        without_effect = unmatched + no_op
        document.actions_without_effect += len(without_effect)
        document.warnings += without_effect if len(without_effect) < 2 else [_summarize(each, without_effect)]
    _find(document)
    if not document.defects:
        complete(document.value)
    return document


def complete(document: dict[str, Any], cures: Iterable[Action] = ()) -> None:
    """Cure a document, and bring it into the form that all but its rules read: OpenAPI 3.1."""
    for action in cures:
        overlay.apply_action(action, document)
    _modernize(document)
    media_types.settle(document)
    directions.relax_required(document)


def _modernize(document: dict[str, Any]) -> None:
    """Say in OpenAPI 3.1 what 3.0 says, and put path items where they are referred to; all else stays in its place."""
    is_30 = document["openapi"].startswith("3.0.")
    document["openapi"] = "3.1.0" if is_30 else document["openapi"]
    for item in object_or_empty(document.get("paths")).values():
        item |= {**deepcopy(resolve(document, item)), **item}
        item.pop("$ref", None)
    for path, part in list(walk(document)):
        if is_30 and "$ref" in part and keyword_of(path) in SCHEMA_KEYWORDS:
            for key in part.keys() - {"$ref"}:  # which 3.0 ignores
                del part[key]
        # Without a type, OpenAPI 3.0 gives `nullable` no meaning; the generator does, so it stays there.
        if part.get("nullable") is True and "type" in part:
            types = part["type"] if is_array(part["type"]) else [part["type"]]
            part["type"] = [*types, "null"]
            if "enum" in part:
                part["enum"] = [*part["enum"], None]
            del part["nullable"]
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(part.get(exclusive), bool) and part.pop(exclusive) and limit in part:
                part[exclusive] = part.pop(limit)


def beneath(file: Path, overlays: Iterable[Path]) -> dict[str, Any]:
    """The document in `file` as it stands beneath its overlays, of which only the cures are applied."""
    value = reading.read(file).value
    _drop_unread(value)
    tree.resolve_anchors(value)
    for each in overlays:
        for _, action in overlay.read(each):
            (overlay.apply_action if each.name == CURES.name else overlay.copy_references)(action, value)
    return value


def cure(file: Path, value: dict[str, Any]) -> None:
    """Cure what has become unsound in `value`, which was made from the document in `file`."""
    document = Document(reading.read(file), value)
    _find(document)
    for action in document.cures:
        overlay.apply_action(action, value)


def _summarize(file: Path, lines: list[str]) -> str:
    """One line for the actions of an overlay that was written for another document."""
    places = ", ".join(line.removeprefix(f"{file}:").partition(":")[0] for line in lines)
    return f"{file}: {len(lines)} of its actions change nothing in this document, those in the lines {places}."


def _drop_unread(document: dict[str, Any]) -> None:
    """Drop `x-` keys that would be taken for a path or a status, and titles, which only an overlay may give.

    A title names a class, and those in real files repeat, or say "data".
    """
    for path, part in walk(document):
        for key in ("paths", "responses") if path != ("components",) else ():
            entries = object_or_empty(part.get(key))
            for name in [name for name in entries if name.startswith("x-")]:
                del entries[name]
        if keyword_of(path) in SCHEMA_KEYWORDS and isinstance(part.get("title"), str):
            del part["title"]


_CHECKS = (schema_rules.check, nesting.check, semantic_rules.check, long_running.check)


def _find(document: Document) -> None:
    """Finds every defect: curing some uncovers others, so a copy is cured until nothing new is found."""
    trial, is_sound, effects = deepcopy(document.value), False, set[str]()
    for _ in range(20):
        found = [] if is_sound else [rule_found for check in _CHECKS for rule_found in check(trial)]
        if not found:  # Values can be judged by sound schemas only; to take a value away leaves these sound.
            is_sound = True
            _modernize(trial)
            judged = list(semantic_rules.check_values(trial))
            document.warnings += (_line(document, defect) for defect in judged if defect.warning)
            found = [defect for defect in judged if not defect.warning]
        # Two rules may say of one thing what the same change would cure: the first has its say.
        by_effect = {(d.path, _effect(d.cure)): d for d in reversed(found) if d.cure}
        fresh = [defect for (_, effect), defect in by_effect.items() if effect not in effects][::-1]
        fresh.sort(key=_removal_order)  # pasted in this order, their cures work
        document.defects += fresh
        if not fresh:
            document.defects += (replace(defect, cure=None) for defect in found)
            break
        for defect in fresh:
            if defect.cure and _effect(defect.cure) not in effects:
                overlay.apply_action(defect.cure, trial)
                document.cures.append(defect.cure)
                effects.add(_effect(defect.cure))


def _removal_order(defect: Defect) -> tuple[int, ...]:
    """Removals of an array's items come last, since other cures name later items by their index."""
    path = overlay.single_place(defect.cure["target"]) if defect.cure and defect.cure.get("remove") else ()
    return overlay.removal_order(path) if isinstance(next(reversed(path), None), int) else ()


def _effect(cure: Action) -> str:
    return json.dumps({key: value for key, value in cure.items() if key != "description"}, ensure_ascii=False)


def report(document: Document) -> Iterator[str]:
    """What is wrong, for a person: every place and reason, and behind those that share it, the cure."""
    yield from (visible(f"warning: {line}") for line in document.warnings)
    by_cure: dict[str, dict[str, Defect]] = {}
    for defect in document.defects:
        by_cure.setdefault(json.dumps(defect.cure), {}).setdefault(_line(document, defect), defect)
    alike = Counter(_kind(defect) for defects in by_cure.values() for defect in defects.values())
    reported: set[tuple[object, ...]] = set()
    for defects in by_cure.values():
        kinds = {line: _kind(defect) for line, defect in defects.items()}
        cure = next(iter(defects.values())).cure
        if cure is not None and reported.issuperset(kinds.values()):
            continue
        for line, kind in kinds.items():
            if kind not in reported:
                others = count(alike[kind] - 1, "other place")
                yield line + (f" The same at {others}; --suggest prints all cures." if alike[kind] > 1 else "")
                reported.add(kind)
        if cure is not None:
            yield "  cure, to paste under the overlay's `actions`:"
            yield overlay.dump([cure]).rstrip()


def _kind(defect: Defect) -> tuple[object, ...]:
    """What is alike in all components of one kind, which one tool wrote, is told once."""
    is_component = defect.path[:1] == ("components",) and len(defect.path) > 3
    place = (defect.path[:2], defect.path[3:]) if is_component else defect.place or defect.path
    return place, defect.problem


def _line(document: Document, defect: Defect) -> str:
    row, column = defect.place or document.source.place(defect.path)
    return visible(f"{document.source.file}:{row}:{column}: {pointer(defect.path)}: {defect.problem}")


def additions(document: Document) -> Iterator[str]:
    """A line for each operation that an overlay added."""
    for path, operation in operations(document.value):
        if overlay.ADDED in operation:
            yield visible(f"{str(path[2]).upper()} {path[1]}: {operation[overlay.ADDED]}")


def summary(document: Document) -> str:
    """A line on what the document holds."""
    found = list(operations(document.value))
    return visible(f"{document.source.file.name}: OpenAPI {document.version}, {count(len(found), 'operation')}")
