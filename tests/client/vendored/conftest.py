"""Fixtures for the shipped package: the vendored document, and a client from the installed wheel."""

from pathlib import Path

import pytest

import generated_client
from calling import TLS, TOKEN
from contract_check.relay.standin import Contract, Relay
from generated import Package


@pytest.fixture(scope="session")
def contract() -> Contract:
    """relay.json with its overlays."""
    return Contract.of()


@pytest.fixture(scope="session")
def package(contract: Contract) -> Package:
    """The installed wheel's package."""
    return Package(Path(generated_client.__file__).parent, contract)


@pytest.fixture
def client(relay: Relay, package: Package) -> object:
    """A client of the stand-in, not yet entered."""
    return package.module("client").AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)
