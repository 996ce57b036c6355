"""The token: where it goes, and what is done so that it is seen nowhere else."""

import json
import re
from collections.abc import MutableMapping
from typing import Any, Final, cast

_MASK: Final = "***"
_SECRET_LENGTH: Final = 16
"""Characters from which a token is hidden in names, too: a token such as `error` would hide the names that are read."""


class Token:
    """The token of a client and of all that derive from it, out of sight of repr, logs and lists of local variables."""

    def __init__(self, header: str, prefix: str) -> None:
        self._header = header
        self._prefix = prefix
        self._value = ""

    def replace(self, value: Any) -> str:
        """Use another token; returns what is wrong with it. It raises nothing: tracebacks show arguments."""
        if not isinstance(value, str) or not re.fullmatch("[!-~]+", value):
            unset = ", not None: is the environment variable set that it comes from, such as RELAY_TOKEN?"
            return f"token must be visible ASCII characters, without blanks or a prefix{unset if value is None else ''}"
        self._value = value
        return ""

    def add_to(self, headers: MutableMapping[str, str]) -> None:
        """Puts the token into a request's headers."""
        headers[self._header] = f"{self._prefix} {self._value}".lstrip()

    def show_in(self, headers: MutableMapping[str, str]) -> None:
        """Puts the token back where it was hidden; where it was taken off, it stays off."""
        if self._header in headers:
            self.add_to(headers)

    def hide_in(self, headers: MutableMapping[str, str]) -> None:
        """Hides it there: an httpx error carries its request to wherever it is logged or pickled."""
        if self._header in headers:
            headers[self._header] = _MASK

    def mask_name(self, text: str) -> str:
        """The same for a path or a key, whose text means something without a token, too."""
        return self.mask(text) if len(self._value) >= _SECRET_LENGTH else text

    def mask(self, text: str) -> str:
        """`text` without the token."""
        return text.replace(self._value, _MASK)

    def mask_bytes(self, content: bytes) -> bytes:
        """`content` without the token."""
        return content.replace(self._value.encode(), _MASK.encode())

    def mask_body(self, content: bytes) -> bytes:
        """A body without the token, should a relay repeat it; of JSON, its texts, however they are escaped."""
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
