"""Redirects of GET and HEAD are followed where asked for, without a credential to another origin."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from another import Package
from calling import TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import errors
from servers import refusing

pytestmark = pytest.mark.every_way

PATH = "/v1/Item/7"
ITEM = Answer.json({"id": 7})
CREDENTIALS: dict[str, Any] = {
    "headers": {"X-Session-Key": TOKEN, "Cookie2": TOKEN, "Proxy-Authorization": TOKEN, "X-Trace": "t"},
    "cookies": {"session": TOKEN},
}

Follow = Callable[..., int]


def _to(url: str, status: int = 307, cookie: str = "") -> Answer:
    return Answer(status, headers={"Location": url, **({"Set-Cookie": cookie} if cookie else {})})


@pytest.fixture
def elsewhere(gateway: Package) -> Iterator[Relay]:
    """Another origin, which asks for no token."""
    with Relay(gateway.contract) as relay:
        relay.always(ITEM)
        yield relay


@pytest.fixture
def follow(gateway_caller: Caller) -> Follow:
    """Makes a GET that follows redirects; returns its status."""
    get = gateway_caller.load("api.item.get_v1_item_by_item_id")

    def follow(relay: Relay, **settings: Any) -> int:
        own = gateway_caller.connect(relay.url, follow_redirects=True, **CREDENTIALS, **settings)
        try:
            status: int = gateway_caller.detailed(get, client=own, item_id="7").status_code
            return status
        finally:
            relay.problems.clear()

    return follow


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "New-Api-User"])
def test_another_origin_gets_no_credential(follow: Follow, gateway_relay: Relay, elsewhere: Relay, name: str) -> None:
    gateway_relay.answer(_to(f"{elsewhere.url}{PATH}", cookie=f"given={TOKEN}"))
    assert follow(gateway_relay, auth_header_name=name) == 200
    headers = elsewhere.request.headers
    assert TOKEN not in str(headers.items())
    assert not {header.lower() for header in headers} & {"authorization", "cookie", name.lower(), "x-trace"}
    assert headers["host"] == elsewhere.url.removeprefix("http://")


def test_another_name_of_the_server_is_another_origin(follow: Follow, gateway_relay: Relay) -> None:
    gateway_relay.answer(_to(f"{gateway_relay.url.replace('127.0.0.1', 'localhost')}{PATH}"))
    gateway_relay.answer(ITEM)
    assert follow(gateway_relay) == 200
    assert [TOKEN in str(request.headers.items()) for request in gateway_relay.requests] == [True, False]


def test_another_scheme_is_another_origin(
    follow: Follow, gateway_relay: Relay, tls_relay: Relay, trusting: Any
) -> None:
    tls_relay.answer(_to(f"{gateway_relay.url}{PATH}"))
    gateway_relay.answer(ITEM)
    assert follow(tls_relay, verify_ssl=trusting) == 200
    assert TOKEN not in str(gateway_relay.request.headers.items())
    gateway_relay.problems.clear()


def test_the_way_back_carries_no_credential(follow: Follow, gateway_relay: Relay, elsewhere: Relay) -> None:
    gateway_relay.answer(_to(f"{elsewhere.url}{PATH}"))
    gateway_relay.answer(ITEM)
    elsewhere.answer(_to(f"{gateway_relay.url}{PATH}"))
    assert follow(gateway_relay) == 200
    assert TOKEN not in str(gateway_relay.requests[1].headers.items())


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key"])
@pytest.mark.parametrize("location", [f"{PATH}?moved=1", "{url}" + PATH], ids=["relative", "absolute"])
def test_the_same_origin_gets_all_headers(follow: Follow, gateway_relay: Relay, name: str, location: str) -> None:
    gateway_relay.answer(_to(location.format(url=gateway_relay.url), 308, cookie="given=g"))
    gateway_relay.answer(ITEM)
    assert follow(gateway_relay, auth_header_name=name) == 200
    first, second = (request.headers for request in gateway_relay.requests)
    for header in (name, "X-Session-Key", "X-Trace", "User-Agent", "Cookie"):
        assert second.get_all(header) == first.get_all(header)
        assert header in first
    assert first["cookie"] == f"session={TOKEN}"


def test_no_redirect_is_followed_by_default(gateway_caller: Caller, gateway_relay: Relay) -> None:
    gateway_relay.answer(_to(PATH))
    with pytest.raises(gateway_caller.load("errors").UnexpectedStatus, match=PATH):
        gateway_caller.parsed("item.get_v1_item_by_item_id", item_id="7")
    assert len(gateway_relay.requests) == 1


def test_a_circle_ends(follow: Follow, gateway_relay: Relay) -> None:
    gateway_relay.always(_to(PATH))
    with pytest.raises(httpx.TooManyRedirects, match=f"GET {PATH}: more than 20 redirects"):
        follow(gateway_relay)
    assert len(gateway_relay.requests) == 21


def test_a_redirect_to_a_server_that_refuses_was_sent(follow: Follow, gateway_relay: Relay) -> None:
    with refusing() as nowhere:
        gateway_relay.answer(_to(f"{nowhere}{PATH}"))
        with pytest.raises(httpx.TransportError, match="redirect") as raised:
            follow(gateway_relay)
    assert errors.may_have_been_charged(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_post_is_never_sent_again(caller: Caller, relay: Relay, status: int) -> None:
    own = caller.connect(follow_redirects=True)
    with refusing() as nowhere:
        relay.answer(_to(f"{nowhere}/", status))
        with pytest.raises(errors.UnexpectedStatus, match=f"a redirect to {nowhere}/ ") as raised:
            caller.submit(own)
    assert raised.value.headers["location"] == f"{nowhere}/"
    assert len(relay.requests) == 1
