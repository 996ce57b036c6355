"""What an adoption replaces is replaced whole or, wherever it is killed, put back."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path as File
from typing import Any

import pytest

from checkout import tree
from contract_check.adoption import placement
from contract_check.document.defects import Refusal


class Killed(BaseException):
    """The end of a process: nothing handles it."""


@pytest.fixture
def root(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> File:
    """A checkout, in which a file and a folder are replaced, and a file is new."""
    root = tmp_path / "检出 out"
    (root / "package").mkdir(parents=True)
    (root / "relay.json").write_text("old")
    (root / "package" / "gone.py").write_text("old")
    monkeypatch.setattr(placement, "ROOT", root)
    monkeypatch.setattr(placement, "_WORK", root / ".adoption.work")
    monkeypatch.setattr(placement, "_UNDER_WAY", root / ".adoption")
    return root


@pytest.fixture
def contents(tmp_path: File) -> dict[str, File | bytes]:
    made = tmp_path / "made"
    made.mkdir()
    (made / "come.py").write_text("new")
    return {"relay.json": b"new", "package": made, "docs/api.md": b"new"}


NEW = {"relay.json": b"new", "package/come.py": b"new", "docs/api.md": b"new"}


@contextmanager
def _killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Ends whatever renames for the `step`th time."""
    steps, rename = count(1), File.rename

    def end(self: File, target: File) -> Any:
        if next(steps) == step:
            raise Killed
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(File, "rename", end)
        yield


def test_all_of_it_is_put_in_place(root: File, contents: dict[str, File | bytes]) -> None:
    placement.put(contents)

    assert tree(root) == NEW


@pytest.mark.parametrize("undoing", range(8))
@pytest.mark.parametrize("putting", range(1, 8))
def test_wherever_it_is_killed_the_next_run_puts_everything_back(
    putting: int, undoing: int, root: File, contents: dict[str, File | bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)
    with pytest.raises(Killed), _killed_at(putting, monkeypatch):
        placement.put(contents)
    with suppress(Killed), _killed_at(undoing, monkeypatch):  # Step 0, or one too far, kills nothing.
        placement.undo()

    placement.undo()

    assert tree(root) == before


def test_what_cannot_be_put_leaves_everything_as_it_was(root: File, contents: dict[str, File | bytes]) -> None:
    (root / "docs").write_text("a file, where a folder is needed")
    before = tree(root)

    with pytest.raises(Refusal, match="Nothing was changed"):
        placement.put(contents)

    placement.undo()
    assert tree(root) == before


def test_a_second_adoption_waits_for_nothing(root: File) -> None:
    with placement.alone(), pytest.raises(Refusal, match="Another adoption is under way"), placement.alone():
        pass
