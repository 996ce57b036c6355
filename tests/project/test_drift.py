"""`contract_check drift` and the gate: a package that is not what the document generates is found, file by file."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path as File

import pytest

from checkout import PYTHON, ROOT, Completed, contract_check, copy, run
from specimens import RELAY, write

# What is changed, what is said of it, and a line of its diff.
CHANGES: dict[str, tuple[Callable[[File], object], str, str]] = {
    "errors.py": (lambda file: _append(file, "# by hand\n"), "changed", "  -# by hand"),
    "types.py": (lambda file: _append(file, "\n" * 99), "changed", "  ... and 63 more lines"),
    "client.py": (lambda file: file.write_bytes(b"\xff"), "changed", "  -\ufffd"),
    "py.typed": (lambda file: file.unlink(), "missing", "  +# Marker file"),
    "models/old.py": (lambda file: file.write_text("x = 1\n"), "stale", "  -x = 1"),
}


def _append(file: File, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.fixture
def package(tmp_path: File) -> File:
    """A copy of the package, to be changed."""
    return shutil.copytree(ROOT / "generated_client", tmp_path / "generated_client")


def _in_a_process(*arguments: object) -> Completed:
    """Run contract_check in a process: drift starts another one, which would import pytest instead."""
    return run([PYTHON, "-m", "contract_check", *arguments], env={"PYTHONUTF8": "1", "GITHUB_ACTIONS": ""})


def test_each_change_is_found(package: File) -> None:
    for name, (change, _, _) in CHANGES.items():
        change(package / name)
    done = _in_a_process("drift", "--package", package)
    assert done.returncode == 1
    assert done.stdout.startswith("FAILED drift")
    found = dict[str, list[str]]()
    for line in done.stdout.splitlines()[1:]:
        found.setdefault(line, []) if line[0] != " " else found[[*found][-1]].append(line)
    assert len(found) == len(CHANGES)
    for line, (name, (_, verdict, due)) in zip(found, sorted(CHANGES.items()), strict=True):
        assert line.startswith(f"{package / name}:1:1: {verdict}: ")
        assert any(shown.startswith(due) for shown in found[line])
        assert len(found[line]) <= 41


def test_colour_is_for_terminals(package: File) -> None:
    (package / "models" / "old.py").touch()
    ours, theirs = os.openpty()
    command = [str(PYTHON), "-m", "contract_check", "drift", "--package", str(package)]
    subprocess.run(command, cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert f"\033[31m{package}/models/old.py:1:1: stale: " in os.read(ours, 9999).decode()


def test_another_document_is_drift(tmp_path: File) -> None:
    document = write(tmp_path, RELAY.replace('"seed"', '"seeds"'))
    done = _in_a_process("drift", document)
    assert done.returncode == 1
    assert "kling_image_to_video_request.py:1:1: changed: " in done.stdout


def test_an_upgraded_tool_is_found(tmp_path: File) -> None:
    root = copy(tmp_path / "upgraded")
    pins = (root / "pyproject.toml").read_text(encoding="utf-8")
    (root / "pyproject.toml").write_text(re.sub(r'"ruff==[\d.]+"', '"ruff==0.0.1"', pins), encoding="utf-8")
    shutil.copytree(ROOT / "generated_client", root / "generated_client")
    done = run([PYTHON, "-m", "contract_check", "drift"], cwd=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert "0.0.1 decides what is generated" in done.stderr


def test_the_gate_runs_each_check_with_its_time() -> None:
    done = _in_a_process()
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^ok +(\w+) +\d+\.\d s$", done.stdout, re.MULTILINE)
    assert sorted(passed) == ["document", "drift", "wire"]
    assert "\033" not in done.stdout


def test_the_gate_stops_at_an_unsound_document(tmp_path: File) -> None:
    document = write(tmp_path, RELAY.replace('"integer"', '"integr"'))
    done = contract_check("--document", document, env={"GITHUB_ACTIONS": "1"})
    assert done.returncode == 1
    assert "drift" not in done.stdout
    assert done.stdout.startswith("FAILED document")
    assert re.search(r"\n::error file=\S*relay.json,line=\d+,col=\d+::#/paths/.*\"integr\" is none of", done.stdout)
    assert "  cure, to paste" in done.stdout


@pytest.mark.parametrize("arguments", [["drift", "nowhere.json"], ["wire", "--package", "nowhere"], ["--nothing"]])
def test_usage_and_environment_are_another_exit_code(arguments: list[str]) -> None:
    done = contract_check(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
