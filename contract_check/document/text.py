"""Text of a document on a terminal or in a docstring: what would act there, or hide, is shown as its escape."""

import os
import re
import sys
import unicodedata

_LINE = "\n\t"


def visible(text: str) -> str:
    r"""`text` with its control and direction characters as \u escapes; line breaks and tabs stay."""
    return re.sub(r"[^\w\s]|[^\S\n\t ]", lambda found: _escaped(found[0]), text)


def is_visible(text: str) -> bool:
    """Whether `text` says nothing but what one sees of it."""
    return visible(text) == text


def may_be_coloured() -> bool:
    """Whether standard output is a terminal, and its user wants colours (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def progress(text: str) -> None:
    """Show what is being done in place of what was; an empty text clears the line. Only a terminal shows it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _escaped(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return f"\\u{ord(character):04x}" if hidden and character not in _LINE else character
