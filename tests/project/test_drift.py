"""`contract_check drift` and the gate: each file that differs from the document's package is found."""

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checkout import PYTHON, ROOT, contract_check, run
from contract_check import gate
from generator import making
from specimens import RELAY, write

# A change of a file, the finding, and a line of its diff.
CHANGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "errors.py": (lambda file: _append(file, "# by hand\n"), "changed", "  -# by hand"),
    "types.py": (lambda file: _append(file, "\n" * 99), "changed", "  ... and 63 more lines"),
    "client.py": (lambda file: file.write_bytes(b"\xff"), "changed", "  -\ufffd"),
    "py.typed": (lambda file: file.unlink(), "missing", "  +# Marker file"),
    "models/old.py": (lambda file: file.write_text("x = 1\n"), "stale", "  -x = 1"),
}


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make drift generate in this process, since a new one would import pytest again."""

    def one_thread(_workers: int, _context: object) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1)

    monkeypatch.setattr(gate, "ProcessPoolExecutor", one_thread)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def test_each_change_is_found(tmp_path: Path, here: None) -> None:
    package = shutil.copytree(ROOT / "generated_client", tmp_path / "generated_client")
    for name, (change, _, _) in CHANGES.items():
        change(package / name)
    done = contract_check("drift", "--package", package)
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


def test_another_document_is_drift(tmp_path: Path, here: None) -> None:
    done = contract_check("drift", write(tmp_path, RELAY.replace('"seed"', '"seeds"')))
    assert done.returncode == 1
    assert "kling_image_to_video_request.py:1:1: changed: " in done.stdout


def test_an_upgraded_tool_is_found(tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    write(tmp_path, re.sub(r'"ruff==[\d.]+"', '"ruff==0.0.1"', pins), "pyproject.toml")
    monkeypatch.setattr(making, "ROOT", tmp_path)
    done = contract_check("drift")
    assert (done.returncode, done.stdout) == (2, "")
    assert "0.0.1 decides what is generated" in done.stderr


def test_the_gate_runs_each_check_with_its_time() -> None:
    done = run([PYTHON, "-m", "contract_check"], env={"GITHUB_ACTIONS": ""})
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^ok +(\w+) +\d+\.\d s$", done.stdout, re.MULTILINE)
    assert sorted(passed) == ["document", "drift", "wire"]
    assert "\033" not in done.stdout


def test_the_gate_stops_at_an_unsound_document_in_colour_on_a_terminal(tmp_path: Path) -> None:
    document = write(tmp_path, RELAY.replace('"integer"', '"integr"'))
    done = contract_check("--document", document, env={"GITHUB_ACTIONS": "1"})
    assert done.returncode == 1
    assert "drift" not in done.stdout
    assert done.stdout.startswith("FAILED document")
    assert re.search(r"\n::error file=\S*relay.json,line=\d+,col=\d+::#/paths/.*\"integr\" is not one of", done.stdout)
    assert "  cure, to paste" in done.stdout
    in_terminal = contract_check("--document", document, env={"GITHUB_ACTIONS": "", "NO_COLOR": ""}, types="")
    assert f"\n\033[31m{document}:" in in_terminal.stdout


@pytest.mark.parametrize("arguments", [["drift", "nowhere.json"], ["wire", "--package", "nowhere"], ["--nothing"]])
def test_usage_and_environment_errors_have_another_exit_code(arguments: list[str]) -> None:
    done = contract_check(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
