"""Read, apply and write OpenAPI Overlays 1.0 (spec.openapis.org/overlay/v1.0.0)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import jsonpath
from jsonpath.selectors import NameSelector
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from . import operations
from .defects import Action, Finding, Refusal
from .text import is_visible
from .tree import JsonPath, at, is_array, is_object, list_or_empty, object_or_empty, resolve

OPTIONAL = "x-optional"
ADDED = "x-not-in-document"
"""Marks an operation that an overlay added, with the title of the overlay."""
_ADD_ONLY = "x-add-only"
_NO_OP = "sets what is already there"
_FIELDS = ("target", "description", "update", "remove")


class Overlay(NamedTuple):
    """The actions of an overlay file, each with its line."""

    file: Path
    title: str
    actions: list[tuple[int, Action]]


def load_yaml(file: Path) -> Any:
    """Parse a YAML file; lists and mappings know their lines. Raise Refusal if it can't be parsed."""
    reader: Any = YAML(typ="rt")
    try:
        return reader.load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal.environment(f"{file}: {error.strerror}.", "Name a file that can be read.") from error
    except (YAMLError, UnicodeDecodeError) as error:
        mark: Any = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise Refusal(f"{file}{where}: this is not YAML in UTF-8: {getattr(error, 'problem', error)}.") from error


def read(file: Path) -> Overlay:
    """Read the overlay in `file`; raise Refusal with all invalid actions."""
    content = object_or_empty(load_yaml(file))
    items: Any = list_or_empty(content.get("actions"))
    actions = [
        (int(items.lc.item(index)[0]) + 1, object_or_empty(json.loads(json.dumps(item))))
        for index, item in enumerate(items)
    ]
    problems = [f"{file}:1: `actions` must be a list."] if not is_array(content.get("actions")) else []
    problems += [f"{file}:{line}: {problem}" for line, action in actions for problem in _problems(action)]
    if not str(content.get("overlay")).startswith("1.0."):
        problems.insert(0, f"{file}:1: this is not an Overlay 1.0: it does not begin with `overlay: 1.0.0`.")
    if problems:
        raise Refusal("\n".join(problems))
    return Overlay(file, str(object_or_empty(content.get("info")).get("title")), actions)


def _problems(action: Action) -> Iterator[str]:
    for key in action:
        if key not in _FIELDS and not key.startswith("x-"):
            yield f"`{key}` is not a field of an overlay action; the fields are {', '.join(_FIELDS)}."
    if not action.get("description"):
        yield "this action has no `description`: give the reason for it there."
    if "update" not in action and action.get("remove") is not True:
        yield "this action does nothing: give it `update`, or `remove: true`."
    try:
        jsonpath.compile(str(action.get("target")))
    except jsonpath.JSONPathError as error:
        yield f"the target `{action.get('target')}` is not a JSONPath (RFC 9535): {error.args[0]}."


def apply(overlay: Overlay, document: dict[str, Any], name: str) -> tuple[list[Finding], list[Finding]]:
    """Apply an overlay to `document`, called `name`, and mark the operations that it adds.

    Return the actions that match nothing, and those that match but change nothing.
    """
    unmatched, no_op = list[Finding](), list[Finding]()
    known = {each.path for each in operations.of(document)}
    for line, action in overlay.actions:
        reason = apply_action(action, document)
        if reason and action.get(OPTIONAL) is not True:
            found = Finding(overlay.file, line, 0, f"this action {reason}: {action['target']}")
            (no_op if reason == _NO_OP else unmatched).append(found)
    for each in operations.of(document):
        if each.path not in known:
            each.definition[ADDED] = f"not in {name}; {overlay.title}"
    return unmatched, no_op


def apply_action(action: Action, document: dict[str, Any]) -> str | None:
    """Apply one action to `document`; return why it changed nothing, or None.

    A target that names one place also finds it behind a `$ref`. The referenced object is first copied there, so that
    other references to it are unchanged.
    """
    copy_references(action, document)
    reason = "matches nothing"
    found = matches(action, document)
    is_30 = str(document.get("openapi")).startswith("3.0.")
    for path in sorted(found, key=removal_order):
        target, parent = found[path].obj, found[path].parent
        is_path_item = path[:1] == ("paths",) and len(path) == 2
        if action.get("remove") is True:
            if parent is not None:
                del parent.obj[path[-1]]
                reason = ""
        elif not (is_object(target) or is_array(target)):
            reason = reason and "matches a value that is neither an object nor an array"
        elif is_30 and "$ref" in target and not is_path_item and "$ref" not in object_or_empty(action["update"]):
            reason = reason and "adds to a `$ref`, and OpenAPI 3.0 ignores what stands beside it"
        elif _merge(target, action["update"], add_only=action.get(_ADD_ONLY) is True):
            reason = ""
        else:
            reason = reason and _NO_OP
    return reason or None


def matches(action: Action, document: dict[str, Any]) -> dict[JsonPath, Any]:
    """The matches of an action's target in `document`, by path."""
    return {match.parts: match for match in jsonpath.finditer(action["target"], document)}


def copy_references(action: Action, document: dict[str, Any]) -> None:
    """Replace references by copies on the path to the one place that an action targets."""
    steps = single_place(action["target"])
    for length in range(1, len(steps) + 1):
        part = object_or_empty(at(document, steps[: length - 1]))
        if steps[length - 1] not in part:
            _inline_ref(document, part, steps[length - 1 :])
    if not action.get("remove") and "$ref" not in object_or_empty(action["update"]):
        _inline_ref(document, object_or_empty(at(document, steps)), ())


def removal_order(path: Sequence[str | int]) -> tuple[int, ...]:
    """A sort key that puts later and deeper items first, since a removal shifts the items after it."""
    return (*(-part for part in path if isinstance(part, int)), 1)


def single_place(target: str) -> JsonPath:
    """The path that a target names, or an empty one if it may match several places."""
    query = jsonpath.compile(target)
    if not isinstance(query, jsonpath.JSONPath) or not query.singular_query():
        return ()
    selectors: list[Any] = [segment.selectors[0] for segment in query.segments]
    return tuple(each.name if isinstance(each, NameSelector) else each.index for each in selectors)


def _inline_ref(document: dict[str, Any], part: dict[str, Any], rest: JsonPath) -> None:
    """Replace a reference by a copy of its target, if `rest` exists there."""
    target = resolve(document, part)
    if "$ref" in part and target is not part and _exists(document, target, rest):
        copied = deepcopy(target)
        if not str(document.get("openapi")).startswith("3.0."):  # 3.0 ignores the siblings of a reference.
            copied |= {key: value for key, value in part.items() if key != "$ref"}
        part.clear()
        part.update(copied)


def _exists(document: dict[str, Any], part: Any, rest: JsonPath) -> bool:
    for step in rest:
        if is_object(part) and step not in part:
            part = resolve(document, part)
        part = at(part, (step,))
    return part is not None


def _merge(target: Any, update: Any, *, add_only: bool) -> bool:
    """Merge by Overlay 1.0: objects key by key, arrays by appending, anything else by replacing.

    Existing items of an array are not appended again: `required` and `tags` are sets. With `add_only`, nothing is
    replaced, and existing properties are kept. Return whether anything changed.
    """
    if is_array(target):
        given: list[Any] = update if is_array(update) else [update]
        items = [item for item in given if item not in target]
        target += deepcopy(items)
        return bool(items)
    changed = False
    for key, value in object_or_empty(update).items():
        if add_only and key == "properties":
            value = {name: field for name, field in value.items() if name not in target.get(key, {})}
        if (is_object(value) and is_object(target.get(key))) or (is_array(value) and is_array(target.get(key))):
            changed |= _merge(target[key], value, add_only=add_only)
        elif key not in target or (not add_only and target[key] != value):
            target[key] = deepcopy(value)
            changed = True
    return changed


def dump(actions: Iterable[Action]) -> str:
    """`actions` as YAML, ready to paste under an overlay's `actions:`."""
    writer: Any = YAML()
    writer.width = 4096  # don't fold long targets
    writer.indent(mapping=2, sequence=4, offset=2)
    listed = list(actions)
    writer.allow_unicode = is_visible(json.dumps(listed, ensure_ascii=False))
    text = StringIO()
    writer.dump(listed, text)
    return text.getvalue()


def dump_file(actions: list[Action], title: str) -> str:
    """`actions` as a complete overlay file."""
    head = f"overlay: 1.0.0\ninfo:\n  title: {json.dumps(title, ensure_ascii=False)}\n  version: 1.0.0\n"
    return head + ("actions:\n" + dump(actions) if actions else "actions: []\n")
