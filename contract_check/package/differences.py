"""Where two values differ first, in words: a path, and what stands there in both."""

from itertools import zip_longest
from typing import Any

from ..document.tree import is_array, is_object

_LONGEST = 80
_NOTHING = object()


def first_difference(due: Any, found: Any, where: str = "$") -> str:
    """Such as "$.items[0].name: 'b' instead of 'a'"; an empty string where both are the same."""
    if due == found:
        return ""
    if is_object(due) and is_object(found):
        for key in dict.fromkeys([*due, *found]):
            told = first_difference(due.get(key, _NOTHING), found.get(key, _NOTHING), f"{where}.{key}")
            if told:
                return told
    if is_array(due) and is_array(found):
        for index, (one, other) in enumerate(zip_longest(due, found, fillvalue=_NOTHING)):
            told = first_difference(one, other, f"{where}[{index}]")
            if told:
                return told
    return f"{where}: {_say(found)} instead of {_say(due)}"


def _say(value: Any) -> str:
    text = "nothing" if value is _NOTHING else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
