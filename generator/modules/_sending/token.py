"""The token: add it to requests, and keep it out of everything else."""

import json
import re
from collections.abc import MutableMapping
from typing import Any, Final, cast

_MASK: Final = "***"
_SECRET_LENGTH: Final = 16
"""The length from which a token is masked in names, too: a short one, such as `error`, would mask keys of a body."""


class Token:
    """The token of a client and its derived clients; appears in no repr, log or traceback."""

    def __init__(self, header: str, prefix: str) -> None:
        self._header = header
        self._prefix = prefix
        self._value = ""

    def replace(self, value: Any) -> str:
        """Set another token, or return what is wrong with it; an exception here would show it in the traceback."""
        if not isinstance(value, str) or not re.fullmatch("[!-~]+", value):
            unset = ", not None: is its environment variable set, such as RELAY_TOKEN?"
            return f"token must be visible ASCII characters, without blanks or a prefix{unset if value is None else ''}"
        self._value = value
        return ""

    def add_to(self, headers: MutableMapping[str, str]) -> None:
        """Add the token to the headers of a request."""
        headers[self._header] = f"{self._prefix} {self._value}".lstrip()

    def hide_in(self, headers: MutableMapping[str, str]) -> None:
        """Mask the token in the headers: an httpx error holds its request, and may be logged or pickled."""
        if self._header in headers:
            headers[self._header] = _MASK

    def mask_name(self, text: str) -> str:
        """Mask the token in a path or a key, unless the token is so short that it may be a word."""
        return self.mask(text) if len(self._value) >= _SECRET_LENGTH else text

    def mask(self, text: str) -> str:
        """Mask the token in `text`."""
        return text.replace(self._value, _MASK)

    def mask_bytes(self, content: bytes) -> bytes:
        """Mask the token in `content`."""
        return content.replace(self._value.encode(), _MASK.encode())

    def mask_body(self, content: bytes) -> bytes:
        """Mask the token in a body that echoes it; JSON is parsed, since its strings may be escaped."""
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return self.mask_bytes(content)
        masked = self._mask_data(data)
        return content if masked == data else json.dumps(masked, ensure_ascii=False).encode(errors="replace")

    def _mask_data(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.mask(data)
        if isinstance(data, list):
            return [self._mask_data(item) for item in cast("Any", data)]
        if isinstance(data, dict):
            fields = cast("dict[str, Any]", data)
            return {self.mask_name(name): self._mask_data(item) for name, item in fields.items()}
        return data
