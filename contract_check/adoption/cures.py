"""What a new document needs before it can be generated, and be called by the names that callers have typed."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

from generator.prepare import preparation

from .. import VENDORED
from ..document import loading, overlay
from ..document.defects import Action, Refusal, remove, update
from ..document.semantic_rules import server_url
from ..document.tree import JsonPath, at, list_or_empty, object_or_empty, operations
from ..history.renames import Renames
from ..history.surface import place_of, route_of

_EXAMPLES = ("example.com", "example.org", "example.net", "example", "invalid", "test", "localhost")
"""The names that RFC 2606 keeps for examples: no relay is there."""


def find(found: loading.Document, overlays: list[overlay.Overlay], before: dict[str, Any]) -> list[Action]:
    """The actions that are applied to a document before its overlays; `before` is the prepared document of now.

    `found` is the document without overlays, and is changed. Raises Refusal that names every defect which no action
    cures.
    """
    if found.incurable:
        raise Refusal("\n".join(loading.report(found)))
    server = list(_server(found.value, server_url(before)))
    suggested = [*server, *(cure for cure in found.cures if not (server and _is_of_server(cure)))]
    # Of two that mend one place, the first may leave nothing for the second.
    cures = [cure for cure in suggested if overlay.apply_action(cure, found.value) is None]
    for each in overlays:
        overlay.apply(each, found.value, VENDORED.name)
    loading.complete(found.value)
    return cures + list(_kept_names(found.value, before))


def _server(value: dict[str, Any], today: str) -> Iterator[Action]:
    """Where the new document names no server, or an example, today's stays: who upgrades asks the same relay."""
    host = urlsplit(server_url(value)).hostname or ""
    if today and (not host or any(f".{host}".endswith(f".{name}") for name in _EXAMPLES)):
        why = "The document names no server, or an example; that of the document before it stays."
        if "servers" in value:
            yield remove(("servers",), why)
        yield update((), {"servers": [{"url": today}]}, why)


def _is_of_server(cure: Action) -> bool:
    """Whether an action changes the document's own `servers`."""
    at_root = cure["target"] == "$" and "servers" in object_or_empty(cure.get("update"))
    return at_root or re.match(r"\$\.servers(?!\w)", cure["target"]) is not None


def _kept_names(value: dict[str, Any], before: dict[str, Any]) -> Iterator[Action]:
    """An operation that lasts keeps its group and its function, a class of such an operation its name."""
    known = {route_of(path): operation for path, operation in operations(before)}
    kept = list[Action]()
    for path, operation in operations(_prepared(value)[0]):
        same = known.get(route_of(path))
        if same and place_of(same) != place_of(operation):
            why = f"Callers have typed {'.'.join(place_of(same)[1:])}."
            if list_or_empty(at(value, (*path, "tags"))):
                kept.append(remove((*path, "tags"), why))
            kept.append(update(path, {"operationId": same["operationId"], "tags": [same["tags"][0]]}, why))
    for action in kept:
        overlay.apply_action(action, value)
    yield from kept
    after, places = _prepared(value)
    for name, its_name in Renames(deepcopy(before), after).classes.items():
        place = places.get(its_name, ())
        if place and at(value, place) is not None:
            yield update(place, {"title": name}, f"Callers have typed {name}.")


def _prepared(value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, JsonPath]]:
    """The document as it is generated, and where each of its classes stands before that."""
    copied = deepcopy(value)
    return copied, preparation.prepare(copied).classes
