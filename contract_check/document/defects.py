"""Defects of a document, and how they are reported."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import ROOT
from .text import escape_invisible
from .tree import JsonPath, jsonpath

# Documents need deeper recursion than Python's 1,000; a thread's stack overflows at about three times this limit.
_DEEPEST = 5_000

Action = dict[str, Any]
"""An action of an OpenAPI Overlay 1.0: description, target, and update or remove."""


@dataclass(frozen=True)
class Defect:
    """A reason why a document can't be generated, or (as a warning) can't be trusted."""

    path: JsonPath
    problem: str
    cure: Action | None = None
    place: tuple[int, int] | None = None
    warning: bool = False


@dataclass(frozen=True)
class Finding:
    """A finding of a check, with its place in a file; a row or column of 0 is not shown."""

    file: Path
    row: int
    column: int
    text: str
    is_warning: bool = False
    details: tuple[str, ...] = ()
    """Lines of explanation."""

    def lines(self) -> list[str]:
        """The lines to print."""
        place = ":".join(str(each) for each in (self.file, self.row, self.column) if each)
        return [escape_invisible(f"{'warning: ' if self.is_warning else ''}{place}: {self.text}"), *self.details]


class Refusal(Exception):
    """Stops the run with an exit code: 1 for a problem of the document, 2 for one of the environment."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def environment(cls, problem: str, advice: str) -> "Refusal":
        """A refusal that is not the document's fault."""
        return cls(f"{problem} {advice}".rstrip(), 2)


def update(path: JsonPath, value: object, why: str) -> Action:
    """An action that merges `value` into the value at `path`."""
    return {"description": why, "target": jsonpath(path), "update": value}


def remove(path: JsonPath, why: str) -> Action:
    """An action that removes the value at `path`."""
    return {"description": why, "target": jsonpath(path), "remove": True}


def removable(path: JsonPath, problem: str) -> Defect:
    """A defect of the value at `path` that its removal cures."""
    return Defect(path, problem, remove(path, problem))


def count(number: int, noun: str) -> str:
    """`number` with its noun, in the plural if needed."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; print a Refusal or an internal error as one line."""
    sys.setrecursionlimit(_DEEPEST)
    try:
        return run()
    except Refusal as refusal:
        print(escape_invisible(str(refusal)), file=sys.stderr)
        return refusal.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # no document may cause a traceback
        folders = (ROOT / "contract_check", ROOT / "generator")
        frames = [(Path(each.filename), each.lineno) for each in traceback.extract_tb(error.__traceback__)]
        ours = [each for each in frames if each[0].is_relative_to(folders[0]) or each[0].is_relative_to(folders[1])]
        place = f"{ours[-1][0].relative_to(ROOT)}:{ours[-1][1]}" if ours else "an unknown place"
        said = f"{type(error).__name__}: {str(error)[:200]}".replace("\n", " ")
        advice = "Report this line with the document: it should have named a defect."
        print(escape_invisible(f"contract_check failed at {place} ({said}). {advice}"), file=sys.stderr)
        return 2
