"""However a call ends, it sends nothing more, releases its connection, and says if it may have been charged."""

import asyncio
import gc
import gzip
import json
import signal
import socket
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import repeat
from threading import Event, Thread
from types import ModuleType
from typing import Any
from unittest import mock

import httpx
import pytest
import trustme

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from frozen import PROMPTED, AuthenticatedClient, KlingImageToVideoRequest, asubmit, errors, submit
from frozen import create_kling_image_to_video as operation
from servers import answering, deaf, reading_nothing, refusing, server_tls

LARGE: dict[str, Any] = {"image": "A" * (8 << 20)}
ONE = {"limits": httpx.Limits(max_connections=1)}
TASK = {"task_id": "t", "status": "queued"}
DEADLINE = 0.2
HOST = "relay.test"
MIB = 2**20
KINDS = (errors.ResponseError, httpx.TransportError)


# Deadlines


@contextmanager
def _resolved(*addresses: str, seconds: float = 0) -> Generator[str]:
    """A host that takes `seconds` to resolve to these addresses."""
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
def _dead_first_address(relay: Relay) -> Generator[str]:
    with deaf() as dead, _resolved(dead, relay.url) as url:
        yield url


@contextmanager
def _silent(relay: Relay) -> Generator[str]:
    relay.always(Answer(wait=Event()))
    yield relay.url


Place = Callable[[Relay], AbstractContextManager[str]]
PHASES: dict[str, tuple[Place, dict[str, Any], bool]] = {
    "while the host is looked up": (lambda relay: _resolved(relay.url, seconds=2 * DEADLINE), {}, False),
    "at an address that does not answer": (_dead_first_address, {}, False),
    "while connecting": (lambda _: deaf(), {}, False),
    "during the TLS handshake": (lambda _: reading_nothing("https"), {}, False),
    "while the body is written": (lambda _: reading_nothing(), LARGE, True),
    "before the response": (_silent, {}, True),
    "between the bytes of a status line": (lambda _: answering(b"HTTP/1.1", drips=True), {}, True),
    "between the bytes of a body": (lambda _: answering(b"HTTP/1.1 200 OK\r\n\r\n", drips=True), {}, True),
    "between the bytes of a refusal": (lambda _: answering(b"HTTP/1.1 503 No\r\n\r\n", drips=True), {}, True),
}
"""The phases in which a deadline can end a call, and whether anything was sent before."""


@pytest.mark.parametrize("phase", PHASES)
def test_after_a_deadline_nothing_is_sent(caller: Caller, relay: Relay, phase: str) -> None:
    place, fields, is_sent = PHASES[phase]
    with place(relay) as url:
        own = caller.connect(url, deadline=DEADLINE, timeout=None)
        started = time.monotonic()
        with pytest.raises(errors.DeadlineExceeded) as raised:
            caller.submit(own, **fields)
        assert time.monotonic() - started < 10 * DEADLINE
        before = len(relay.requests)
        assert errors.may_have_been_charged(raised.value) == is_sent
        assert ("nothing was sent" in str(raised.value)) != is_sent
        caller.close()
    assert len(relay.requests) == before == (phase == "before the response")


def test_with_a_deadline_the_first_address_that_connects_is_used(caller: Caller, relay: Relay) -> None:
    with refusing() as closed, deaf() as dead, _resolved(closed, dead, relay.url) as url:
        own = caller.connect(url, deadline=20, timeout=httpx.Timeout(5, connect=0.5))
        assert caller.submit(own).status == "queued"


def test_a_step_timeout_at_the_deadline_is_reported_as_the_deadline(caller: Caller) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        time.sleep(0.2)  # past the deadline, while the event loop is blocked
        raise httpx.ReadTimeout("timed out")

    with pytest.raises(errors.DeadlineExceeded):
        caller.submit(caller.connect(deadline=0.1, httpx_args={"transport": httpx.MockTransport(answer)}))


def test_a_stream_s_deadline_ends_with_the_headers_and_its_size_has_no_limit(caller: Caller, relay: Relay) -> None:
    own = caller.connect(deadline=0.6, max_response_bytes=10)
    relay.answer(Answer(200, chunks=[b"x" * 9] * 70, pause=0.01))
    with caller.stream(own) as response:
        assert len(caller.read(response)) == 630
    relay.answer(Answer.json(TASK, wait=Event()))
    with pytest.raises(errors.DeadlineExceeded), caller.stream(own):
        pass


@pytest.mark.parametrize("settings", [{"deadline": 1e10}, {"timeout": 1e10}, {"deadline": 1e10, "timeout": None}])
def test_a_timeout_beyond_a_sockets_limit(caller: Caller, settings: dict[str, Any]) -> None:
    assert caller.submit(caller.connect(**settings)).status == "queued"


# Connections


BROKEN_OFF = {
    "no task": Answer(200, b"{"),
    "refused": Answer.json({"message": "m"}, 503),
    "too large": Answer(200, chunks=repeat(b"x" * 65_536)),
    "no gzip": Answer(200, chunks=repeat(b"x" * 65_536), headers={"Content-Encoding": "gzip"}),
    "too late": Answer(200, chunks=repeat(b" "), pause=0.02),
    "no answer": Answer(silent=True),
    "silence": Answer.json({}, wait=Event()),
    "elsewhere": Answer(302, chunks=(b"x",) * 9),
}


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_an_interrupted_call_releases_its_connection(caller: Caller, relay: Relay, name: str) -> None:
    own = caller.connect(timeout=httpx.Timeout(60, pool=5), max_response_bytes=10**6, httpx_args=ONE)
    relay.always(BROKEN_OFF[name])
    with _peak_below(50), pytest.raises(KINDS):
        caller.submit(own.with_deadline(0.5))
    relay.always(None)  # on a busy machine the deadline may be over before the request arrives
    assert caller.submit(own).status == "queued"


@pytest.mark.parametrize("kind", [None, KeyError, KeyboardInterrupt])
def test_a_closed_stream_releases_its_connection(caller: Caller, relay: Relay, kind: Any) -> None:
    own = caller.connect(timeout=httpx.Timeout(5, pool=1), httpx_args=ONE)
    relay.answer(Answer(200, chunks=[b"x"] * 50, pause=0.01))
    with pytest.raises(kind) if kind else nullcontext(), caller.stream(own) as response:
        assert caller.read(response, most=1) == b"x"
        if kind:
            raise kind
    assert response.is_closed
    assert caller.submit(own).status == "queued"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"deadline": DEADLINE}, errors.DeadlineExceeded), ({"timeout": httpx.Timeout(5, pool=0.1)}, httpx.PoolTimeout)],
    ids=["deadline", "timeout"],
)
def test_the_wait_for_a_connection_ends(caller: Caller, relay: Relay, settings: Any, kind: type[Exception]) -> None:
    own = caller.connect(httpx_args=ONE)
    with caller.stream(own), pytest.raises(kind, match=r"deadline|no connection became free within 0\.1 s") as raised:
        caller.submit(own.with_deadline(DEADLINE) if "deadline" in settings else own.with_timeout(settings["timeout"]))
    assert not errors.may_have_been_charged(raised.value)
    assert caller.submit(own).status == "queued"
    assert len(relay.requests) == 2


def test_closing_a_client_ends_the_calls_that_wait_for_a_connection(caller: Caller, relay: Relay) -> None:
    own = AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=ONE)

    def wait() -> Any:
        return caller.submission(own)

    with caller.stream(own):
        *raised, _ = caller.at_once(wait, wait, wait, lambda: caller.leave(own))
        assert [type(error) for error in raised] == [errors.ClientClosed] * 3
        assert "nothing was sent" in str(raised[0])
        assert not any(map(errors.may_have_been_charged, raised))
    with pytest.raises(errors.ClientClosed):
        caller.submit(own)
    assert len(relay.requests) == 1


@pytest.mark.parametrize("by", ["proxy", "http2", "direct"])
def test_calls_that_end_early_do_not_use_up_the_connections(
    caller: Caller, relay: Relay, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "http2":
        monkeypatch.setitem(sys.modules, "h2", ModuleType("h2"))  # httpx asks whether it is there
    if by == "proxy":
        monkeypatch.setenv("HTTP_PROXY", relay.url)
    url = "http://relay.test" if by == "proxy" else relay.url
    args = {"limits": httpx.Limits(max_connections=2), "http2": by == "http2"}
    own = caller.connect(url, timeout=httpx.Timeout(5, pool=1), httpx_args=args)
    late = own.with_deadline(0.05)
    answered = Event()
    relay.always(Answer(wait=answered))
    outcomes = caller.at_once(*[lambda: caller.submission(late)] * 12)
    assert {type(outcome) for outcome in outcomes} == {errors.DeadlineExceeded}
    answered.set()
    relay.always(None)
    assert caller.submit(own).status == "queued"
    relay.problems.clear()


# Cancellation and signals


def test_a_call_cancelled_at_any_step_sends_nothing_more(relay: Relay) -> None:
    async def work(steps: int) -> bool:
        async with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=ONE) as own:
            call = asyncio.create_task(asubmit(own))
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            [error] = await asyncio.gather(call, return_exceptions=True)
            if not isinstance(error, BaseException):
                return True
            assert errors.may_have_been_charged(error)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}  # so no task is left that could send
            assert await asubmit(own) == "queued"
            return False

    assert not asyncio.run(work(0))
    for steps in range(1, 40):
        asyncio.run(work(steps))


def _open(client: AuthenticatedClient) -> None:
    operation.stream(client=client, body=PROMPTED).__enter__()


class _Interrupted(Exception):
    """Raised by a signal handler, as Celery's soft time limit is."""


@pytest.mark.parametrize("deadline", [None, 20])
@pytest.mark.parametrize("call", [submit, _open], ids=["call", "stream"])
def test_a_signal_ends_a_call_and_releases_its_connection(relay: Relay, deadline: Any, call: Any) -> None:
    def interrupt(*_: object) -> None:
        raise _Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with AuthenticatedClient(relay.url, token=TOKEN, deadline=deadline, verify_ssl=TLS, httpx_args=ONE) as own:
            answered = Event()
            relay.answer(Answer(wait=answered))
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(_Interrupted) as raised:
                call(own)
            answered.set()
            assert errors.may_have_been_charged(raised.value)
            assert submit(own) == "queued"
            assert len(relay.requests) == 2
    finally:
        signal.signal(signal.SIGALRM, before)


# Memory


@contextmanager
def _peak_below(most: int) -> Generator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most * MIB
    finally:
        tracemalloc.stop()


def test_a_refusal_and_a_deadline_hold_no_body(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer.json({"error": {"message": "busy"}}, 429), times=2)
    relay.always(Answer(wait=Event()))
    body = {"model": "m", "prompt": "p", "image": "A" * (2 << 20)}

    def fail(client: Any) -> None:
        with pytest.raises((errors.ApiError, errors.DeadlineExceeded)):
            operation.sync(client=client, body=KlingImageToVideoRequest.from_dict(body))

    async def afail(client: Any) -> None:
        with pytest.raises((errors.ApiError, errors.DeadlineExceeded)):
            await operation.asyncio(client=client, body=KlingImageToVideoRequest.from_dict(body))
        for _ in range(9):  # the event loop drops its cancellation
            await asyncio.sleep(0)

    gc.collect()
    gc.disable()
    try:
        for client in (caller.client, caller.client.with_deadline(30), *map(caller.client.with_deadline, (0.5, 1e-9))):
            caller.run((fail if caller.way == "sync" else afail)(client))
            assert [one for one in gc.get_objects() if type(one).__name__ == "LargeBody"] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("limit", [MIB, 100])
@pytest.mark.parametrize("has_length", [True, False])
def test_the_size_limit_of_a_response(caller: Caller, relay: Relay, limit: int, has_length: bool) -> None:
    own = caller.connect(max_response_bytes=limit)
    body = json.dumps(TASK).encode().ljust(limit)
    relay.always(Answer(200, body) if has_length else Answer(200, chunks=[body]))
    assert caller.submit(own).status == "queued"
    relay.always(Answer(200, body + b" ") if has_length else Answer(200, chunks=[body, b" "]))
    for detailed in (False, True):
        with pytest.raises(errors.ResponseTooLarge, match=str(limit)):
            caller.submit(own.with_timeout(9), detailed=detailed)


def _bomb(size: int) -> bytes:
    """Compress this many MiB of spaces with gzip, to a thousandth of the size."""
    packer = zlib.compressobj(9, wbits=31)
    block = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)  # without gzip's header, so repeatable
    return block + again * (size - 1)


GZIP_BOMB = gzip.compress(_bomb(1024))
BOMBS: dict[str, tuple[bytes, str]] = {
    "gzip": (_bomb(128), "more than 1048576 bytes"),
    "deflate": (zlib.compress(b" " * 32 * MIB), "more than 1048576 bytes"),
    "gzip, gzip": (GZIP_BOMB, "unsupported Content-Encoding 'gzip, gzip'"),
    "gzip\r\nContent-Encoding: gzip": (GZIP_BOMB, "'gzip, gzip'"),  # http.server takes one header of a name
    "br": (b"{}", "unsupported Content-Encoding 'br'"),
    "unknown": (b"{}", "unsupported Content-Encoding 'unknown'"),
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_compression_bomb_is_not_decompressed(caller: Caller, relay: Relay, encoding: str) -> None:
    packed, text = BOMBS[encoding]
    relay.answer(Answer(200, packed, {"Content-Encoding": encoding}))
    own = caller.connect(max_response_bytes=MIB)
    with _peak_below(200), pytest.raises(errors.DecodeError, match=text) as raised:
        caller.submit(own)
    assert len(raised.value.content) <= 65_536
    assert relay.request.headers["Accept-Encoding"] == "gzip, deflate"


# Other servers


def test_a_proxy_that_refuses_to_connect_gets_no_request_and_no_retry(caller: Caller) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with answering(refusal) as proxy:
        own = caller.connect("https://relay.test", max_retries=2, httpx_args={"proxy": proxy})
        with pytest.raises(httpx.ProxyError) as raised:
            caller.submit(own)
    assert isinstance(raised.value, errors.NOT_SENT)
    assert not errors.may_have_been_charged(raised.value)


def test_a_refusal_that_comes_before_the_body_is_read_is_not_lost(caller: Caller, authority: trustme.CA) -> None:
    refused = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for secure in (None, server_tls(authority, "127.0.0.1")):
        with answering(refused, tls=secure) as url, pytest.raises(errors.ApiError, match="404"):
            caller.submit(caller.connect(url, verify_ssl=False), **LARGE)


def test_threads_get_connections_in_fifo_order(relay: Relay) -> None:
    calls = dict.fromkeys(range(8), 0)
    over = Event()

    def work(number: int) -> None:
        while not over.is_set():
            submit(own)
            calls[number] += 1
            if calls[number] == 20:
                over.set()

    args = {"limits": httpx.Limits(max_connections=2)}
    with AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, httpx_args=args) as own:
        threads = [Thread(target=work, args=(number,)) for number in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert min(calls.values()) >= 10
