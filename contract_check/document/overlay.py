"""Reads and applies an OpenAPI Overlay 1.0 (spec.openapis.org/overlay/v1.0.0), and writes suggested ones."""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import jsonpath
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .defects import Action, Refusal
from .tree import is_array, is_object, list_or_empty, object_or_empty

OPTIONAL = "x-optional"
_FIELDS = ("target", "description", "update", "remove")


def load_yaml(file: Path) -> Any:
    """The value in a YAML file, each list and mapping with its lines; raises Refusal where there is none."""
    reader: Any = YAML(typ="rt")
    try:
        return reader.load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal.environment(f"{file}: {error.strerror}.", "Name a file that can be read.") from error
    except (YAMLError, UnicodeDecodeError) as error:
        mark: Any = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise Refusal(f"{file}{where}: this is not YAML in UTF-8: {getattr(error, 'problem', error)}.") from error


def read(file: Path) -> list[tuple[str, Action]]:
    """The actions in `file`, each with its place; raises Refusal that names every one that is unsound."""
    content = object_or_empty(load_yaml(file))
    items: Any = list_or_empty(content.get("actions"))
    places = [f"{file}:{items.lc.item(index)[0] + 1}" for index in range(len(items))]
    actions = [
        (place, object_or_empty(json.loads(json.dumps(item)))) for place, item in zip(places, items, strict=True)
    ]
    problems = [f"{place}: {problem}" for place, action in actions for problem in _problems(action)]
    if not str(content.get("overlay")).startswith("1.0."):
        problems.insert(0, f"{file}:1: this is no Overlay 1.0: it does not begin with `overlay: 1.0.0`.")
    if problems:
        raise Refusal("\n".join(problems))
    return actions


def _problems(action: Action) -> Iterator[str]:
    for key in action:
        if key not in _FIELDS and not key.startswith("x-"):
            yield f"`{key}` is no field of an overlay action; these are: {', '.join(_FIELDS)}."
    if not action.get("description"):
        yield "this action gives no reason: say in its `description` why it is there."
    if "update" not in action and action.get("remove") is not True:
        yield "this action does nothing: give it `update`, or `remove: true`."
    try:
        jsonpath.compile(str(action.get("target")))
    except jsonpath.JSONPathError as error:
        yield f"the target `{action.get('target')}` is no JSONPath (RFC 9535): {error.args[0]}."


def apply(file: Path, document: dict[str, Any]) -> list[str]:
    """Changes `document` by the actions in `file`; returns a line for each that matched nothing."""
    return [
        f"{place}: this action matches nothing: {action['target']}"
        for place, action in read(file)
        if not apply_action(action, document) and action.get(OPTIONAL) is not True
    ]


def apply_action(action: Action, document: dict[str, Any]) -> bool:
    """Changes `document` by one action; says whether it matched anything."""
    matches = list(jsonpath.finditer(action["target"], document))
    for match in reversed(matches):  # From the back: a removal moves the items behind it.
        found: Any = match.obj
        if action.get("remove") is not True:
            _merge(found, action["update"])
        elif match.parent is not None:
            holder: Any = match.parent.obj
            del holder[match.parts[-1]]
    return bool(matches)


def _merge(target: Any, update: Any) -> None:
    """Merges as Overlay 1.0 says: objects key by key, arrays by appending, anything else by replacing."""
    if is_array(target):
        target += deepcopy(update) if is_array(update) else [deepcopy(update)]
        return
    for key, value in object_or_empty(update).items():
        if (is_object(value) and is_object(target.get(key))) or (is_array(value) and is_array(target.get(key))):
            _merge(target[key], value)
        else:
            target[key] = deepcopy(value)


def dump(actions: Iterable[Action]) -> str:
    """`actions` as YAML, ready to paste under an overlay's `actions:`."""
    writer: Any = YAML()
    writer.width = 4096  # a folded target is hard to read
    writer.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    writer.dump(list(actions), text)
    return text.getvalue()


def dump_file(actions: list[Action], title: str) -> str:
    """`actions` as a whole overlay file."""
    head = f"overlay: 1.0.0\ninfo:\n  title: {json.dumps(title, ensure_ascii=False)}\n  version: 1.0.0\n"
    return head + ("actions:\n" + dump(actions) if actions else "actions: []\n")
