"""Check every document of a folder: suggest cures, generate with them, run wire and mypy.

`make corpus DOCUMENTS=folder` prints a line for each; the exit code is the number of documents that failed.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CHECK = (sys.executable, "-m", "contract_check")


def attempt(document: Path, folder: Path) -> str:
    """Run all steps for `document` in `folder`, and print the last one; return the error."""
    started, counts = time.monotonic(), ("0", "0")
    suggestion, package = folder / "suggested.yaml", folder / "generated_client"
    suggestion.write_text(_run(*CHECK, "document", document, "--suggest").stdout, encoding="utf-8")
    overlays = ("--overlay", ROOT / "generator" / "overlay.yaml", "--overlay", suggestion)
    failed = output = ""
    for failure, command in {
        "not generated": (ROOT / "generate.sh", "--document", document, *overlays, "--output", package),
        "not in agreement": (*CHECK, "wire", document, *overlays, "--package", package),
        "not typed": (sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "mypy", package),
    }.items():
        done = _run(*command)
        if found := re.search(r"(\d+) operations? .* (\d+) models?", done.stdout):
            counts = (found[1], found[2])
        if done.returncode:
            failed, output = failure, done.stdout + done.stderr
            break
    took = f"{time.monotonic() - started:6.1f} s  {document.name}"
    print(f"{failed or 'sound':<16} {counts[0]:>5} operations {counts[1]:>5} models {took}", flush=True)
    return output


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


if __name__ == "__main__":
    documents, failures = sorted(Path(sys.argv[1]).glob("*.json")), 0
    for each in documents:
        with TemporaryDirectory() as work:
            if stopped := attempt(each.resolve(), Path(work)):
                failures += 1
                print("\n".join(stopped.splitlines()[-20:]), file=sys.stderr)
    print(f"{len(documents) - failures} of {len(documents)} sound")
    sys.exit(failures if documents else f"{sys.argv[1]} holds no *.json")
