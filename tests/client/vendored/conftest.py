"""Fixtures for the package that ships: the vendored document, and a client of the installed wheel."""

import pytest

from calling import TLS, TOKEN
from contract_check.relay.standin import Contract, Relay
from generated_client import AuthenticatedClient


@pytest.fixture(scope="session")
def contract() -> Contract:
    """relay.json after its overlay."""
    return Contract.of()


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)
