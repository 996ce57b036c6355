"""Import names that only annotations use when typing.get_type_hints() needs them."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _ModelModule(ModuleType):
    """A model's module. get_type_hints() reads its __dict__, and does not call its __getattr__."""

    _globals: dict[str, Any]
    _later: dict[str, str]

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # a module's is no property
        while self._later:
            name, module = self._later.popitem()
            self._globals[name] = getattr(import_module(module, self.__package__), name)
        return self._globals


def load_later(module: str, **names: str) -> None:
    """Import each of `names` into `module` on first access, from the module given with it."""
    holder = sys.modules[module]
    holder.__dict__.update(_globals=holder.__dict__, _later=names)
    holder.__class__ = _ModelModule
