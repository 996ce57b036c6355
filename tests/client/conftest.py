"""The fixtures of what holds for any document: a second package, its stand-in, and both ways of calling it."""

from collections.abc import Iterator
from pathlib import Path as File

import pytest

from another import Package, another
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Relay


@pytest.fixture(scope="session")
def gateway(shared: File) -> Package:
    """The package of another document; all workers of a run share it."""
    return another(shared)


@pytest.fixture
def gateway_relay(gateway: Package) -> Iterator[Relay]:
    """A stand-in for the other document's server."""
    with Relay(gateway.contract) as relay:
        yield relay
    assert relay.problems == []


@pytest.fixture
def gateway_caller(request: pytest.FixtureRequest, gateway: Package, gateway_relay: Relay) -> Iterator[Caller]:
    """A way of calling the other package, with a client of its own."""
    client = gateway.load("client").AuthenticatedClient(gateway_relay.url, token=TOKEN, verify_ssl=TLS)
    caller = Caller(request.param, client)
    caller.enter(caller.client)
    yield caller
    caller.close()
