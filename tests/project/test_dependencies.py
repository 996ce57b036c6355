"""The wheel runs where there is nothing but itself and what it asks for, at the lowest and the newest it allows."""

import re
import tomllib
from pathlib import Path as File

import pytest

from checkout import ROOT, run
from contract_check.relay.standin import Contract, Relay

CONSUMER = ROOT / "tests" / "snippets" / "consumer.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RANGES: list[str] = PROJECT["project"]["dependencies"]


def _lowest(requirement: str) -> str:
    """`httpx==0.28` for `httpx>=0.28,<1`."""
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)(,.*)?", requirement)
    assert found, f"{requirement} gives no lowest version"
    return f"{found[1]}=={found[2]}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lowest", [True, False], ids=["lowest", "newest"])
def test_the_wheel_alone_makes_the_call(lowest: bool, contract: Contract, tmp_path: File) -> None:
    pins = [_lowest(each) for each in RANGES] if lowest else []
    python = tmp_path / "environment" / "bin" / "python"
    (wheel,) = (ROOT / "dist").glob("*.whl")
    for command in (
        [ROOT / ".venv" / "bin" / "python", "-m", "venv", tmp_path / "environment"],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, *pins],
        [python, "-m", "pip", "check", "--disable-pip-version-check"],
    ):
        done = run(command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    with Relay(contract) as relay:
        environment = {"PYTHONUTF8": "1", "RELAY_BASE_URL": relay.url}
        done = run([python, "-P", "-W", "error", CONSUMER], cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "abcd1234efgh queued abcd1234efgh\nabcd1234efgh abcd1234efgh abcd1234efgh\n"
        assert len(relay.chargeable) == 6
        assert relay.problems == []
