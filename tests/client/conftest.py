"""The fixtures of what holds for any document: a second package, its stand-in, and both ways of calling it."""

import sys
from collections.abc import Iterator

import pytest

from another import Package, another
from calling import TLS, TOKEN, WAYS, Caller
from contract_check.relay.standin import Relay


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Package]:
    """The package of another document; all workers of a run share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "gateway"
    folder.mkdir(exist_ok=True)
    package = another(folder)
    sys.path.append(str(folder))
    yield package
    sys.path.remove(str(folder))


@pytest.fixture
def gateway_relay(gateway: Package) -> Iterator[Relay]:
    """A stand-in for the other document's server."""
    with Relay(gateway.contract) as relay:
        yield relay
    assert relay.problems == []


@pytest.fixture(params=WAYS)
def gateway_caller(request: pytest.FixtureRequest, gateway: Package, gateway_relay: Relay) -> Iterator[Caller]:
    """Each way of calling the other package, with a client of its own."""
    settings = {"token": TOKEN, "verify_ssl": TLS, "aiohttp": request.param == "aiohttp"}
    caller = Caller(request.param, gateway.load("client").AuthenticatedClient(gateway_relay.url, **settings))
    caller.enter(caller.client)
    yield caller
    caller.close()
