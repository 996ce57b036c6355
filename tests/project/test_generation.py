"""generate.sh: reproducible in any environment; if killed, it leaves the old package or the new one."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import frozen
from checkout import FROZEN, ROOT, Completed, copy, generate, run, tree
from contract_check.document.defects import Refusal
from generator import making, placement
from specimens import small, write

OLD, NEW = {"gone.py": b"old", "models/__init__.py": b"old"}, {"come.py": b"new", "models/__init__.py": b"new"}


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _beside(package: Path) -> list[str]:
    return sorted(entry.name for entry in package.parent.iterdir())


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package to replace, in its own folder."""
    return _write(tmp_path / "检出 out" / "package", OLD)


@pytest.fixture
def new(package: Path) -> dict[Path, Path]:
    """The new content of the package, and of a new file."""
    made = package.parent / ".package.work" / "made"
    _write(made, {"relay.json": b"new"})
    return {package: _write(made / "package", NEW), package.parent / "docs" / "relay.json": made / "relay.json"}


def test_a_checkout_generates_the_same_package_anywhere(tmp_path: Path) -> None:
    """Its path, the locale, the hash seed, a surrounding project and the old package have no influence."""
    root, expected = copy(tmp_path / "工作 目录 (1)" / "relay's client"), tree(frozen.FOLDER / "generated_client")
    configuration = '[tool.ruff]\nline-length = 40\nlint.select = ["ALL"]\nformat.quote-style = "single"\n'
    write(tmp_path, configuration, "pyproject.toml")
    output = _write(tmp_path / "own_client", {**expected, "models/stale.py": b"", "stale/b.py": b""})
    (output / "py.typed").unlink()
    isolated = ["unshare", "--map-root-user", "--net"]
    can_isolate = shutil.which("unshare") and run([*isolated, "true"]).returncode == 0
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "4242", "PIP_NO_INDEX": "1", **proxies}

    command = [*(isolated if can_isolate else []), root / "generate.sh", "--output", "own_client"]
    done = run(command, cwd=tmp_path, env=environment)

    assert done.returncode == 0, done.stderr
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines())
    assert tree(output) == expected
    assert not [*output.rglob(".*"), *output.rglob("__pycache__")]
    assert _beside(output) == ["own_client", "pyproject.toml", "工作 目录 (1)"]
    *steps, summary, added, removed, stale = [line for line in done.stdout.splitlines() if line[:6] != "note: "]
    assert [re.sub(r"^ *\d+\.\d\d s  ", "", step).split()[0] for step in steps] == ["read", "generated", "replaced"]
    assert re.fullmatch(r"\d+ operations? in \d+ groups?, \d+ models?", summary)
    assert [added, removed, stale] == ["removed models/stale.py", "added py.typed", "removed stale/b.py"]


def test_a_run_lists_the_changes_against_the_previous_package(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_document: object, into: Path) -> making.Made:
        return making.Made(_write(into / "made", NEW), ["a note"], "a summary")

    monkeypatch.setattr(making, "make", make)
    _write(package, {f"old_{number:02}.py": b"" for number in range(19)})
    changes = ["added come.py", "removed gone.py", "changed models/__init__.py"]
    changes += [f"removed old_{number:02}.py" for number in range(17)]
    listed = generate(package, "--document", FROZEN).stdout.splitlines()[3:]
    assert listed == ["a summary", *changes, "... and 2 changes more", "note: a note"]
    listed = generate(package, "--document", FROZEN).stdout.splitlines()[3:]
    assert listed == ["a summary", "no change against the previous package", "note: a note"]


def test_help_names_the_exit_codes_and_a_wrong_argument_is_refused(tmp_path: Path) -> None:
    assert "exit codes: 0 generated, 1 " in generate(tmp_path, "--help").stdout
    refused = generate(tmp_path / "package", "stray")
    assert refused.returncode == 2
    assert "usage: ./generate.sh" in refused.stderr


def test_a_tool_of_another_version_than_the_pinned_one_is_refused(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(making, "_RUFF", package.parent / "ruff")
        _assert_refused(generate(package), package, "ruff none is installed")
    pins = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    write(package.parent, pins.replace('"openapi-python-client==', '"openapi-python-client==9.'), "pyproject.toml")
    monkeypatch.setattr(making, "ROOT", package.parent)
    _assert_refused(generate(package), package, "openapi-python-client", "9.", "make clean setup")


def _assert_refused(done: Completed, package: Path, *said: str) -> None:
    assert done.returncode == 2
    assert all(words in done.stderr for words in said), done.stderr
    assert tree(package) == OLD


class Killed(BaseException):
    """The end of a process: nothing handles it."""


def test_everything_is_moved_to_its_place(package: Path, new: dict[Path, Path]) -> None:
    placement.replace(new)
    shutil.rmtree(package.parent / ".package.work")
    placed = {f"package/{name}": content for name, content in NEW.items()}
    assert tree(package.parent) == placed | {"docs/relay.json": b"new"}


@pytest.mark.parametrize(("step", "there"), [(1, OLD), (2, None), (3, NEW), (4, NEW)])
def test_killed_at_each_step_of_a_swap(
    step: int, there: dict[str, bytes] | None, package: Path, new: dict[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count(1)

    def ending(do: Callable[..., Any]) -> Callable[..., Any]:
        def end_or_do(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                raise Killed
            return do(*arguments, **options)

        return end_or_do

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", ending(Path.rename))
        for name in ("move", "rmtree"):
            patch.setattr(placement, name, ending(getattr(placement, name)))
        with pytest.raises(Killed):
            placement.replace(new)
    assert (tree(package) if package.exists() else None) == there

    with placement.work_folder(package) as work:
        assert list(work.iterdir()) == []
        assert tree(package) == (there or OLD)
    assert not any(name.startswith(".") for name in _beside(package))


def test_another_run_is_refused_while_the_first_one_runs(package: Path) -> None:
    with placement.work_folder(package):
        refused = generate(package, "--document", FROZEN)
    _assert_refused(refused, package, "Another run is writing", "Wait for it")
    assert _beside(package) == ["package"]


def test_a_folder_that_was_removed_while_locked_is_recreated(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = count()

    def lock_late(handle: int, how: int) -> None:
        if next(times) == 0:
            shutil.rmtree(package.with_name(".package.work"))
        fcntl.flock(handle, how)

    monkeypatch.setattr(placement, "flock", lock_late)
    with placement.work_folder(package) as work:
        assert work.is_dir()
    assert next(times) == 2


def test_an_unwritable_place_is_reported(package: Path, new: dict[Path, Path]) -> None:
    (package.parent / "docs").write_text("a file, where a folder is needed")
    with pytest.raises(Refusal, match=r"docs.*git"):
        placement.replace(new)
    file = package.parent / "docs"
    refused = generate(file / "generated_client")
    assert refused.returncode == 2
    assert f"{file}: " in refused.stderr
    assert "Nothing was changed" in refused.stderr


@pytest.mark.parametrize(
    ("number", "code", "left"), [(signal.SIGINT, 130, []), (signal.SIGKILL, -signal.SIGKILL, [".package.work"])]
)
def test_a_signal_leaves_the_package_unchanged(
    number: signal.Signals, code: int, left: list[str], package: Path
) -> None:
    # Background processes and their children ignore interrupts, so run it in the foreground.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    document = write(package.parent.parent, small())
    command = [str(part) for part in (ROOT / "generate.sh", "--document", document, "--output", package)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True)
    signal.signal(signal.SIGINT, before)
    assert started.stdout is not None
    assert "read" in started.stdout.readline()
    os.killpg(started.pid, number)
    started.communicate()
    assert (started.returncode, tree(package), _beside(package)) == (code, OLD, [*left, "package"])
    with placement.work_folder(package):
        pass  # The lock ended with the process.
    assert _beside(package) == ["package"]
