"""The fixtures of what is shown of packages with the status query."""

from collections.abc import Iterator
from pathlib import Path as File

import pytest

from another import Package
from contract_check.relay.standin import Relay
from flavours import NAMES, flavour


@pytest.fixture(scope="session", params=NAMES)
def package(request: pytest.FixtureRequest, shared: File) -> Package:
    """A package that knows the status query; all workers of a run share it."""
    return flavour(shared, request.param)


@pytest.fixture
def package_relay(package: Package) -> Iterator[Relay]:
    """A stand-in for the relay of that package's document."""
    with Relay(package.contract) as relay:
        yield relay
    assert relay.problems == []
