"""The stand-in itself: it notices what it is there to notice, so that a test that relies on it can fail."""

import json
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from threading import Event
from typing import Any

import pytest

from calling import TOKEN
from checkout import PYTHON, ROOT
from specimens import ROUTE
from standin import SCENARIOS, Answer, Contract, Relay

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
        ([GOOD], "/"),
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
    assert _post(connection, b'{"prompt": "x", "duration": 10.0}')[0] == 200
    assert [problem.startswith("/duration: 10.0") for problem in relay.problems] == [True]


def test_free_metadata_may_hold_anything(relay: Relay, connection: HTTPConnection) -> None:
    assert _post(connection, {**GOOD, "metadata": {"a": 10.0, "b": {"c": None}}})[0] == 200
    assert relay.problems == []


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
        ("POST", "/kling/v1/videos/text2video", 200, "text/html"),
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
    assert relay.problems == ["the query parameter debug is not in the document"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_answered_as_it_stands_and_only_once(relay: Relay, connection: HTTPConnection, name: str) -> None:
    relay.answer(name)
    status, _ = _post(connection, GOOD)
    assert status == SCENARIOS[name].status
    assert _post(connection, GOOD)[1]["status"] == "queued"


def test_one_answer_for_all_until_it_is_taken_back(relay: Relay, connection: HTTPConnection) -> None:
    relay.always("no_channel")
    assert [_post(connection, GOOD)[0] for _ in range(3)] == [503, 503, 503]
    relay.always(None)
    assert _post(connection, GOOD)[0] == 200


def test_an_answer_waits_for_its_event(relay: Relay, connection: HTTPConnection) -> None:
    event = Event()
    relay.answer(Answer.json({}, wait=event))
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    relay.wait_for(1)
    assert connection.sock is not None
    connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.sock.recv(1, socket.MSG_PEEK)
    connection.sock.settimeout(10)
    event.set()
    assert _read(connection.getresponse()) == (200, {})


def test_an_answer_in_chunks(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer(Answer(chunks=[b'{"task_id": ', b'"1"}'], headers={"Content-Type": "application/json"}))
    assert _post(connection, GOOD) == (200, {"task_id": "1"})
    assert _post(connection, GOOD)[0] == 200


def test_a_truncated_answer(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer(Answer.json({"task_id": "1"}, cut=5))
    with pytest.raises(IncompleteRead):
        _post(connection, GOOD)


def test_no_answer_at_all(relay: Relay, connection: HTTPConnection) -> None:
    relay.answer(Answer(silent=True))
    with pytest.raises(RemoteDisconnected):
        _post(connection, GOOD)


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
        assert relay.problems == ["the form lacks image", "the form's imag is not in the document"]
        assert len(relay.chargeable) == 2
        connection.close()


def test_on_its_own_it_prints_its_url_and_a_line_for_each_request() -> None:
    alone = subprocess.Popen(
        [PYTHON, "-m", "standin"],
        cwd=ROOT / "tests",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert alone.stdout is not None
    url = alone.stdout.readline().strip()
    connection = HTTPConnection(url.partition("//")[2], timeout=10)
    assert _post(connection, GOOD)[0] == 200
    line = json.loads(alone.stdout.readline())
    assert line == {"method": "POST", "target": ROUTE, "status": 200, "chargeable": True, "problems": []}
    connection.close()
    alone.communicate()
    assert alone.returncode == 0
