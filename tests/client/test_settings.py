"""Settings are checked where they are given, never written to, and reach httpx."""

from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
import trustme

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Contract, Relay
from frozen import AuthenticatedClient, Client, errors
from servers import client_tls, server_tls

PASSWORD = "pass" + "word"
TASK = Answer.json({"task_id": "t", "status": "queued"})


def test_the_default_base_url(contract: Contract) -> None:
    server = contract.document["servers"][0]["url"]
    assert Client().base_url == AuthenticatedClient(token=TOKEN).base_url == server


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
        "https://relay.example.com:99999",
        "https://relay.example.com:0",
        "https://relay.example.com\n",
        "",
        None,
    ],
)
@pytest.mark.parametrize("make", [Client, partial(AuthenticatedClient, token=TOKEN)], ids=["plain", "token"])
def test_an_invalid_base_url(make: Any, url: Any) -> None:
    with pytest.raises(ValueError, match="base_url") as raised:
        make(url)
    assert PASSWORD not in str(raised.value)
    assert TOKEN not in str(raised.value)


VALID: list[tuple[str, object]] = [
    *(
        ("base_url", f"http{rest}")
        for rest in ("://127.0.0.1:9", "s://a.cn/v1", "://例子.cn/网关", "://[::1]:80", "://a:65535")
    ),
    *(("max_response_bytes", value) for value in (None, 10**9, 0)),
    *(("deadline", value) for value in (None, 0.001, 5)),
]


@pytest.mark.parametrize(("name", "value"), VALID)
def test_a_valid_argument(name: str, value: object) -> None:
    arguments: dict[str, Any] = {name: value}
    assert getattr(Client(**arguments), name) == value


def test_a_base_url_of_httpx() -> None:
    assert Client(httpx.URL("https://relay.test/a/")).base_url == "https://relay.test/a"


@pytest.mark.parametrize("name", ["base_url", "headers", "cookies", "timeout", "verify", "follow_redirects", "auth"])
def test_the_client_s_own_arguments_are_refused_in_httpx_args(name: str) -> None:
    with pytest.raises(ValueError, match=f"httpx_args: {name} is not allowed; use"):
        Client(httpx_args={name: None})


COOKIES: list[dict[str, Any]] = [{"a": 1}, {"a": "1; b=2"}, {"a": "1\r\nX: y"}, {"a b": "1"}, {"a": "余"}]
INVALID: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"deadline": "5"}, TypeError, "deadline must be seconds"),
    ({"deadline": float("nan")}, ValueError, "deadline must be seconds"),
    ({"deadline": float("inf")}, ValueError, "deadline must be seconds"),
    ({"deadline": 0}, ValueError, "deadline must be seconds above 0"),
    ({"deadline": -1}, ValueError, "deadline must be seconds above 0"),
    ({"deadline": True}, TypeError, "deadline must be seconds"),
    ({"timeout": "30"}, TypeError, "timeout must be seconds"),
    ({"timeout": 0}, ValueError, "timeout must be seconds above 0"),
    ({"timeout": httpx.Timeout(5, read=0)}, ValueError, "timeout's read must be seconds above 0"),
    *(({"cookies": cookies}, ValueError, "cookies") for cookies in COOKIES),
    ({"timeout": -1}, ValueError, "timeout must be seconds"),
    ({"timeout": httpx.Timeout(5, read=-1)}, ValueError, "timeout's read must be seconds"),
    ({"timeout": httpx.Timeout(5, read="1")}, TypeError, "timeout's read must be"),  # type: ignore[arg-type]  # as a caller would
    ({"max_response_bytes": -1}, ValueError, "max_response_bytes must be 0 or more"),
    ({"max_response_bytes": "5"}, TypeError, "max_response_bytes must be a whole number"),
    ({"max_response_bytes": True}, TypeError, "max_response_bytes must be a whole number"),
    ({"prefix": "Bearer\r\nX-A: b"}, ValueError, "prefix must be"),
    ({"prefix": None}, ValueError, "prefix must be"),
    ({"auth_header_name": "X Key"}, ValueError, "'X Key' is not a valid name of a header"),
    ({"auth_header_name": None}, ValueError, "None is not a valid name of a header"),
    ({"headers": {"X-A": "b\r\nX-C: d"}}, ValueError, "value of x-a has a line break"),
    ({"headers": {"X A": "b"}}, ValueError, "'x a' is not a valid name of a header"),
    ({"follow_redirects": "no"}, TypeError, "follow_redirects must be True or False"),
    ({"raise_on_unexpected_status": 1}, TypeError, "raise_on_unexpected_status must be True or False"),
    ({"verify_ssl": "/none.pem"}, FileNotFoundError, "'/none.pem' does not exist"),
    ({"httpx_args": {"limit": 1}}, TypeError, "no argument limit; did you mean limits"),
    ({"httpx_args": {"self": 1}}, TypeError, "no argument self"),
    ({"aiohttp": True}, TypeError, "unexpected keyword argument 'aiohttp'"),
    ({"token": ""}, ValueError, "token must be"),
    ({"token": f"Bearer {TOKEN}"}, ValueError, "without .* a prefix"),
]


@pytest.mark.parametrize(("given", "kind", "text"), INVALID, ids=str)
def test_an_invalid_argument(given: dict[str, Any], kind: type[Exception], text: str) -> None:
    arguments: dict[str, Any] = {"token": TOKEN, **given}
    with pytest.raises(kind, match=text) as raised:
        AuthenticatedClient(**arguments)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("cookies", COOKIES)
def test_invalid_cookies_of_a_derived_client(cookies: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidArgument, match="cookies"):
        AuthenticatedClient(token=TOKEN).with_cookies(cookies)


@pytest.mark.parametrize(
    ("attribute", "value", "kind", "text"),
    [
        ("deadlin", 5, AttributeError, "did you mean deadline"),
        ("token", "new", AttributeError, r"see set_token\(\)"),
        ("headers", {}, AttributeError, "no setting 'headers' to change"),
        ("deadline", -1, ValueError, "deadline must be"),
        ("base_url", "nowhere", ValueError, "base_url must be"),
        ("timeout", -1, ValueError, "timeout must be"),
        ("max_response_bytes", -1, ValueError, "max_response_bytes must be"),
        ("follow_redirects", 1, TypeError, "follow_redirects must be"),
        ("raise_on_unexpected_status", 1, TypeError, "raise_on_unexpected_status must be"),
    ],
)
def test_an_invalid_attribute(attribute: str, value: object, kind: type[Exception], text: str) -> None:
    client = AuthenticatedClient(token=TOKEN)
    with pytest.raises(kind, match=text):
        setattr(client, attribute, value)


def test_a_socks_proxy_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    if find_spec("socksio") is None:
        with pytest.raises(ImportError, match=r"pip install 'httpx\[socks\]'"):
            Client()
    Client(httpx_args={"trust_env": False}).close()


@pytest.mark.parametrize("token", [None, ""])
def test_from_env_without_a_token(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    if token is not None:
        monkeypatch.setenv("RELAY_TOKEN", token)
    with pytest.raises(ValueError, match="RELAY_TOKEN is not set"):
        AuthenticatedClient.from_env()


def test_from_env(caller: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    assert AuthenticatedClient.from_env().base_url == Client().base_url
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    caller.submit(caller.enter(AuthenticatedClient.from_env(verify_ssl=TLS, deadline=60)))
    assert relay.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert AuthenticatedClient.from_env(base_url="http://127.0.0.1:9").base_url == "http://127.0.0.1:9"


def _given() -> dict[str, Any]:
    limits = httpx.Limits(max_connections=5)
    return {
        "headers": {"X-Trace": "t"},
        "cookies": {"a": "1"},
        "httpx_args": {"event_hooks": {"request": []}, "limits": limits},
    }


def test_the_caller_s_dicts_are_not_written_to_and_not_read_again(caller: Caller, relay: Relay) -> None:
    given = _given()
    own = caller.connect(**given)
    caller.submit(own.with_headers({"X-More": "m"}).with_cookies({"b": "2"}))
    assert given == _given()
    given["headers"]["X-Late"] = given["cookies"]["late"] = "l"
    caller.submit(own)
    assert "x-late" not in relay.requests[1].headers
    assert relay.requests[1].headers["cookie"] == "a=1"


def test_another_client_with_the_same_headers_does_not_send_the_token(caller: Caller, relay: Relay) -> None:
    shared = {"X-Trace": "t"}
    caller.submit(caller.connect(headers=shared))
    relay.forget()
    relay.answer(TASK)
    caller.submit(caller.enter(Client(relay.url, headers=shared, verify_ssl=TLS)))
    assert relay.request.headers["x-trace"] == "t"
    assert "authorization" not in relay.request.headers
    relay.problems.clear()  # the relay wants a token


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_derived_client_leaves_the_original_unchanged(caller: Caller, relay: Relay, used: bool) -> None:
    root = caller.connect(headers={"X-Trace": "t"}, cookies={"a": "1"})
    if used:
        caller.submit(root)
    derived = root.with_headers({"X-TRACE": "u", "X-More": "m"}).with_cookies({"b": "2"})
    derived = derived.with_timeout(7).with_deadline(70)
    assert type(derived) is AuthenticatedClient
    relay.forget()
    for client in (derived, root):
        caller.submit(client)
    of_derived, of_root = (request.headers for request in relay.requests)
    assert of_derived.get_all("x-trace") == ["u"]
    assert (of_derived["x-more"], of_derived["cookie"]) == ("m", "a=1; b=2")
    assert of_root.get_all("x-trace") == ["t"]
    assert ("x-more" in of_root, of_root["cookie"]) == (False, "a=1")
    assert (derived.timeout, derived.deadline) == (httpx.Timeout(7), 70)
    assert (root.timeout, root.deadline) == (Client().timeout, None)


def test_the_user_agent(caller: Caller, relay: Relay) -> None:
    caller.submit()
    caller.submit(caller.client.with_headers({"user-agent": "service/1"}))
    agents = [request.headers.get_all("user-agent") for request in relay.requests]
    assert agents == [[f"relay-client/{version('relay-client')}"], ["service/1"]]


# httpx_args reach httpx.


class _Counting(httpx.MockTransport):
    """Answers each request with a task."""

    def __init__(self) -> None:
        self.count = 0
        super().__init__(self._answer)

    def _answer(self, _: httpx.Request) -> httpx.Response:
        self.count += 1
        return httpx.Response(200, content=TASK.body)


@pytest.mark.every_way
@pytest.mark.parametrize("argument", ["transport", "mounts"])
def test_a_transport(caller: Caller, argument: str) -> None:
    transport = _Counting()
    own = caller.connect(httpx_args={argument: transport if argument == "transport" else {"all://": transport}})
    for client in (own, own.with_timeout(9)):
        caller.submit(client)
    assert transport.count == 2


@pytest.mark.every_way
def test_an_httpx_client(caller: Caller, relay: Relay) -> None:
    own = Caller(caller.way, AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS))
    transport = _Counting()
    http: Any = (httpx.Client if caller.way == "sync" else httpx.AsyncClient)(transport=transport)

    async def give() -> None:
        own.client.set_async_httpx_client(http)

    own.run(own.client.set_httpx_client(http) if caller.way == "sync" else give())
    own.enter(own.client)
    own.submit()
    own.close()
    assert (transport.count, http.is_closed) == (1, True)


@pytest.mark.every_way
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_proxy(
    caller: Caller, contract: Contract, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with Relay(contract, tls=server_tls(authority, "relay.example.com"), proxy=True) as proxy:
        if by == "environment":
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        args = {"proxy": proxy.url} if by == "argument" else {}
        own = caller.connect("https://relay.example.com", verify_ssl=client_tls(authority), httpx_args=args)
        caller.submit(own)
        assert proxy.request.headers["host"] == "relay.example.com"
        assert proxy.problems == []


@pytest.mark.every_way
def test_http2(caller: Caller) -> None:
    own = caller.connect(httpx_args={"http2": True})
    if find_spec("h2") is None:  # httpx itself says what is missing
        with pytest.raises(ImportError, match="h2"):
            caller.submit(own)
    else:
        caller.submit(own)
