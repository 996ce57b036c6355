"""List the changes between two revisions of the contract that affect a caller's code."""

import json
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, cast

from generator.verification import PACKAGE, files

from .. import VENDORED
from ..document import loading, overlay
from ..document.defects import Finding, Refusal, count, update
from ..document.text import annotate
from ..document.tree import JsonPath, at, is_array, is_object, resolve
from . import revisions, surface
from .renames import Renames
from .revisions import Layers, Revision
from .surface import Facts, Key, Place

LEVELS = ("none", "patch", "minor", "major")


@dataclass(frozen=True)
class Change:
    """A change; `operation` is empty if it concerns no particular one."""

    level: str
    operation: str
    where: str
    what: str


class _Found(NamedTuple):
    """A change at a place, for one operation: its aspect, level and description."""

    place: Place
    user: str
    aspect: str
    level: str
    what: str


_DECLARED = ("exists", "type", "type of success", "values", "security", "known values")
"""The aspects of a document that change a declaration in Python."""


def compare(old: Revision, new: Revision) -> list[Change]:
    """List the changes from `old` to `new`, worst first; operations correspond by route or by name."""
    renames, before, after = _contracts(old.layers.prepared, new.layers.prepared)
    users: dict[Place, set[str]] = {}
    for user, _, place, _ in before | after:
        users.setdefault(place[:2], set()).add(user)
    documented = list(_changes(before, after))
    found = documented + [
        _Found(place, user, "exists", "major", what)
        for place, what in renames.describe()
        for user in ([".".join(place[1:])] if place[0] == "api" else users.get(place, {""}))
    ]
    explained = {(each.place, each.aspect) for each in found}
    lasting = {key[0] for key in before} & {key[0] for key in after}  # others are reported themselves
    known = renames.applied(surface.names(old.package))
    for each in _changes(known, surface.names(new.package)):
        if not _is_implied(each, explained):
            place = each.place
            own = {".".join(place[1:3])} if place[2:] and place[0] == "api" else users.get(place[:2], {""}) & lasting
            found += [each._replace(user=user) for user in own]
    if not found and files(old.package) != files(new.package):
        found.append(_Found((PACKAGE,), "", "", "patch", "its documentation or internals changed"))
    return _merged([*found, *_hidden(old.layers, new.layers, documented)])


def _contracts(old: dict[str, Any], new: dict[str, Any]) -> tuple[Renames, Facts, Facts]:
    """The promises of two prepared documents, under the newer one's names."""
    renamed = deepcopy(old)
    renames = Renames(renamed, new)
    return renames, surface.promises(renamed), surface.promises(new)


def warnings_since_head(document: loading.Document) -> list[Finding]:
    """Warn about each change since HEAD that an overlay hides, if `document` is the vendored one, and sound."""
    file, head = document.source.file, revisions.git("show", f"HEAD:./{VENDORED.name}")
    if document.defects or file.resolve() != VENDORED or head in (b"", VENDORED.read_bytes()):
        return []
    found = (f"{each.level} since HEAD: {each.where}: {each.what}" for each in hidden_changes("HEAD", None))
    return [Finding(file, 0, 0, line, is_warning=True) for line in found]


def hidden_changes(old: str, new: str | None) -> list[Change]:
    """The changes between two documents or revisions that their overlays hide; generates no package."""
    layers = revisions.load_layers(old), revisions.load_layers(new)
    _, before, after = _contracts(*(each.prepared for each in layers))
    return _merged(_hidden(*layers, list(_changes(before, after))))


class _Part(NamedTuple):
    """A part that an action set, with its value in the older document and in the newer one without the action."""

    path: JsonPath
    before: Any
    now: Any


def _hidden(old: Layers, new: Layers, known: list[_Found]) -> Iterator[_Found]:
    """Find the changes that overlay actions hide, except those in `known`."""
    hidden = list(_hidden_parts(old.beneath, (), new.overlaid, new.beneath, old.beneath))
    by_action: dict[str, list[_Part]] = {}
    for part in hidden:
        by_action.setdefault(_action_at(new, part.path), []).append(part)
    revealed = {action: {each[:3] for each in _revealed(old, new, parts)} for action, parts in by_action.items()}
    for each in _revealed(old, new, hidden) if hidden else ():
        if each not in known:
            actions = [action for action, found in revealed.items() if each[:3] in found] or by_action
            yield each._replace(what=f"{each.what}; hidden by {', '.join(actions)}")


def _revealed(old: Layers, new: Layers, parts: list[_Part]) -> list[_Found]:
    """The changes between two documents if the actions had not set these parts."""
    before, after = deepcopy(old.overlaid), deepcopy(new.overlaid)
    for path, was, now in parts:
        _put(before, path, was)
        _put(after, path, now)
    _, promised, promises = _contracts(*(Layers(loading.completed(each), {}, {}).prepared for each in (before, after)))
    return list(_changes(promised, promises))


_NAMES = ("operationId", "tags", "title", "summary", "description")
"""Names and descriptions are no promises, so an overlay may replace them."""


def _hidden_parts(
    document: dict[str, Any], path: JsonPath, overlaid: Any, beneath: Any, before: Any
) -> Iterator[_Part]:
    """Each part that an action set and that changed beneath the overlays; `before` is in the older `document`."""
    if overlaid == beneath or (path[-1:] and path[-1] in _NAMES and path[-2:-1] != ("properties",)):
        return
    if is_object(overlaid) and is_object(beneath) and "$ref" not in overlaid.keys() | beneath.keys():
        was = resolve(document, before)
        for key in overlaid.keys() | beneath.keys():
            yield from _hidden_parts(document, (*path, key), overlaid.get(key), beneath.get(key), was.get(key))
    elif is_array(overlaid) and not any(map(is_object, overlaid)):
        # Keep the items that an action added, except those that the document had itself.
        kept = [item for item in overlaid if item in (beneath or ()) or item not in (before or ())]
        if kept != overlaid:
            yield _Part(path, overlaid, kept)
    elif before != beneath or '"$ref"' in json.dumps(beneath):
        yield _Part(path, before, beneath)


def _action_at(layers: Layers, path: JsonPath) -> str:
    """The last action that set the value at `path`."""
    for place, action in reversed(layers.actions.items()):
        for target in (*overlay.matches(action, layers.overlaid), *overlay.matches(action, layers.beneath)):
            rest = path[len(target) :]
            if path == (*target, *rest) and (action.get("remove") or at(action["update"], rest) is not None):
                return f"generator/{place}"
    return "an overlay"


def _put(document: dict[str, Any], path: JsonPath, value: Any) -> None:
    overlay.apply_action(update(path[:-1], {}, ""), document)  # copies shared objects first
    if is_object(holder := at(document, path[:-1])):
        holder.pop(str(path[-1]), None)
        holder |= {} if value is None else {str(path[-1]): deepcopy(value)}


def _merged(found: Iterable[_Found]) -> list[Change]:
    """Merge equal changes of several operations; worst first."""
    merged: dict[tuple[str, str], dict[str, str]] = {}
    for place, user, _, level, what in found:
        levels = merged.setdefault((_where(place), what), {})
        levels[user] = worst([level, levels.get(user, "none")])
    changes = [
        Change(
            worst(levels.values()), ", ".join(sorted(levels)) if len(levels) < 4 else f"{len(levels)} operations", *key
        )
        for key, levels in merged.items()
    ]
    return sorted(changes, key=lambda c: (-LEVELS.index(c.level), c.operation, c.where, c.what))


def _is_implied(change: _Found, explained: set[tuple[Place, str]]) -> bool:
    """Whether a change of the document implies a change of the package.

    An addition or removal implies those of all contents. A type implies a declaration in the same place, and any type
    of an operation implies the declarations of its functions. Only additions and removals imply an argument's position.
    """
    place = change.place
    holds = {place[:length] for length in range(1, len(place) + 1)}
    if any(aspect == "exists" and known in holds for known, aspect in explained):
        return True
    if change.aspect == "position":
        return False
    if place[-1] == "client":
        return (place[:-1], "security") in explained
    stem = place[:3] if place[-1].endswith("()") else place
    return any(known[: len(stem)] == stem for known, aspect in explained if aspect in _DECLARED)


def worst(levels: Iterable[str]) -> str:
    """The highest of these levels."""
    return max(levels, key=LEVELS.index, default="none")


def _where(place: Place) -> str:
    return "".join(f".{part}" if re.fullmatch(r"\w+(\(\))?", part) else f" {part}" for part in place)[1:].replace(
        " []", "[]"
    )


def _changes(old: Facts, new: Facts) -> Iterator[_Found]:
    """List the changes; additions and removals are reported without their contents."""
    keys = old.keys() | new.keys()
    moved = {key[:3] for key in keys if key[3] == "exists" and (_find(old, key) is None) != (_find(new, key) is None)}
    for key in keys:
        operation, direction, place, aspect = key
        before, after = _find(old, key), _find(new, key)
        holders = {(operation, direction, place[:length]) for length in range(1, len(place) + (aspect != "exists"))}
        if before != after and not holders & moved:
            level, what = _judge(aspect, before, after, direction == "response")
            if level != "none":
                yield _Found(place, operation, aspect, level, what)


def _find(facts: Facts, key: Key) -> Any:
    """A fact; for a status without its own, that of its range or of `default`."""
    operation, direction, place, aspect = key
    statuses = [f"{place[3][:8]}XX", "status default"] if "".join(place[3:4]).startswith("status ") else []
    keys = [key, *((operation, direction, (*place[:3], status, *place[4:]), aspect) for status in statuses)]
    return next((facts[found] for found in keys if found in facts), None)


def _judge(aspect: str, old: Any, new: Any, is_response: bool) -> tuple[str, str]:
    """Level and description of a change: it breaks if a request allows less, or a response allows more."""
    if aspect == "exists":
        if "class" in (old, new) or None not in (old, new):
            return "none", ""  # Reported as a type instead.
        if new is None:
            return "major", "was removed"
        return ("major", "is new and required") if new == "required" and not is_response else ("minor", "is new")
    pairs = _pairs(old, new)
    less = any(not _covers(aspect, now, before) for before, now in pairs)
    more = any(not _covers(aspect, before, now) for before, now in pairs)
    is_observable = less or more or aspect in ("default", "deprecated", "known values", "media type")
    level = "major" if (more if is_response else less) else "minor" if is_observable else "none"
    hint = ""
    if aspect == "type" and None not in (old, new) and ("Unset" in old) != ("Unset" in new):
        hint = ", so it is required" if "Unset" in old else ", so it is optional"
    return level, f"{aspect}: was {_format(old)}, is {_format(new)}{hint}"


def _pairs(old: Any, new: Any) -> list[tuple[Any, Any]]:
    """Pair the rules that differ, for a fact with several alternatives or parts."""
    if not isinstance(old or new, tuple):
        return [(old, new)]
    before, now = ([rule for rule in one or () if rule not in (other or ())] for one, other in ((old, new), (new, old)))
    return list(zip_longest(before, now))


def _covers(aspect: str, wide: Any, narrow: Any) -> bool:
    """Whether `wide` allows everything that `narrow` does."""
    match aspect:
        case "type" | "type of success":
            free = {"int"} if "float" in (wide or ()) else set[str]()
            return wide is None or "Any" in wide or (narrow or {"Any"}) <= wide | free
        case "values":
            return wide is None or (narrow is not None and narrow <= wide)
        case "security":
            return all(any(few <= way for few in wide) for way in narrow)
        case "default" | "deprecated":
            return None in (wide, narrow)
        case "known values" | "media type":
            return True
        case "writeOnly":
            return narrow is None
        case _ if aspect in surface.LIMITS:
            most, least = (surface.LIMITS[aspect] if limit is None else limit for limit in (wide, narrow))
            return bool(most <= least if "min" in aspect.lower() else most >= least)
        case "route" | "name on the wire" | "URL" | "own server" | "style" | "encoding" | "declaration" | "position":
            return False
        case _:
            return wide is None


def _format(fact: Any) -> str:
    if isinstance(fact, tuple):  # alternatives or parts
        return " and ".join(map(_format, cast("tuple[object, ...]", fact)))
    if not isinstance(fact, frozenset):
        return "unset" if fact is None else str(fact)
    parts = cast("frozenset[Iterable[str]]", fact)
    said = (part if isinstance(part, str) else " and ".join(sorted(part)) or "none" for part in parts)
    return " | ".join(sorted(said, key=lambda part: (part in ("None", "Unset"), part)))


def run(arguments: Namespace) -> int:
    """Compare and report; return 1 only if `--fail-on` says so."""
    changes = between(arguments.old, arguments.new)
    verdict = worst(change.level for change in changes)
    if arguments.format == "json":
        report = {"verdict": verdict, "changes": [asdict(change) for change in changes]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    elif arguments.format == "markdown":
        print(markdown(arguments.old, changes), end="")
    else:
        print(f"{verdict}: {count(len(changes), 'change')} since {arguments.old}")
        for change in changes:
            line = f"{change.operation or 'the package'}: {change.where}: {change.what}"
            print(f"{change.level} {line}")
            if change.level == "major":
                annotate("warning", "title=breaking change", line)
    return int(arguments.fail_on is not None and LEVELS.index(verdict) >= LEVELS.index(arguments.fail_on))


def between(old: str, new: str | None = None) -> list[Change]:
    """The changes between two documents or revisions."""
    try:
        return compare(revisions.load(old), revisions.load(new))
    except Refusal as refusal:  # exit code 1 is for the verdict
        raise Refusal(str(refusal), 2) from refusal


def markdown(since: str, changes: list[Change]) -> str:
    """Format the changes as a release note, or a draft for the changelog."""
    headings = {"major": "Breaking: callers may have to change", "minor": "New", "patch": "No effect on callers"}
    lines = [f"**{worst(change.level for change in changes)}** since {since}"]
    for level, heading in headings.items():
        found = [change for change in changes if change.level == level]
        lines += ["", f"### {heading}", ""] if found else []
        lines += (f"- `{c.where}` {c.what}{f' ({c.operation})' if c.operation else ''}" for c in found)
    return "\n".join(lines) + "\n"
