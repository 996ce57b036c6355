"""Whether the package is what the document generates, byte for byte."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from difflib import unified_diff
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory

from generator import verification

from .. import REFERENCE, ROOT
from ..document.defects import Refusal

_MEANING = {
    (False, True): "missing: the document generates this file.",
    (True, False): "stale: the document does not generate this file.",
    (True, True): "changed: the document generates other content; a hand edit, or other tools, or another input.",
}


@contextmanager
def generation(document: Path, overlays: list[Path]) -> Generator[Callable[[], Path]]:
    """Begins to generate elsewhere; gives what waits for the package and says where it is."""
    with TemporaryDirectory() as temporary:
        fresh, listed = Path(temporary) / "fresh", Path(temporary) / REFERENCE.name
        options = [option for overlay in overlays for option in ("--overlay", overlay)]
        command = [ROOT / "generate.sh", "--document", document, *options, "--output", fresh, "--reference", listed]
        with Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:

            def wait() -> Path:
                _, problem = process.communicate()
                if process.returncode:
                    raise Refusal(problem.strip(), process.returncode)
                return fresh

            try:
                yield wait
            finally:
                process.terminate()


def compare(folder: Path, fresh: Path) -> Iterator[str]:
    """A line for each file of `folder` that differs from what was generated, and what would have to change in it.

    The list of operations goes with the package of the checkout.
    """
    old, new = verification.files(folder), verification.files(fresh)
    yield from _differences(folder, old, new)
    if folder.resolve() == ROOT / verification.PACKAGE:
        listed = {REFERENCE.name: REFERENCE.read_bytes()} if REFERENCE.is_file() else {}
        made = {REFERENCE.name: (fresh.parent / REFERENCE.name).read_bytes()}
        yield from _differences(REFERENCE.parent, listed, made)


def _differences(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[str]:
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        yield f"{folder / name}:1:1: {_MEANING[name in old, name in new]}"
        before, after = (tree.get(name, b"").decode(errors="replace").splitlines() for tree in (old, new))
        diff = [f"  {line}" for line in unified_diff(before, after, "the package", "the document's", n=1, lineterm="")]
        yield from diff if len(diff) <= 40 else [*diff[:40], f"  ... and {len(diff) - 40} more lines"]
