"""A pytest plugin: import contract_check and generator from the checkout without adding it to sys.path.

The checkout also contains generated_client, which must come from the installed wheel.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def _import(name: str) -> None:
    found: ModuleSpec | None = PathFinder.find_spec(name, [str(CHECKOUT)])
    assert found is not None
    assert found.loader is not None
    sys.modules[found.name] = module_from_spec(found)
    found.loader.exec_module(sys.modules[found.name])


_import("contract_check")
_import("generator")
