"""Settings are checked immediately, never modified, and passed to httpx."""

import asyncio
import logging
import ssl
from importlib.util import find_spec
from typing import Any
from unittest import mock

import httpx
import pytest
import trustme

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Contract, Relay
from frozen import AuthenticatedClient, Client, asubmit, errors, submit, variables
from servers import client_tls, server_tls

PASSWORD = "sk-" + "secret"
SECRET = "sk-" + "geheim/0123456789+=="


def test_the_defaults(contract: Contract) -> None:
    server = contract.document["servers"][0]["url"]
    for client in (Client(), AuthenticatedClient(token=TOKEN)):
        assert (client.base_url, client.max_response_bytes, client.deadline) == (server, 64 << 20, None)
        assert client.timeout == httpx.Timeout(120, connect=5, pool=10)
    assert Client(httpx.URL("https://relay.test/a/")).base_url == "https://relay.test/a"


VALID: dict[str, list[Any]] = {
    "base_url": ["http://127.0.0.1:9", "https://a.cn/v1", "https://例子.cn/网关", "http://[::1]:80", "https://a:65535"],
    "max_response_bytes": [None, 10**9, 0],
    "deadline": [None, 0.001, 5],
}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_argument(name: str) -> None:
    for value in VALID[name]:
        assert getattr(Client(verify_ssl=TLS, **{name: value}), name) == value


HOST = "relay.example.com"
BASE_URLS: list[Any] = [
    *(HOST, f"{HOST}:443/v1", f"//{HOST}", f"ftp://{HOST}", "file:///etc/passwd", "https://", "https:///v1", "", None),
    *(f"https://{HOST}{rest}" for rest in ("?key=1", "/?", "/#top", ":port", ":99999", ":0", "\n")),
    f"https://user:{PASSWORD}@{HOST}",
]
OF_THE_CLIENT = ("base_url", "headers", "cookies", "timeout", "verify", "follow_redirects", "auth")
INVALID: list[tuple[dict[str, Any], type[Exception], str]] = [
    *(({"base_url": url}, ValueError, r"base_url must be http\(s\)://host") for url in BASE_URLS),
    *(({"httpx_args": {name: None}}, ValueError, f"httpx_args: {name} is not allowed; use") for name in OF_THE_CLIENT),
    *(({"deadline": value}, TypeError, "deadline must be seconds") for value in ("5", True)),
    *(({"deadline": value}, ValueError, "deadline must be") for value in (float("nan"), float("inf"), 0, -1)),
    *(({"timeout": value}, ValueError, "timeout must be seconds above 0") for value in ("30", 0, -1)),
    ({"timeout": httpx.Timeout(5, read=0)}, ValueError, "timeout's read must be seconds above 0"),
    ({"timeout": httpx.Timeout(5, read=-1)}, ValueError, "timeout's read must be seconds"),
    ({"timeout": httpx.Timeout(5, pool=-1)}, ValueError, "timeout's pool must be seconds, or None"),
    ({"timeout": httpx.Timeout(5, read="1")}, TypeError, "timeout's read must be"),  # type: ignore[arg-type]  # as a caller would
    *(({"max_retries": value}, ValueError, "max_retries must be a whole number") for value in (-1, 1.5, True, None)),
    ({"max_response_bytes": -1}, ValueError, "max_response_bytes must be 0 or more"),
    *(({"max_response_bytes": value}, TypeError, "must be a whole number") for value in ("5", True)),
    *(({"prefix": value}, ValueError, "prefix must be") for value in ("Bearer\r\nX-A: b", None)),
    *(
        ({"auth_header_name": value}, ValueError, f"{value!r} is not a valid name of a header")
        for value in ("X Key", None)
    ),
    ({"headers": {"X-A": "b\r\nX-C: d"}}, ValueError, "value of x-a has a line break"),
    ({"headers": {"X A": "b"}}, ValueError, "'x a' is not a valid name of a header"),
    *(({"cookies": {"a": value}}, ValueError, "value of a must be") for value in (1, "1; b=2", "1\r\nX: y", "余")),
    ({"cookies": {"a b": "1"}}, ValueError, "'a b' is not a valid name of a cookie"),
    ({"follow_redirects": "no"}, TypeError, "follow_redirects must be True or False"),
    ({"raise_on_unexpected_status": 1}, TypeError, "raise_on_unexpected_status must be True or False"),
    ({"verify_ssl": "/none.pem"}, FileNotFoundError, "'/none.pem' does not exist"),
    ({"httpx_args": {"limit": 1}}, TypeError, "no argument limit; did you mean limits"),
    ({"httpx_args": {"self": 1}}, TypeError, "no argument self"),
    *(({"httpx_args": {"proxy": proxy}}, ValueError, "httpx_args: proxy") for proxy in ("socks://h:1", "http://")),
    ({"httpx_args": {"proxy": httpx.URL("ftp://h:1")}}, ValueError, "httpx_args: proxy"),
    ({"aiohttp": True}, TypeError, "unexpected keyword argument 'aiohttp'"),
    ({"token": f"Bearer {TOKEN}"}, ValueError, "without .* a prefix"),
]
SETTABLE = {"base_url", "timeout", "deadline", "max_retries", "max_response_bytes", "follow_redirects"}


@pytest.mark.parametrize(("given", "kind", "text"), INVALID, ids=str)
def test_an_invalid_setting(given: dict[str, Any], kind: type[Exception], text: str) -> None:
    arguments: dict[str, Any] = {"token": TOKEN, **given}
    with pytest.raises(kind, match=text) as raised:
        AuthenticatedClient(**arguments)
    assert TOKEN not in str(raised.value)
    assert PASSWORD not in str(raised.value)
    client = AuthenticatedClient(token=TOKEN, verify_ssl=TLS)
    [(name, value)] = given.items()
    if name in {*SETTABLE, "raise_on_unexpected_status"}:
        with pytest.raises(kind, match=text):
            setattr(client, name, value)
    if derive := getattr(client, f"with_{name}", None):
        with pytest.raises(kind, match=text):
            derive(value)


@pytest.mark.parametrize(
    ("attribute", "text"),
    [("deadlin", "did you mean deadline"), ("token", r"see set_token\(\)"), ("headers", "no setting 'headers'")],
)
def test_an_unknown_attribute(attribute: str, text: str) -> None:
    with pytest.raises(AttributeError, match=text):
        setattr(AuthenticatedClient(token=TOKEN), attribute, 5)


TOKENS: list[Any] = [
    *(f"{SECRET}\n", f"{SECRET}\r\nX-Injected: 1", f" {SECRET}", f"{SECRET}\t", f"{SECRET}\0", f"{SECRET}密"),
    *(SECRET.replace("-", " "), SECRET.encode(), 20261123, "", "  ", None),
]


@pytest.mark.parametrize("token", TOKENS, ids=repr)
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(sync: Caller, relay: Relay, token: Any) -> None:
    own = sync.connect(token=SECRET)
    for give in (lambda: AuthenticatedClient(token=token), lambda: own.set_token(token)):
        with pytest.raises(ValueError, match="token must be") as raised:
            give()
        assert raised.value.__cause__ is raised.value.__context__ is None
        shown = f"{raised.value!r} {variables(raised.value)}"
        assert str(token) not in shown or len(str(token)) <= 4
    sync.submit(own)
    assert relay.request.headers.get_all("authorization") == [f"Bearer {SECRET}"]


# The environment

ENVIRONMENT: dict[str, tuple[dict[str, str], str]] = {
    "an excluded network": ({"HTTPS_PROXY": "http://h:1", "NO_PROXY": "::1/128"}, "NO_PROXY: .*'::1/128'"),
    "an excluded address in brackets": ({"HTTPS_PROXY": "http://h:1", "NO_PROXY": "[::1]"}, "NO_PROXY"),
    "a password that is not escaped": ({"HTTP_PROXY": f"http://u:{PASSWORD}#w@h:1"}, "HTTP_PROXY .*percent-encoded"),
    "a lower-case name": ({"https_proxy": "http://u:p#w@h:1"}, "https_proxy"),
    "an unknown scheme": ({"ALL_PROXY": "socks://h:1"}, "ALL_PROXY .*socks5://"),
    "a file that is not there": ({"SSL_CERT_FILE": "/none.pem"}, "SSL_CERT_FILE: '/none.pem'"),
    "a file without certificates": ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE"),
    "a folder that is not there": ({"SSL_CERT_DIR": "/none"}, "SSL_CERT_DIR: '/none'"),
    "an address without a scheme": ({"RELAY_BASE_URL": "relay.test"}, r"RELAY_BASE_URL must be http\(s\)://host"),
    "no token": ({}, "RELAY_TOKEN is not set"),
    "an empty token": ({"RELAY_TOKEN": ""}, "RELAY_TOKEN is not set"),
    "an unknown level": ({"RELAY_LOG": "loud"}, "RELAY_LOG must be info or debug"),
}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_an_error_in_the_environment_is_reported(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given, text = ENVIRONMENT[name]
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    for variable, value in {**({} if "token" in name else {"RELAY_TOKEN": TOKEN}), **given}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(errors.InvalidArgument, match=text) as raised:
        AuthenticatedClient.from_env()
    assert PASSWORD not in str(raised.value)
    if "RELAY" not in text:
        AuthenticatedClient(token=TOKEN, httpx_args={"trust_env": False})


def test_from_env(sync: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    assert AuthenticatedClient.from_env().base_url == Client().base_url
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)
    sync.submit(sync.enter(AuthenticatedClient.from_env(verify_ssl=TLS, deadline=60)))
    assert relay.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert AuthenticatedClient.from_env(base_url="http://127.0.0.1:9").base_url == "http://127.0.0.1:9"


def test_the_environment_turns_the_log_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("generated_client")
    for value, level in (("info", logging.INFO), ("DEBUG", logging.DEBUG), ("", logging.NOTSET)):
        monkeypatch.setenv("RELAY_LOG", value)
        Client()
        assert (log.level, len(log.handlers)) == (level, 1 if value else 0)
        log.handlers.clear()
        log.setLevel(logging.NOTSET)


def test_a_socks_proxy_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    if find_spec("socksio") is None:
        with pytest.raises(ImportError, match=r"pip install 'httpx\[socks\]'"):
            Client()
    Client(httpx_args={"trust_env": False}).close()


def test_no_proxy_excludes_a_host_from_the_environment_s_proxy(sync: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for excluded in ("127.0.0.1", "localhost, 127.0.0.1", "*"):
        monkeypatch.setenv("NO_PROXY", excluded)
        assert sync.submit(sync.connect()).status == "queued"


# Effects of settings


def test_the_caller_s_dicts_are_copied(sync: Caller, relay: Relay) -> None:
    args = {"event_hooks": {"request": list[Any]()}, "limits": httpx.Limits(max_connections=5)}
    given: dict[str, Any] = {"headers": {"X-Trace": "t"}, "cookies": {"a": "1"}, "httpx_args": dict(args)}
    own = sync.connect(**given)
    sync.submit(own.with_headers({"X-More": "m"}).with_cookies({"b": "2"}))
    assert given == {"headers": {"X-Trace": "t"}, "cookies": {"a": "1"}, "httpx_args": args}
    given["headers"]["X-Late"] = given["cookies"]["late"] = "l"
    sync.submit(own)
    assert "x-late" not in relay.requests[1].headers
    assert relay.requests[1].headers["cookie"] == "a=1"


class _Tenant(AuthenticatedClient):
    def __init__(self, url: str, tenant: str) -> None:
        super().__init__(url, token=TOKEN, verify_ssl=TLS)
        self.tenant = tenant


def test_a_subclass_may_have_attributes_and_methods_can_be_mocked(relay: Relay) -> None:
    with _Tenant(relay.url, "t") as own:
        assert own.with_timeout(9).tenant == "t"
        with mock.patch.object(own, "call", return_value=mock.Mock(status="mocked")) as mocked:
            assert submit(own) == "mocked"
        mocked.assert_called_once()
        assert submit(own) == "queued"


def test_an_httpx_client(caller: Caller, relay: Relay) -> None:
    own = Caller(caller.way, AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS))
    transport = httpx.MockTransport(mock.Mock(return_value=httpx.Response(200, json={"task_id": "t", "status": "s"})))
    http: Any = (httpx.Client if caller.way == "sync" else httpx.AsyncClient)(transport=transport)

    async def give() -> None:
        own.client.set_async_httpx_client(http)

    own.run(own.client.set_httpx_client(http) if caller.way == "sync" else give())
    own.enter(own.client)
    assert own.submit().status == "s"
    own.close()
    assert http.is_closed


def test_a_proxy(caller: Caller, contract: Contract, authority: trustme.CA) -> None:
    with Relay(contract, tls=server_tls(authority, "relay.example.com"), proxy=True) as proxy:
        args = {"proxy": httpx.Proxy(proxy.url)}
        own = caller.connect("https://relay.example.com", verify_ssl=client_tls(authority), httpx_args=args)
        caller.submit(own)
        assert proxy.request.headers["host"] == "relay.example.com"
        assert proxy.problems == []


def test_http2(caller: Caller) -> None:
    own = caller.connect(httpx_args={"http2": True})
    if find_spec("h2") is None:  # httpx reports the missing package
        with pytest.raises(ImportError, match="h2"):
            caller.submit(own)
    else:
        caller.submit(own)


def test_a_client_loads_its_certificates_once(relay: Relay) -> None:
    own = AuthenticatedClient(relay.url, token=TOKEN)

    async def call() -> None:
        await asubmit(own)
        await own.aclose()

    with mock.patch("httpx.create_ssl_context", wraps=httpx.create_ssl_context) as create:
        for _ in range(2):
            asyncio.run(call())
        with own:
            submit(own)
    made = [call for call in create.call_args_list if not isinstance((*call.args, True)[0], ssl.SSLContext)]
    assert len(made) == 1
