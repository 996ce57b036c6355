"""generate.sh: reproducible in any environment; if killed, it leaves the old package or the new one."""

import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import frozen
from checkout import FROZEN, ROOT, Completed, copy, generate, generate_sh, run, tree
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


def test_the_vendored_package_is_what_the_vendored_document_gives(tmp_path: Path) -> None:
    """The configuration of a surrounding project, the hash seed and the old package have no influence."""
    configuration = '[tool.ruff]\nline-length = 40\nlint.select = ["ALL"]\nformat.quote-style = "single"\n'
    write(tmp_path, configuration, "pyproject.toml")
    vendored, output = tree(ROOT / "generated_client"), tmp_path / "generated_client"
    _write(shutil.copytree(ROOT / "generated_client", output), {"models/stale.py": b"", "stale/b.py": b""})
    (output / "py.typed").unlink()

    done = generate_sh(output, cwd=tmp_path, env={"PYTHONHASHSEED": "4242"})

    assert done.returncode == 0, done.stderr
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines())
    assert tree(output) == vendored
    assert "py.typed" in vendored
    assert {Path(name).suffix for name in vendored.keys() - {"py.typed"}} == {".py"}
    assert not [*output.rglob(".*"), *output.rglob("__pycache__")]
    assert _beside(output) == ["generated_client", "pyproject.toml"]
    *steps, summary, added, removed, stale = [line for line in done.stdout.splitlines() if line[:6] != "note: "]
    assert [re.sub(r"^ *\d+\.\d\d s  ", "", step).split()[0] for step in steps] == ["read", "generated", "replaced"]
    assert re.fullmatch(r"\d+ operations? in \d+ groups?, \d+ models?", summary)
    assert [added, removed, stale] == ["removed models/stale.py", "added py.typed", "removed stale/b.py"]


def test_a_run_lists_the_changes_against_the_previous_package(tmp_path: Path) -> None:
    output = tmp_path / "generated_client"
    fields: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert generate(output, "--document", write(tmp_path, small(Thing=fields))).stdout.count("\n") == 4
    assert (
        "\nno change against the previous package\n" in generate(output, "--document", tmp_path / "relay.json").stdout
    )
    fields["properties"] |= {f"field{number}": {"type": "object", "properties": {"a": {}}} for number in range(20)}
    printed = generate(output, "--document", write(tmp_path, small(Other=fields))).stdout.splitlines()[4:]
    assert printed[:2] == ["changed api/things/create_thing.py", "changed models/__init__.py"]
    assert printed[2] == "added models/other.py"
    assert printed[20:] == ["... and 4 changes more"]


def test_a_checkout_works_at_any_path_with_any_locale_and_without_network(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:9"
    root = copy(tmp_path / "工作 目录 (1)" / "relay's client")
    isolated = ["unshare", "--map-root-user", "--net"]
    try:
        can_isolate = subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        can_isolate = False
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), closed)
    environment = {"LC_ALL": "C", "LANG": "C", "PIP_NO_INDEX": "1", **proxies}
    command = [*(isolated if can_isolate else []), root / "generate.sh"]
    done = run([*command, "--output", "own_client"], cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "own_client") == tree(frozen.FOLDER / "generated_client")
    code = "from own_client.api.videos import create_kling_image_to_video as call; print(call.__name__)"
    imported = run([ROOT / ".venv" / "bin" / "python", "-c", code], cwd=tmp_path)
    assert imported.stdout == "own_client.api.videos.create_kling_image_to_video\n", imported.stderr


def test_help_names_every_option_and_exit_code() -> None:
    done = run([ROOT / "generate.sh", "--help"])
    assert done.returncode == 0
    for word in ("--document", "--overlay", "--output", "exit codes", "0 ", "1 ", "2 "):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [["--documnt", "x"], ["--document"], ["stray"]], ids=" ".join)
def test_a_wrong_argument_is_refused(arguments: list[str], tmp_path: Path) -> None:
    refused = generate(tmp_path / "package", *arguments)
    assert refused.returncode == 2
    assert "usage: ./generate.sh" in refused.stderr


@pytest.mark.parametrize("tool", ["openapi-python-client", "ruff"])
def test_another_version_of_a_tool_than_the_pinned_one_is_refused(
    tool: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    write(package.parent, re.sub(f'"{tool}==[^"]*"', f'"{tool}==0.0.1"', pins), "pyproject.toml")
    monkeypatch.setattr(making, "ROOT", package.parent)
    _assert_refused(generate(package), package, tool, "0.0.1", "make clean setup")


def test_without_ruff_nothing_is_generated(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_RUFF", package.parent / "ruff")
    _assert_refused(generate(package), package, "ruff none is installed")


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


def test_a_swap_that_was_killed_before_cleanup_is_completed(package: Path) -> None:
    _write(package.with_name(".package.previous"), OLD)
    with placement.work_folder(package):
        assert _beside(package) == [".package.work", "package"]


def test_another_run_is_refused_while_the_first_one_runs(package: Path) -> None:
    code = f"""\
import pathlib, time
from generator import placement
with placement.work_folder(pathlib.Path({str(package)!r})):
    print(flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as first:
        assert first.stdout is not None
        first.stdout.readline()
        refused = generate(package, "--document", FROZEN)
        first.kill()
    _assert_refused(refused, package, "Another run is writing", "Wait for it")
    with placement.work_folder(package):
        pass
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


def _start(output: Path, document: Path) -> "subprocess.Popen[str]":
    command = [str(ROOT / "generate.sh"), "--document", str(document), "--output", str(output)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8", start_new_session=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_killed_at_random_moments(package: Path, tmp_path: Path) -> None:
    document = write(tmp_path, small())
    started = time.monotonic()
    assert generate(tmp_path / "made", "--document", document).returncode == 0
    seconds, moments, made = time.monotonic() - started, random.Random(40), tree(tmp_path / "made")
    for _ in range(40):
        run = _start(package, document)
        time.sleep(moments.uniform(0, seconds))
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        there = package if package.exists() else package.with_name(".package.previous")
        assert tree(there) in (OLD, made)
    assert generate(package, "--document", document).returncode == 0
    assert (tree(package), _beside(package)) == (made, ["package"])


def test_an_interrupt_leaves_nothing_behind(package: Path, tmp_path: Path) -> None:
    # Background processes and their children ignore interrupts, so run it in the foreground.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = _start(package, write(tmp_path, small()))
    signal.signal(signal.SIGINT, before)
    assert run.stdout is not None
    assert "read" in run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    assert (tree(package), _beside(package)) == (OLD, ["package"])
