"""Takes every document of a folder the whole way: suggest, generate with the suggestion, import, wire, mypy.

`make corpus DOCUMENTS=folder` prints a line for each; the exit code is the number of documents that failed.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path as File
from tempfile import TemporaryDirectory

ROOT = File(__file__).parents[1]
OVERLAY = ROOT / "generator" / "overlay.yaml"


@dataclass(frozen=True)
class Outcome:
    """How far one document came, and what its package holds."""

    verdict: str
    operations: str
    models: str
    seconds: float
    output: str

    def __str__(self) -> str:
        return f"{self.verdict:<16} {self.operations:>5} operations {self.models:>5} models {self.seconds:6.1f} s"


def try_document(document: File, folder: File) -> Outcome:
    """Takes `document` the whole way; `folder` is for what comes of it."""
    started = time.monotonic()
    suggestion, package = folder / "suggested.yaml", folder / "generated_client"
    given = ["--overlay", str(OVERLAY), "--overlay", str(suggestion)]
    python = [sys.executable, "-m"]
    suggested = _run(*python, "contract_check", "document", str(document), "--suggest")
    suggestion.write_text(suggested.stdout, encoding="utf-8")
    steps = {
        "not generated": [str(ROOT / "generate.sh"), "--document", str(document), *given, "--output", str(package)],
        "not in agreement": [*python, "contract_check", "wire", str(document), *given, "--package", str(package)],
        "not typed": [*python, "mypy", "--strict", "--cache-dir", str(folder / "mypy"), str(package)],
    }
    counts = ("0", "0")
    for failure, command in steps.items():
        done = _run(*command)
        found = re.search(r"(\d+) operations? .* (\d+) models?", done.stdout)
        counts = (found[1], found[2]) if found else counts
        if done.returncode:
            return Outcome(failure, *counts, time.monotonic() - started, done.stdout + done.stderr)
    return Outcome("sound", *counts, time.monotonic() - started, "")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


def main(documents: File) -> int:
    """Prints a line for each document, and what stopped those that failed."""
    failures = 0
    found = sorted(documents.glob("*.json"))
    if not found:
        sys.exit(f"{documents} holds no *.json")
    for document in found:
        with TemporaryDirectory() as folder:
            outcome = try_document(document, File(folder))
        print(f"{outcome}  {document.name}", flush=True)
        if outcome.verdict != "sound":
            failures += 1
            print("\n".join(outcome.output.splitlines()[-20:]), file=sys.stderr)
    print(f"{len(found) - failures} of {len(found)} sound")
    return failures


if __name__ == "__main__":
    sys.exit(main(File(sys.argv[1])))
