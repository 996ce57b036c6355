"""The token goes to the relay and nowhere else: to no repr, log record, exception or local variable of a traceback."""

import copy
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path as File
from types import TracebackType
from typing import Any

import httpx
import pytest

import generated_client
from another import Package
from calling import TLS, Caller
from contract_check.relay.standin import Answer, Relay, front_error, inner_error
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ApiError, DecodeError, ResponseError, ResponseTooLarge, UnexpectedStatus
from generated_client.models import KlingImageToVideoRequest
from sockets import answering_at_once, refusing

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
SECRET = "sk-" + "geheim/0123456789+=="
PACKAGE = File(generated_client.__file__).parent

BAD = {
    "line break": f"{SECRET}\n",
    "header in it": f"{SECRET}\r\nX-Injected: 1",
    "blank within": SECRET.replace("-", " "),
    "blank before": f" {SECRET}",
    "tab": f"{SECRET}\t",
    "zero": f"{SECRET}\0",
    "not ascii": f"{SECRET}密",
    "bytes": SECRET.encode(),
    "number": 20261123,
    "empty": "",
    "only blanks": "  ",
    "nothing": None,
}


def _frames(error: BaseException | None) -> Iterator[TracebackType]:
    """The frames of a whole chain of exceptions that are this package's own."""
    while error is not None:
        step = error.__traceback__
        while step is not None:
            if File(step.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
                yield step
            step = step.tb_next
        error = error.__cause__ or error.__context__


def _locals(error: BaseException) -> str:
    """What a logger that prints local variables prints of this package's."""
    return "\n".join(repr(value) for step in _frames(error) for value in step.tb_frame.f_locals.values())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.fixture
def own(relay: Relay) -> AuthenticatedClient:
    """A client with a token that looks like itself wherever it turns up."""
    return AuthenticatedClient(relay.url, token=SECRET, verify_ssl=TLS)


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_token_that_cannot_work_is_refused_without_being_shown(token: Any) -> None:
    with pytest.raises(ValueError, match="token must be") as raised:
        AuthenticatedClient(token=token)
    if token and not str(token).isspace():
        told = "".join(f"{error!r} {error}" for error in _chain(raised.value)) + _locals(raised.value)
        assert str(token) not in told
        assert SECRET not in told


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_new_token_that_cannot_work_leaves_the_old_one(
    caller: Caller, relay: Relay, own: AuthenticatedClient, token: Any
) -> None:
    caller.enter(own)
    with pytest.raises(ValueError, match="token must be") as raised:
        own.set_token(token)
    if token and not str(token).isspace():
        assert str(token) not in f"{raised.value!r}{_locals(raised.value)}"
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert relay.request.headers.get_all("authorization") == [f"Bearer {SECRET}"]


def test_a_new_token_goes_with_the_next_request_of_the_whole_family(
    caller: Caller, relay: Relay, own: AuthenticatedClient
) -> None:
    child = caller.enter(own).with_headers({"X-Trace": "t"})
    grandchild = child.with_timeout(9).with_cookies({"session": "s"})
    family = (own, child, grandchild)
    for giver, token in zip(family, (f"{SECRET}1", f"{SECRET}2", f"{SECRET}3"), strict=True):
        giver.set_token(token)
        relay.forget()
        for member in family:
            caller.parsed(create_kling_image_to_video, client=member, body=PROMPTED)
        assert [r.headers["authorization"] for r in relay.requests] == [f"Bearer {token}"] * 3


@pytest.mark.every_way
def test_where_the_token_goes_can_be_said(caller: Caller, relay: Relay) -> None:
    options: dict[str, Any] = {"prefix": "", "auth_header_name": "X-Api-Key", "verify_ssl": TLS}
    own = caller.enter(AuthenticatedClient(relay.url, token=SECRET, **options))
    relay.answer(Answer.json({"task_id": "t", "status": "queued"}))
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert relay.request.headers.get_all("x-api-key") == [SECRET]
    assert "authorization" not in relay.request.headers
    relay.problems.clear()  # It knows bearers only.


def test_no_repr_shows_it(caller: Caller, own: AuthenticatedClient) -> None:
    caller.enter(own)
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    for client in (own, own.with_headers({"X-Trace": "t"}), copy.copy(own)):
        assert SECRET not in f"{client!r} {client} {vars(client)!r}"
        assert "AuthenticatedClient" in repr(client)
    assert SECRET not in repr(vars(own.get_httpx_client()))


@pytest.mark.every_way
def test_no_log_record_shows_it(
    caller: Caller, relay: Relay, own: AuthenticatedClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caller.enter(own)
    relay.answer(front_error(500, "坏"))
    with pytest.raises(ApiError):
        caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert {record.name.partition(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}
    assert SECRET not in "".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)


def _echo(answer: Answer) -> Answer:
    answer.headers = {**answer.headers, "X-Seen": f"Bearer {SECRET}", "X-Oneapi-Request-Id": SECRET}
    return answer


ECHOES: dict[str, tuple[type[ResponseError], Callable[[], Answer], dict[str, Any]]] = {
    "documented": (ApiError, lambda: front_error(401, f"无效的令牌 {SECRET}", SECRET), {}),
    "of the other shape": (ApiError, lambda: inner_error(400, f"无效的令牌 {SECRET}", SECRET), {}),
    "escaped": (
        ApiError,
        lambda: Answer(401, b'{"error": {"message": "%b"}}' % SECRET.replace("/", "\\/").encode()),
        {},
    ),
    "as a name": (ApiError, lambda: Answer.json({"error": {"message": "m", SECRET: 1}, SECRET: 2}, 400), {}),
    "unexpected": (UnexpectedStatus, lambda: Answer.json({"message": SECRET}, 201), {}),
    "broken success": (DecodeError, lambda: Answer.json({"message": SECRET, "code": SECRET}), {}),
    "html": (DecodeError, lambda: Answer(200, f"<html>{SECRET}</html>".encode(), {"Content-Type": "text/html"}), {}),
    "too large": (ResponseTooLarge, lambda: front_error(401, SECRET), {"max_response_bytes": 9}),
    "too large success": (
        ResponseTooLarge,
        lambda: Answer.json({"task_id": SECRET, "status": SECRET}),
        {"max_response_bytes": 9},
    ),
}


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.parametrize("detailed", [False, True], ids=["plain", "detailed"])
def test_a_server_that_repeats_it_does_not_put_it_into_an_error(
    caller: Caller, relay: Relay, name: str, detailed: bool
) -> None:
    kind, answer, options = ECHOES[name]
    client = caller.enter(AuthenticatedClient(f"{relay.url}/{SECRET}", token=SECRET, verify_ssl=TLS, **options))
    relay.answer(_echo(answer()))
    if detailed and kind is ApiError:
        caller.detailed(create_kling_image_to_video, client=client, body=PROMPTED)
        relay.answer(_echo(answer()))
    call = caller.detailed if detailed and kind is not ApiError else caller.parsed
    with pytest.raises(kind) as raised:
        call(create_kling_image_to_video, client=client, body=PROMPTED)
    error = raised.value
    parsed = error.parsed.to_dict() if error.parsed else None
    known = f"{error} {error!r} {error.args} {vars(error)!r} {error.headers.raw} {error.content!r} {parsed}"
    assert "***" in known
    for secret in (SECRET, SECRET.replace("/", "\\/")):
        assert secret not in known
        for twin in (error, copy.copy(error), copy.deepcopy(error)):
            assert secret.encode() not in pickle.dumps(twin)
    relay.problems.clear()  # The path has more in it than the document.


@pytest.mark.every_way
@pytest.mark.parametrize("name", ECHOES)
def test_no_traceback_shows_what_a_server_repeats(caller: Caller, relay: Relay, name: str) -> None:
    kind, answer, options = ECHOES[name]
    client = caller.enter(AuthenticatedClient(relay.url, token=SECRET, verify_ssl=TLS, **options))
    relay.answer(_echo(answer()))
    with pytest.raises(kind) as raised:
        caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)
    assert list(_frames(raised.value))
    assert SECRET not in _locals(raised.value)


def _unsent(caller: Caller, client: AuthenticatedClient) -> None:
    caller.parsed(
        create_kling_image_to_video,
        client=client,
        body=KlingImageToVideoRequest(model="m", prompt="走", duration=float("nan")),
    )


def _call(caller: Caller, client: AuthenticatedClient) -> None:
    caller.parsed(create_kling_image_to_video, client=client, body=PROMPTED)


@pytest.mark.every_way
@pytest.mark.parametrize(
    ("act", "answer", "kind"),
    [
        (_unsent, Answer(), ValueError),
        (_call, Answer(silent=True), httpx.RemoteProtocolError),
        (_call, Answer(silent=True, reset=True), httpx.ReadError),
        (_call, Answer(200, b"{", chunks=(b"{",), reset=True), httpx.TransportError),
        (_call, front_error(401, "无效的令牌"), ApiError),
        (_call, Answer(200, b"{"), DecodeError),
        (_call, Answer(302, headers={"Location": "/x"}), UnexpectedStatus),
    ],
    ids=["not sent", "no answer", "reset", "reset amid", "refused", "broken success", "redirect"],
)
def test_no_traceback_and_no_pickle_of_any_error_shows_it(
    caller: Caller,
    relay: Relay,
    own: AuthenticatedClient,
    act: Callable[[Caller, AuthenticatedClient], None],
    answer: Answer,
    kind: type[Exception],
) -> None:
    caller.enter(own)
    relay.answer(answer)
    with pytest.raises(kind) as raised:
        act(caller, own)
    error = raised.value
    assert list(_frames(error))
    assert SECRET not in _locals(error)
    assert SECRET.encode() not in pickle.dumps(error)
    assert SECRET not in f"{error!r} {error} {vars(error)!r}"
    if isinstance(error, httpx.RequestError):
        assert SECRET not in str(error.request.headers.raw)


@pytest.mark.every_way
def test_an_error_to_connect_does_not_show_it(caller: Caller) -> None:
    with refusing() as url:
        own = caller.enter(AuthenticatedClient(url, token=SECRET, verify_ssl=TLS))
        with pytest.raises(httpx.ConnectError) as raised:
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert SECRET not in _locals(raised.value)
    assert SECRET not in str(raised.value.request.headers.raw)


@pytest.mark.every_way
def test_an_answer_that_is_no_http_does_not_bring_it_along(caller: Caller) -> None:
    with answering_at_once(b"rubbish\r\n\r\n") as url:
        own = caller.enter(AuthenticatedClient(url, token=SECRET, verify_ssl=TLS))
        with pytest.raises(httpx.RemoteProtocolError) as raised:
            caller.parsed(create_kling_image_to_video, client=own, body=PROMPTED)
    assert SECRET not in _locals(raised.value)
    assert SECRET not in "".join(f"{error!r} {vars(error)!r}" for error in _chain(raised.value))


@pytest.mark.every_way
def test_a_redirect_that_fails_does_not_show_it(gateway: Package, gateway_caller: Caller, gateway_relay: Relay) -> None:
    make = gateway.load("client").AuthenticatedClient
    own = gateway_caller.enter(make(gateway_relay.url, token=SECRET, verify_ssl=TLS, follow_redirects=True))
    gateway_relay.answer(Answer(307, headers={"Location": "/v1/Item/8"}))
    gateway_relay.answer(Answer(silent=True))
    with pytest.raises(httpx.RemoteProtocolError) as raised:
        gateway_caller.parsed(gateway.operation("item.get_v1_item_by_item_id"), client=own, item_id="7")
    assert gateway_relay.requests[1].headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in _locals(raised.value)
    assert SECRET not in str(raised.value.request.headers.raw)


def test_a_text_that_is_too_large_does_not_bring_it_along(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    make = gateway.load("client").AuthenticatedClient
    own = gateway_caller.enter(make(gateway_relay.url, token=SECRET, verify_ssl=TLS, max_response_bytes=9))
    gateway_relay.answer(Answer(200, f"text {SECRET}".encode(), {"Content-Type": "text/plain"}))
    with pytest.raises(gateway.load("errors").ResponseTooLarge) as raised:
        gateway_caller.parsed(gateway.operation("form.form"), client=own, body=gateway.load("models").FormBody(a="a"))
    assert SECRET not in f"{vars(raised.value)!r}"
