"""Puts what belongs together in place: all of it or, whatever interrupts, nothing.

What is about to be replaced stands in a folder of its own meanwhile, and is put back by the next run where this one was
killed. A signal that can wait does so for the few milliseconds that the renames take.
"""

import fcntl
import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copy2, copytree, rmtree

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
    """Puts back what an adoption that was killed had replaced; whether there was one."""
    was_killed = _UNDER_WAY.is_dir()
    if was_killed:
        for name in _UNDER_WAY.joinpath("names").read_text(encoding="utf-8").splitlines():
            _replace(ROOT / name, _UNDER_WAY / "old" / name)
        rmtree(_UNDER_WAY)
    rmtree(_WORK, ignore_errors=True)
    return was_killed


def put(contents: Mapping[str, Path | bytes]) -> None:
    """Replaces each of the checkout's files or folders by what is given: content, or a folder to copy."""
    try:
        for name, content in contents.items():
            new, old = _WORK / "new" / name, _WORK / "old" / name
            new.parent.mkdir(parents=True, exist_ok=True)
            old.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                new.write_bytes(content)
            else:
                copytree(content, new)
            if (present := ROOT / name).is_dir():
                copytree(present, old)
            elif present.exists():
                copy2(present, old)
        _WORK.joinpath("names").write_text("\n".join(contents), encoding="utf-8")
    except OSError as error:
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Nothing was changed.") from error
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        _WORK.rename(_UNDER_WAY)
        for name in contents:
            _replace(ROOT / name, _UNDER_WAY / "new" / name)
        _UNDER_WAY.rename(_WORK)
    except OSError as error:
        undo()
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Everything is as it was.") from error
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    rmtree(_WORK)


def _replace(place: Path, by: Path) -> None:
    """Puts `by` in its place, or takes away what is there where there is no `by`."""
    if place.is_dir() and by.exists():
        rmtree(aside := place.with_name(f".{place.name}.replaced"), ignore_errors=True)
        place.rename(aside)
        by.rename(place)
        rmtree(aside)
    elif by.exists():
        place.parent.mkdir(exist_ok=True)
        by.replace(place)
    else:
        place.unlink(missing_ok=True)
