"""Fixtures for the package of the frozen document, and for a second package from another document."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from calling import TLS, TOKEN, WAYS, Caller
from contract_check.relay.standin import Contract, Relay
from frozen import AuthenticatedClient
from generated import Package, of_gateway


@pytest.fixture(scope="session")
def contract(frozen_contract: Contract) -> Contract:
    """The frozen document with its overlays."""
    return frozen_contract


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of async tests, for anyio's pytest plugin."""
    return "asyncio"


@pytest.fixture
def client(relay: Relay) -> AuthenticatedClient:
    """A client of the stand-in, not yet entered."""
    return AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)


def _entered(way: str, client: object) -> Iterator[Caller]:
    caller = Caller(way, client)
    caller.enter(client)
    yield caller
    caller.close()


@pytest.fixture(params=WAYS)
def caller(request: pytest.FixtureRequest, client: AuthenticatedClient) -> Iterator[Caller]:
    """Sync and async calls in turn, with `client` entered."""
    yield from _entered(request.param, client)


@pytest.fixture
def sync(client: AuthenticatedClient) -> Iterator[Caller]:
    """Sync calls only, for tests of behaviour that is the same in both."""
    yield from _entered("sync", client)


@pytest.fixture(scope="session")
def gateway(shared: Path) -> Package:
    """The package of another document."""
    return of_gateway(shared)


@pytest.fixture
def gateway_relay(gateway: Package) -> Iterator[Relay]:
    """A stand-in for the other document's server."""
    with Relay(gateway.contract) as relay:
        yield relay
    assert relay.problems == []


@pytest.fixture
def gateway_client(gateway: Package, gateway_relay: Relay) -> object:
    """A client of the other package, not yet entered."""
    return gateway.module("client").AuthenticatedClient(gateway_relay.url, token=TOKEN, verify_ssl=TLS)


@pytest.fixture(params=WAYS)
def gateway_caller(request: pytest.FixtureRequest, gateway_client: object) -> Iterator[Caller]:
    """Sync and async calls of the other package in turn."""
    yield from _entered(request.param, gateway_client)


@pytest.fixture
def gateway_sync(gateway_client: object) -> Iterator[Caller]:
    """Sync calls of the other package only."""
    yield from _entered("sync", gateway_client)
