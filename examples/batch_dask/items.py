"""Read the items of a batch: one JSON request per line, all checked before any is sent."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

_NOWHERE = AuthenticatedClient(
    token="sk-" + "nowhere",
    httpx_args={"transport": httpx.MockTransport(lambda _: httpx.Response(200, json={"task_id": "", "status": ""}))},
)
"""A client that checks requests, with a mock transport."""


class Item(NamedTuple):
    """A request; `key` is the same in each run, even if its line moves."""

    key: str
    line: int
    body: dict[str, Any]


class InvalidItems(Exception):
    """Invalid lines: a message with one line for each."""


def read(file: Path) -> list[Item]:
    """Read a JSON Lines file; raise InvalidItems, which names every invalid line, or OSError."""
    items = list[Item]()
    problems = list[str]()
    occurrences = Counter[str]()
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            body = _request(line)
        except ValueError as error:
            problems.append(f"{file}:{number}: {error}")
            continue
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
        occurrences[digest] += 1  # equal lines are separate requests
        items.append(Item(f"{digest}-{occurrences[digest]}", number, body))
    if problems:
        raise InvalidItems("\n".join(problems))
    return items


def _request(line: bytes) -> dict[str, Any]:
    """Parse and check a request; raise ValueError, which names the invalid field."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON in UTF-8: {error}") from error
    request = KlingImageToVideoRequest.from_dict(data)
    if request.additional_properties:
        known = ", ".join(name for _, name, *_ in request.__json_fields__)
        raise ValueError(f"unknown field {', '.join(request.additional_properties)}; the known fields are {known}")
    create_kling_image_to_video.sync(client=_NOWHERE, body=request)
    return request.to_dict()
