"""contract_check's folders import in one direction only, so that each can be read without those above it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from checkout import ROOT

PACKAGE = ROOT / "contract_check"
BELOW = {
    "document": set[str](),
    "package": {"document"},
    "relay": {"document"},
    "history": {"document", "package"},
    "adoption": {"document", "package", "history", "gate"},
}
"""Each folder, and what beside it its modules may import from: folders, and the gate that they end with."""


def test_each_folder_has_its_place() -> None:
    assert {found.parent.name for found in PACKAGE.glob("*/__init__.py")} == set(BELOW)


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_only_from_those_below_it(folder: str) -> None:
    found = {module for file in (PACKAGE / folder).rglob("*.py") for module in imported(file)}

    assert {module.split(".")[1] for module in found if module.count(".")} <= {*BELOW[folder], folder}


def test_no_modules_import_each_other_in_a_circle() -> None:
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in PACKAGE.rglob("*.py")}
    graph = {name: set(imported(file)) & files.keys() for name, file in files.items()}
    assert len(graph) > 30
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the modules of a circle


def imported(file: Path) -> Iterator[str]:
    """The modules of contract_check that `file` imports, under their full names."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("contract_check."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            name = ".".join((*base, *filter(None, [node.module])))
            if name == "contract_check":
                yield from (f"{name}.{alias.name}" for alias in node.names if alias.name.islower())
            elif name.startswith("contract_check"):
                yield name
