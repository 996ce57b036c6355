"""Whatever ends a call, nothing of it reaches the relay afterwards, and its error says whether it may be paid for."""

import asyncio
import gc
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BytesIO
from types import ModuleType
from typing import Any
from unittest import mock

import httpx
import pytest
import trustme

from another import Package
from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import AuthenticatedClient, KlingImageToVideoRequest, create_kling_image_to_video, errors
from servers import answering_at_once, deaf, dripping, reading_nothing, server_tls

every_way = pytest.mark.every_way
PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="走")
LARGE: dict[str, Any] = {"image": "A" * (8 << 20)}
ONE = {"limits": httpx.Limits(max_connections=1)}
DEADLINE = 0.2
HOST = "relay.test"
PASSWORD = "sk-" + "secret"
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def _resolved(*addresses: str, seconds: float = 0) -> Generator[str]:
    """A host that the resolver takes `seconds` to find at these addresses."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != HOST:
            return real(host, port, *args, **options)
        time.sleep(seconds)
        ports = [httpx.URL(address).port for address in addresses]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    with mock.patch("socket.getaddrinfo", resolve):
        yield f"http://{HOST}:{httpx.URL(addresses[-1]).port}"


@contextmanager
def _slow_resolver(relay: Relay) -> Generator[str]:
    with _resolved(relay.url, seconds=2 * DEADLINE) as url:
        yield url


@contextmanager
def _dead_first_address(relay: Relay) -> Generator[str]:
    with deaf() as nobody, _resolved(nobody, relay.url) as url:
        yield url


@contextmanager
def _no_handshake(_: Relay) -> Generator[str]:
    with reading_nothing() as url:
        yield url.replace("http", "https")


@contextmanager
def _silent(relay: Relay) -> Generator[str]:
    answered = threading.Event()
    relay.always(Answer(wait=answered))
    yield relay.url
    answered.set()


Place = Callable[[Relay], AbstractContextManager[str]]
PHASES: dict[str, tuple[Place, dict[str, Any], bool]] = {
    "while the host is looked up": (_slow_resolver, {}, False),
    "at an address that does not answer": (_dead_first_address, {}, False),
    "while connecting": (lambda _: deaf(), {}, False),
    "during the TLS handshake": (_no_handshake, {}, False),
    "while the body is written": (lambda _: reading_nothing(), LARGE, True),
    "before the response": (_silent, {}, True),
    "between the bytes of a status line": (lambda _: dripping(b"HTTP/1.1"), {}, True),
    "between the bytes of a header": (lambda _: dripping(b"HTTP/1.1 200 OK\r\nX:", 0.01), {}, True),
    "between the bytes of a body": (lambda _: dripping(b"HTTP/1.1 200 OK\r\n\r\n", 0.005), {}, True),
}
"""Where a deadline can end a call, and whether anything was sent by then."""


@every_way
@pytest.mark.parametrize("phase", PHASES)
def test_after_a_deadline_nothing_is_sent(caller: Caller, relay: Relay, phase: str) -> None:
    place, fields, is_sent = PHASES[phase]
    with place(relay) as url:
        own = caller.connect(url, deadline=DEADLINE)
        started = time.monotonic()
        with pytest.raises(errors.DeadlineExceeded) as raised:
            caller.submit(own, **fields)
        assert time.monotonic() - started < 10 * DEADLINE
        before = len(relay.requests)
        assert errors.may_have_been_charged(raised.value) == is_sent
        assert ("nothing was sent" in str(raised.value)) != is_sent
        caller.close()
    assert len(relay.requests) == before == (phase == "before the response")


@every_way
def test_a_deadline_ends_the_wait_for_a_connection(caller: Caller, relay: Relay) -> None:
    own = caller.connect(httpx_args=ONE)
    with caller.stream(own), pytest.raises(errors.DeadlineExceeded) as raised:
        caller.submit(own.with_deadline(DEADLINE))
    assert not errors.may_have_been_charged(raised.value)
    assert caller.submit(own).status == "queued"


@every_way
def test_closing_a_client_ends_the_calls_that_wait_for_a_connection(caller: Caller, relay: Relay) -> None:
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=ONE)
    raised: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(errors.ClientClosed, match="nothing was sent") as closed:
            create_kling_image_to_video.sync(client=own, body=PROMPTED)
        raised.append(closed.value)

    async def wait_and_close() -> None:
        calls = [asyncio.create_task(create_kling_image_to_video.asyncio(client=own, body=PROMPTED)) for _ in range(3)]
        for _ in range(9):
            await asyncio.sleep(0)
        await own.aclose()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        raised.extend(outcome for outcome in outcomes if isinstance(outcome, BaseException))

    with caller.stream(own):
        if caller.way == "asyncio":
            caller.run(wait_and_close())
        else:
            threads = [threading.Thread(target=wait) for _ in range(3)]
            for thread in threads:
                thread.start()
            own.close()
            for thread in threads:
                thread.join(10)
        assert [type(error) for error in raised] == [errors.ClientClosed] * 3
        assert not any(map(errors.may_have_been_charged, raised))
    with pytest.raises(errors.ClientClosed):
        caller.submit(own)
    assert len(relay.requests) == 1


def test_a_cancelled_call_sends_nothing_more_at_whatever_step_it_was(relay: Relay) -> None:
    async def work(steps: int) -> bool:
        async with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=ONE) as own:
            call = asyncio.create_task(create_kling_image_to_video.asyncio(client=own, body=PROMPTED))
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            [error] = await asyncio.gather(call, return_exceptions=True)
            if not isinstance(error, BaseException):
                return True
            assert errors.may_have_been_charged(error)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}  # so nothing is left that could send
            assert (await create_kling_image_to_video.asyncio(client=own, body=PROMPTED)).status == "queued"
            return False

    assert not asyncio.run(work(0))
    for steps in range(1, 40):
        asyncio.run(work(steps))


def _call(client: AuthenticatedClient) -> None:
    create_kling_image_to_video.sync(client=client, body=PROMPTED)


def _open(client: AuthenticatedClient) -> None:
    create_kling_image_to_video.stream(client=client, body=PROMPTED).__enter__()


class _Interrupted(Exception):
    """Raised by a signal handler, as Celery's soft time limit is."""


@pytest.mark.parametrize("deadline", [None, 20])
@pytest.mark.parametrize("call", [_call, _open], ids=["call", "stream"])
def test_a_signal_ends_a_call_and_releases_its_connection(relay: Relay, deadline: Any, call: Any) -> None:
    def interrupt(*_: object) -> None:
        raise _Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with AuthenticatedClient(relay.url, token=TOKEN, deadline=deadline, verify_ssl=TLS, httpx_args=ONE) as own:
            answered = threading.Event()
            relay.answer(Answer(wait=answered))
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(_Interrupted) as raised:
                call(own)
            answered.set()
            assert errors.may_have_been_charged(raised.value)
            assert create_kling_image_to_video.sync(client=own, body=PROMPTED).status == "queued"
            assert len(relay.requests) == 2
    finally:
        signal.signal(signal.SIGALRM, before)


@every_way
def test_a_proxy_that_refuses_to_connect_got_no_request(caller: Caller) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with answering_at_once(refusal) as proxy:
        own = caller.connect("https://relay.test", httpx_args={"proxy": proxy})
        with pytest.raises(errors.NOT_SENT) as raised:
            caller.submit(own)
    assert isinstance(raised.value, httpx.ProxyError)
    assert not errors.may_have_been_charged(raised.value)


@every_way
@pytest.mark.parametrize("options", [{"proxy": True}, {"http2": True}, {}], ids=["proxy", "http2", "direct"])
def test_calls_that_end_early_do_not_use_up_the_connections(
    caller: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    if options.get("http2"):
        monkeypatch.setitem(sys.modules, "h2", ModuleType("h2"))  # httpx asks whether it is there
    if options.get("proxy"):
        monkeypatch.setenv("HTTP_PROXY", relay.url)
    url = "http://relay.test" if options.get("proxy") else relay.url
    args = {"limits": httpx.Limits(max_connections=2), "http2": bool(options.get("http2"))}
    own = caller.connect(url, timeout=httpx.Timeout(5, pool=1), httpx_args=args)
    late = own.with_deadline(0.05)
    answered = threading.Event()
    relay.always(Answer(wait=answered))

    async def burst() -> None:
        calls = [create_kling_image_to_video.asyncio(client=late, body=PROMPTED) for _ in range(12)]
        await asyncio.gather(*calls, return_exceptions=True)

    def one() -> None:
        with pytest.raises(errors.DeadlineExceeded):
            create_kling_image_to_video.sync(client=late, body=PROMPTED)

    if caller.way == "asyncio":
        caller.run(burst())
    else:
        threads = [threading.Thread(target=one) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    answered.set()
    relay.always(None)
    assert caller.submit(own).status == "queued"
    relay.problems.clear()


@every_way
def test_a_refusal_that_comes_before_the_body_is_read_is_not_lost(caller: Caller, authority: trustme.CA) -> None:
    for secure in (None, server_tls(authority, "127.0.0.1")):
        with answering_at_once(REFUSED, tls=secure) as url:
            own = caller.connect(url, verify_ssl=False)
            with pytest.raises(errors.ApiError, match="404"):
                caller.submit(own, **LARGE)


def test_the_network_of_httpx_s_transports_can_be_replaced() -> None:
    """The attributes that network.use_network() needs."""
    for proxy in (None, "http://127.0.0.1:9", "https://127.0.0.1:9"):
        for made in (httpx.HTTPTransport(TLS, proxy=proxy), httpx.AsyncHTTPTransport(TLS, proxy=proxy)):
            assert "_network_backend" in vars(vars(made)["_pool"])


RAISED: dict[str, tuple[BaseException, bool]] = {
    "a time-out of wait_for": (TimeoutError(), True),
    "a cancellation": (asyncio.CancelledError(), True),
    "an error of a hook": (KeyError("bug"), True),
    "a hook's ValueError": (ValueError("bug"), True),
    "Ctrl-C": (KeyboardInterrupt(), True),
    "a group with a sent one": (BaseExceptionGroup("", [httpx.ConnectError(""), httpx.ReadError("")]), True),
    "a group of unsent ones": (ExceptionGroup("", [httpx.ConnectError(""), errors.InvalidArgument("")]), False),
    "a refusal": (errors.ApiError("", status_code=403), False),
    "a failure": (errors.ApiError("", status_code=502), True),
    "an undocumented status": (errors.UnexpectedStatus("", status_code=418), True),
    "a closed client": (errors.ClientClosed(), False),
    "an argument": (errors.InvalidArgument("duration"), False),
    "a refusing proxy": (httpx.ProxyError(""), False),
    "no free connection": (httpx.PoolTimeout(""), False),
}


@pytest.mark.parametrize("name", RAISED)
def test_only_what_is_certain_was_not_charged(name: str) -> None:
    error, expected = RAISED[name]
    assert errors.may_have_been_charged(error) == expected


@every_way
@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_header_that_is_not_ascii_stays_as_it_is(caller: Caller, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nX-Message: 余额不足 {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}"
    with answering_at_once(head.encode()) as url:
        own = caller.connect(url)
        with pytest.raises(errors.ResponseError) as raised:
            caller.submit(own)
    assert raised.value.headers["X-Message"] == "余额不足 ***"
    assert errors.may_have_been_charged(raised.value) == (status != 403)


@every_way
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "unknown"])
def test_an_encoding_that_has_no_bound_is_not_decompressed(caller: Caller, relay: Relay, encoding: str) -> None:
    relay.answer(Answer(200, b"{}", {"Content-Type": "application/json", "Content-Encoding": encoding}))
    with pytest.raises(errors.DecodeError, match=f"unsupported Content-Encoding '{encoding}'"):
        caller.submit()
    assert relay.request.headers["Accept-Encoding"] == "gzip, deflate"
    assert relay.request.headers["Accept"] == "application/json"


VIDEOS: dict[str, tuple[dict[str, str], bytes, bool]] = {
    "as documented": ({"Content-Type": "video/mp4"}, b"v", True),
    "another kind of video": ({"Content-Type": "video/quicktime"}, b"v", True),
    "bytes": ({"Content-Type": "application/octet-stream"}, b"v", True),
    "no media type": ({}, b"v", True),
    "a page": ({"Content-Type": "text/html; charset=utf-8"}, b"<html>", False),
    "JSON": ({"Content-Type": "application/json"}, b"{}", False),
    "a problem": ({"Content-Type": "application/problem+json"}, b"{}", False),
    "nothing": ({"Content-Type": "video/mp4"}, b"", False),
}


@every_way
@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_one_by_its_media_type(gateway: Package, gateway_caller: Caller, name: str) -> None:
    headers, content, is_video = VIDEOS[name]
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    answer = f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    upload = gateway.operation("upload.upload")
    body = gateway.load("models").UploadBody(file=gateway.load("types").File(payload=BytesIO(b"f")))
    with answering_at_once(answer) as url:
        own = gateway_caller.enter(gateway.load("client").AuthenticatedClient(url, token=TOKEN, verify_ssl=TLS))
        outcome: Any = nullcontext() if is_video else pytest.raises(gateway.load("errors").DecodeError)
        with outcome:
            assert gateway_caller.parsed(upload, client=own, body=body) == content


def test_threads_get_their_connection_in_the_order_in_which_they_came(relay: Relay) -> None:
    calls = dict.fromkeys(range(8), 0)
    over = threading.Event()

    def work(number: int) -> None:
        while not over.is_set():
            create_kling_image_to_video.sync(client=own, body=PROMPTED)
            calls[number] += 1
            if calls[number] == 20:
                over.set()

    args = {"limits": httpx.Limits(max_connections=2)}
    with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args) as own:
        threads = [threading.Thread(target=work, args=(number,)) for number in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert min(calls.values()) >= 10


@every_way
def test_a_refusal_and_a_deadline_hold_no_body(caller: Caller, relay: Relay) -> None:
    relay.always(Answer.json({"error": {"message": "busy"}}, 429))
    body = {"model": "m", "prompt": "p", "image": "A" * (2 << 20)}

    def fail(client: Any) -> None:
        with pytest.raises((errors.ApiError, errors.DeadlineExceeded)):
            create_kling_image_to_video.sync(client=client, body=KlingImageToVideoRequest.from_dict(body))

    async def afail(client: Any) -> None:
        with pytest.raises((errors.ApiError, errors.DeadlineExceeded)):
            await create_kling_image_to_video.asyncio(client=client, body=KlingImageToVideoRequest.from_dict(body))
        for _ in range(9):  # the event loop drops its cancellation
            await asyncio.sleep(0)

    gc.collect()
    gc.disable()
    try:
        for client in (caller.client, caller.client.with_deadline(30), caller.client.with_deadline(1e-9)):
            if caller.way == "sync":
                fail(client)
            else:
                caller.run(afail(client))
            assert [one for one in gc.get_objects() if type(one).__name__ == "LargeBody"] == []
    finally:
        gc.enable()


def test_a_client_loads_its_certificates_once(relay: Relay) -> None:
    own = AuthenticatedClient(relay.url, token=TOKEN)

    async def call() -> None:
        await create_kling_image_to_video.asyncio(client=own, body=PROMPTED)
        await own.aclose()

    with mock.patch("httpx.create_ssl_context", wraps=httpx.create_ssl_context) as create:
        for _ in range(2):
            asyncio.run(call())
        with own:
            create_kling_image_to_video.sync(client=own, body=PROMPTED)
    made = [call for call in create.call_args_list if not isinstance((*call.args, True)[0], ssl.SSLContext)]
    assert len(made) == 1


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
    "no token": ({"RELAY_TOKEN": ""}, "RELAY_TOKEN is not set"),
}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_mistake_in_the_environment_is_named_where_the_client_is_made(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variables, text = ENVIRONMENT[name]
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    for variable, value in {"RELAY_TOKEN": TOKEN, **variables}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(errors.InvalidArgument, match=text) as raised:
        AuthenticatedClient.from_env()
    assert PASSWORD not in str(raised.value)
    if "RELAY" not in text:
        AuthenticatedClient(token=TOKEN, httpx_args={"trust_env": False})


def test_a_proxy_that_cannot_be_used_is_named_where_it_is_given() -> None:
    for proxy in ("socks://h:1", httpx.URL("ftp://h:1")):
        with pytest.raises(errors.InvalidArgument, match="httpx_args: proxy"):
            AuthenticatedClient(token=TOKEN, httpx_args={"proxy": proxy})
    AuthenticatedClient(token=TOKEN, httpx_args={"proxy": httpx.Proxy("http://u:p@h:1")})


def test_no_proxy_excludes_a_host_from_the_environment_s_proxy(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for excluded in ("127.0.0.1", "localhost, 127.0.0.1", "*"):
        monkeypatch.setenv("NO_PROXY", excluded)
        with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS) as own:
            assert create_kling_image_to_video.sync(client=own, body=PROMPTED).status == "queued"


@every_way
@pytest.mark.parametrize("settings", [{"deadline": 1e10}, {"timeout": 1e10}, {"deadline": 1e10, "timeout": None}])
def test_a_time_that_is_longer_than_a_socket_can_wait(caller: Caller, relay: Relay, settings: dict[str, Any]) -> None:
    own = caller.connect(**settings)
    assert caller.submit(own).status == "queued"


@every_way
def test_an_error_that_a_mock_raises_again_is_explained_once(caller: Caller) -> None:
    error = httpx.ConnectError("down")

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    own = caller.connect("http://relay.test", httpx_args={"transport": httpx.MockTransport(fail)})
    for _ in range(2):
        with pytest.raises(httpx.ConnectError) as raised:
            caller.submit(own)
        assert str(raised.value) == "POST /kling/v1/videos/image2video: down"


def test_a_derived_client_builds_no_request_anew_unless_its_headers_differ(relay: Relay) -> None:
    with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS) as own:
        http = own.get_httpx_client()
        with mock.patch.object(http, "build_request", wraps=http.build_request) as build:
            for client in (own, own.with_timeout(9), own.with_deadline(9), own.with_headers({"X-Trace": "t"})):
                create_kling_image_to_video.sync(client=client, body=PROMPTED)
    assert build.call_count == 2


class _Tenant(AuthenticatedClient):
    def __init__(self, url: str, tenant: str) -> None:
        super().__init__(url, token=TOKEN, verify_ssl=TLS)
        self.tenant = tenant


def test_a_subclass_has_attributes_and_a_mock_takes_a_method_s_place(relay: Relay) -> None:
    with _Tenant(relay.url, "t") as own:
        assert own.with_timeout(9).tenant == "t"
        with mock.patch.object(own, "call", return_value=None) as mocked:
            create_kling_image_to_video.sync(client=own, body=PROMPTED)
        mocked.assert_called_once()
        assert create_kling_image_to_video.sync(client=own, body=PROMPTED).status == "queued"
    with pytest.raises(AttributeError, match="deadline"):
        setattr(AuthenticatedClient(relay.url, token=TOKEN), "deadlin", 5)  # noqa: B010  # a misspelled name
