"""List the installed Pythons from 3.11 on, one for each minor version.

Without an argument it prints the versions; with one, the path of that version's interpreter.
"""

import os
import subprocess
import sys
from pathlib import Path

_VERSIONS = [f"3.{minor}" for minor in range(11, 30)]
# Needed to make a test environment; some systems ship Python without it.
_PROBE = (
    "import ensurepip, ssl, sys, venv\n"
    "v = sys.version_info\n"
    "print('%d.%d' % v[:2] if v.releaselevel == 'final' else 'not released')"
)


def find(version: str) -> str | None:
    """A working interpreter of `version` that can make environments: this one's, PATH's, or pyenv's."""
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    name = f"python{version}"
    pyenvs = map(str, sorted(managed.glob(f"{version}.*/bin/{name}")))
    for candidate in (f"{sys.base_prefix}/bin/{name}", name, *pyenvs):
        try:
            probe = subprocess.run([candidate, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=30)
        except OSError:
            continue
        if probe.stdout.strip() == version:
            return candidate
    return None


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(find(sys.argv[1]) or sys.exit(f"no Python {sys.argv[1]} that runs was found"))
    else:
        print(*filter(find, _VERSIONS), sep="\n")
