"""Make text from documents safe for terminals and docstrings: escape control and invisible characters."""

import json
import os
import re
import sys
import unicodedata
from typing import TextIO

_BLANK = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef"
"""Invisible letters and marks, except the two variation selectors of emoji."""
_COLOURS = {"error": "31", "warning": "33"}
_SUSPECT = re.compile(rf"[{_BLANK}]|[^\w\s]|[^\S\n\t ]")


def escape_invisible(text: str) -> str:
    r"""Replace control, direction and invisible characters by \u escapes; line breaks and tabs are kept."""
    return _SUSPECT.sub(lambda found: _escaped(found[0]), text)


def is_visible(text: str) -> bool:
    """Whether `text` has no characters to escape."""
    return escape_invisible(text) == text


def coloured(level: str, line: str) -> str:
    """A line in the colour of its level, if standard output is a terminal without NO_COLOR (no-color.org)."""
    has_colour = level in _COLOURS and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{_COLOURS[level]}m{line}\033[0m" if has_colour else line


def annotate(level: str, properties: str, text: str, stream: TextIO | None = None) -> None:
    """Print an annotation, if this runs in GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS"):
        escaped = escape_invisible(text).replace("%", "%25").replace("\n", "%0A")
        print(f"::{level} {properties}::{escaped}", file=stream)


def progress(text: str) -> None:
    """Replace the progress line on a terminal; an empty text clears it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _escaped(character: str) -> str:
    acts = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in "\n\t"
    if not acts and not re.match(f"[{_BLANK}]", character):
        return character
    return f"\\u{ord(character):04x}" if character < "\U00010000" else f"\\U{ord(character):08x}"


def short(value: object) -> str:
    """Quote `value` for a message: on one line, in at most 60 characters."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f'"{text}"' if isinstance(value, str) else text
