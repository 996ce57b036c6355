"""What is wrong with a document, and how it is said to a person."""

from dataclasses import dataclass
from typing import Any

from .tree import JsonPath, jsonpath

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


class Refusal(Exception):
    """The run stops here; `code` is the exit code: 1 for the document, 2 for the environment."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def environment(cls, problem: str, advice: str) -> "Refusal":
        """A refusal that no change of the document would lift."""
        return cls(f"{problem} {advice}", 2)


def update(path: JsonPath, value: object, why: str) -> Action:
    """The action that merges `value` into what stands at `path`."""
    return {"description": why, "target": jsonpath(path), "update": value}


def remove(path: JsonPath, why: str) -> Action:
    """The action that takes away what stands at `path`."""
    return {"description": why, "target": jsonpath(path), "remove": True}


def count(number: int, noun: str) -> str:
    """`number` with its noun, in the plural where it is due."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
