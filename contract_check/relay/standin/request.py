"""What arrived at the stand-in."""

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """One request as it came over the wire, and what the stand-in made of it."""

    method: str
    target: str
    headers: Message
    body: bytes
    connection: int
    """The number of the connection that it came by, from 1."""
    id: str = ""
    """X-Oneapi-Request-Id of the answer."""
    route: str | None = None
    """The document's path that it matched."""
    status: int = 0
    """The status of the answer."""
    problems: list[str] = field(default_factory=list[str])
    """In what it departs from the document."""
    chargeable: bool = False
    """Whether a relay could have accepted it, and asked for money."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def media_type(self) -> str:
        return self.headers.get_content_type() if "content-type" in self.headers else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)
