"""Run the checkout's commands as a user does, and make copies that a test may change."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from fcntl import LOCK_EX, flock
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from contract_check.__main__ import main as contract_check_main
from generator.__main__ import main as generator_main

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
FROZEN = ROOT / "tests" / "documents" / "relay.json"
"""The tests' own copy of relay.json, independent of the vendored one."""
_FOLDERS = ("generator", "contract_check", "requirements")
_FILES = ("generate.sh", "Makefile", "pyproject.toml")

Completed = subprocess.CompletedProcess[str]


def run(command: Sequence[object], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Completed:
    """Run `command` with `env` added to this environment; return its output."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def generate(output: Path, *arguments: object) -> Completed:
    """Do what generate.sh does, in this process."""
    return in_process(generator_main, "generate.sh", "--output", output, *arguments)


def once(file: Path, make: Callable[[], str]) -> str:
    """Write the result of `make` to `file`, once for all workers of this run; return the text."""
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not file.exists():
            file.write_text(make(), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def generate_once(output: Path, *arguments: object) -> str:
    """Generate a package once for all workers of this run; return the output."""

    def make() -> str:
        done = generate(output, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return once(output.with_name(f"{output.name}.txt"), make)


def contract_check(*arguments: object, env: Mapping[str, str] | None = None, types: str | None = None) -> Completed:
    """Run contract_check in this process, since starting one takes longer than most commands.

    `types` is what a person at a terminal types; with None, there is no terminal.
    """
    return in_process(contract_check_main, "contract_check", *arguments, env=env, types=types)


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def in_process(
    main: Callable[[], int], *arguments: object, env: Mapping[str, str] | None = None, types: str | None = None
) -> Completed:
    """Call the `main` function of a script with `arguments`."""
    given = [str(argument) for argument in arguments]
    stream = StringIO if types is None else _Terminal
    out, err, limit, imported = stream(), stream(), sys.getrecursionlimit(), set(sys.modules)
    try:
        with (
            patch.object(sys, "argv", given),
            patch.object(sys, "stdin", stream(f"{types}\n")),
            patch.dict(os.environ, env or {}),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main()
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    finally:
        sys.setrecursionlimit(limit)
        for name in sys.modules.keys() - imported:
            if name.startswith("package_"):  # A test may change a package and check it again.
                del sys.modules[name]
    return Completed(given, code, out.getvalue(), err.getvalue())


def copy(into: Path) -> Path:
    """Copy the generator into `into`, with the frozen document, and an environment that uses this one.

    The installed tools are shared, but pyproject.toml and `.venv/bin`, which select them, are copies.
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
    shutil.copy2(original / ".generate", environment)
    (environment / "lib").symlink_to(original / "lib")
    for tool in (original / "bin").iterdir():
        (environment / "bin" / tool.name).symlink_to(tool.resolve() if tool.name == "python" else tool)
    return into


_COMMANDS = """\
import json, sys
from pathlib import Path
from checkout import contract_check, run
done = [
    run(command, cwd=Path.cwd()) if command[0] == "git" else contract_check(*command)
    for command in json.loads(sys.argv[1])
]
print(json.dumps([[each.returncode, each.stdout, each.stderr] for each in done]))
"""


def in_copy(root: Path, *commands: Sequence[object]) -> list[Completed]:
    """Run commands of a copy's contract_check, and of git, in one process; starting one takes longer than most."""
    arguments = json.dumps([[str(part) for part in command] for command in commands])
    command = [root / ".venv" / "bin" / "python", "-c", _COMMANDS, arguments]
    done = run(command, cwd=root, env={"PYTHONPATH": str(Path(__file__).parent), "GITHUB_ACTIONS": ""})
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return [Completed("contract_check", *each) for each in said]


def tree(package: Path) -> dict[str, bytes]:
    """The files of a package by their paths, without Python's caches."""
    files = (file for file in sorted(package.rglob("*")) if file.is_file() and file.parent.name != "__pycache__")
    return {file.relative_to(package).as_posix(): file.read_bytes() for file in files}
