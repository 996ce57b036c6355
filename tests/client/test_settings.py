"""What a client is made with is checked at once, never written to, and left alone by clients that derive from it."""

from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
import trustme

from another import Package
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Contract, Relay
from generated_client import AuthenticatedClient, Client
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest
from tls import client_tls, server_tls

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
PASSWORD = "pass" + "word"


def test_base_url_is_the_document_s_server_by_default(contract: Contract, gateway: Package) -> None:
    assert Client().base_url == contract.document["servers"][0]["url"]
    assert AuthenticatedClient(token=TOKEN).base_url == contract.document["servers"][0]["url"]
    assert gateway.load("client").Client().base_url == gateway.contract.document["servers"][0]["url"]


@pytest.mark.parametrize(
    "url",
    [
        "relay.example.com",
        "relay.example.com:443/v1",
        "//relay.example.com",
        "ftp://relay.example.com",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://relay.example.com?key=1",
        "https://relay.example.com/?",
        "https://relay.example.com/#top",
        f"https://user:{PASSWORD}@relay.example.com",
        "https://relay.example.com:port",
        "https://relay.example.com\n",
        "",
        None,
    ],
)
@pytest.mark.parametrize("make", [Client, partial(AuthenticatedClient, token=TOKEN)], ids=["plain", "token"])
def test_a_base_url_that_cannot_work_is_refused(make: Any, url: Any) -> None:
    with pytest.raises(ValueError, match="base_url") as raised:
        make(url)
    assert PASSWORD not in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "https://relay.example.com/v1", "HTTPS://例子.cn/网关", "http://[::1]:80"]
)
def test_any_other_is_taken(url: str) -> None:
    assert Client(url).base_url == url


@pytest.mark.parametrize("name", ["base_url", "headers", "cookies", "timeout", "verify", "follow_redirects", "auth"])
def test_what_the_client_itself_takes_is_refused_among_httpx_args(name: str) -> None:
    with pytest.raises(ValueError, match=f"httpx_args: not {name}; use"):
        Client(httpx_args={name: None})


NONE_MEANT: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a deadline that is no number": ({"deadline": "5"}, TypeError, "deadline must be seconds"),
    "no deadline at all": ({"deadline": float("nan")}, ValueError, "deadline must be seconds"),
    "a deadline without end": ({"deadline": float("inf")}, ValueError, "deadline must be seconds"),
    "a deadline that is over": ({"deadline": 0}, ValueError, "deadline must be seconds above 0"),
    "a negative deadline": ({"deadline": -1}, ValueError, "deadline must be seconds above 0"),
    "true for a deadline": ({"deadline": True}, TypeError, "deadline must be seconds"),
    "a time-out that is text": ({"timeout": "30"}, TypeError, "timeout must be seconds"),
    "a negative step": ({"timeout": httpx.Timeout(5, read=-1)}, ValueError, "timeout's read must be seconds"),
    "a step that is text": ({"timeout": httpx.Timeout(5, read="1")}, TypeError, "timeout's read must be"),  # type: ignore[arg-type]  # as a caller would
    "a negative size": ({"max_response_bytes": -1}, ValueError, "max_response_bytes must be 0 or more"),
    "a size that is text": ({"max_response_bytes": "5"}, TypeError, "max_response_bytes must be a whole number"),
    "a line break in the prefix": ({"prefix": "Bearer\r\nX-A: b"}, ValueError, "prefix must be"),
    "a blank in a header's name": ({"auth_header_name": "X Key"}, ValueError, "'X Key' is no name of a header"),
    "a line break in a header": ({"headers": {"X-A": "b\r\nX-C: d"}}, ValueError, "value of x-a has a line break"),
    "a flag that is text": ({"follow_redirects": "no"}, TypeError, "follow_redirects must be True or False"),
    "a certificate that is not there": ({"verify_ssl": "/none.pem"}, FileNotFoundError, "there is no file '/none.pem'"),
    "a misspelled argument": ({"httpx_args": {"limit": 1}}, TypeError, "no argument limit; did you mean limits"),
    "a port that there is none of": ({"base_url": "https://relay.example.com:99999"}, ValueError, "base_url must be"),
    "an argument of 0.2.0": ({"aiohttp": True}, TypeError, "unexpected keyword argument 'aiohttp'"),
    "no token": ({"token": ""}, ValueError, "token must be"),
    "a token with its prefix": ({"token": f"Bearer {TOKEN}"}, ValueError, "without .* a prefix"),
}
"""Settings that cannot be meant, and what is said where they are given."""


@pytest.mark.parametrize("name", NONE_MEANT)
def test_a_setting_that_cannot_be_meant_is_refused_where_it_is_given(name: str) -> None:
    given, kind, text = NONE_MEANT[name]
    arguments: dict[str, Any] = {"token": TOKEN, **given}
    with pytest.raises(kind, match=text) as raised:
        AuthenticatedClient(**arguments)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("attribute", "value", "kind", "text"),
    [
        ("deadlin", 5, AttributeError, "did you mean deadline"),
        ("token", "new", AttributeError, r"see set_token\(\)"),
        ("headers", {}, AttributeError, "no setting 'headers' to change"),
        ("deadline", -1, ValueError, "deadline must be"),
        ("base_url", "nowhere", ValueError, "base_url must be"),
    ],
)
def test_an_attribute_takes_no_other_value_than_the_argument(
    attribute: str, value: object, kind: type[Exception], text: str
) -> None:
    client = AuthenticatedClient(token=TOKEN)
    with pytest.raises(kind, match=text):
        setattr(client, attribute, value)


@pytest.mark.parametrize("value", [None, 10**9, 0])
def test_none_is_no_limit_of_a_body(value: int | None) -> None:
    assert Client(max_response_bytes=value).max_response_bytes == value


def test_a_proxy_that_httpx_cannot_speak_to_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    if find_spec("socksio") is None:
        with pytest.raises(ImportError, match=r"pip install 'httpx\[socks\]'"):
            Client()
    Client(httpx_args={"trust_env": False}).close()


@pytest.mark.parametrize("variables", [{}, {"RELAY_TOKEN": ""}], ids=["not set", "empty"])
def test_the_environment_has_to_have_the_token(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    monkeypatch.delenv("RELAY_TOKEN", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="RELAY_TOKEN is not set"):
        AuthenticatedClient.from_env()


@pytest.mark.every_way
def test_the_environment_gives_token_and_address(caller: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    assert AuthenticatedClient.from_env().base_url == Client().base_url
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    own = caller.enter(AuthenticatedClient.from_env(verify_ssl=TLS, deadline=60))
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert relay.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert AuthenticatedClient.from_env(base_url="http://127.0.0.1:9").base_url == "http://127.0.0.1:9"


def test_the_caller_s_dicts_are_never_written_to(caller: Caller, relay: Relay) -> None:
    limits = httpx.Limits(max_connections=5)
    given: dict[str, Any] = {
        "headers": {"X-Trace": "t"},
        "cookies": {"session": "s"},
        "httpx_args": {"event_hooks": {"request": []}, "limits": limits},
    }
    added = {"headers": {"X-More": "m"}, "cookies": {"more": "m"}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, **given))
    derived = own.with_headers(added["headers"]).with_cookies(added["cookies"])
    sets_a_cookie = {"Set-Cookie": "given=by-the-server"}
    relay.always(Answer.json({"task_id": "t", "status": "queued"}, headers=sets_a_cookie))
    for client in (own, derived, own):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    assert given == {
        "headers": {"X-Trace": "t"},
        "cookies": {"session": "s"},
        "httpx_args": {"event_hooks": {"request": []}, "limits": limits},
    }
    assert added == {"headers": {"X-More": "m"}, "cookies": {"more": "m"}}


@pytest.mark.every_way
def test_a_cookie_that_the_relay_sets_is_not_kept(caller: Caller, relay: Relay) -> None:
    relay.always(Answer.json({"task_id": "t", "status": "queued"}, headers={"Set-Cookie": "given=g; Path=/"}))
    for _ in range(2):
        caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert [request.headers.get_all("cookie") for request in relay.requests] == [None, None]


def test_another_client_with_the_same_headers_does_not_send_the_token(caller: Caller, relay: Relay) -> None:
    shared = {"X-Trace": "t"}
    caller.parsed(
        create_kling_image_to_video,
        client=caller.enter(AuthenticatedClient(relay.url, token=TOKEN, headers=shared, verify_ssl=TLS)),
        body=PROMPTED,
    )
    relay.forget()
    relay.answer(Answer.json({"task_id": "t", "status": "queued"}))
    caller.parsed(
        create_kling_image_to_video,
        client=caller.enter(Client(relay.url, headers=shared, verify_ssl=TLS)),
        body=PROMPTED,
    )
    assert relay.request.headers["x-trace"] == "t"
    assert "authorization" not in relay.request.headers
    relay.problems.clear()  # It wants a token.


def test_dicts_that_change_later_change_no_client(caller: Caller, relay: Relay) -> None:
    headers, cookies = {"X-Trace": "t"}, {"session": "s"}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, headers=headers, cookies=cookies, verify_ssl=TLS))
    headers["X-Late"] = cookies["late"] = "l"
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert "x-late" not in relay.request.headers
    assert relay.request.headers["cookie"] == "session=s"


@pytest.mark.parametrize("used", [False, True], ids=["before its first call", "after its first call"])
def test_a_derived_client_leaves_the_original_as_it_was(caller: Caller, relay: Relay, used: bool) -> None:
    root = caller.enter(
        AuthenticatedClient(relay.url, token=TOKEN, headers={"X-Trace": "t"}, cookies={"a": "1"}, verify_ssl=TLS)
    )
    if used:
        caller.parsed(create_kling_image_to_video, client=root, body=PROMPTED)
    derived = (
        root.with_headers({"X-TRACE": "u", "X-More": "m"}).with_cookies({"b": "2"}).with_timeout(7).with_deadline(70)
    )
    assert type(derived) is AuthenticatedClient
    relay.forget()
    for client in (derived, root):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    of_derived, of_root = (request.headers for request in relay.requests)
    assert of_derived.get_all("x-trace") == ["u"]
    assert (of_derived["x-more"], of_derived["cookie"]) == ("m", "a=1; b=2")
    assert of_root.get_all("x-trace") == ["t"]
    assert ("x-more" in of_root, of_root["cookie"]) == (False, "a=1")
    assert (derived.timeout, derived.deadline) == (httpx.Timeout(7), 70)
    assert (root.timeout, root.deadline) == (Client().timeout, None)


def test_the_user_agent_names_the_package_and_its_version(caller: Caller, relay: Relay) -> None:
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    assert relay.request.headers.get_all("user-agent") == [f"relay-client/{version('relay-client')}"]


def test_a_user_agent_of_one_s_own_takes_its_place(caller: Caller, relay: Relay) -> None:
    own = caller.client.with_headers({"user-agent": "service/1"})
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert relay.request.headers.get_all("user-agent") == ["service/1"]


# httpx_args reach httpx.


class _Counting(httpx.HTTPTransport):
    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return super().handle_request(request)


class _AsyncCounting(httpx.AsyncHTTPTransport):
    count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return await super().handle_async_request(request)


def _counting(style: str) -> _Counting | _AsyncCounting:
    return _Counting(verify=TLS) if style == "sync" else _AsyncCounting(verify=TLS)


@pytest.mark.every_way
@pytest.mark.parametrize("argument", ["transport", "mounts"])
def test_a_transport_of_one_s_own(caller: Caller, relay: Relay, argument: str) -> None:
    transport = _counting(caller.way)
    args: dict[str, Any] = {argument: transport if argument == "transport" else {"all://": transport}}
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args))
    for client in (own, own.with_timeout(9)):
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    assert transport.count == 2


@pytest.mark.every_way
def test_a_proxy(caller: Caller, contract: Contract, authority: trustme.CA) -> None:
    with Relay(contract, tls=server_tls(authority, "relay.example.com"), proxy=True) as proxy:
        own = AuthenticatedClient(
            "https://relay.example.com",
            token=TOKEN,
            verify_ssl=client_tls(authority),
            httpx_args={"proxy": proxy.url},
        )
        caller.parsed(create_kling_image_to_video, client=caller.enter(own), body=PROMPTED)
        assert proxy.request.headers["host"] == "relay.example.com"
        assert proxy.problems == []


@pytest.mark.every_way
def test_a_proxy_of_the_environment(
    caller: Caller, contract: Contract, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Relay(contract, tls=server_tls(authority, "relay.example.com"), proxy=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        own = AuthenticatedClient("https://relay.example.com", token=TOKEN, verify_ssl=client_tls(authority))
        caller.parsed(create_kling_image_to_video, client=caller.enter(own), body=PROMPTED)
        assert proxy.request.headers["host"] == "relay.example.com"


@pytest.mark.every_way
def test_hooks(caller: Caller, relay: Relay) -> None:
    seen: list[int] = []

    def note(response: httpx.Response) -> None:
        seen.append(response.status_code)

    async def anote(response: httpx.Response) -> None:
        note(response)

    hooks = {"response": [note if caller.way == "sync" else anote]}
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args={"event_hooks": hooks})
    caller.parsed(create_kling_image_to_video, client=caller.enter(own), body=PROMPTED)
    assert seen == [200]


@pytest.mark.every_way
def test_http2_reaches_httpx(caller: Caller, relay: Relay) -> None:
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args={"http2": True}))
    if find_spec("h2") is None:  # httpx itself says what is missing
        with pytest.raises(ImportError, match="h2"):
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    else:
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)


@pytest.mark.parametrize("style", ["sync", "asyncio"])
def test_a_client_of_httpx_of_one_s_own(relay: Relay, style: str) -> None:
    transport = _counting(style)
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS)
    caller = Caller(style, own)
    if isinstance(transport, httpx.HTTPTransport):
        http: Any = httpx.Client(transport=transport)
        own.set_httpx_client(http)
    else:
        http = httpx.AsyncClient(transport=transport)

        async def give() -> None:
            own.set_async_httpx_client(http)

        caller.run(give())
    caller.enter(own)
    caller.parsed(create_kling_image_to_video, body=PROMPTED)
    caller.close()
    assert transport.count == 1
    assert http.is_closed
