"""Verify that the generated package is complete, and compare it with another one."""

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from contract_check.document.defects import Refusal, count
from contract_check.document.operations import of

PACKAGE = "generated_client"
_CALLS = ("sync_detailed", "asyncio_detailed")


def verify(package: Path, document: dict[str, Any]) -> str:
    """Import every module of `package`, and find every operation of the prepared document in it.

    Return a summary line; raise Refusal if something is missing.
    """
    with _imported(package) as modules:
        expected = {".".join(operation.place[1:]) for operation in of(document)}
        found = {name: modules.get(f"api.{name}") for name in expected}
        missing = [name for name, module in sorted(found.items()) if not all(hasattr(module, call) for call in _CALLS)]
        if missing:
            raise Refusal(f"the generator left out {', '.join(missing)}.")
        classes = modules["models"].__all__
    groups = {name.partition(".")[0] for name in expected}
    return f"{count(len(expected), 'operation')} in {count(len(groups), 'group')}, {count(len(classes), 'model')}"


@contextmanager
def _imported(package: Path) -> Generator[dict[str, ModuleType]]:
    """Import the modules of `package` under another name, temporarily; yield them by their names in the package.

    One process may verify several packages, and may have imported an installed one.
    """
    name, writes = f"_{package.name}_to_verify", sys.dont_write_bytecode
    spec = spec_from_file_location(name, package / "__init__.py", submodule_search_locations=[str(package)])
    assert spec is not None
    assert spec.loader is not None
    sys.dont_write_bytecode = True  # bytecode is not part of the package
    try:
        with warnings.catch_warnings(action="error"):
            root = sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(root)
            for module in pkgutil.walk_packages(root.__path__, f"{name}."):
                importlib.import_module(module.name)
        yield {key.removeprefix(f"{name}."): module for key, module in sys.modules.items() if key.startswith(name)}
    except Refusal:
        raise
    except Exception as error:  # generated code may raise anything
        text = f"{type(error).__name__}: {error}"
        raise Refusal(f"the generated package does not import ({text}).") from error
    finally:
        sys.dont_write_bytecode = writes
        for key in [key for key in sys.modules if key.startswith(name)]:
            del sys.modules[key]


def files(package: Path) -> dict[str, bytes]:
    """The content of each file of `package` by its path, without Python's caches."""
    found = (file for file in sorted(package.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(package).as_posix(): file.read_bytes() for file in found}


def changes(old: Path, new: Path) -> Iterator[str]:
    """Yield a line for each file that differs between two packages."""
    before, after = files(old), files(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            verb = "changed" if name in before and name in after else "removed" if name in before else "added"
            yield f"{verb} {name}"
