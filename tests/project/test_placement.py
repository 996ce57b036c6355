"""What generates or adopts replaces whole files and folders: killed at any point, it leaves the old or the new ones."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path as File
from typing import Any

import pytest

from checkout import ROOT, generate, tree
from contract_check.document.defects import Refusal
from generator import placement
from specimens import small, write

OLD, NEW = {"gone.py": b"old", "models/__init__.py": b"old"}, {"come.py": b"new", "models/__init__.py": b"new"}


class Killed(BaseException):
    """The end of a process: nothing handles it."""


@pytest.fixture
def package(tmp_path: File) -> File:
    """The package that is replaced, in a folder of its own."""
    return _write(tmp_path / "检出 out" / "package", OLD)


@pytest.fixture
def new(package: File) -> dict[File, File]:
    """What takes the place of it, and of a file that is new."""
    made = package.parent / ".package.work" / "made"
    _write(made, {"cures.yaml": b"new"})
    return {package: _write(made / "package", NEW), package.parent / "generator" / "cures.yaml": made / "cures.yaml"}


def _write(folder: File, files: dict[str, bytes]) -> File:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _beside(package: File) -> list[str]:
    return sorted(entry.name for entry in package.parent.iterdir())


def test_all_is_put_in_place(package: File, new: dict[File, File]) -> None:
    placement.replace(new)

    shutil.rmtree(package.parent / ".package.work")
    assert tree(package.parent) == {f"package/{name}": content for name, content in NEW.items()} | {
        "generator/cures.yaml": b"new"
    }


@pytest.mark.parametrize(("step", "there"), [(1, OLD), (2, None), (3, NEW), (4, NEW)])
def test_killed_at_each_step_of_a_swap(
    step: int, there: dict[str, bytes] | None, package: File, new: dict[File, File], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count(1)

    def ending(do: Callable[..., Any]) -> Callable[..., Any]:
        def end_or_do(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                raise Killed
            return do(*arguments, **options)

        return end_or_do

    with monkeypatch.context() as patch:
        patch.setattr(File, "rename", ending(File.rename))
        for name in ("move", "rmtree"):
            patch.setattr(placement, name, ending(getattr(placement, name)))
        with pytest.raises(Killed):
            placement.replace(new)
    assert (tree(package) if package.exists() else None) == there

    with placement.work_folder(package) as work:
        assert list(work.iterdir()) == []
        assert tree(package) == (there or OLD)
    assert not any(name.startswith(".") for name in _beside(package))


def test_a_swap_that_was_killed_before_it_cleared_up_is_finished(package: File) -> None:
    _write(package.with_name(".package.previous"), OLD)

    with placement.work_folder(package):
        assert _beside(package) == [".package.work", "package"]


def test_another_run_is_refused_as_long_as_the_first_one_lives(package: File) -> None:
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
        with pytest.raises(Refusal, match="Another run is writing") as refused, placement.work_folder(package):
            pass
        first.kill()
    assert refused.value.code == 2
    with placement.work_folder(package):
        pass
    assert _beside(package) == ["package"]


def test_a_folder_that_was_removed_while_it_was_locked_is_made_anew(
    package: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = count()

    def lock_late(handle: int, how: int) -> None:
        if next(times) == 0:
            shutil.rmtree(package.with_name(".package.work"))
        fcntl.flock(handle, how)

    monkeypatch.setattr(placement, "flock", lock_late)
    with placement.work_folder(package) as work:
        assert work.is_dir()
    assert next(times) == 2


def test_what_cannot_be_put_is_said(package: File, new: dict[File, File]) -> None:
    (package.parent / "generator").write_text("a file, where a folder is needed")

    with pytest.raises(Refusal, match=r"generator.*git"):
        placement.replace(new)
    with pytest.raises(Refusal, match="Nothing was changed"), placement.work_folder(package / "come.py" / "package"):
        pass


def _start(output: File, document: File) -> "subprocess.Popen[str]":
    command = [str(ROOT / "generate.sh"), "--document", str(document), "--output", str(output)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8", start_new_session=True)


@pytest.mark.parametrize("times", [4, pytest.param(40, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
def test_a_run_killed_at_random_moments(package: File, tmp_path: File, times: int) -> None:
    document = write(tmp_path, small())
    started = time.monotonic()
    assert generate(tmp_path / "made", "--document", document).returncode == 0
    seconds, moments, made = time.monotonic() - started, random.Random(times), tree(tmp_path / "made")
    for _ in range(times):
        run = _start(package, document)
        time.sleep(moments.uniform(0, seconds))
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        there = package if package.exists() else package.with_name(".package.previous")
        assert tree(there) in (OLD, made)
    assert generate(package, "--document", document).returncode == 0
    assert (tree(package), _beside(package)) == (made, ["package"])


def test_an_interrupt_leaves_nothing_behind(package: File, tmp_path: File) -> None:
    # What was started in the background ignores interrupts, and so do its children; this run stands in front.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = _start(package, write(tmp_path, small()))
    signal.signal(signal.SIGINT, before)
    assert run.stdout is not None
    assert "read" in run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    assert (tree(package), _beside(package)) == (OLD, ["package"])
