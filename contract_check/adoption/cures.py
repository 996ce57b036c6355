"""Find the actions that make a new document sound and keep the names that callers use."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

from generator.prepare import preparation

from .. import VENDORED
from ..document import loading, overlay
from ..document.defects import Action, Refusal, remove, update
from ..document.operations import of
from ..document.semantic_rules import server_url
from ..document.tree import JsonPath, at, list_or_empty, object_or_empty
from ..history.renames import Renames

_EXAMPLES = ("example.com", "example.org", "example.net", "example", "invalid", "test", "localhost")
"""The names that RFC 2606 reserves for examples."""


def find(found: loading.Document, overlays: list[overlay.Overlay], before: dict[str, Any]) -> list[Action]:
    """Find the actions to apply before the overlays; `before` is the current document, prepared.

    `found` is the document without overlays, and is changed. Raise Refusal with all incurable defects.
    """
    if found.incurable:
        raise Refusal("\n".join(loading.report(found)))
    server = list(_server(found.value, server_url(before)))
    suggested = [*server, *(cure for cure in found.cures if not (server and _is_of_server(cure)))]
    # Of two cures for one place, the second may have no effect after the first.
    cures = [cure for cure in suggested if overlay.apply_action(cure, found.value) is None]
    for each in overlays:
        overlay.apply(each, found.value, VENDORED.name)
    loading.complete(found.value)
    return cures + list(_kept_names(found.value, before))


def _server(value: dict[str, Any], today: str) -> Iterator[Action]:
    """Keep today's server if the new document names none or an example, so that upgrades call the same relay."""
    host = urlsplit(server_url(value)).hostname or ""
    if today and (not host or any(f".{host}".endswith(f".{name}") for name in _EXAMPLES)):
        why = "The document names no server, or an example; the previous document's is kept."
        if "servers" in value:
            yield remove(("servers",), why)
        yield update((), {"servers": [{"url": today}]}, why)


def _is_of_server(cure: Action) -> bool:
    """Whether an action changes the document's own `servers`."""
    at_root = cure["target"] == "$" and "servers" in object_or_empty(cure.get("update"))
    return at_root or re.match(r"\$\.servers(?!\w)", cure["target"]) is not None


def _kept_names(value: dict[str, Any], before: dict[str, Any]) -> Iterator[Action]:
    """Keep the group and function of each existing operation, and the names of its classes."""
    known = {each.address: each for each in of(before)}
    kept = list[Action]()
    for operation in of(_prepared(value)[0]):
        same, path = known.get(operation.address), operation.path
        if same and same.place != operation.place:
            _, group, name = same.place
            why = f"Callers use the name {group}.{name}."
            if list_or_empty(at(value, (*path, "tags"))):
                kept.append(remove((*path, "tags"), why))
            kept.append(update(path, {"operationId": name, "tags": [group]}, why))
    for action in kept:
        overlay.apply_action(action, value)
    yield from kept
    after, places = _prepared(value)
    for name, its_name in Renames(deepcopy(before), after).classes.items():
        place = places.get(its_name, ())
        if place and at(value, place) is not None:
            yield update(place, {"title": name}, f"Callers use the name {name}.")


def _prepared(value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, JsonPath]]:
    """The prepared document, and the place of each of its classes in the original."""
    copied = deepcopy(value)
    return copied, preparation.prepare(copied).classes
