"""The stand-in itself: it notices what it is there to notice, so that a test that relies on it can fail."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from pathlib import Path as File
from threading import Event
from typing import Any

import pytest

from calling import TOKEN
from checkout import PYTHON, ROOT, in_process
from contract_check.relay.standin import RECORDED, SCENARIOS, Answer, Contract, Relay
from specimens import ROUTE

GOOD = {"model": "kling-v1", "prompt": "宇航员站起身走了", "duration": 5}
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@pytest.fixture
def connection(relay: Relay) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(relay.url.partition("//")[2], timeout=10)
    yield connection
    connection.close()
    relay.problems.clear()


def _post(connection: HTTPConnection, body: object, path: str = ROUTE, **headers: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, content, {**HEADERS, **headers})
    return _read(connection.getresponse())


def _read(response: HTTPResponse) -> tuple[int, Any]:
    content = response.read()
    return response.status, json.loads(content) if "json" in response.headers["Content-Type"] else content.decode()


def _nothing_comes(relay: Relay, connection: HTTPConnection) -> None:
    """The request has arrived, the connection is open, and no byte of an answer is there."""
    relay.wait_for(1)
    assert connection.sock is not None
    connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.sock.recv(1, socket.MSG_PEEK)
    connection.sock.settimeout(10)


def test_a_good_request_gets_a_task_with_more_than_the_document_says(relay: Relay, connection: HTTPConnection) -> None:
    status, task = _post(connection, GOOD)
    assert status == 200
    assert {"id", "task_id", "object", "model", "status", "progress", "created_at"} == task.keys()
    assert (task["object"], task["model"], task["status"], task["progress"]) == ("video", "kling-v1", "queued", 0)
    assert relay.problems == []
    assert relay.chargeable == relay.requests


@pytest.mark.parametrize(
    ("body", "noticed"),
    [
        ({"prompt": "走", "promt": "拼错"}, "promt"),
        ({"prompt": "走", "width": "1280"}, "/width"),
        ({"prompt": "走", "width": 1.5}, "/width"),
        ({"prompt": "走", "metadata": []}, "/metadata"),
        ({"prompt": None}, "/prompt"),
        (b'{"prompt": "', "not JSON"),
        ([GOOD], "#: array"),
    ],
    ids=["misspelled", "text for a number", "fraction", "list for an object", "null", "truncated", "list"],
)
def test_a_body_that_departs_from_the_document_is_refused(
    relay: Relay, connection: HTTPConnection, body: object, noticed: str
) -> None:
    status, error = _post(connection, body)
    assert status == 400
    assert error.keys() == {"code", "message", "data"}
    assert any(noticed in problem for problem in relay.problems)


def test_a_whole_number_with_a_fraction_is_noticed_though_it_is_accepted(
    relay: Relay, connection: HTTPConnection
) -> None:
    assert _post(connection, b'{"model": "m", "prompt": "x", "duration": 10.0}')[0] == 200
    assert [problem.startswith("#/duration: 10.0") for problem in relay.problems] == [True]


def test_free_metadata_may_hold_anything(asked: Relay) -> None:
    connection = HTTPConnection(asked.url.partition("//")[2], timeout=10)
    assert _post(connection, {**GOOD, "metadata": {"a": 10.0, "b": {"c": None}}})[0] == 200
    connection.close()
    assert asked.problems == []


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_a_bad_token_is_a_401_of_the_front(relay: Relay, connection: HTTPConnection, authorization: str) -> None:
    status, error = _post(connection, GOOD, Authorization=authorization)
    assert status == 401
    assert error["error"].keys() == {"code", "message", "type"}
    assert error["error"]["type"] == "new_api_error"
    assert relay.problems
    assert relay.chargeable == []


def test_a_revoked_token_is_refused(relay: Relay, connection: HTTPConnection) -> None:
    relay.revoked.add(TOKEN)
    assert _post(connection, GOOD)[0] == 401


@pytest.mark.parametrize("body", [{}, {"model": "kling-v1"}, {"prompt": ""}], ids=["empty", "none", "blank"])
def test_a_missing_prompt_is_a_400_from_behind_the_front(
    relay: Relay, connection: HTTPConnection, body: dict[str, str]
) -> None:
    assert _post(connection, body) == (400, {"code": "invalid_request", "message": "prompt is required", "data": None})
    assert relay.chargeable == []


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/kling/v1/videos/nothing", 200, "text/html"),
        ("GET", ROUTE, 200, "text/html"),
        ("POST", "/v1/nothing", 404, "application/json"),
        ("DELETE", "/api/nothing", 404, "application/json"),
        ("GET", "/assets/nothing.js", 404, "application/json"),
    ],
)
def test_what_it_does_not_know_it_answers_as_the_relay_does(
    relay: Relay, connection: HTTPConnection, method: str, path: str, status: int, kind: str
) -> None:
    connection.request(method, path)
    response = connection.getresponse()
    response.read()
    assert response.status == status
    assert response.headers.get_content_type() == kind
    assert response.headers["X-Oneapi-Request-Id"] == relay.request.id
    assert relay.problems == [f"{method} {path} is not in the document"]
    assert relay.chargeable == []


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_another_media_type_is_noticed(relay: Relay, connection: HTTPConnection, kind: str) -> None:
    assert _post(connection, GOOD, **{"Content-Type": kind})[0] == 400
    assert "media type" in relay.problems[0]
    # A relay that does not look at it could have accepted this.
    assert relay.chargeable


def test_a_query_that_is_not_in_the_document_is_noticed(relay: Relay, connection: HTTPConnection) -> None:
    _post(connection, GOOD, f"{ROUTE}?debug=1")
    assert relay.problems == ["query parameter debug: it is not documented"]


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_answer_is_given_as_it_stands_and_only_once(
    relay: Relay, connection: HTTPConnection, name: str
) -> None:
    relay.answer(name)
    connection.request("POST", ROUTE, json.dumps(GOOD).encode(), HEADERS)
    response = connection.getresponse()
    expected = RECORDED[name].answer
    assert response.status == expected.status
    assert response.read() == expected.body.replace(b"{request id}", relay.request.id.encode())
    assert response.headers["Retry-After"] == expected.headers.get("Retry-After")
    assert _post(connection, GOOD)[1]["status"] == "queued"


def test_slow_sends_a_whole_task_byte_by_byte() -> None:
    slow = SCENARIOS["slow"].answer
    assert slow.chunks is not None
    assert {len(chunk) for chunk in slow.chunks} == {1}
    assert json.loads(b"".join(slow.chunks))["status"] == "queued"


def test_silence_leaves_the_connection_open(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer("silence")
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    _nothing_comes(relay, connection)


@pytest.mark.parametrize(
    ("name", "error"),
    [("hang_up", RemoteDisconnected), ("reset", ConnectionResetError), ("cut_off", IncompleteRead)],
)
def test_a_connection_that_breaks(relay: Relay, connection: HTTPConnection, name: str, error: type[Exception]) -> None:
    relay.answer(name)
    with pytest.raises(error):
        _post(connection, GOOD)


def test_one_answer_for_all_until_it_is_taken_back(relay: Relay, connection: HTTPConnection) -> None:
    relay.always("no_channel")
    assert [_post(connection, GOOD)[0] for _ in range(3)] == [503, 503, 503]
    relay.always(None)
    assert _post(connection, GOOD)[0] == 200


def test_an_answer_waits_for_its_event(relay: Relay, connection: HTTPConnection) -> None:
    event = Event()
    relay.answer(Answer.json({}, wait=event))
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    _nothing_comes(relay, connection)
    event.set()
    assert _read(connection.getresponse()) == (200, {})


def test_an_answer_in_chunks(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer(Answer(chunks=[b'{"task_id": ', b'"1"}'], headers={"Content-Type": "application/json"}))
    assert _post(connection, GOOD) == (200, {"task_id": "1"})
    assert _post(connection, GOOD)[0] == 200


@pytest.mark.parametrize("answer", [Answer(silent=True, reset=True), Answer.json({"a": 1}, cut=3, reset=True)])
def test_a_reset(relay: Relay, connection: HTTPConnection, answer: Answer) -> None:
    relay.answer(answer)
    with pytest.raises(ConnectionResetError):
        _post(connection, GOOD)


def test_it_sees_a_chunked_request_whole(relay: Relay, connection: HTTPConnection) -> None:
    chunks = [json.dumps(GOOD).encode()[:10], json.dumps(GOOD).encode()[10:]]
    connection.request("POST", ROUTE, iter(chunks), HEADERS, encode_chunked=True)
    assert _read(connection.getresponse())[0] == 200
    assert relay.request.json == GOOD


def test_an_answer_without_a_body_says_no_media_type(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer(Answer(204))
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"], response.read()) == (204, None, b"")


def test_it_counts_connections(relay: Relay, connection: HTTPConnection) -> None:
    _post(connection, GOOD)
    _post(connection, GOOD)
    assert (relay.connections, relay.open_connections) == (1, 1)
    connection.close()
    relay.wait_until_idle()
    _post(connection, GOOD)
    assert [request.connection for request in relay.requests] == [1, 1, 2]


def test_more_operations_need_no_code() -> None:
    text = {"type": "string", "format": "binary"}
    task = {"type": "object", "properties": {"task_id": {"type": "string"}, "status": {"type": "string"}}}
    answer = {"200": {"description": "好", "content": {"application/json": {"schema": task}}}}
    image = {"type": "object", "required": ["image"], "properties": {"image": text, "n": {"type": "integer"}}}
    parameters = [
        {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}},
    ]
    contract = Contract(
        {
            "openapi": "3.0.3",
            "paths": {
                "/v1/videos/{task_id}": {"get": {"parameters": parameters, "responses": answer}},
                "/v1/images": {
                    "post": {
                        "requestBody": {"content": {"multipart/form-data": {"schema": image}}},
                        "responses": {"200": {"description": "好", "content": {"image/png": {"schema": text}}}},
                    }
                },
            },
        }
    )
    with Relay(contract) as relay:
        connection = HTTPConnection(relay.url.partition("//")[2], timeout=10)
        connection.request("GET", "/v1/videos/1?limit=2")
        assert _read(connection.getresponse())[1]["object"] == "video"
        assert relay.problems == []
        connection.request("GET", "/v1/videos/1?limit=two")
        assert _read(connection.getresponse())[0] == 400
        connection.request("GET", "/v1/videos/1")
        assert _read(connection.getresponse())[0] == 400
        assert len(relay.problems) == 2
        assert relay.chargeable == []
        relay.forget()
        part = 'Content-Disposition: form-data; name="{}"; filename="a.png"\r\n\r\n...\r\n'
        for name in ("image", "imag"):
            body = f"--b\r\n{part.format(name)}--b--\r\n".encode()
            connection.request("POST", "/v1/images", body, {"Content-Type": "multipart/form-data; boundary=b"})
            connection.getresponse().read()
        assert relay.problems == ["form field image: it is missing", "form field imag: it is not documented"]
        assert len(relay.chargeable) == 2
        connection.close()


# On its own


class Alone:
    """`python -m contract_check standin`, or another command that runs it."""

    def __init__(self, *command: str | File) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline() for _ in range(3)]
        [self.address] = re.findall(r"RELAY_BASE_URL=http://(\S+) RELAY_TOKEN=sk-\.\.\.\n", self.said[2])
        self.connection = HTTPConnection(self.address, timeout=10)

    def ends(self, number: signal.Signals) -> tuple[int, str]:
        """Sends a signal, as a terminal does; returns the exit code and what was printed since it said where it is."""
        self.connection.close()
        os.killpg(self.process.pid, number)
        printed, _ = self.process.communicate(timeout=30)
        return self.process.returncode, printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_ended_and_tells_of_each_request(number: signal.Signals) -> None:
    alone = Alone(PYTHON, "-m", "contract_check", "standin")
    assert f"http://{alone.address}" in alone.said[0]
    assert _post(alone.connection, GOOD)[0] == 200
    assert _post(alone.connection, {**GOOD, "promt": "拼错"})[0] == 400
    code, printed = alone.ends(number)
    assert code == 0
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d POST {ROUTE}: 200\n"
        rf"\d\d:\d\d:\d\d POST {ROUTE}: 400\n"
        r" +#/promt: a field that is not documented\n",
        printed,
    )
    assert TOKEN not in printed


def test_make_standin_takes_a_port_and_a_scenario() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    alone = Alone("make", "standin", f"PORT={port}", "ANSWER=no_channel")
    assert alone.address == f"127.0.0.1:{port}"
    assert [_post(alone.connection, GOOD)[0] for _ in range(2)] == [503, 503]
    code, printed = alone.ends(signal.SIGINT)
    assert code in (0, -signal.SIGINT)  # the stand-in ends with 0; make itself by the signal, where it is not ignored
    assert printed.count("\n") == 2


def test_an_unknown_scenario_lists_them() -> None:
    told = in_process("standin", "--answer", "?").stderr
    for name, scenario in SCENARIOS.items():
        assert re.search(rf"^  {name} +{re.escape(scenario.meaning)}$", told, re.MULTILINE)


def test_it_says_why_it_cannot_run() -> None:
    unknown = in_process("standin", "--answer", "nothing")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "no_channel" in unknown.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = in_process("standin", "--port", port)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"port {port}" in refused.stderr
    assert in_process("standin", "--port", 99999).returncode == 2
