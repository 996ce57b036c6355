"""`make demo`: a typed task and a typed error from a stand-in, and no real money without a word from somebody."""

import os
import pty
import re
import subprocess

import pytest

from calling import TOKEN
from checkout import PYTHON, ROOT, Completed, run
from contract_check.relay.standin import Contract, Relay

DEMO = [PYTHON, "examples/demo.py"]
ENVIRONMENT = {"PYTHONPATH": ".", "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def shown() -> Completed:
    done = run(DEMO, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done


def test_it_prints_what_travels_in_both_directions(shown: Completed) -> None:
    assert shown.stdout.count("> POST /kling/v1/videos/image2video\n") == 3
    assert '"prompt":"宇航员站起身走了"' in shown.stdout.replace('": "', '":"')
    assert shown.stdout.count("< 200\n") == 2
    assert shown.stdout.count("< 401\n") == 1


def test_it_prints_the_typed_task_sync_and_async(shown: Completed) -> None:
    assert len(re.findall(r"VideoTask\(.*task_id='\w+'", shown.stdout)) == 2


def test_it_prints_a_typed_error(shown: Completed) -> None:
    assert "generated_client.errors.ApiError: " in shown.stdout
    assert "  .status_code = 401" in shown.stdout
    assert "  .message = 'Invalid token (request id: " in shown.stdout


def test_no_token_is_shown(shown: Completed) -> None:
    assert shown.stdout.count("Authorization: Bearer sk-...\n") == 3
    assert "sk-" not in shown.stdout.replace("sk-...", "")


def test_without_a_terminal_nothing_is_spent() -> None:
    refused = run(DEMO, env={**ENVIRONMENT, "RELAY_TOKEN": TOKEN}, stdin="yes\n")
    assert refused.returncode == 2
    assert "nothing is spent" in refused.stderr
    assert "charges" in refused.stdout
    assert TOKEN not in refused.stdout + refused.stderr


@pytest.mark.parametrize(("word", "code", "calls"), [("yes", 0, 1), ("y", 2, 0), ("", 2, 0)])
def test_at_a_terminal_it_asks_before_it_spends(contract: Contract, word: str, code: int, calls: int) -> None:
    with Relay(contract) as paid:
        script = f"import demo, sys; demo.SERVER = {paid.url!r}; sys.exit(demo.main())"
        here, there = pty.openpty()
        run = subprocess.Popen(
            [PYTHON, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": "examples:.", "RELAY_TOKEN": TOKEN},
            stdin=there,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.write(here, f"{word}\n".encode())
        assert run.wait() == code
        os.close(here)
        os.close(there)
        assert len(paid.chargeable) == calls
