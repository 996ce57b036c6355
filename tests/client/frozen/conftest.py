"""The fixtures for the package of the frozen document: the contract that its relay keeps, and a client of it."""

import pytest

from calling import TLS, TOKEN
from checkout import FROZEN
from contract_check.relay.standin import Contract, Relay
from frozen import AuthenticatedClient


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The frozen document after its overlay."""
    return Contract.of(FROZEN)


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(base_url=relay.url, token=TOKEN, verify_ssl=TLS)
