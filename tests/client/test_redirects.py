"""A redirect to another origin carries no credential, by whatever name it goes; one to the same origin carries all."""

from collections.abc import Iterator
from typing import Any

import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Contract, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import UnexpectedStatus
from generated_client.models import KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
PATH = "/kling/v1/videos/image2video"
TASK = Answer.json({"task_id": "t", "status": "queued"})
CREDENTIALS: dict[str, Any] = {
    "headers": {"X-Session-Key": TOKEN, "Cookie2": TOKEN, "Proxy-Authorization": TOKEN, "X-Trace": "t"},
    "cookies": {"session": TOKEN},
}


@pytest.fixture
def elsewhere(contract: Contract) -> Iterator[Relay]:
    """Another origin; whoever comes without a token is a guest there."""
    with Relay(contract) as relay:
        relay.always(TASK)
        yield relay


def _to(url: str, status: int = 307, cookie: str = "") -> Answer:
    return Answer(status, headers={"Location": url, **({"Set-Cookie": cookie} if cookie else {})})


def _follow(caller: Caller, relay: Relay, **options: Any) -> Any:
    settings: dict[str, Any] = {"verify_ssl": TLS, "follow_redirects": True, **CREDENTIALS, **options}
    own = AuthenticatedClient(relay.url, token=TOKEN, **settings)
    return caller.parsed(create_kling_image_to_video, client=caller.enter(own), body=PROMPTED)


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "New-Api-User"])
def test_another_origin_gets_the_body_and_no_credential(
    caller: Caller, relay: Relay, elsewhere: Relay, name: str
) -> None:
    relay.answer(_to(f"{elsewhere.url}{PATH}", cookie=f"given={TOKEN}"))
    assert _follow(caller, relay, auth_header_name=name).status == "queued"
    arrived = elsewhere.request
    assert (arrived.method, arrived.json["prompt"]) == ("POST", "宇航员站起身走了")
    assert TOKEN not in str(arrived.headers.items())
    sent = {header.lower() for header in arrived.headers}
    assert not sent & {"authorization", "cookie", name.lower(), "x-session-key", "x-trace"}
    assert arrived.headers["host"] == elsewhere.url.removeprefix("http://")
    relay.problems.clear()


def test_another_name_of_the_same_server_is_another_origin(caller: Caller, relay: Relay) -> None:
    relay.answer(_to(f"{relay.url.replace('127.0.0.1', 'localhost')}{PATH}"))
    relay.answer(TASK)
    assert _follow(caller, relay).status == "queued"
    assert TOKEN in str(relay.requests[0].headers.items())
    assert TOKEN not in str(relay.requests[1].headers.items())
    relay.problems.clear()


def test_another_scheme_is_another_origin(caller: Caller, relay: Relay, tls_relay: Relay, trusting: Any) -> None:
    tls_relay.answer(_to(f"{relay.url}{PATH}"))
    relay.answer(TASK)
    assert _follow(caller, tls_relay, verify_ssl=trusting).status == "queued"
    assert TOKEN not in str(relay.request.headers.items())
    relay.problems.clear()


def test_once_away_the_way_back_carries_none_either(caller: Caller, relay: Relay, elsewhere: Relay) -> None:
    relay.answer(_to(f"{elsewhere.url}{PATH}"))
    relay.answer(TASK)
    elsewhere.answer(_to(f"{relay.url}{PATH}"))
    assert _follow(caller, relay).status == "queued"
    assert TOKEN not in str(relay.requests[1].headers.items())
    relay.problems.clear()


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key"])
@pytest.mark.parametrize("location", [f"{PATH}?moved=1", "{url}" + PATH], ids=["relative", "absolute"])
def test_the_same_origin_gets_all_of_them(caller: Caller, relay: Relay, name: str, location: str) -> None:
    relay.answer(_to(location.format(url=relay.url), 308))
    relay.answer(TASK)
    assert _follow(caller, relay, auth_header_name=name).status == "queued"
    first, second = relay.requests
    assert second.json == first.json
    for header in (name, "X-Session-Key", "X-Trace", "User-Agent", "Content-Type"):
        assert second.headers.get_all(header) == first.headers.get_all(header)
        assert header in first.headers
    assert second.headers["cookie"] == first.headers["cookie"] == f"session={TOKEN}"
    relay.problems.clear()


def test_a_cookie_that_is_given_on_the_way_displaces_none(caller: Caller, relay: Relay) -> None:
    relay.answer(_to(PATH, cookie="given=g"))
    assert _follow(caller, relay).status == "queued"
    assert set(relay.requests[1].headers["cookie"].split("; ")) == {f"session={TOKEN}", "given=g"}


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_turns_into_a_get_carries_none_either(
    caller: Caller, relay: Relay, elsewhere: Relay, status: int
) -> None:
    relay.answer(_to(f"{elsewhere.url}{PATH}", status))
    _follow(caller, relay)
    assert elsewhere.request.method == "GET"
    assert TOKEN not in str(elsewhere.request.headers.items())
    relay.problems.clear()


def test_without_being_told_no_redirect_is_followed(caller: Caller, relay: Relay, elsewhere: Relay) -> None:
    relay.answer(_to(f"{elsewhere.url}{PATH}"))
    with pytest.raises(UnexpectedStatus) as raised:
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert raised.value.headers["location"] == f"{elsewhere.url}{PATH}"
    assert elsewhere.requests == []
