"""The generated package: whether it is whole, and how it differs from another one."""

import importlib
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from contract_check.document.defects import Refusal, count
from contract_check.document.tree import operations

PACKAGE = "generated_client"


def verify(package: Path, prepared: Path) -> str:
    """Imports every module of `package`, and finds every operation of the prepared document in it.

    Returns a line on what there is. Raises Refusal where something is missing.
    """
    document = json.loads(prepared.read_text(encoding="utf-8"))
    sys.path.insert(0, str(package.parent))
    with warnings.catch_warnings(action="error"):
        try:
            root = importlib.import_module(package.name)
            for module in pkgutil.walk_packages(root.__path__, f"{package.name}."):
                importlib.import_module(module.name)
        except Exception as error:  # generated code may raise anything
            said = f"{type(error).__name__}: {error}"
            raise Refusal(f"the generated package does not import ({said}); the package stays as it was.") from error
    expected = {f"{operation['tags'][0]}.{operation['operationId']}" for _, operation in operations(document)}
    missing = [name for name in sorted(expected) if not _has_functions(f"{package.name}.api.{name}")]
    if missing:
        raise Refusal(f"the generator left out {', '.join(missing)}; the package stays as it was.")
    classes = getattr(importlib.import_module(f"{package.name}.models"), "__all__", ())
    groups = {name.partition(".")[0] for name in expected}
    return f"{count(len(expected), 'operation')} in {count(len(groups), 'group')}, {count(len(classes), 'model')}"


def _has_functions(module: str) -> bool:
    found = sys.modules.get(module)
    return found is not None and all(
        callable(getattr(found, name, None)) for name in ("sync_detailed", "asyncio_detailed")
    )


def files(package: Path) -> dict[str, bytes]:
    """The content of each file of `package`, by its path in it; what Python caches does not count."""
    found = (file for file in sorted(package.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(package).as_posix(): file.read_bytes() for file in found}


def changes(old: Path, new: Path) -> Iterator[str]:
    """A line for each file that differs between two packages."""
    before, after = files(old), files(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            verb = "changed" if name in before and name in after else "removed" if name in before else "added"
            yield f"{verb} {name}"
