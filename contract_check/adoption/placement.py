"""Puts what belongs together in place: all of it or, whatever interrupts, nothing.

What is about to be replaced stands in a folder of its own meanwhile, and is put back by the next run where this one was
killed. A signal that can wait does so for the few milliseconds that the renames take.
"""

import fcntl
import json
import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, rmtree

from .. import ROOT
from ..document.defects import Refusal

_WORK = ROOT / ".adoption.work"
_UNDER_WAY = ROOT / ".adoption"
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def alone() -> Generator[None]:
    """Keeps other adoptions out, and undoes one that was killed half-way."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refusal.environment("Another adoption is under way.", "Wait for it, or stop it.") from error
    try:
        undo()
        yield
    finally:
        os.close(handle)


def undo() -> bool:
    """Puts back what an adoption that was killed had replaced; whether there was one.

    Each step is a rename, and is left out where it was done before: an undoing that was killed is done again.
    """
    was_killed = _UNDER_WAY.is_dir()
    if was_killed:
        was_there: dict[str, bool] = json.loads(_UNDER_WAY.joinpath("names.json").read_text(encoding="utf-8"))
        for name, had_content in was_there.items():
            place, new, old = ROOT / name, _UNDER_WAY / "new" / name, _UNDER_WAY / "old" / name
            if old.exists() or (not had_content and not new.exists()):
                if place.exists():
                    place.rename(new)
                if old.exists():
                    old.rename(place)
        rmtree(_WORK, ignore_errors=True)
        _UNDER_WAY.rename(_WORK)
    rmtree(_WORK, ignore_errors=True)
    return was_killed


def put(contents: Mapping[str, Path | bytes]) -> None:
    """Replaces each of the checkout's files or folders by what is given: content, or a folder to copy."""
    try:
        for name, content in contents.items():
            new = _WORK / "new" / name
            for folder in (new.parent, (_WORK / "old" / name).parent, (ROOT / name).parent):
                folder.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                new.write_bytes(content)
            else:
                copytree(content, new)
        was_there = {name: ROOT.joinpath(name).exists() for name in contents}
        _WORK.joinpath("names.json").write_text(json.dumps(was_there), encoding="utf-8")
    except OSError as error:
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Nothing was changed.") from error
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        _WORK.rename(_UNDER_WAY)
        for name, had_content in was_there.items():
            if had_content:
                ROOT.joinpath(name).rename(_UNDER_WAY / "old" / name)
            _UNDER_WAY.joinpath("new", name).rename(ROOT / name)
        _UNDER_WAY.rename(_WORK)
    except OSError as error:
        undo()
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Everything is as it was.") from error
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    rmtree(_WORK)
