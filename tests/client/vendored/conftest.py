"""Fixtures for the shipped package: the vendored document, and a client from the installed wheel."""

import pytest

from calling import TLS, TOKEN
from contract_check.relay.standin import Contract, Relay
from generated_client import AuthenticatedClient


@pytest.fixture(scope="session")
def contract() -> Contract:
    """relay.json with its overlays."""
    return Contract.of()


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)
