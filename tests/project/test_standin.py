"""The stand-in itself: it notices what it is there to notice, so that a test that relies on it can fail."""

import json
import os
import re
import signal
import socket
import subprocess
import tracemalloc
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from threading import Event
from typing import Any

import pytest

from calling import TOKEN
from checkout import PYTHON, ROOT, contract_check
from contract_check.document import loading
from contract_check.document.messages import Judge
from contract_check.relay.standin import RECORDED, SCENARIOS, Answer, Contract, Operation, Relay, Request
from specimens import ROUTE, small, write

REVOKED = "sk-" + "revoked"
GOOD = {"model": "kling-v1", "prompt": "宇航员站起身走了", "duration": 5}
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
FRONT, INNER = {"error"}, {"code", "message", "data"}


@pytest.fixture
def connection(relay: Relay) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(relay.url.partition("//")[2], timeout=10)
    yield connection
    connection.close()
    relay.problems.clear()


def _post(connection: HTTPConnection, body: object = GOOD, path: str = ROUTE, **headers: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, content, {**HEADERS, **headers})
    return _read(connection.getresponse())


def _read(response: HTTPResponse) -> tuple[int, Any]:
    content = response.read()
    return response.status, json.loads(content) if "json" in response.headers["Content-Type"] else content.decode()


REQUESTS: dict[str, tuple[object, dict[str, str], int, set[str], str, bool]] = {
    # what is sent, its headers, the status, the answer's names, what is noticed, whether a relay could charge for it
    "good": (GOOD, {}, 200, {"id", "task_id", "object", "model", "status", "progress", "created_at"}, "", True),
    "misspelled": ({"prompt": "走", "promt": "拼错"}, {}, 400, INNER, "promt", True),
    "text for a number": ({"prompt": "走", "width": "1280"}, {}, 400, INNER, "#/width", True),
    "a fraction": ({"prompt": "走", "width": 1.5}, {}, 400, INNER, "#/width", True),
    "a list for an object": ({"prompt": "走", "metadata": []}, {}, 400, INNER, "#/metadata", True),
    "null": ({"prompt": None}, {}, 400, INNER, "#/prompt", False),
    "truncated": (b'{"prompt": "', {}, 400, INNER, "not JSON", False),
    "a list": ([GOOD], {}, 400, INNER, "#: array", False),
    "10.0": (b'{"model": "m", "prompt": "x", "duration": 10.0}', {}, 200, set(), "#/duration: 10.0", True),
    "free metadata": ({**GOOD, "metadata": {"a": 10.0, "b": {"c": None}}}, {}, 200, set(), "", True),
    **{
        f"token: {sent!r}": (GOOD, {"Authorization": sent}, 401, FRONT, "no token, or one", False)
        for sent in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {REVOKED}")
    },
    **{
        f"prompt: {sent}": (sent, {}, 400, INNER, "", False)
        for sent in ({}, {"model": "kling-v1"}, {"prompt": ""}, {"prompt": " "})
    },
    **{  # A relay that does not look at it could have accepted this.
        f"type: {kind!r}": (GOOD, {"Content-Type": kind}, 400, INNER, "media type", True)
        for kind in ("text/plain", "multipart/form-data; boundary=x", "")
    },
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_the_relay_does_and_what_departs_is_noticed(name: str, asked: Relay) -> None:
    body, headers, status, names, noticed, chargeable = REQUESTS[name]
    asked.revoked.add(REVOKED)
    connection = HTTPConnection(asked.url.partition("//")[2], timeout=10)
    came, answer = _post(connection, body, **headers)
    connection.close()
    assert came == status
    assert not names or answer.keys() == names
    assert any(noticed in problem for problem in asked.problems) if noticed else not status < 300 or not asked.problems
    assert bool(asked.chargeable) == chargeable
    if name == "good":
        assert (answer["object"], answer["model"], answer["status"], answer["progress"]) == (
            "video",
            "kling-v1",
            "queued",
            0,
        )
    if name.startswith("prompt"):
        assert answer == {"code": "invalid_request", "message": "prompt is required", "data": None}
    if names == FRONT:
        assert (answer["error"].keys(), answer["error"]["type"]) == ({"code", "message", "type"}, "new_api_error")


def test_what_it_does_not_know_it_answers_as_the_relay_does(relay: Relay, connection: HTTPConnection) -> None:
    for call, status, kind in (
        ("POST /kling/v1/videos/nothing", 200, "text/html"),
        (f"GET {ROUTE}", 200, "text/html"),
        ("POST /v1/nothing", 404, "application/json"),
        ("DELETE /api/nothing", 404, "application/json"),
        ("GET /assets/nothing.js", 404, "application/json"),
    ):
        relay.forget()
        method, path = call.split()
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        assert (response.status, response.headers.get_content_type()) == (status, kind)
        assert response.headers["X-Oneapi-Request-Id"] == relay.request.id
        assert (relay.problems, relay.chargeable) == ([f"{call} is not in the document"], [])
    _post(connection, path=f"{ROUTE}?debug=1")
    assert relay.problems[1:] == ["query parameter debug: it is not documented"]


def test_a_recorded_answer_is_given_as_it_stands_and_only_once(relay: Relay, connection: HTTPConnection) -> None:
    for scenario, expected in RECORDED.values():
        relay.forget()
        relay.answer(expected)
        connection.request("POST", ROUTE, json.dumps(GOOD).encode(), HEADERS)
        response = connection.getresponse()
        assert (response.status, scenario[:3]) == (expected.status, str(expected.status))
        assert response.read() == expected.body.replace(b"{request id}", relay.request.id.encode())
        assert response.headers["Retry-After"] == expected.headers.get("Retry-After")
        assert _post(connection)[1]["status"] == "queued"
    relay.always("no_channel")
    assert [_post(connection)[0] for _ in range(3)] == [503, 503, 503]
    relay.always(None)
    assert _post(connection)[0] == 200


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("hang_up", RemoteDisconnected),
        ("reset", ConnectionResetError),
        ("cut_off", IncompleteRead),
        (Answer(silent=True, reset=True), ConnectionResetError),
        (Answer.json({"a": 1}, cut=3, reset=True), ConnectionResetError),
    ],
)
def test_a_connection_that_breaks(
    relay: Relay, connection: HTTPConnection, answer: str | Answer, error: type[Exception]
) -> None:
    relay.answer(answer)
    with pytest.raises(error):
        _post(connection)


def test_answers_that_wait_come_in_chunks_or_have_no_body(relay: Relay, connection: HTTPConnection) -> None:
    def nothing_comes(requests: int) -> None:
        relay.wait_for(requests)
        assert connection.sock is not None
        connection.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.sock.recv(1, socket.MSG_PEEK)
        connection.sock.settimeout(10)

    event = Event()
    relay.answer(Answer.json({}, wait=event))
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    nothing_comes(1)
    event.set()
    assert _read(connection.getresponse()) == (200, {})
    relay.answer(Answer(chunks=[b'{"task_id": ', b'"1"}'], headers={"Content-Type": "application/json"}))
    assert _post(connection) == (200, {"task_id": "1"})
    relay.answer(Answer(204))
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"], response.read()) == (204, None, b"")
    slow = SCENARIOS["slow"].answer.chunks
    assert slow is not None
    assert {len(chunk) for chunk in slow} == {1}
    assert json.loads(b"".join(slow))["status"] == "queued"
    relay.forget()
    chunks = [json.dumps(GOOD).encode()[:10], json.dumps(GOOD).encode()[10:]]
    connection.request("POST", ROUTE, iter(chunks), HEADERS, encode_chunked=True)
    assert _read(connection.getresponse())[0] == 200
    assert relay.request.json == GOOD
    relay.answer("silence")
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    nothing_comes(2)


def test_it_counts_connections(relay: Relay, connection: HTTPConnection) -> None:
    _post(connection)
    _post(connection)
    assert (relay.connections, relay.open_connections) == (1, 1)
    connection.close()
    relay.wait_until_idle()
    _post(connection)
    assert [request.connection for request in relay.requests] == [1, 1, 2]


def _operation(*queries: dict[str, Any], **more: object) -> dict[str, Any]:
    task = {"type": "object", "properties": {"task_id": {"type": "string"}, "status": {"type": "string"}}}
    answer = {"200": {"description": "好", "content": {"application/json": {"schema": task}}}}
    return {"parameters": [{"in": "query", **each} for each in queries], "responses": answer, **more}


IMAGE = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string", "format": "binary"}}}
AREA = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
DEEP_FORM = {
    "schema": {"type": "object", "required": ["area"], "properties": {"area": AREA, "tags": {"type": "array"}}},
    "encoding": {"area": {"style": "deepObject"}},
}
NULLABLE = {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}
OTHER: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/videos/{task_id}": {
            "parameters": [{"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": _operation(
                {"name": "limit", "required": True, "schema": {"type": "integer"}},
                {"name": "flag", "schema": {"type": ["boolean", "null"]}},
                {"name": "some", "schema": NULLABLE},
                {"name": "sort", "schema": {"enum": ["up", 1]}},
            ),
        },
        "/v1/videos/new": {"get": _operation()},
        "/v1/images": {"post": _operation(requestBody={"content": {"multipart/form-data": {"schema": IMAGE}}})},
        "/v1/areas": {
            "get": _operation(
                {"name": "area", "required": True, "schema": AREA},
                {"name": "deep", "style": "deepObject", "schema": AREA},
                {"name": "flat", "explode": False, "schema": AREA},
            ),
            "post": _operation(requestBody={"content": {"application/x-www-form-urlencoded": DEEP_FORM}}),
        },
        "/v1/free": {"get": _operation({"name": "any", "schema": {"type": "object"}})},
        "/v1/a%20b": {"get": _operation()},
        "/v1/q": {"get": _operation({"name": "a", "schema": {}})},
        "/v1/q?beta=true": {"get": _operation({"name": "b", "schema": {}})},
        "/v1/图": {"$ref": "#/components/pathItems/Shared"},
    },
    "components": {"pathItems": {"Shared": {"get": _operation({"name": "c", "schema": {}})}}},
}
LIMIT, NO_SUCH = "query parameter limit", "it is not documented"
ASKED: dict[str, tuple[str, list[str]]] = {
    # what is sent, the route that it is for, and what is noticed
    "/v1/videos/1?limit=2&flag=true&some=null&sort=1&sort=up": ("/v1/videos/{task_id}", []),
    "/v1/videos/a%2Fb%0A?limit=2": ("/v1/videos/{task_id}", []),
    "/v1/videos/1?limit=two": ("/v1/videos/{task_id}", [f'{LIMIT}: string instead of "integer"']),
    "/v1/videos/1?limit=2.0": ("/v1/videos/{task_id}", [f"{LIMIT}: 2.0 travels with a fraction"]),
    "/v1/videos/1": ("/v1/videos/{task_id}", [f"{LIMIT}: it is missing"]),
    "/v1/videos/1?limit=2&flag=7": ("/v1/videos/{task_id}", ["query parameter flag: integer instead of"]),
    "/v1/videos/1?limit=2&some=10": ("/v1/videos/{task_id}", ["query parameter some: not what the documented `max"]),
    "/v1/videos/1?limit=2&sort=2": ("/v1/videos/{task_id}", ["query parameter sort: not what the documented `enum"]),
    "/v1/videos/new": ("/v1/videos/new", []),
    "/v1/q?a=1": ("/v1/q", []),
    "/v1/q?beta=true&b=1": ("/v1/q?beta=true", []),
    "/v1/q?beta=true&a=1": ("/v1/q?beta=true", [f"query parameter a: {NO_SUCH}"]),
    "/v1/q?beta=false": ("/v1/q", [f"query parameter beta: {NO_SUCH}"]),
    "/v1/%E5%9B%BE?c=1": ("/v1/图", []),
    "/v1/a%20b": ("/v1/a%20b", []),
    "/v1/areas?x=1&deep[x]=1&flat=x,1": ("/v1/areas", []),
    "/v1/areas?x=1&y=2": ("/v1/areas", [f"query parameter y: {NO_SUCH}"]),
    "/v1/areas?flat=x,1": ("/v1/areas", ["query parameter area: it is missing"]),
    "/v1/free?b=1": ("/v1/free", []),
}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A stand-in that knows another document."""
    rest = {"info": {"title": "小", "version": "1"}, "servers": [{"url": "https://relay.example.com"}]}
    found = loading.load(write(tmp_path_factory.mktemp("other"), OTHER | rest), [])
    assert found.defects == []
    with Relay(Contract(found.value)) as relay:
        yield relay


@pytest.mark.parametrize("target", ASKED)
def test_more_operations_need_no_code(target: str, other: Relay) -> None:
    route, noticed = ASKED[target]
    other.forget()
    connection = HTTPConnection(other.url.partition("//")[2], timeout=10)
    connection.request("GET", target)
    status, answer = _read(connection.getresponse())
    connection.close()
    is_refused = noticed not in ([], [f"{LIMIT}: 2.0 travels with a fraction"])
    assert (status, answer.get("object")) == ((400, None) if is_refused else (200, "video"))
    assert other.request.route == route
    assert len(other.problems) == len(noticed)
    assert all(problem.startswith(said) for problem, said in zip(other.problems, noticed, strict=True))
    assert other.chargeable == []


def test_a_form_is_read(other: Relay) -> None:
    other.forget()
    connection = HTTPConnection(other.url.partition("//")[2], timeout=10)
    part = 'Content-Disposition: form-data; name="{}"; filename="a.png"\r\n\r\n...\r\n'
    for name in ("image", "imag"):
        body = f"--b\r\n{part.format(name)}--b--\r\n".encode()
        connection.request("POST", "/v1/images", body, {"Content-Type": "multipart/form-data; boundary=b"})
        connection.getresponse().read()
    for body in ("area[x]=1&tags[]=a&tags=b", "area[x]=1&aria=2"):
        connection.request("POST", "/v1/areas", body, {"Content-Type": "application/x-www-form-urlencoded"})
        connection.getresponse().read()
    connection.close()
    assert other.problems == [
        *("form field image: it is missing", "form field imag: it is not documented"),
        "form field aria: it is not documented",
    ]
    assert len(other.chargeable) == 4


def test_a_body_is_judged_the_same_again_and_not_kept() -> None:
    """What was judged once was known by its id: other errors the second time, and every body kept for good."""
    schema = {"$ref": "#/components/schemas/Text"}
    document = small(Text={"type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "integer"}}})
    judge, path = Judge(document), ("paths", "/things", "post")
    assert document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"] == schema
    headers = Message()
    headers["Content-Type"] = "application/json"

    def judged(size: int) -> list[str]:
        body = json.dumps({"text": "x" * size, "n": "1", "m": 2}).encode()
        return list(
            map(
                str,
                judge.departures(Operation(document, path, "/things"), Request("POST", "/things", headers, body, 1)),
            )
        )

    first = judged(1)
    tracemalloc.start()
    found = [judged(1_000_000) for _ in range(20)]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(first) == 2
    assert found == [first] * 20
    assert kept < 1_000_000


# On its own


def _alone(*command: object, ends: signal.Signals, answers: int) -> tuple[list[str], int, str]:
    """What it says first, its exit code, and what it printed of two requests."""
    told: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    with subprocess.Popen([str(part) for part in command], **told, start_new_session=True) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(3)]
        [address] = re.findall(r"RELAY_BASE_URL=http://(\S+) RELAY_TOKEN=sk-\.\.\.\n", said[2])
        connection = HTTPConnection(address, timeout=10)
        assert [_post(connection)[0], _post(connection, {**GOOD, "promt": "拼错"})[0]] == [answers, max(answers, 400)]
        connection.close()
        os.killpg(process.pid, ends)
        printed = process.communicate(timeout=30)[0]
    assert f"http://{address}" in said[0]
    return said, process.returncode, printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_ended_and_tells_of_each_request(number: signal.Signals) -> None:
    _, code, printed = _alone(PYTHON, "-m", "contract_check", "standin", ends=number, answers=200)
    at = rf"\d\d:\d\d:\d\d POST {ROUTE}"
    assert code == 0
    assert re.fullmatch(rf"{at}: 200\n{at}: 400\n +#/promt: a field that is not documented\n", printed)


def test_make_standin_takes_a_port_and_a_scenario_and_says_why_it_cannot_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = contract_check("standin", "--port", port)
    assert (refused.returncode, refused.stdout, f"port {port}" in refused.stderr) == (2, "", True)
    assert contract_check("standin", "--port", 99999).returncode == 2
    unknown = contract_check("standin", "--answer", "nothing")
    assert (unknown.returncode, unknown.stdout, "no_channel" in unknown.stderr) == (2, "", True)
    command = ("make", "standin", f"PORT={port}", "ANSWER=no_channel")
    said, code, printed = _alone(*command, ends=signal.SIGINT, answers=503)
    assert f"127.0.0.1:{port}" in said[0]
    assert code in (0, -signal.SIGINT)  # the stand-in ends with 0; make itself by the signal, where it is not ignored
    assert printed.count("POST ") == 2


def test_an_unknown_scenario_lists_them() -> None:
    told = contract_check("standin", "--answer", "?").stderr
    for name, scenario in SCENARIOS.items():
        assert re.search(rf"^  {name} +{re.escape(scenario.meaning)}$", told, re.MULTILINE)
