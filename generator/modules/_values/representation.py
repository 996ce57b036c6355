"""Shorten values for a repr, and show their length."""

from reprlib import Repr
from typing import Any, Final

_STRING_LIMIT: Final = 120
_WHOLE_LIMIT: Final = 2_000
"""Characters of a model's repr."""


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = 20
        self.maxlist = 10
        self.maxother = _WHOLE_LIMIT

    def repr_str(self, x: str, level: int) -> str:
        return _shown(x, "characters")

    def repr_bytes(self, x: bytes, level: int) -> str:
        return _shown(x, "bytes")


def _shown(value: str | bytes, unit: str) -> str:
    if len(value) <= _STRING_LIMIT:
        return repr(value)
    return f"{value[:_STRING_LIMIT]!r}... ({len(value)} {unit})"


def cut(text: str) -> str:
    """A repr of at most 2,000 characters."""
    return text if len(text) <= _WHOLE_LIMIT else f"{text[:_WHOLE_LIMIT]}..."


short_repr: Final[Any] = _Short().repr
