"""Runs of `contract_check live`, as a person or a workflow makes them."""

import json
import os
import pty
import subprocess
from pathlib import Path as File
from typing import Any

from checkout import FROZEN, PYTHON, ROOT, Completed, contract_check

TOKEN = "sk-" + "real/money~1"
OPERATION = "POST /kling/v1/videos/image2video"
OVERLAYS = ["--overlay", str(ROOT / "generator" / "overlay.yaml")]
"""Without those that add operations and fields: the frozen document has OPERATION alone."""


def live(url: str, *arguments: str | File, document: File = FROZEN, **env: str) -> Completed:
    overlays = [] if "--overlay" in arguments else OVERLAYS
    return contract_check("live", document, "--base-url", url, *overlays, *arguments, env={"GITHUB_ACTIONS": "", **env})


def report(url: str, *arguments: str | File, document: File = FROZEN, **env: str) -> dict[str, Any]:
    done = live(url, *arguments, "--format", "json", document=document, **env)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == any(not each["accepted"] for each in found["departures"])
    return found


def new(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Probe, kind and place of each departure that is not accepted."""
    return {(each["probe"], each["kind"], each["where"]) for each in found["departures"] if not each["accepted"]}


class Person:
    """Somebody at a terminal."""

    def __init__(self, url: str, *arguments: str, document: File = FROZEN, **env: str) -> None:
        self.terminal, theirs = pty.openpty()
        environment = {**os.environ, "GITHUB_ACTIONS": "", "PYTHONUTF8": "1", **env}
        command = [str(PYTHON), "-m", "contract_check", "live", str(document), "--base-url", url, *OVERLAYS, *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.seen = ""

    def reads(self, until: str = "\0") -> str:
        """What the terminal shows up to `until`, or to the end."""
        while until not in self.seen:
            try:
                self.seen += os.read(self.terminal, 65536).decode()
            except OSError:  # nobody else has the terminal open
                break
        return self.seen

    def types(self, text: str) -> None:
        """Answers the question, once it is asked."""
        self.reads("Type yes to send it: ")
        os.write(self.terminal, f"{text}\n".encode())

    def stays(self) -> int:
        """Waits for the end; returns the exit code."""
        self.reads()
        os.close(self.terminal)
        return self.process.wait(30)
