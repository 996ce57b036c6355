"""The fenced blocks of README and docs/, in both languages."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkout import ROOT

READMES = ("README.md", "README.zh-CN.md")
_GUIDES = sorted(page.name for page in (ROOT / "docs").glob("*.md") if not page.name.endswith(".zh-CN.md"))
PAGES = (READMES, *((f"docs/{name}", f"docs/{name.removesuffix('.md')}.zh-CN.md") for name in _GUIDES))
"""Each text in both languages."""
FILES = tuple(file for pair in PAGES for file in pair)
FENCED = re.compile(
    r"(?:^<!-- relay: (?P<relay>\w+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$"
    r"(?:\n+^```text\n(?P<prints>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a README."""

    file: str
    line: int
    language: str
    code: str
    relay: str | None
    prints: str | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def essence(self) -> tuple[str | None, ...]:
        """The block without comments."""
        is_python = self.language == "python"
        code = ast.dump(ast.parse(self.code)) if is_python else re.sub(r"\s*#.*", "", self.code)
        return self.language, code, self.relay, self.prints


def blocks(*languages: str) -> list[Block]:
    """The blocks in these languages of all English files; test_readme.py checks that the Chinese ones are equal."""
    return [block for file, _ in PAGES for block in found(file) if block.language in languages]


def found(file: str) -> Iterator[Block]:
    """The blocks of one file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for match in FENCED.finditer(text):
        line = text.count("\n", 0, match.start("code")) + 1
        yield Block(file, line, match["language"], match["code"], match["relay"], match["prints"])
