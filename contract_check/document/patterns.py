"""Regular expressions: JSON Schema means those of ECMA-262, of which Python's `re` knows a part.

`regress` says whether a pattern is one of them, `regex` whether a text matches it, and gives up in time.
"""

from functools import cache
from typing import Any

import regex
import regress

SECONDS = 0.2
"""How long one match may take; some patterns double their time with each character."""

_too_slow: set[str] = set()


@cache
def problem(pattern: str) -> str | None:
    """Why `pattern` is no regular expression of ECMA-262, or None where it is one."""
    reason = None
    for flags in ("", "u"):
        try:
            regress.Regex(pattern, flags)
        except regress.RegressError as error:
            reason = str(error)
        else:
            return None
    return reason


def is_checked(pattern: str) -> bool:
    """Whether texts are held against `pattern`: some are beyond `regex`, and some took it too long."""
    return _compiled(pattern) is not None and pattern not in _too_slow


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches somewhere in `text`; True, too, where that can't be said (see `is_checked`)."""
    compiled = _compiled(pattern)
    if compiled is None or pattern in _too_slow:
        return True
    try:
        return compiled.search(text, timeout=SECONDS) is not None
    except TimeoutError:
        _too_slow.add(pattern)
        return True


@cache
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern)
    except regex.error:
        return None
