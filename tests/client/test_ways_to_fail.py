"""Every way in which a response can go wrong, by each way of calling: a documented error, in words, and one request."""

import os
import ssl
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from socket import create_server
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import trustme

from calling import TLS, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import (
    NOT_SENT,
    ApiError,
    DeadlineExceeded,
    DecodeError,
    InvalidArgument,
    ResponseError,
    ResponseTooLarge,
    UnexpectedStatus,
    may_have_been_charged,
)
from generated_client.models import KlingImageToVideoRequest
from sockets import deaf, refusing
from tls import client_tls, server_tls

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
TOKEN = "sk-" + "not/to/be/seen/anywhere"
JSON = {"Content-Type": "application/json"}
TASK = b'{"task_id": "t", "status": "queued"}'


def _text(body: bytes, **headers: str) -> Answer:
    return Answer(200, body, {**JSON, **headers})


ANSWERS: dict[str, tuple[Answer, type[Exception]]] = {
    "an error that is documented": (Answer(400, b'{"message": "x"}', JSON), ApiError),
    "an error without a body": (Answer(503), ApiError),
    "an error in HTML": (Answer(502, b"<html>", {"Content-Type": "text/html"}), ApiError),
    "an error that repeats the token": (Answer(401, TOKEN.encode()), ApiError),
    "an error that breaks off": (Answer(500, b'{"message": "x"}', JSON, cut=4), ApiError),
    "a redirect": (Answer(302, headers={"Location": "/elsewhere"}), UnexpectedStatus),
    "a redirect to nowhere": (Answer(302, headers={"Location": "https://:99999"}), UnexpectedStatus),
    "a success that is not documented": (Answer(201, TASK, JSON), UnexpectedStatus),
    "no content": (Answer(204), UnexpectedStatus),
    "HTML": (_text(b"<!doctype html>"), DecodeError),
    "nothing": (_text(b""), DecodeError),
    "JSON that breaks off": (_text(TASK[:-1]), DecodeError),
    "null": (_text(b"null"), DecodeError),
    "another kind of JSON": (_text(b"[]"), DecodeError),
    "a field that is missing": (_text(b'{"status": "queued"}'), DecodeError),
    "the token where a field is due": (_text(b'{"' + TOKEN.encode() + b'": 1}'), DecodeError),
    "JSON that is nested without end": (_text(b"[" * 100_000), DecodeError),
    "no gzip": (_text(TASK, **{"Content-Encoding": "gzip"}), DecodeError),
    "more than is taken": (_text(TASK + b" " * 20_000), ResponseTooLarge),
    "a body that is cut": (Answer(200, TASK, JSON, cut=9), httpx.RemoteProtocolError),
    "an end without an answer": (Answer(silent=True), httpx.RemoteProtocolError),
}
"""What the relay answers, and what a call raises."""


def _check(raised: Exception, kind: type[Exception]) -> None:
    assert isinstance(raised, kind)
    assert isinstance(raised, ResponseError | httpx.TransportError)
    assert str(raised).strip()
    assert "image2video" in str(raised)
    assert TOKEN not in f"{raised!r} {vars(raised)!r}"
    if isinstance(raised, httpx.TransportError):
        assert TOKEN not in str(raised.request.headers.raw)
        assert raised.request.method == "POST"


def _call(caller: Caller, url: str, **settings: Any) -> Exception:
    arguments: dict[str, Any] = {"verify_ssl": TLS, **settings}
    own = caller.enter(AuthenticatedClient(url, token=TOKEN, **arguments))
    with pytest.raises(Exception) as raised:  # noqa: PT011  # of which kind, the table says
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    return raised.value


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_success(caller: Caller, relay: Relay, name: str) -> None:
    answer, kind = ANSWERS[name]
    relay.answer(answer)
    raised = _call(caller, relay.url, max_response_bytes=10_000 if kind is ResponseTooLarge else 2**20)
    _check(raised, kind)
    assert not isinstance(raised, NOT_SENT)
    assert may_have_been_charged(raised) == (not 400 <= answer.status < 500)
    assert len(relay.requests) == 1


def test_an_answer_that_does_not_come(caller: Caller, relay: Relay) -> None:
    relay.always(Answer(wait=Event()))
    _check(_call(caller, relay.url, timeout=httpx.Timeout(5, read=0.1)), httpx.ReadTimeout)
    _check(_call(caller, relay.url, deadline=0.2), DeadlineExceeded)
    assert len(relay.requests) == 2


@contextmanager
def _nobody(_: trustme.CA) -> Generator[str]:
    with refusing() as url:
        yield url


@contextmanager
def _deaf(_: trustme.CA) -> Generator[str]:
    with deaf() as url:
        yield url


@contextmanager
def _broken_tls(authority: trustme.CA) -> Generator[str]:
    """A server whose TLS breaks after the request came."""
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with server_tls(authority, "127.0.0.1").wrap_socket(connection, server_side=True) as secure:
                while b"prompt" not in secure.recv(65536):
                    pass
                os.write(secure.fileno(), b"\x17\x03\x03\x00\x20" + b"no TLS record" * 3)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


SERVERS: dict[str, tuple[Callable[[trustme.CA], AbstractContextManager[str]], type[Exception], bool]] = {
    "nobody": (_nobody, httpx.ConnectError, True),
    "nobody who accepts": (_deaf, httpx.ConnectTimeout, True),
    "a port that there is none of": (lambda _: nullcontext("http://127.0.0.1:1"), httpx.ConnectError, True),
    "TLS that breaks": (_broken_tls, httpx.TransportError, False),
}
"""Who is at the other end, what a call raises, and whether nothing was sent."""


@pytest.mark.parametrize("name", SERVERS)
def test_a_connection_that_fails(caller: Caller, authority: trustme.CA, name: str) -> None:
    serve, kind, is_unsent = SERVERS[name]
    trusting: ssl.SSLContext = client_tls(authority)
    with serve(authority) as url:
        raised = _call(caller, url, timeout=httpx.Timeout(5, connect=0.3), verify_ssl=trusting)
    _check(raised, kind)
    assert isinstance(raised, NOT_SENT) == is_unsent
    assert may_have_been_charged(raised) != is_unsent


def test_an_argument_that_cannot_be_sent_costs_nothing() -> None:
    assert not may_have_been_charged(InvalidArgument("duration"))
