"""Changes of a document that its overlays hide: those below an action that completes or replaces what stands there."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from ..document import overlay
from ..document.defects import update
from ..document.tree import JsonPath, at, is_array, is_object, resolve
from .revisions import Layers

_NAMES = ("operationId", "tags", "title", "summary", "description")
"""What a document calls things is no promise, so an overlay may call them otherwise."""


def reveal(old: Layers, new: Layers) -> bool:
    """Take back what the newer overlays make of parts that the document itself changed; whether there are any."""
    found = list(_hidden(old.beneath, (), new.overlaid, new.beneath, old.beneath))
    for path, before, now in found:
        _put(old.overlaid, path, before)
        _put(new.overlaid, path, now)
    return bool(found)


def _hidden(
    document: dict[str, Any], path: JsonPath, overlaid: Any, beneath: Any, before: Any
) -> Iterator[tuple[JsonPath, Any, Any]]:
    """Each part that an action made, as the older `document` says it, and as the newer one does without the action."""
    if overlaid == beneath or (path[-1:] and path[-1] in _NAMES and path[-2:-1] != ("properties",)):
        return
    if is_object(overlaid) and is_object(beneath) and "$ref" not in overlaid.keys() | beneath.keys():
        was = resolve(document, before)
        for key in overlaid.keys() | beneath.keys():
            yield from _hidden(document, (*path, key), overlaid.get(key), beneath.get(key), was.get(key))
    elif is_array(overlaid) and not any(map(is_object, overlaid)):
        # The items that an action added stay, but for those that the document had itself.
        kept = [item for item in overlaid if item in (beneath or ()) or item not in (before or ())]
        if kept != overlaid:
            yield path, overlaid, kept
    elif before != beneath or '"$ref"' in json.dumps(beneath):
        yield path, before, beneath


def _put(document: dict[str, Any], path: JsonPath, value: Any) -> None:
    overlay.apply_action(update(path[:-1], {}, ""), document)  # copies what others refer to as well
    if is_object(holder := at(document, path[:-1])):
        holder.pop(str(path[-1]), None)
        holder |= {} if value is None else {str(path[-1]): deepcopy(value)}
