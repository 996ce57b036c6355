"""Copies the checkout, says `http_library: httpx2` in the copy, and generates and builds the package there.

Its tests say httpx2 wherever these say httpx: what differs between the two stands here, and in no test.
"""

import shutil
import sys
from pathlib import Path

from checkout import ROOT, Completed, run, say_httpx2, share_environment
from generator.prepare.generator_input import name_http_library

LEFT_OUT = {
    "test_mocks.py": "respx and pytest-httpx know httpx only; README says what sees httpx2",
}
"""Files of tests that httpx2 has no part in, and why."""


def main(into: Path) -> None:
    """Makes the copy in `into`, with the wheel in its folder `dist`."""
    for name in _succeed(run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"])).split("\0"):
        if name and (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)
    share_environment(into)
    say_httpx2(into)
    for name in ("tests", "README.md", "README.zh-CN.md"):
        name_http_library(into / name, "httpx2")
    for name in LEFT_OUT:
        (into / "tests" / "client" / name).unlink()
    _succeed(run([into / "generate.sh"], cwd=into))
    python = into / ".venv" / "bin" / "python"
    _succeed(run([python, "-P", "-m", "build", "--no-isolation", "--outdir", "dist", "."], cwd=into))


def _succeed(done: Completed) -> str:
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
