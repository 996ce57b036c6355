"""The folders of contract_check and generator have no cyclic imports."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

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
ROOTS = ("contract_check", "generator")


def test_each_folder_has_its_place() -> None:
    found = {file.parent for root in ROOTS for file in (ROOT / root).glob("*/__init__.py")} | {ROOT / "generator"}
    assert {_name(folder) for folder in found} == set(BELOW)


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_only_from_those_below_it(folder: str) -> None:
    place = ROOT.joinpath(*folder.split("."))
    files = place.glob("*.py") if folder == "generator" else place.rglob("*.py")
    found = {_folder_of(module) for file in files for module in imported(file)} - {"contract_check"}
    assert found
    assert found <= {*BELOW[folder], folder}


def test_there_are_no_cyclic_imports() -> None:
    sources = (file for root in ROOTS for file in (ROOT / root).rglob("*.py"))
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sources}
    graph = {name: set(imported(file)) & files.keys() for name, file in files.items()}
    assert len(graph) > 30
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the modules of a cycle


def imported(file: Path) -> Iterator[str]:
    """The checkout's modules that `file` imports, by their full names."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(ROOTS))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            name = ".".join((*base, *filter(None, [node.module])))
            if name.startswith(ROOTS):
                yield from (f"{name}.{alias.name}" for alias in node.names)


def _folder_of(name: str) -> str:
    """The folder of a module or its member; modules directly below a root belong to the root."""
    first, second = name.split(".")[:2]
    folder = ROOT / first / second
    return f"{first}.{second}" if folder.is_dir() or (first, second) == ("contract_check", "gate") else first


def _name(folder: Path) -> str:
    return ".".join(folder.relative_to(ROOT).parts)
