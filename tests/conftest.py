"""Fixtures of all tests: the document, the stand-in, a client."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import trustme

from calling import TLS, TOKEN
from checkout import FROZEN, ROOT
from contract_check.relay.standin import Contract, Relay
from generated_client import AuthenticatedClient

RELEASED = "12,107 lines, 183 s"
"""The suite of the last release, on two idle cores; update it at each release from the output of `make test`."""
STARTED = time.monotonic()

# Hypothesis' deadline per example fails on a busy machine.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """Hide this machine's proxies and token from the tests, and the outer `make` from those that tests run."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("RELAY_TOKEN", "ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            del os.environ[name]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """After `make test`, print the suite's size next to the last release's, and each test over 2 s."""
    if config.args_source != config.ArgsSource.TESTPATHS or config.option.markexpr != "not slow":
        return
    lines = sum(file.read_bytes().count(b"\n") for file in (ROOT / "tests").rglob("*.py"))
    terminalreporter.write_line(f"suite: {lines:,} lines, {time.monotonic() - STARTED:.0f} s; last release: {RELEASED}")
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    for report in sorted(passed, key=lambda report: -report.duration):
        if report.duration > 2:
            terminalreporter.write_line(f"  {report.duration:5.1f} s {report.nodeid}")


@pytest.fixture(scope="session")
def contract() -> Contract:
    """relay.json with its overlays."""
    return Contract.of()


@pytest.fixture
def relay(contract: Contract) -> Iterator[Relay]:
    """The stand-in; the test fails if a request departs from the document, unless it clears `problems`."""
    with Relay(contract) as relay:
        yield relay
    assert relay.problems == []


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """A folder that all workers of a run share; a package in it can be imported."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    sys.path.append(str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(base_url=relay.url, token=TOKEN, verify_ssl=TLS)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority for the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def frozen_contract() -> Contract:
    """The frozen document with the overlays."""
    return Contract.of(FROZEN)


@pytest.fixture
def asked(frozen_contract: Contract) -> Iterator[Relay]:
    """A stand-in for the frozen document; requests may depart from it."""
    with Relay(frozen_contract) as relay:
        yield relay
