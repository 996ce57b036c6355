"""The items of a batch: one request a line, in JSON, all checked before any is sent."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from generated_client.models import KlingImageToVideoRequest


class Item(NamedTuple):
    """One request. `key` is the same in each run, wherever in the file its line stands."""

    key: str
    line: int
    body: dict[str, Any]


class BadItems(Exception):
    """Lines that are no requests: one message, a line for each."""


def read(file: Path) -> list[Item]:
    """The items in a JSON-lines file; raises BadItems, which names every line that is wrong, or OSError."""
    items = list[Item]()
    problems = list[str]()
    occurrences = Counter[str]()
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            body = _request(line)
        except (TypeError, ValueError) as error:
            problems.append(f"{file}:{number}: {error}")
            continue
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
        occurrences[digest] += 1  # The same request twice in a file is meant twice.
        items.append(Item(f"{digest}-{occurrences[digest]}", number, body))
    if problems:
        raise BadItems("\n".join(problems))
    return items


def _request(line: bytes) -> dict[str, Any]:
    """The request that `line` holds, as it will be sent; a ValueError or TypeError says which field is wrong."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise ValueError(f"this is not JSON in UTF-8: {error}") from error
    request = KlingImageToVideoRequest.from_dict(data)
    if request.additional_properties:
        known = ", ".join(name for _, name, *_ in request.__json_fields__)
        raise ValueError(f"{', '.join(request.additional_properties)}: no field of this name; known are {known}")
    return request.to_dict()
