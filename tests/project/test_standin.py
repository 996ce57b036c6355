"""The stand-in notices departures, so that tests that rely on it can fail."""

import json
import os
import re
import signal
import socket
import subprocess
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Any

import pytest

from calling import TOKEN
from checkout import ROOT, contract_check
from contract_check.relay.standin import RECORDED, SCENARIOS, Answer, Contract, Relay, Request
from specimens import ROUTE, small

REVOKED = "sk-" + "revoked"
GOOD = {"model": "kling-v1", "prompt": "宇航员站起身走了", "duration": 5}
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
FRONT, INNER = {"error"}, {"code", "message", "data"}
TASK = {"id", "task_id", "object", "model", "status", "progress", "created_at"}


@pytest.fixture
def connection(asked: Relay) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(asked.url.partition("//")[2], timeout=10)
    yield connection
    connection.close()


def _post(connection: HTTPConnection, body: object = GOOD, path: str = ROUTE, **headers: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, content, {**HEADERS, **headers})
    return _read(connection.getresponse())


def _read(response: HTTPResponse) -> tuple[int, Any]:
    content = response.read()
    return response.status, json.loads(content) if "json" in response.headers["Content-Type"] else content.decode()


REQUESTS: dict[str, tuple[object, dict[str, str], int, set[str], str, bool]] = {
    # the body, its headers, the status, the response's names, the problems, and whether a relay could charge for it
    "good": (GOOD, {}, 200, TASK, "", True),
    "misspelled": ({**GOOD, "promt": "拼错"}, {}, 400, INNER, "promt", True),
    "text for a number": ({**GOOD, "width": "1280"}, {}, 400, INNER, "#/width", True),
    "a fraction": ({**GOOD, "width": 1.5}, {}, 400, INNER, "#/width", True),
    "null": ({**GOOD, "prompt": None}, {}, 400, INNER, "#/prompt", False),
    "truncated": (b'{"prompt": "', {}, 400, INNER, "not JSON", False),
    "a list": ([GOOD], {}, 400, INNER, "#: array", False),
    "10.0": (b'{"model": "m", "prompt": "x", "duration": 10.0}', {}, 200, TASK, "#/duration: 10.0", True),
    "free metadata": ({**GOOD, "metadata": {"a": 10.0, "b": {"c": None}}}, {}, 200, TASK, "", True),
    "two tokens": (GOOD, {"AUTHORIZATION": f"Bearer {TOKEN}"}, 401, FRONT, "no token, or an unknown one", False),
    "another case": (GOOD, {"Authorization": f"bearer {TOKEN}"}, 200, TASK, "", True),
    **{
        f"token: {sent!r}": (GOOD, {"Authorization": sent}, 401, FRONT, "no token, or an unknown one", False)
        for sent in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {REVOKED}")
    },
    **{
        f"prompt: {sent}": (sent, {}, 400, INNER, "", False)
        for sent in ({}, {"model": "kling-v1"}, {"prompt": ""}, {"prompt": " "})
    },
    **{  # a relay that does not check it could have accepted these
        f"type: {kind!r}": (GOOD, {"Content-Type": kind}, 400, INNER, "media type", True)
        for kind in ("text/plain", "multipart/form-data; boundary=x", "")
    },
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_gets_the_relay_s_response_and_its_departures_are_noticed(
    name: str, asked: Relay, connection: HTTPConnection
) -> None:
    body, headers, status, names, noticed, chargeable = REQUESTS[name]
    asked.revoked.add(REVOKED)
    came, answer = _post(connection, body, **headers)
    assert (came, answer.keys()) == (status, names)
    assert all(noticed in problem for problem in asked.problems)
    assert name.startswith("prompt") or len(asked.problems) == bool(noticed)
    assert bool(asked.chargeable) == chargeable
    if name == "good":
        shown = {key: answer[key] for key in ("object", "model", "status", "progress")}
        assert shown == {"object": "video", "model": "kling-v1", "status": "queued", "progress": 0}
    if name.startswith("prompt"):
        assert answer == {"code": "invalid_request", "message": "prompt is required", "data": None}
    if names == FRONT:
        assert (answer["error"].keys(), answer["error"]["type"]) == ({"code", "message", "type"}, "new_api_error")


def test_an_unknown_path_gets_the_relay_s_response(asked: Relay, connection: HTTPConnection) -> None:
    for call, status, kind in (
        ("HEAD /nothing", 200, "text/html"),  # a body would be read as the next response
        ("POST /kling/v1/videos/nothing", 200, "text/html"),
        (f"GET {ROUTE}", 200, "text/html"),
        ("POST /v1/nothing", 404, "application/json"),
        ("DELETE /api/nothing", 404, "application/json"),
        ("GET /assets/nothing.js", 404, "application/json"),
    ):
        asked.forget()
        method, path = call.split()
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        assert (response.status, response.headers.get_content_type()) == (status, kind)
        assert response.headers["X-Oneapi-Request-Id"] == asked.request.id
        assert (asked.problems, asked.chargeable) == ([f"{call} is not documented"], [])


def test_a_recorded_response_is_sent_unchanged_and_once(asked: Relay, connection: HTTPConnection) -> None:
    for scenario, expected in RECORDED.values():
        asked.forget()
        asked.answer(expected)
        connection.request("POST", ROUTE, json.dumps(GOOD).encode(), HEADERS)
        response = connection.getresponse()
        assert (response.status, scenario[:3]) == (expected.status, str(expected.status))
        assert response.read() == expected.body.replace(b"{request id}", asked.request.id.encode())
        assert response.headers["Retry-After"] == expected.headers.get("Retry-After")
        assert _post(connection)[1]["status"] == "queued"
    asked.always("no_channel")
    assert [_post(connection)[0] for _ in range(3)] == [503, 503, 503]
    asked.always(None)
    assert _post(connection)[0] == 200


@pytest.mark.parametrize(
    ("scenario", "error"),
    [("hang_up", RemoteDisconnected), ("reset", ConnectionResetError), ("cut_off", IncompleteRead)],
)
def test_a_broken_connection(asked: Relay, connection: HTTPConnection, scenario: str, error: type[Exception]) -> None:
    asked.answer(scenario)
    with pytest.raises(error):
        _post(connection)


def test_a_slow_response_and_none(asked: Relay, connection: HTTPConnection) -> None:
    slow = SCENARIOS["slow"].answer
    assert slow.chunks is not None
    assert ({len(chunk) for chunk in slow.chunks}, slow.pause) == ({1}, 0.5)
    asked.answer(replace(slow, pause=0))
    assert _post(connection)[1]["status"] == "queued"
    asked.answer("silence")
    connection.request("POST", ROUTE, json.dumps(GOOD), HEADERS)
    asked.wait_for(2)
    assert connection.sock is not None
    connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.sock.recv(1, socket.MSG_PEEK)


def test_it_reports_its_own_errors(frozen_contract: Contract) -> None:
    def fail(_request: Request, _answer: Answer) -> None:
        raise RuntimeError("不")

    with Relay(frozen_contract, listener=fail) as relay:
        connection = HTTPConnection(relay.url.partition("//")[2], timeout=10)
        with pytest.raises(RemoteDisconnected):
            _post(connection)
        connection.close()
    assert relay.problems == ["the stand-in itself failed: RuntimeError('不')"]


# Other documents


def _operation(*parameters: dict[str, Any], **more: object) -> dict[str, Any]:
    task = {"type": "object", "properties": {"task_id": {"type": "string"}, "status": {"type": "string"}}}
    answer = {"200": {"description": "好", "content": {"application/json": {"schema": task}}}}
    return {"parameters": [*parameters], "responses": answer, **more}


def _query(name: str, schema: object, **more: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


INTEGER = {"type": "integer"}
IMAGE = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string", "format": "binary"}}}
AREA = {"type": "object", "required": ["x"], "properties": {"x": INTEGER}}
DEEP_FORM = {
    "schema": {"type": "object", "required": ["area"], "properties": {"area": AREA, "tags": {"type": "array"}}},
    "encoding": {"area": {"style": "deepObject"}},
}
VIDEO = _operation(
    {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}},
    _query("limit", INTEGER, required=True),
    _query("flag", {"type": ["boolean", "null"]}),
    _query("some", {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}),
    _query("maybe", {"type": ["integer", "null"]}),
    _query("sort", {"enum": ["up", 1]}),
    _query("kind", {"type": "string", "enum": ["a", "b"]}),
)
AREAS = _operation(
    _query("area", AREA, required=True),
    _query("deep", AREA, style="deepObject"),
)
PLACES = _operation(
    {"name": "X-Size", "in": "header", "required": True, "schema": INTEGER},
    {"name": "crumb", "in": "cookie", "schema": INTEGER},
)
OTHER: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/videos/{task_id}": {"get": VIDEO},
        "/v1/videos/new": {"get": _operation()},
        "/v1/images": {"post": _operation(requestBody={"content": {"multipart/form-data": {"schema": IMAGE}}})},
        "/v1/areas": {
            "get": AREAS,
            "post": _operation(requestBody={"content": {"application/x-www-form-urlencoded": DEEP_FORM}}),
        },
        "/v1/free": {"get": _operation(_query("any", {"type": "object"}))},
        "/v1/a%20b": {"get": _operation()},
        "/v1/q": {"get": _operation(_query("a", {}), _query("flat", AREA, explode=False))},
        "/v1/q?beta=true": {"get": _operation(_query("b", {}))},
        "/v1/图": {"$ref": "#/components/pathItems/Shared"},
        "/v1/places": {"get": PLACES},
    },
    "components": {"pathItems": {"Shared": {"get": _operation(_query("c", {}))}}},
}
LIMIT, NO_SUCH, BY_ID = "query parameter limit", "it is not documented", "/v1/videos/{task_id}"
ASKED: dict[str, tuple[str, list[str]]] = {
    # the request, its route, and the problems
    "/v1/videos/1?limit=2&flag=true&some=null&sort=1&sort=up": (BY_ID, []),
    "/v1/videos/a%2Fb%0A?limit=2": (BY_ID, []),
    "/v1/videos/1?limit=two": (BY_ID, [f'{LIMIT}: string instead of "integer"']),
    "/v1/videos/1?limit=2.0": (BY_ID, [f"{LIMIT}: 2.0 "]),
    "/v1/videos/1?limit=2&maybe=3.0": (BY_ID, ["query parameter maybe: 3.0 "]),
    "/v1/videos/1": (BY_ID, [f"{LIMIT}: it is missing"]),
    "/v1/videos/1?limit=2&flag=7": (BY_ID, ["query parameter flag: integer instead of"]),
    "/v1/videos/1?limit=2&some=10": (BY_ID, ["query parameter some: violates the documented `max"]),
    "/v1/videos/1?limit=2&sort=2": (BY_ID, ["query parameter sort: violates the documented `enum"]),
    "/v1/videos/1?limit=2&kind=c": (BY_ID, ["query parameter kind: violates the documented `enum"]),
    "/v1/videos/new": ("/v1/videos/new", []),
    "/v1/q?a=1&flat=x,1": ("/v1/q", []),
    "/v1/q?x=1": ("/v1/q", [f"query parameter x: {NO_SUCH}"]),
    "/v1/q?beta=true&b=1": ("/v1/q?beta=true", []),
    "/v1/q?beta=true&a=1": ("/v1/q?beta=true", [f"query parameter a: {NO_SUCH}"]),
    "/v1/q?beta=false": ("/v1/q", [f"query parameter beta: {NO_SUCH}"]),
    "/v1/%E5%9B%BE?c=1": ("/v1/图", []),
    "/v1/a%20b": ("/v1/a%20b", []),
    "/v1/areas?x=1&deep[x]=1": ("/v1/areas", []),
    "/v1/areas?x=1&y=2": ("/v1/areas", [f"query parameter y: {NO_SUCH}"]),
    "/v1/areas?deep[x]=1": ("/v1/areas", ["query parameter area: it is missing"]),
    "/v1/free?b=1": ("/v1/free", []),
    "/v1/places": ("/v1/places", ["header parameter X-Size: string", "cookie parameter crumb: string"]),
}


@pytest.fixture(scope="module")
def other() -> Iterator[Relay]:
    """A stand-in for another document."""
    with Relay(Contract(OTHER)) as relay:
        yield relay


@pytest.mark.parametrize("target", ASKED)
def test_more_operations_need_no_code(target: str, other: Relay) -> None:
    route, noticed = ASKED[target]
    other.forget()
    connection = HTTPConnection(other.url.partition("//")[2], timeout=10)
    connection.request("GET", target, headers={"x-size": "big", "Cookie": "crumb=none"})
    status, answer = _read(connection.getresponse())
    connection.close()
    is_refused = any(".0 " not in each for each in noticed)
    assert (status, answer.get("object")) == ((400, None) if is_refused else (200, "video"))
    assert other.request.route == route
    assert len(other.problems) == len(noticed)
    assert all(problem.startswith(said) for problem, said in zip(other.problems, noticed, strict=True))
    assert other.chargeable == []


def test_a_form_is_checked(other: Relay) -> None:
    other.forget()
    connection = HTTPConnection(other.url.partition("//")[2], timeout=10)
    part = '--b\r\nContent-Disposition: form-data; name="{}"; filename="a.png"\r\n\r\n...\r\n--b--\r\n'
    for path, kind, body in (
        ("/v1/images", "multipart/form-data; boundary=b", part.format("image")),
        ("/v1/images", "multipart/form-data; boundary=b", part.format("imag")),
        ("/v1/images", "multipart/form-data; boundary=b", "no form"),
        ("/v1/areas", "application/x-www-form-urlencoded", "area[x]=1&tags[]=a&tags=b"),
        ("/v1/areas", "application/x-www-form-urlencoded", "area[x]=1&aria=2"),
    ):
        connection.request("POST", path, body, {"Content-Type": kind})
        connection.getresponse().read()
    connection.close()
    assert other.problems == [
        *("form field image: it is missing", "form field imag: it is not documented"),
        *("body: it is not multipart/form-data", "form field aria: it is not documented"),
    ]
    assert len(other.chargeable) == 5


def test_a_body_is_judged_the_same_twice_and_not_kept() -> None:
    """A cache keyed by id() once returned wrong errors the second time, and kept every body."""
    text, number = {"type": "string"}, {"type": "integer"}
    contract = Contract(small(Text={"type": "object", "properties": {"text": text, "n": number}}))
    headers = Message()
    headers["Content-Type"] = "application/json"

    def judged(size: int) -> list[str]:
        body = json.dumps({"text": "x" * size, "n": "1", "m": 2}).encode()
        request = Request("POST", "/things", headers, body, 1)
        return [str(each) for each in contract.departures(contract.operations[0], request)]

    first = judged(1)
    tracemalloc.start()
    found = [judged(1_000_000) for _ in range(20)]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(first) == 2
    assert found == [first] * 20
    assert kept < 1_000_000


# As a command


def test_it_runs_until_it_is_stopped_and_prints_each_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = contract_check("standin", "--port", port)
    assert (refused.returncode, refused.stdout, f"port {port}" in refused.stderr) == (2, "", True)
    command = ["make", "standin", f"PORT={port}", "ANSWER=task_failure"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(3)]
        connection = HTTPConnection(f"127.0.0.1:{port}", timeout=10)
        assert (_post(connection)[0], _post(connection, {**GOOD, "promt": "拼错"})[0]) == (200, 400)
        connection.close()
        os.killpg(process.pid, signal.SIGINT)
        printed = process.communicate(timeout=30)[0]
    url = f"http://127.0.0.1:{port}"
    assert url in said[0]
    assert "with the scenario task_failure;" in said[0]
    assert said[2] == f"  RELAY_BASE_URL={url} RELAY_TOKEN=sk-...\n"
    at = rf"\d\d:\d\d:\d\d POST {ROUTE}"
    assert re.fullmatch(rf"{at}: 200\n{at}: 400\n +#/promt: a field that is not documented\n", printed)
    # The stand-in exits with 0; make is killed by the signal, unless that is ignored.
    assert process.returncode in (0, -signal.SIGINT)


def test_invalid_arguments_are_reported() -> None:
    assert contract_check("standin", "--port", 99999).returncode == 2
    unknown = contract_check("standin", "--answer", "?")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    for name, scenario in SCENARIOS.items():
        assert re.search(rf"^  {name} +{re.escape(scenario.meaning)}$", unknown.stderr, re.MULTILINE)
