"""The fixtures for the package of the frozen document: the contract that its relay keeps, and a client of it."""

import pytest

from calling import TLS, TOKEN, make_over_aiohttp
from checkout import FROZEN
from contract_check.relay.standin import Contract, Relay
from frozen import AuthenticatedClient, Client


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The frozen document after its overlay."""
    return Contract.of(FROZEN)


@pytest.fixture(autouse=True)
def frozen_over_aiohttp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `over_aiohttp`, for the classes of this package."""
    make_over_aiohttp(request, monkeypatch, Client, AuthenticatedClient)


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(base_url=relay.url, token=TOKEN, verify_ssl=TLS)
