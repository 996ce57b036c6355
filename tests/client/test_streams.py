"""stream() and astream(): the open response of a success; whatever else comes is raised as a call raises it."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any

import httpx
import pytest

from calling import TLS, TOKEN, Caller
from contract_check.relay.standin import Answer, Relay
from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import ApiError, DeadlineExceeded, UnexpectedStatus
from generated_client.models import KlingImageToVideoRequest

pytestmark = pytest.mark.every_way

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了")
JSON = {"Content-Type": "application/json"}
TASK = {"task_id": "t", "status": "queued"}
LONG = Answer(200, chunks=tuple(b"%d " % number for number in range(50)), pause=0.01)


def _read(caller: Caller, client: Any = None, most: int = 1_000) -> bytes:
    """The body, or its first `most` pieces, after which the context is left."""
    arguments: dict[str, Any] = {"client": client or caller.client, "body": PROMPTED}
    if caller.way == "sync":
        with create_kling_image_to_video.stream(**arguments) as response:
            return b"".join(piece for _, piece in zip(range(most), response.iter_bytes(), strict=False))

    async def read() -> bytes:
        pieces = list[bytes]()
        async with create_kling_image_to_video.astream(**arguments) as response:
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                if len(pieces) == most:
                    break
        return b"".join(pieces)

    content: bytes = caller.run(read())
    return content


def test_a_success_is_read_as_it_comes(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer.json(TASK))
    assert json.loads(_read(caller)) == TASK


def test_its_size_has_no_limit(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, b"x" * 100_000, JSON))
    own = caller.enter(AuthenticatedClient(relay.url, token=TOKEN, verify_ssl=TLS, max_response_bytes=10))
    assert _read(caller, own) == b"x" * 100_000


def test_one_that_is_left_early_keeps_no_connection_busy(caller: Caller, relay: Relay) -> None:
    relay.answer(LONG)
    relay.answer(Answer.json(TASK))
    own = caller.enter(
        AuthenticatedClient(
            relay.url,
            token=TOKEN,
            verify_ssl=TLS,
            timeout=httpx.Timeout(5, pool=1),
            httpx_args={"limits": httpx.Limits(max_connections=1)},
        )
    )
    assert _read(caller, own, most=1).startswith(b"0 ")
    assert json.loads(_read(caller, own)) == TASK


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, b'{"error": {"message": "m", "code": "c"}}', JSON), ApiError),
        (Answer(503), ApiError),
        (Answer(302, headers={"Location": "/elsewhere"}), UnexpectedStatus),
        (Answer(204), UnexpectedStatus),
    ],
    ids=lambda value: getattr(value, "__name__", str(getattr(value, "status", ""))),
)
def test_another_status_is_raised_before_the_context_begins(
    caller: Caller, relay: Relay, answer: Answer, kind: type[Exception]
) -> None:
    relay.answer(answer)
    with pytest.raises(kind, match=f"POST /kling/v1/videos/image2video: {answer.status}"):
        _read(caller)


def test_a_body_that_breaks_off_is_an_error_of_the_connection(caller: Caller, relay: Relay) -> None:
    relay.answer(Answer(200, b"x" * 1_000, JSON, cut=100))
    with pytest.raises(httpx.TransportError):
        _read(caller)
    relay.answer(Answer.json(TASK))
    assert json.loads(_read(caller)) == TASK


def test_the_deadline_ends_with_the_headers(caller: Caller, relay: Relay) -> None:
    relay.answer(LONG)
    assert len(_read(caller, caller.client.with_deadline(0.3)).split()) == 50
    relay.answer(Answer.json(TASK, wait=Event()))
    with pytest.raises(DeadlineExceeded):
        _read(caller, caller.client.with_deadline(0.2))


@pytest.mark.parametrize("raising", [KeyError, KeyboardInterrupt], ids=["an error", "an interrupt"])
def test_what_is_raised_within_passes_and_closes_the_response(
    caller: Caller, relay: Relay, raising: type[BaseException]
) -> None:
    relay.answer(LONG)
    relay.answer(Answer.json(TASK))
    opened = list[httpx.Response]()

    def leave(response: httpx.Response) -> None:
        opened.append(response)
        raise raising

    with pytest.raises(raising):
        _within(caller, leave)
    assert opened[0].is_closed
    assert json.loads(_read(caller)) == TASK


def _within(caller: Caller, act: Callable[[httpx.Response], None]) -> None:
    if caller.way == "sync":
        with create_kling_image_to_video.stream(client=caller.client, body=PROMPTED) as response:
            act(response)
        return

    async def enter() -> None:
        async with create_kling_image_to_video.astream(client=caller.client, body=PROMPTED) as response:
            act(response)

    caller.run(enter())
