"""What is wrong with a document, and how it is said to a person."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import ROOT
from .text import visible
from .tree import JsonPath, jsonpath

# Documents nest and refer deeper than Python's 1,000; at about three times this, a thread's stack ends.
_DEEPEST = 5_000

Action = dict[str, Any]
"""An action of an OpenAPI Overlay 1.0: description, target, and update or remove."""


@dataclass(frozen=True)
class Defect:
    """One thing that keeps a document from being generated, or (a warning) from being trusted."""

    path: JsonPath
    problem: str
    cure: Action | None = None
    place: tuple[int, int] | None = None
    warning: bool = False


@dataclass(frozen=True)
class Finding:
    """What a check found in a file, as it is told to a person; a row or column of 0 is left out."""

    file: Path
    row: int
    column: int
    text: str
    is_warning: bool = False
    details: tuple[str, ...] = ()
    """Lines that explain it."""

    def lines(self) -> list[str]:
        """Return its line, and those that explain it."""
        place = ":".join(str(each) for each in (self.file, self.row, self.column) if each)
        return [visible(f"{'warning: ' if self.is_warning else ''}{place}: {self.text}"), *self.details]


class Refusal(Exception):
    """The run stops here; `code` is the exit code: 1 for the document, 2 for the environment."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def environment(cls, problem: str, advice: str) -> "Refusal":
        """A refusal that no change of the document would lift."""
        return cls(f"{problem} {advice}".rstrip(), 2)


def update(path: JsonPath, value: object, why: str) -> Action:
    """The action that merges `value` into what stands at `path`."""
    return {"description": why, "target": jsonpath(path), "update": value}


def remove(path: JsonPath, why: str) -> Action:
    """The action that takes away what stands at `path`."""
    return {"description": why, "target": jsonpath(path), "remove": True}


def count(number: int, noun: str) -> str:
    """`number` with its noun, in the plural where it is due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def exit_code(run: Callable[[], int]) -> int:
    """Run a command; print a Refusal, or a fault of this project's own, in a line, and return the exit code."""
    sys.setrecursionlimit(_DEEPEST)
    try:
        return run()
    except Refusal as refusal:
        print(visible(str(refusal)), file=sys.stderr)
        return refusal.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # whatever a document holds, its reader gets a line, not a traceback
        folders = (ROOT / "contract_check", ROOT / "generator")
        frames = [(Path(each.filename), each.lineno) for each in traceback.extract_tb(error.__traceback__)]
        ours = [each for each in frames if each[0].is_relative_to(folders[0]) or each[0].is_relative_to(folders[1])]
        place = f"{ours[-1][0].relative_to(ROOT)}:{ours[-1][1]}" if ours else "an unknown place"
        said = f"{type(error).__name__}: {str(error)[:200]}".replace("\n", " ")
        advice = "Report this line with the document: it should have named a defect."
        print(visible(f"contract_check failed at {place} ({said}). {advice}"), file=sys.stderr)
        return 2
