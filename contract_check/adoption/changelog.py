"""The draft of an entry in CHANGELOG.md, between two marks under "Unreleased"."""

import re

_BEGIN = "<!-- make adopt writes this draft anew each time; take the marks away to keep it. -->"
_END = "<!-- the end of the draft -->"
_HEADING = "## Unreleased"
_DRAFT = re.compile(f"{re.escape(_BEGIN)}\n(.*?){re.escape(_END)}\n\n?", re.DOTALL)


def draft_in(changelog: str) -> str:
    """The draft that stands in `changelog`, or nothing."""
    found = _DRAFT.search(changelog)
    return found[1] if found else ""


def with_draft(changelog: str, draft: str) -> str:
    """`changelog` with this draft in place of any other; without one, where it is empty."""
    text = _DRAFT.sub("", changelog)
    if not draft:
        return re.sub(rf"^{_HEADING}\n+(?=## |\Z)", "", text, flags=re.MULTILINE)
    if not re.search(rf"^{_HEADING}$", text, re.MULTILINE):
        first = re.search(r"^## ", text, re.MULTILINE)
        at = first.start() if first else len(text)
        text = f"{text[:at]}{_HEADING}\n\n{text[at:]}"
    before, heading, after = text.partition(f"{_HEADING}\n")
    return f"{before}{heading}\n{_BEGIN}\n{draft}{_END}\n\n{after.lstrip(chr(10))}"
