"""kill -9 at any point of a run leaves the old package or the new one, whole, and the next run succeeds."""

import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path as File

import pytest

from checkout import ROOT, generate, tree
from specimens import small, write

Tree = dict[str, bytes]


@dataclass
class Scene:
    """A package of an old document, and a new document to replace it by."""

    document: File
    output: File
    old: Tree
    new: Tree
    seconds: float
    """How long an undisturbed run takes."""

    @property
    def previous(self) -> File:
        """Where the old package stands between the two renames of a swap."""
        return self.output.parent / f".{self.output.name}.previous"

    def start(self, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        """Starts a run, in a process group of its own."""
        return subprocess.Popen(
            [ROOT / "generate.sh", "--document", self.document, "--output", self.output],
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,
        )

    def assert_whole(self) -> None:
        """The old package or the new one is there, or, within the swap, the old one beside its place."""
        there = tree(self.output if self.output.exists() else self.previous)
        assert there in (self.old, self.new), sorted(there)

    def assert_next_run_succeeds(self) -> None:
        """The next run clears up, and puts the new package in place."""
        done = generate(self.output, "--document", self.document)
        assert done.returncode == 0, done.stderr
        assert tree(self.output) == self.new
        assert sorted(entry.name for entry in self.output.parent.iterdir()) == [self.output.name]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Both packages, generated once."""
    folder = tmp_path_factory.mktemp("originals")
    document = write(folder, small(), "new.json")
    assert generate(folder / "old").returncode == 0
    started = time.monotonic()
    assert generate(folder / "new", "--document", document).returncode == 0
    seconds = time.monotonic() - started
    return Scene(document, folder / "old", tree(folder / "old"), tree(folder / "new"), seconds)


@pytest.fixture
def scene(originals: Scene, tmp_path: File) -> Scene:
    """A scene of the test's own, as it was before the run."""
    output = tmp_path / "generated_client"
    shutil.copytree(originals.output, output)
    return Scene(originals.document, output, originals.old, originals.new, originals.seconds)


def _kill(run: "subprocess.Popen[str]") -> None:
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("step", ["read", "generated", "verified", "put in place"])
def test_killed_when_a_step_is_done(scene: Scene, step: str) -> None:
    run = scene.start()
    assert run.stdout is not None
    assert any(f"  {step}" in line for line in run.stdout)
    _kill(run)
    scene.assert_whole()
    scene.assert_next_run_succeeds()


def _killed_at_random(scene: Scene, times: int) -> None:
    moments = random.Random(times)
    for _ in range(times):
        run = scene.start()
        try:
            run.wait(timeout=moments.uniform(0, scene.seconds))
        except subprocess.TimeoutExpired:
            _kill(run)
        else:
            run.communicate()
        scene.assert_whole()
    scene.assert_next_run_succeeds()


def test_killed_at_random_moments(scene: Scene) -> None:
    _killed_at_random(scene, 4)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_many_random_moments(scene: Scene) -> None:
    _killed_at_random(scene, 40)


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_killed_around_each_rename_of_the_swap(scene: Scene, tmp_path: File, renames: int) -> None:
    """An `mv` that kills its caller once it was called often enough stands first on the run's PATH."""
    tools = tmp_path.parent / f"{tmp_path.name}-tools"
    tools.mkdir()
    script = (
        f'#!/bin/sh\necho >>"$0.calls"\n'
        f'if [ "$(wc -l <"$0.calls")" -gt {renames} ]; then kill -9 $PPID; exit; fi\n'
        f'{shutil.which("mv")} "$@"\n'
        f'if [ "$(wc -l <"$0.calls")" -eq 2 ]; then kill -9 $PPID; fi\n'
    )
    (tools / "mv").write_text(script, encoding="utf-8")
    (tools / "mv").chmod(0o755)
    run = scene.start({"PATH": f"{tools}:{os.environ['PATH']}"})
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert (tree(scene.output) if scene.output.exists() else None) == (scene.old, None, scene.new)[renames]
    scene.assert_whole()
    scene.assert_next_run_succeeds()


@pytest.mark.slow
def test_a_script_killed_alone_cannot_have_its_children_break_the_package(scene: Scene) -> None:
    run = scene.start()
    assert run.stdout is not None
    assert any("  read" in line for line in run.stdout)
    run.kill()
    run.wait()
    scene.assert_whole()
    run.stdout.read()  # Until the last of its children, which hold the other end, has gone.
    run.stdout.close()
    scene.assert_whole()
    scene.assert_next_run_succeeds()


def test_a_half_done_swap_is_undone_by_a_run_that_fails(scene: Scene, tmp_path: File) -> None:
    scene.output.rename(scene.previous)
    broken = write(tmp_path.parent, "{", f"{tmp_path.name}.json")
    assert generate(scene.output, "--document", broken).returncode == 1
    assert tree(scene.output) == scene.old
    assert not scene.previous.exists()


def test_a_swap_that_was_killed_before_it_cleared_up_is_finished(scene: Scene) -> None:
    shutil.copytree(scene.output, scene.previous)
    scene.assert_next_run_succeeds()


def test_an_interrupt_leaves_nothing_behind(scene: Scene) -> None:
    # What was started in the background ignores interrupts, and so do its children; this run stands in front.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = scene.start()
    signal.signal(signal.SIGINT, before)
    assert run.stdout is not None
    assert any("  read" in line for line in run.stdout)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode != 0
    assert tree(scene.output) == scene.old
    assert [entry.name for entry in scene.output.parent.iterdir()] == [scene.output.name]
