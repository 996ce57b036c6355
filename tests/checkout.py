"""The checkout under test: its commands, run as its user runs them, and copies of it that a test may change."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path as File
from unittest.mock import patch

from contract_check.__main__ import main

ROOT = File(__file__).parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
FROZEN = ROOT / "tests" / "documents" / "relay.json"
"""relay.json as the tests know it, whatever the vendored one holds."""
_FOLDERS = ("generator", "contract_check")
_FILES = ("generate.sh", "Makefile", "pyproject.toml", "requirements-dev.txt")

Completed = subprocess.CompletedProcess[str]


def run(
    command: Sequence[object], *, cwd: File = ROOT, env: Mapping[str, str] | None = None, stdin: str = ""
) -> Completed:
    """Runs `command` with `env` on top of this environment; returns what it said."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def generate(
    output: File, *arguments: object, root: File = ROOT, cwd: File = ROOT, env: Mapping[str, str] | None = None
) -> Completed:
    """Runs generate.sh into `output`."""
    return run([root / "generate.sh", "--output", output, *arguments], cwd=cwd, env=env)


def contract_check(*arguments: object, env: Mapping[str, str] | None = None) -> Completed:
    """Runs the checkout's own tool."""
    return run([PYTHON, "-m", "contract_check", *arguments], env={"PYTHONUTF8": "1", **(env or {})})


def in_process(*arguments: object, env: Mapping[str, str] | None = None) -> Completed:
    """The same without a process of its own, which takes longer than most of what it does."""
    given = [str(argument) for argument in arguments]
    out, err, limit = StringIO(), StringIO(), sys.getrecursionlimit()
    try:
        with (
            patch.object(sys, "argv", ["contract_check", *given]),
            patch.dict(os.environ, env or {}),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main()
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    finally:
        sys.setrecursionlimit(limit)
    return Completed(given, code, out.getvalue(), err.getvalue())


def copy(into: File) -> File:
    """A copy of what generates, in `into`, with the frozen document, and this environment in one of its own.

    The tools are shared; what decides which of them is used, pyproject.toml and `.venv/bin`, is the copy's.
    """
    into.mkdir(parents=True)
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy2(ROOT / name, into / name)
    shutil.copy2(FROZEN, into / "relay.json")
    shutil.copy2(FROZEN.with_name("cures.yaml"), into / "generator")
    environment, original = into / ".venv", ROOT / ".venv"
    (environment / "bin").mkdir(parents=True)
    shutil.copy2(original / "pyvenv.cfg", environment)
    shutil.copy2(original / ".installed", environment)
    (environment / "lib").symlink_to(original / "lib")
    for tool in (original / "bin").iterdir():
        (environment / "bin" / tool.name).symlink_to(tool.resolve() if tool.name == "python" else tool)
    return into


def tree(package: File) -> dict[str, bytes]:
    """Each file of a package, by its path in it; what Python caches does not count."""
    files = (file for file in sorted(package.rglob("*")) if file.is_file() and file.parent.name != "__pycache__")
    return {file.relative_to(package).as_posix(): file.read_bytes() for file in files}
