"""List the installed Pythons from 3.11 on, one for each minor version.

Without an argument it prints the versions; with one, the path of that version's interpreter.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_OLDEST, _NEWEST = 11, 30
# Needed to make a test environment; some systems ship Python without it.
_PROBE = (
    "import ensurepip, ssl, sys, venv\n"
    "v = sys.version_info\n"
    "print('%d.%d' % v[:2] if v.releaselevel == 'final' else 'not released')"
)


def _candidates(version: str) -> Iterator[str]:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield str(Path(sys.base_prefix) / "bin" / f"python{version}")
    yield f"python{version}"
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(found) for found in sorted(managed.glob(f"{version}.*/bin/python{version}")))


def find(version: str) -> str | None:
    """A working interpreter of `version` that can make environments."""
    for candidate in _candidates(version):
        try:
            probe = subprocess.run([candidate, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=30)
        except OSError:
            continue
        if probe.stdout.strip() == version:
            return candidate
    return None


if __name__ == "__main__":
    versions = sys.argv[1:] or [f"3.{minor}" for minor in range(_OLDEST, _NEWEST)]
    for version in versions:
        found = find(version)
        if found:
            print(found if sys.argv[1:] else version)
        elif sys.argv[1:]:
            sys.exit(f"no Python {version} that runs was found")
