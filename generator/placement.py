"""Replace generated files by renames, so that a killed run leaves either the old or the new ones.

A folder takes two renames. If a run is killed between them, the next run restores the old folder from its backup.
"""

import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from shutil import move, rmtree
from tempfile import mkdtemp

from contract_check.document.defects import Refusal

_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def work_folder(output: Path) -> Generator[Path]:
    """Lock `output` against other runs, and yield an empty temporary folder beside it.

    The lock is on that folder's parent, and ends with the process. Leftovers of killed runs are removed.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock(work := output.with_name(f".{output.name}.work"))
    except BlockingIOError as error:
        raise Refusal.environment(f"Another run is writing {output}.", "Wait for it, or stop it.") from error
    except OSError as error:
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Nothing was changed.") from error
    try:
        previous = _previous(output)
        if previous.exists():
            rmtree(previous) if output.exists() else previous.rename(output)
        for left in work.iterdir():
            rmtree(left)
        yield Path(mkdtemp(dir=work))
    finally:
        rmtree(work)
        os.close(handle)


def _lock(folder: Path) -> int:
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            flock(handle, LOCK_EX | LOCK_NB)
            if folder.exists() and os.path.samestat(folder.stat(), os.fstat(handle)):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise
        os.close(handle)  # Another run removed the folder after it was opened.


def replace(contents: Mapping[Path, Path]) -> None:
    """Move each new file or folder to its place, with signals blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        for place, new in contents.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                place.rename(_previous(place))
            move(new, place)
            rmtree(_previous(place), ignore_errors=True)
    except OSError as error:
        raise Refusal.environment(f"{error.filename}: {error.strerror}.", "Restore it from git.") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")
