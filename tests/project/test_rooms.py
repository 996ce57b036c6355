"""The folders of contract_check and generator have no cyclic imports."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from checkout import ROOT

BELOW = {
    "contract_check.document": set[str](),
    "generator.prepare": {"contract_check.document"},
    "generator": {"contract_check.document", "generator.prepare"},
    "contract_check.package": {"contract_check.document", "generator.prepare", "generator"},
    "contract_check.relay": {"contract_check.document"},
    "contract_check.history": {"contract_check.document", "generator.prepare", "generator"},
    "contract_check.adoption": {
        *("contract_check.document", "contract_check.package", "contract_check.history", "contract_check.gate"),
        *("generator.prepare", "generator"),
    },
}
"""Each folder, and the other folders and modules that it may import from."""
FILES = [file for root in ("contract_check", "generator") for file in (ROOT / root).rglob("*.py")]
SOURCES = [file for file in FILES if not file.is_relative_to(ROOT / "generator" / "modules")]


def test_a_folder_imports_only_from_those_below_it() -> None:
    found = dict[str, set[str]]()
    for file in SOURCES:
        found.setdefault(_folder_of(_name(file)), set()).update(map(_folder_of, imported(file)))
    above = {"contract_check", "contract_check.gate"}  # the command line and the gate import from every folder
    assert found.keys() - above == BELOW.keys()
    unexpected = {folder: found[folder] - {"contract_check", folder} - below for folder, below in BELOW.items()}
    assert not any(unexpected.values()), unexpected


def test_there_are_no_cyclic_imports() -> None:
    files = {_name(file): file for file in SOURCES}
    graph = {name: set(imported(file)) & files.keys() for name, file in files.items()}
    assert len(graph) > 30
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the modules of a cycle


def imported(file: Path) -> Iterator[str]:
    """The checkout's modules that `file` imports, by their full names."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            names = [f"{module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.startswith(("contract_check.", "generator.")))


def _name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def _folder_of(name: str) -> str:
    """The folder of a module or its member; modules directly below a root belong to the root."""
    first, second = name.split(".")[:2]
    is_apart = (ROOT / first / second).is_dir() or (first, second) == ("contract_check", "gate")
    return f"{first}.{second}" if is_apart else first
