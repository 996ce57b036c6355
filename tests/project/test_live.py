"""`contract_check live`: finds each departure, and sends nothing that could cost money."""

import asyncio
import json
import os
import pty
import re
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from calling import TLS
from checkout import FROZEN, ROOT, Completed, contract_check
from contract_check.relay.standin import RECORDED, Answer, Contract, Relay, front_error
from contract_check.relay.standin.answers import invalid_url
from specimens import ROUTE, small, write

TOKEN = "sk-" + "real/money~1"
OPERATION = f"POST {ROUTE}"
OVERLAY = ROOT / "generator" / "overlay.yaml"
"""The overlay that adds no operations and fields: with it, the frozen document has only OPERATION."""
NOWHERE, NOBODY, WRONG = (f"contract-check-{name}" for name in ("no-such-path", "no-such-id", "wrong-token"))
JSON = {"Content-Type": "application/json"}
ERROR = {"code": "x", "message": "m", "type": "new_api_error"}
TASK = {"task_id": "t", "status": "queued"}

Found = set[tuple[str, str, str]]


def live(url: str, *arguments: object, document: Path = FROZEN, types: str | None = None, **env: str) -> Completed:
    given = ("live", document, "--base-url", url, "--overlay", OVERLAY, *arguments)
    return contract_check(*given, env={"GITHUB_ACTIONS": "", "RELAY_TOKEN": TOKEN, "NO_COLOR": "1", **env}, types=types)


def new(done: Completed) -> Found:
    """The probe, kind and place of each new departure."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("NEW: ")]
    found = [re.fullmatch(r"NEW: \S+ \S+, ([\w ]+): (\S+): .+ \(([a-z-]+)\)", line) for line in lines]
    assert len(found) == len(set(lines))
    return {(each[1], each[3], each[2]) for each in found if each}


def assert_harmless(relay: Relay) -> None:
    """Check that the relay could have accepted no request, and that none had the token."""
    assert relay.chargeable == []
    for request in relay.requests:
        assert TOKEN.encode() not in f"{request.target}\n{request.headers}\n".encode() + request.body
        found = relay.contract.find(request)
        assert found is None or not relay.contract.could_be_charged(found, request)
        if request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            with pytest.raises(json.JSONDecodeError):
                json.loads(request.body)


@pytest.fixture
def paid(frozen_contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """A stand-in for requests that cost money."""
    monkeypatch.setattr(ssl, "create_default_context", Mock(return_value=TLS))
    with Relay(frozen_contract) as relay:
        yield relay


@pytest.fixture
def asked(paid: Relay) -> Iterator[Relay]:
    """A stand-in that must get no request that could cost money."""
    yield paid
    assert_harmless(paid)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds passed to asyncio.sleep(), which returns immediately."""
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


def test_the_known_relay_has_only_accepted_departures(asked: Relay) -> None:
    done = live(asked.url)
    assert done.returncode == 0
    assert re.fullmatch(r"sending 4 requests to http://127.0.0.1:\d+ \.\.\.\n", done.stderr)
    assert [line for line in done.stdout.splitlines() if not line.startswith("    because: ")] == [
        f"{OPERATION}, no token: 401, documented as 4XX",
        f"{OPERATION}, wrong token: 401, documented as 4XX",
        f"{OPERATION}, truncated JSON: 401, documented as 4XX",
        f"{OPERATION}, unknown path: 200, documented as 200",
        f"accepted: {OPERATION}, unknown path: status: 200 instead of a refusal (not-refused)",
        f"accepted: {OPERATION}, unknown path: #: HTML instead of application/json (html)",
        f"seen for {OPERATION}: refusals (401)",
        "agreement in what was seen; 2 accepted departures",
    ]
    assert "    because: The web console's page" in done.stdout
    assert [(r.method, r.path, r.headers["authorization"], r.body) for r in asked.requests] == [
        ("POST", ROUTE, None, b"["),
        ("POST", ROUTE, f"Bearer {WRONG}", b"["),
        ("POST", ROUTE, None, b'{"contract_check": ["'),
        ("POST", f"{ROUTE}/{NOWHERE}", None, b"["),
    ]
    found = json.loads(live(asked.url, "--format", "json").stdout)
    keys = ["base_url", "answers", "departures", "not_called", "not_in_document", "unjudged", "seen", "no_longer"]
    assert list(found) == keys
    assert (found["base_url"], found["seen"]) == (asked.url, {OPERATION: "refusals (401)"})
    assert found["answers"][0] == {"operation": OPERATION, "probe": "no token", "status": 401, "documented": "4XX"}
    assert {tuple(row) for row in found["departures"]} == {("operation", "probe", "kind", "where", "what", "accepted")}


@dataclass(frozen=True)
class Case:
    """The relay's responses, in turn and then always, and the report."""

    answers: tuple[Answer | str, ...] = ()
    new: Found = field(default_factory=Found)
    always: Answer | str | None = None
    accepted: str = ""
    says: str = ""
    never: str = "\x1b"
    pauses: tuple[int, ...] = ()
    unjudged: int = 0
    """How many of the four requests are not sent because of the rate limit."""


NO, BAD, CUT, AWAY = PROBES = ("no token", "wrong token", "truncated JSON", "unknown path")
NOT_FOUND = (AWAY, "not-found", "path")
NOT_REFUSED = {(probe, "not-refused", "status") for probe in PROBES[:3]}
PAGE = [(AWAY, "not-refused", "status"), (AWAY, "html", "#")]
DEPARTURES = [
    (Answer.json({}, 302, headers={"Location": "/"}), "status", "status"),
    (Answer(silent=True), "silence", "status"),
    (Answer(400, b"\n<!DOCTYPE html>", JSON), "html", "#"),
    (Answer(400, b"refused", {"Content-Type": "text/plain"}), "media-type", "#"),
    (Answer.json({}, 400, cut=1), "silence", "status"),
    (Answer(400, b"{}", {"Content-Type": ""}), "media-type", "#"),
    (Answer(400, b"", JSON), "not-json", "#"),
    (Answer(400, b"[" * 100_000, JSON), "not-json", "#"),
    (Answer.json({"error": {**ERROR, "a/b": 1}}, 400), "additional", "#/error/a~1b"),
    (Answer.json({"error": {**ERROR, "message": 5}}, 400), "type", "#/error/message"),
    (Answer.json({"error": []}, 503), "type", "#/error"),
    (Answer(401, b"Forbidden", {"Content-Type": "text/html"}), "html", "#"),
    (Answer(400, headers=JSON, chunks=repeat(b" " * 65_536)), "not-json", "#"),  # a body without end
]
SOUND = sorted(set(RECORDED) - {"console", "rate_limited"})


def limit(seconds: str) -> Answer:
    return Answer(429, headers={"Retry-After": seconds})


LEFT = "not sent: the rate limit (429) asks to wait"
CASES = {
    "takes every token": Case((), NOT_REFUSED | {NOT_FOUND}, always=Answer.json(TASK)),
    "another success": Case(
        (Answer.json(TASK, 201),),
        {(NO, "not-refused", "status"), (NO, "status", "status")},
        says=f"seen for {OPERATION}: refusals (201, 401)",
    ),
    "ends after its answer": Case((Answer.json({"error": ERROR}, 401, cut=1_000),) * 3),
    "a success by field": Case(
        (Answer.json({"status": 7, "progress": 0}),),
        {(NO, "not-refused", "status"), (NO, "missing", "#/task_id")}
        | {(NO, "type", "#/status"), (NO, "additional", "#/progress")},
    ),
    "nothing accepted": Case((), set(PAGE), accepted="[]\n"),
    "one accepted": Case((), {PAGE[0]}, accepted="- {probe: unknown path, kind: html, where: '#', why: A page.}\n"),
    "all accepted": Case(accepted="- {operation: POST *, kind: '*', why: It is so.}\n"),
    "no longer found": Case(
        always="bad_token",
        accepted="- {probe: unknown path, kind: html, why: A page.}\n- {probe: submit, kind: additional, why: So.}\n",
        says="accepted, but no longer found: probe unknown path, kind html",
        never="submit",  # it was not sent, so the entry may still hold
    ),
    "404 of the API": Case((), {NOT_FOUND}, invalid_url("POST", f"/v1{ROUTE}")),
    "the web console": Case((), {NOT_FOUND, *NOT_REFUSED, *((p, "html", "#") for p in PROBES[:3])}, Answer.html()),
    "a bare 404": Case((), {NOT_FOUND, *((probe, "media-type", "#") for probe in PROBES)}, Answer(404)),
    "405 with an id": Case(
        tuple(Answer.json({"id": f"a{number}"}, 405) for number in range(4)),
        {NOT_FOUND, *((probe, "additional", "#/id") for probe in PROBES)},
    ),
    "a path in the answer": Case(
        tuple(invalid_url("POST", path) for path in (ROUTE, ROUTE, ROUTE, f"{ROUTE}/{NOWHERE}")), {NOT_FOUND}
    ),
    "the token refused before the path is looked at": Case(always=front_error(401, "无效的令牌"), never="no such"),
    "forged": Case(
        (Answer.json({"100%\x1b[2J\r\nagreement": 1}, 400),),
        {(NO, "additional", "#/100%\ufffd[2J\ufffd\ufffdagreement")},
    ),
    "a limit of 0 s": Case((limit("0"), limit("0")), pauses=(1, 1), says="waiting 1 s; 4 requests left ..."),
    "a limit of 300 s": Case((limit("300"),), pauses=(300,), says="waiting 300 s; 4 requests left ..."),
    "a limit until a date": Case(("bad_token", limit("Sun, 06 Nov 1994 08:49:37 GMT")), pauses=(1,), says="; 3 req"),
    "a limit without a body": Case((Answer(429),), pauses=(30,)),
    "patience for all limits": Case((limit("200"),) * 2, pauses=(200,), unjudged=4, says=f"4 of 4 requests {LEFT} 200"),
    "a long limit": Case(always=limit("301"), unjudged=4, says=f"not judged: 4 of 4 requests {LEFT} 301 s"),
    "a long limit later": Case(("bad_token", *[limit("301")] * 2), unjudged=3, says=f"3 of 4 requests {LEFT} 301 s"),
    "a departure before": Case((Answer.json({}, 302), limit("301")), {(NO, "status", "status")}, unjudged=3),
}
for at in range(0, len(DEPARTURES), 3):
    three = DEPARTURES[at : at + 3]
    of = {(probe, kind, where) for probe, (_, kind, where) in zip(PROBES, three, strict=False)}
    CASES[f"departures from {at} on"] = Case(tuple(answer for answer, _, _ in three), of)
for at in range(0, len(SOUND), 3):
    CASES[f"recorded from {at} on"] = Case(tuple(SOUND[at : at + 3]), always=front_error(404, "Invalid URL"))


@pytest.mark.parametrize("name", CASES)
def test_the_new_departures_in_a_relay_s_responses(
    name: str, asked: Relay, tmp_path: Path, pauses: list[float]
) -> None:
    case = CASES[name]
    accepted = ("--accepted", write(tmp_path, case.accepted, "accepted.yaml")) if case.accepted else ()
    asked.always(case.always)
    for answer in case.answers:
        asked.answer(answer)
    done = live(asked.url, *accepted)
    answered, printed = 4 - case.unjudged, done.stdout + done.stderr
    assert new(done) == case.new
    assert done.returncode == (1 if case.new else 2 if case.unjudged else 0)
    assert case.says in printed
    assert case.never not in printed
    assert pauses == list(case.pauses)
    assert len(re.findall(rf"^{OPERATION}, ", done.stdout, re.MULTILINE)) == answered
    assert len(asked.requests) == answered + len(case.pauses) + bool(case.unjudged)
    assert (f"seen for {OPERATION}: not found" in printed) == (NOT_FOUND in case.new)
    assert ("no such operation here: is the base URL right?" in printed) == (NOT_FOUND in case.new)
    assert ("agreement in what was seen; " in printed) == (not case.new and not case.unjudged)
    assert ("no agreement, since not all was judged; 0 accepted" in printed) == (not case.new and bool(case.unjudged))
    assert ("no longer found" in printed) == ("no longer found" in case.says) or AWAY in printed


def test_neither_a_cookie_nor_a_redirect_is_followed(asked: Relay, paid: Relay, relay: Relay) -> None:
    asked.always(Answer(307, headers={"Location": relay.url, "Set-Cookie": "session=1"}))
    assert new(live(asked.url)) == {NOT_FOUND, *((probe, "status", "status") for probe in PROBES)}
    assert relay.requests == []
    assert [request.headers["cookie"] for request in asked.requests] == [None] * 4


def test_only_github_gets_annotations(asked: Relay) -> None:
    asked.answer(Answer.json({"100%\n::error::forged": 1}, 400))
    annotations = [line for line in live(asked.url, GITHUB_ACTIONS="true").stderr.splitlines() if line.startswith("::")]
    assert [line.partition(" ")[0] for line in annotations] == ["::error", "::notice", "::notice"]
    assert "#/100%25\N{REPLACEMENT CHARACTER}::error::forged" in annotations[0]
    assert "::" not in live(asked.url).stderr


def test_an_empty_overlay_checks_the_raw_document(asked: Relay, tmp_path: Path) -> None:
    empty = write(tmp_path, "overlay: 1.0.0\ninfo: {title: none, version: 1.0.0}\nactions: []\n", "empty.yaml")
    for answer in ("bad_token", "no_prompt", Answer.json({}, 500), Answer.json({}, 404)):
        asked.answer(answer)
    done = contract_check("live", FROZEN, "--base-url", asked.url, "--overlay", empty, env={"GITHUB_ACTIONS": ""})
    unnamed = {(BAD, "additional", f"#/{name}") for name in ("code", "message", "data")}
    # The 404 is no departure: HTTP defines it for an unknown path.
    assert new(done) == {(NO, "status", "status"), (CUT, "status", "status"), *unnamed}


@pytest.mark.slow
def test_a_relay_that_sends_too_slowly_times_out(asked: Relay) -> None:
    asked.answer("bad_token")
    asked.answer(Answer.json({}, 400, chunks=[b" "] * 100, pause=0.5))
    assert new(live(asked.url)) == {(BAD, "silence", "status")}


# Other documents


def several() -> dict[str, Any]:
    """A document whose operations cover every special case."""
    good = {"200": {"description": "好", "content": {"application/json": {"schema": {"type": "object"}}}}}

    def operation(name: str, *media_types: str, **more: object) -> dict[str, Any]:
        body = {"requestBody": {"content": {name: {"schema": {"type": "object"}} for name in media_types}}}
        return {"operationId": name, "responses": good, **(body if media_types else {}), **more}

    places = {"header": "X-Key", "query": "key", "cookie": "session"}
    schemes = {place: {"type": "apiKey", "in": place, "name": name} for place, name in places.items()}
    by_id = {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": operation("readOne", security=[{key: list[str]() for key in schemes}]),
        "delete": operation("deleteOne"),
        "put": operation("putOne", "multipart/form-data"),
        "patch": operation("patchOne", "application/merge-patch+json"),
    }
    paths = {"/open": {"get": operation("read")}, "/by/{id}": by_id, "/bare": {"post": operation("act")}}
    return {**small(), "components": {"securitySchemes": schemes}, "paths": paths}


@pytest.mark.parametrize("flag", ["", "--read"])
def test_operations_without_json_are_not_called_and_keys_go_where_documented(flag: str, tmp_path: Path) -> None:
    document = several()
    with Relay(Contract(document)) as relay:
        done = live(relay.url, *filter(None, [flag]), document=write(tmp_path, document))
        keyed = [r for r in relay.requests if r.headers["x-key"]]
        sent = {f"{r.method} {r.path}" for r in relay.requests}
        if not flag:
            assert_harmless(relay)
    assert re.findall("(.*): not called, ", done.stdout) == ["PUT /by/{id}", "DELETE /by/{id}", "POST /bare"]
    called = ["GET /open", f"GET /by/{NOBODY}", f"PATCH /by/{NOBODY}"]
    assert sent == {*called, *(f"{call}/{NOWHERE}" for call in called), f"GET /bare/{NOWHERE}"}
    assert [(r.method, r.path, r.headers["x-key"], r.query, r.headers["cookie"]) for r in keyed] == [
        ("GET", f"/by/{NOBODY}", token, [("key", token)], f"session={token}")
        for token in ([WRONG, TOKEN] if flag else [WRONG])
    ]
    unrefused = re.findall(r"^NEW: (.*), no token: status: .* \(not-refused\)$", done.stdout, re.MULTILINE)
    assert "GET /by/{id}" in unrefused  # it needs a key; GET /open does not
    assert "GET /open" not in unrefused
    assert ("GET /by/{id}, read: 400, documented as 4XX" in done.stdout) == bool(flag)
    assert TOKEN not in done.stdout + done.stderr


def test_a_public_operation_may_be_missing_too(tmp_path: Path) -> None:
    document = several()
    with Relay(Contract(document)) as relay:
        relay.always(Answer.html())
        done = live(relay.url, document=write(tmp_path, document))
    assert "seen for GET /open: not found\n" in done.stdout


NODE: dict[str, Any] = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}
MORE = {"allOf": [{"$ref": "#/components/schemas/Node"}, {"properties": {"more": {"type": "integer"}}}]}
EITHER = {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "string"}]}
NODES = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}
LIMITED = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}}
SHAPES: list[tuple[dict[str, Any] | None, object, set[str]]] = [
    (MORE, {"kind": "a", "more": 1}, set()),
    (MORE, {"kind": "a", "more": "1", "other": 1}, {"type #/more", "additional #/other"}),
    (EITHER, {"kind": "c"}, {"value #/kind"}),
    (EITHER, {"kind": "a", "other": 1}, {"additional #/other"}),
    (NODES, [{"kind": "a"}, {"knid": "a"}], {"additional #/1/knid"}),
    (NODES, {}, {"type #"}),
    (NODE | {"additionalProperties": True}, {"other": 1}, set()),
    ({"type": "object"}, {"other": 1}, set()),
    (LIMITED, {"n": 3}, set()),
    (LIMITED, {"n": 4}, {"value #/n"}),
    (None, None, set()),
    (None, "x", {"body #"}),
]


def test_objects_are_closed_everywhere(tmp_path: Path) -> None:
    responses = dict[str, Any]()
    for number, (schema, _, _) in enumerate(SHAPES):
        content = {"content": {"application/json": {"schema": schema}}} if schema else {}
        responses[f"Shape{number}"] = {"description": "好", **content}
    document = small(Node=NODE)
    document["components"]["responses"] = responses
    document["paths"] = {
        f"/{name}": {"get": {"operationId": name, "responses": {"200": {"$ref": f"#/components/responses/{name}"}}}}
        for name in responses
    }
    with Relay(Contract(document)) as relay:
        for _, value, _ in SHAPES:
            relay.answer(Answer(200) if value is None else Answer.json(value))
            for refusal in (front_error(401, ""), front_error(404, "")):  # to the other two questions
                relay.answer(refusal)
        done = live(relay.url, document=write(tmp_path, document))
    named = re.findall(r"^NEW: GET /(\w+), no token: (\S+): .* \((\S+)\)$", done.stdout, re.MULTILINE)
    due = {(f"Shape{number}", *each.split()[::-1]) for number, (_, _, found) in enumerate(SHAPES) for each in found}
    assert set(named) == due


# Invalid relays and arguments


@pytest.mark.parametrize(
    "entry", ["{kind: html}", "{kind: html, why: ' '}", "{why: x}", "{kind: x, why: x, were: x}", "x"]
)
def test_an_invalid_entry_is_refused(asked: Relay, tmp_path: Path, entry: str) -> None:
    done = live(asked.url, "--accepted", write(tmp_path, f"- {entry}\n", "accepted.yaml"))
    assert (done.returncode, done.stdout, asked.requests, "entry 1" in done.stderr) == (2, "", [], True)


def test_a_relay_without_a_response_is_unreachable(asked: Relay) -> None:
    asked.always(Answer(silent=True))
    for url, error in (("http://127.0.0.1:9", "ConnectError"), (asked.url, "RemoteProtocolError")):
        done = live(url)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{url} can't be reached: {error}." in done.stderr


@pytest.mark.parametrize("text", ["\ufeff{}", "{}"])
def test_an_unsound_document_is_an_environment_error(asked: Relay, tmp_path: Path, text: str) -> None:
    done = live(asked.url, document=write(tmp_path, text))
    assert (done.returncode, done.stdout, asked.requests) == (2, "", [])


def test_without_an_address_the_stand_in_is_checked() -> None:
    done = contract_check("live", "--format", "json", env={"RELAY_TOKEN": TOKEN})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["base_url"].startswith("http://127.0.0.1:")
    assert "checking a stand-in relay on loopback ..." in done.stderr
    assert TOKEN not in done.stdout + done.stderr


# --submit and --read


def test_make_live_shows_the_submission_waits_for_yes_and_sends_it_once(paid: Relay) -> None:
    ours, theirs = pty.openpty()
    frozen, layer = (file.relative_to(ROOT) for file in (FROZEN, OVERLAY))  # make splits a path with a space
    arguments = f"ARGS={frozen} --overlay {layer} --submit"
    env = {**os.environ, "GITHUB_ACTIONS": "", "PYTHONUTF8": "1", "RELAY_TOKEN": TOKEN, "NO_COLOR": ""}
    command = ["make", "live", f"BASE_URL={paid.url}", arguments]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        while b"Type yes to send it: " not in shown:
            shown += os.read(ours, 65536)
        assert f"THIS COSTS MONEY: {OPERATION} at {paid.url}" in shown.decode()
        assert '"prompt": "宇航员站起身走了"' in shown.decode()
        assert paid.requests == []
        paid.answer(Answer.html(401))
        os.write(ours, b"yes\n")
        while b"new departure;" not in shown:
            shown += os.read(ours, 65536)
    os.close(ours)
    [charged] = paid.chargeable
    assert charged.headers["authorization"] == f"Bearer {TOKEN}"
    assert (len(paid.requests), charged.status, charged.problems) == (5, 200, [])
    assert "submit: #/created_at: a field that is not documented (additional)" in shown.decode()
    assert TOKEN.encode() not in shown
    assert b"\x1b[31mNEW: " in shown


SUBMITTED = {
    "accepted": (Answer.json(TASK), 0, "a success (200) and refusals (401)"),
    "token refused": (front_error(401, "无效的令牌"), 2, "refusals (401)"),
    "no quota": (front_error(403, "用户额度不足", "insufficient_user_quota"), 2, "refusals (401, 403)"),
    "limited": (Answer(429), 2, "refusals (401)"),
    "token in a name": (Answer.json({"error": ERROR, TOKEN: 1}, 400), 2, "refusals (401, 400)"),
    "token in a media type": (
        Answer(400, TOKEN.encode(), {"Content-Type": f"text/{TOKEN}"}),
        1,
        "refusals (401, 400)",
    ),
    "silence": (Answer(silent=True), 1, "refusals (401)"),
}


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_submission_is_sent_once_and_judged_without_showing_the_token(name: str, paid: Relay) -> None:
    answer, code, seen = SUBMITTED[name]
    for each in ("bad_token", "bad_token", "bad_token", "console", answer):
        paid.answer(each)
    done = live(paid.url, "--submit", types="yes", GITHUB_ACTIONS="true")
    assert done.returncode == code
    assert (len(paid.requests), len(paid.chargeable)) == (5, 1)
    assert f"seen for {OPERATION}: {seen}\n" in done.stdout
    assert ("agreement in what was seen" in done.stdout) == (code == 0)
    assert ("no longer found: operation" in done.stdout) == (code == 0)
    if code == 2 and name != "limited":
        refusal = f"not judged: the submission was not accepted ({answer.status}), so no success was seen"
        assert refusal in done.stdout
        key = "400" if answer.status == 400 else "4XX"
        assert f"{OPERATION}, submit: {answer.status}, documented as {key}\n" in done.stdout
    for secret in (TOKEN, TOKEN.replace("~", "~0").replace("/", "~1")):
        assert secret not in done.stdout + done.stderr


NO_ADDRESS = (
    *("relay.example.com", "ftp://relay", "http://", "http://r:x"),
    *("http://u:geheim@relay", "http://r?k=geheim", "http://r#geheim"),
)
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # additional arguments or replacements of --submit, and the message
    **{f"types {text!r}": ({"types": text}, "nothing was sent") for text in ("y", "YES please")},
    "no terminal": ({}, "terminal"),
    **{f"token {text!r}": ({"types": "yes", "RELAY_TOKEN": text}, "RELAY_TOKEN") for text in ("", "s\nX: y", "s 空")},
    "open network": ({"url": "http://relay.example.com", "types": "yes"}, "unencrypted"),
    "open network, to read": ({"url": "http://relay.example.com", "flag": "--read"}, "unencrypted"),
    "no token, to read": ({"url": "https://relay.example.com", "flag": "--read", "RELAY_TOKEN": ""}, "--read needs a"),
    "no operation": ({"flag": "--submit=POST *", "types": "yes", "body": None}, "0 operations match"),
    "no example": (
        {"flag": "--submit=POST *", "types": "yes", "body": {"type": "object", "required": ["a"]}},
        "gives no example to submit",
    ),
    **{f"address {url!r}": ({"url": url, "flag": "--read"}, "plain http(s) URL") for url in NO_ADDRESS},
}


@pytest.mark.parametrize("name", REFUSED)
def test_without_consent_or_a_relay_nothing_is_sent(name: str, asked: Relay, tmp_path: Path) -> None:
    given, said = REFUSED[name]
    rest: dict[str, Any] = {"flag": "--submit", "url": asked.url, **given}
    if "body" in rest:
        document = several()
        if schema := rest.pop("body"):
            document["paths"]["/bare"]["post"]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        rest["document"] = write(tmp_path, document)
    done = live(rest.pop("url"), rest.pop("flag"), **rest)
    assert (done.returncode, done.stdout, asked.requests) == (2, "", [])
    assert said in done.stderr
    assert "geheim" not in done.stderr
    assert TOKEN not in done.stderr
