"""Read a document as strict JSON, and locate its values in the file."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path
from typing import Any, NoReturn

import tree_sitter_json
from tree_sitter import Language, Node, Parser

from .defects import Defect, Refusal
from .tree import JsonPath, is_object

LONGEST_NUMBER = 400
"""Digits; Python parses at most 4,300, and a float has 17."""
_TO_JSON = (
    """.venv/bin/python -c 'import json, sys; from ruamel.yaml import YAML; """
    """print(json.dumps(YAML(typ="safe").load(open(sys.argv[1])), default=str, ensure_ascii=False, indent=2))'"""
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ADVICE = "No overlay can cure this: correct the file."


@dataclass
class Source:
    """The text of a document, its syntax tree, and the defects of its JSON (RFC 8259)."""

    file: Path
    text: str
    root: Node
    defects: list[Defect] = field(default_factory=list[Defect])

    def place(self, path: JsonPath) -> tuple[int, int]:
        """The line and column, both from 1, of the value at `path` or of its nearest ancestor."""
        found: Node | None = None
        node: Node | None = next(iter(self.root.named_children), None)
        for part in path:
            pairs = dict(_members(node)) if node is not None else {}
            if part not in pairs:
                break
            found = pairs[part]
            node = found.child_by_field_name("value") or found
        return _position(found) if found is not None else (1, 1)


def read(file: Path) -> Source:
    """Read the document in `file`, and find its defects as JSON: repeated keys, NaN, trailing commas, comments.

    Raise Refusal if the file can't be read or is not UTF-8.
    """
    content = b""
    try:
        content = file.read_bytes()
        text = content.decode()
    except OSError as error:
        raise Refusal.environment(f"{file}: {error.strerror}.", "Name a file that can be read.") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refusal(f"{file}:{line}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    if text.startswith("\ufeff"):
        raise Refusal(f"{file}:1:1: a byte order mark precedes the JSON. Save the file as UTF-8 without it.")
    source = Source(file, text, Parser(Language(tree_sitter_json.language())).parse(content).root_node)
    try:
        source.defects += {defect.place: defect for defect in _syntax(source.root)}.values()
        if not source.defects or source.defects[0].place == (1, 1):
            _require_object(text)  # Where the tree only says that this is not JSON, json.loads says why.
        if not source.defects:
            source.defects += (found for top in source.root.named_children for found in _check_members(top, ()))
    except json.JSONDecodeError as error:
        if re.search(r"^(openapi|swagger)\s*:", text, re.MULTILINE):
            advice = f"Convert it to JSON first:\n{_TO_JSON} {file} > relay.json"
            raise Refusal(f"{file}:1:1: this is YAML. {advice}") from error
        problem = f"this is not JSON (RFC 8259): {error.msg}. {_ADVICE}"
        source.defects[:] = [Defect((), problem, place=(error.lineno, error.colno))]
    except RecursionError as error:
        raise Refusal(f"{file}: nested too deeply to be read. {_ADVICE}") from error
    return source


def _require_object(text: str) -> None:
    value: Any = json.loads(text, parse_constant=_refuse_constant)
    if not is_object(value):
        raise json.JSONDecodeError("an OpenAPI document is an object", text, 0)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not a JSON number", name, 0)


def _position(node: Node) -> tuple[int, int]:
    """Line and column from 1, in characters; tree-sitter counts from 0, in bytes."""
    root = node
    while root.parent is not None:
        root = root.parent
    row, column = node.start_point
    end = node.start_byte - root.start_byte
    return row + 1, len((root.text or b"")[end - column : end].decode(errors="replace")) + 1


def _members(node: Node) -> Iterator[tuple[str | int, Node]]:
    """The pairs of an object, or the items of an array."""
    for index, child in enumerate(node.named_children):
        key = child.child_by_field_name("key")
        yield (json.loads(key.text or b'""') if key is not None else index), child


def _syntax(node: Node) -> Iterator[Defect]:
    if node.is_missing or node.type in ("ERROR", "comment"):
        found = (node.text or b"").decode(errors="replace").strip()[:40]
        problem = f"`{found}` is not JSON (RFC 8259)." if found else f"`{node.type}` is missing here."
        yield Defect((), f"{problem} {_ADVICE}", place=_position(node))
    elif node.type == "number" and (len(node.text or b"") > LONGEST_NUMBER or isinf(float(node.text or 0))):
        found = (node.text or b"").decode()[:20]
        yield Defect((), f"the number {found}... is out of range. {_ADVICE}", place=_position(node))
    else:
        for child in node.children:
            yield from _syntax(child)


def _check_members(node: Node, path: JsonPath) -> Iterator[Defect]:
    """Report repeated keys and unpaired surrogates."""
    seen: set[str | int] = set()
    for key, member in _members(node):
        if key in seen:
            problem = f"the key `{key}` occurs twice in this object, and JSON readers differ in which one they keep."
            yield Defect((*path, key), f"{problem} {_ADVICE}", place=_position(member))
        seen.add(key)
        value = member.child_by_field_name("value") or member
        text = str(key) + (json.loads(value.text or b'""') if value.type == "string" else "")
        if half := _SURROGATE.search(text):  # json.loads has combined the pairs
            problem = f"the escape \\u{ord(half[0]):x} is an unpaired surrogate."
            yield Defect((*path, key), f"{problem} {_ADVICE}", place=_position(member))
        if value.type in ("object", "array"):
            yield from _check_members(value, (*path, key))
