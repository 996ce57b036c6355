"""A redirect is followed where that is free, and carries no credential to another origin, by whatever name it goes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from another import Package
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, UnexpectedStatus
from generated_client.models import KlingImageToVideoRequest
from sockets import refusing

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
PATH = "/v1/Item/7"
ITEM = Answer.json({"id": 7})
CREDENTIALS: dict[str, Any] = {
    "headers": {"X-Session-Key": TOKEN, "Cookie2": TOKEN, "Proxy-Authorization": TOKEN, "X-Trace": "t"},
    "cookies": {"session": TOKEN},
}


@pytest.fixture
def elsewhere(gateway: Package) -> Iterator[Relay]:
    """Another origin; whoever comes without a token is a guest there."""
    with Relay(gateway.contract) as relay:
        relay.always(ITEM)
        yield relay


def _to(url: str, status: int = 307, cookie: str = "") -> Answer:
    return Answer(status, headers={"Location": url, **({"Set-Cookie": cookie} if cookie else {})})


class Followed:
    """A GET that is answered by redirects."""

    def __init__(self, gateway: Package, caller: Caller) -> None:
        self._make = gateway.load("client").AuthenticatedClient
        self._get = gateway.operation("item.get_v1_item_by_item_id")
        self._caller = caller

    def __call__(self, relay: Relay, **options: Any) -> int:
        """The status that comes in the end."""
        settings: dict[str, Any] = {"verify_ssl": TLS, "follow_redirects": True, **CREDENTIALS, **options}
        own = self._caller.enter(self._make(relay.url, token=TOKEN, **settings))
        status: int = self._caller.detailed(self._get, client=own, item_id="7").status_code
        relay.problems.clear()
        return status


@pytest.fixture
def follow(gateway: Package, gateway_caller: Caller) -> Followed:
    """Calls and follows."""
    return Followed(gateway, gateway_caller)


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "New-Api-User"])
def test_another_origin_gets_no_credential(follow: Followed, gateway_relay: Relay, elsewhere: Relay, name: str) -> None:
    gateway_relay.answer(_to(f"{elsewhere.url}{PATH}", cookie=f"given={TOKEN}"))
    assert follow(gateway_relay, auth_header_name=name) == 200
    arrived = elsewhere.request
    assert TOKEN not in str(arrived.headers.items())
    sent = {header.lower() for header in arrived.headers}
    assert not sent & {"authorization", "cookie", name.lower(), "x-session-key", "x-trace"}
    assert arrived.headers["host"] == elsewhere.url.removeprefix("http://")


def test_another_name_of_the_same_server_is_another_origin(follow: Followed, gateway_relay: Relay) -> None:
    gateway_relay.answer(_to(f"{gateway_relay.url.replace('127.0.0.1', 'localhost')}{PATH}"))
    gateway_relay.answer(ITEM)
    assert follow(gateway_relay) == 200
    assert [TOKEN in str(request.headers.items()) for request in gateway_relay.requests] == [True, False]


def test_another_scheme_is_another_origin(
    follow: Followed, gateway_relay: Relay, tls_relay: Relay, trusting: Any
) -> None:
    tls_relay.answer(_to(f"{gateway_relay.url}{PATH}"))
    gateway_relay.answer(ITEM)
    assert follow(tls_relay, verify_ssl=trusting) == 200
    assert TOKEN not in str(gateway_relay.request.headers.items())
    gateway_relay.problems.clear()


def test_once_away_the_way_back_carries_none_either(follow: Followed, gateway_relay: Relay, elsewhere: Relay) -> None:
    gateway_relay.answer(_to(f"{elsewhere.url}{PATH}"))
    gateway_relay.answer(ITEM)
    elsewhere.answer(_to(f"{gateway_relay.url}{PATH}"))
    assert follow(gateway_relay) == 200
    assert TOKEN not in str(gateway_relay.requests[1].headers.items())


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key"])
@pytest.mark.parametrize("location", [f"{PATH}?moved=1", "{url}" + PATH], ids=["relative", "absolute"])
def test_the_same_origin_gets_all_of_them(follow: Followed, gateway_relay: Relay, name: str, location: str) -> None:
    gateway_relay.answer(_to(location.format(url=gateway_relay.url), 308, cookie="given=g"))
    gateway_relay.answer(ITEM)
    assert follow(gateway_relay, auth_header_name=name) == 200
    first, second = gateway_relay.requests
    for header in (name, "X-Session-Key", "X-Trace", "User-Agent", "Cookie"):
        assert second.headers.get_all(header) == first.headers.get_all(header)
        assert header in first.headers
    assert first.headers["cookie"] == f"session={TOKEN}"


def test_a_circle_of_redirects_ends(follow: Followed, gateway_relay: Relay) -> None:
    gateway_relay.always(_to(PATH))
    with pytest.raises(httpx.TooManyRedirects, match=f"GET {PATH}: more than 20 redirects"):
        follow(gateway_relay)
    assert len(gateway_relay.requests) == 21
    gateway_relay.problems.clear()


def test_a_redirect_that_leads_nowhere_does_not_say_that_nothing_was_sent(
    follow: Followed, gateway_relay: Relay
) -> None:
    with refusing() as nowhere:
        gateway_relay.answer(_to(f"{nowhere}{PATH}"))
        with pytest.raises(httpx.TransportError, match="after 1 of its redirects") as raised:
            follow(gateway_relay)
    assert not isinstance(raised.value, NOT_SENT)
    gateway_relay.problems.clear()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("follow_redirects", [True, False])
def test_a_post_is_never_sent_again(caller: Caller, relay: Relay, status: int, follow_redirects: bool) -> None:
    settings: dict[str, Any] = {"token": TOKEN, "verify_ssl": TLS, "follow_redirects": follow_redirects}
    own = caller.enter(AuthenticatedClient(relay.url, **settings))
    with refusing() as nowhere:
        location = f"{nowhere}/kling/v1/videos/image2video"
        relay.answer(_to(location, status))
        told = f"{status} undocumented status, a redirect to {location} that was not followed"
        with pytest.raises(UnexpectedStatus, match=told) as raised:
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert raised.value.headers["location"] == location
    assert len(relay.requests) == 1
