"""Text of a document on a terminal or in a docstring: what would act there, or hide, is shown as its escape."""

import json
import os
import re
import sys
import unicodedata

_BLANK = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef"
"""Letters and marks that show as nothing, but for the two that choose how an emoji looks."""
_SUSPECT = re.compile(rf"[{_BLANK}]|[^\w\s]|[^\S\n\t ]")


def visible(text: str) -> str:
    r"""`text` with its control, direction and invisible characters as \u escapes; line breaks and tabs stay."""
    return _SUSPECT.sub(lambda found: _escaped(found[0]), text)


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
    acts = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in "\n\t"
    if not acts and not re.match(f"[{_BLANK}]", character):
        return character
    return f"\\u{ord(character):04x}" if character < "\U00010000" else f"\\U{ord(character):08x}"


def short(value: object) -> str:
    """`value` as a message quotes it: on one line, in at most 60 characters."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f'"{text}"' if isinstance(value, str) else text
