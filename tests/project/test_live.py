"""`contract_check live`: each kind of departure is found and named, and nothing leaves that could cost money."""

import json
import re
from pathlib import Path as File
from typing import Any

import pytest

from checkout import FROZEN, PYTHON, ROOT, contract_check, run
from contract_check.relay.standin import RECORDED, Answer, Contract, Relay, front_error, inner_error
from live import OPERATION, TOKEN, Person, live, new, report
from specimens import write

ERROR = {"code": "x", "message": "m", "type": "new_api_error"}
TASK = {"task_id": "t", "status": "queued"}


def assert_harmless(relay: Relay) -> None:
    """Whatever the relay would have made of it, no request was one that it could accept, and none had the token."""
    assert relay.requests
    assert relay.chargeable == []
    for request in relay.requests:
        everything = f"{request.target}\n{request.headers}\n".encode() + request.body
        assert TOKEN.encode() not in everything
        found = relay.contract.find(request)
        assert found is None or not relay.contract.could_be_charged(found, request)
        if request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            with pytest.raises(json.JSONDecodeError):
                json.loads(request.body)


# What it asks


def test_a_relay_as_it_is_known_keeps_the_contract_but_for_what_is_accepted(asked: Relay) -> None:
    done = live(asked.url)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:4] == [
        f"{OPERATION}, no token: 401, documented as 4XX",
        f"{OPERATION}, wrong token: 401, documented as 4XX",
        f"{OPERATION}, truncated JSON: 401, documented as 4XX",
        f"{OPERATION}, unknown path: 200, documented as 200",
    ]
    assert f"accepted: {OPERATION}, unknown path: #: HTML instead of application/json (html)" in done.stdout
    assert "because: The web console's page" in done.stdout
    assert done.stdout.splitlines()[-1] == "agreement in what was seen; 2 accepted departures"
    assert re.fullmatch(r"asking http://127.0.0.1:\d+: 4 questions \.\.\.\n", done.stderr)


def test_nothing_that_it_sends_can_cost_money_and_nothing_holds_the_real_token(asked: Relay) -> None:
    live(asked.url, RELAY_TOKEN=TOKEN)
    assert [(r.method, r.headers["authorization"], r.body) for r in asked.requests] == [
        ("POST", None, b"["),
        ("POST", "Bearer contract-check-wrong-token", b"["),
        ("POST", None, b'{"contract_check": ["'),
        ("POST", None, b"["),
    ]
    assert [r.path == OPERATION.partition(" ")[2] for r in asked.requests] == [True, True, True, False]
    assert_harmless(asked)


def test_a_relay_that_takes_every_token_still_gets_nothing_that_it_could_accept(asked: Relay) -> None:
    asked.always(Answer.json(TASK))
    refused = {(probe, "not-refused", "status") for probe in ("no token", "wrong token", "truncated JSON")}
    assert new(report(asked.url)) == {*refused, ("unknown path", "not-found", "path")}
    assert_harmless(asked)


def several() -> dict[str, Any]:
    """A document whose operations need, between them, every kind of care."""
    good = {"200": {"description": "好", "content": {"application/json": {"schema": {"type": "object"}}}}}

    def operation(name: str, *media_types: str, **more: object) -> dict[str, Any]:
        body = {"requestBody": {"content": {name: {"schema": {"type": "object"}} for name in media_types}}}
        return {"operationId": name, "responses": good, **(body if media_types else {}), **more}

    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    schemes = {
        "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "query": {"type": "apiKey", "in": "query", "name": "key"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "小", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "components": {"securitySchemes": schemes},
        "paths": {
            "/open": {"get": operation("read")},
            "/by/{id}": {
                "parameters": [identity],
                "get": operation("readOne", security=[{key: list[str]() for key in schemes}]),
                "delete": operation("deleteOne"),
                "put": operation("putOne", "multipart/form-data"),
                "patch": operation("patchOne", "application/merge-patch+json"),
            },
            "/bare": {"post": operation("act")},
        },
    }


def test_what_has_no_json_to_break_is_not_called_at_all(tmp_path: File) -> None:
    document = several()
    with Relay(Contract(document)) as relay:
        found = report(relay.url, document=write(tmp_path, document))
        sent = {(r.method, r.path) for r in relay.requests}
        assert_harmless(relay)
    nowhere = "contract-check-no-such-path"
    assert found["not_called"] == ["PUT /by/{id}", "DELETE /by/{id}", "POST /bare"]
    assert sent == {
        ("GET", "/open"),
        ("GET", f"/open/{nowhere}"),
        ("GET", "/by/contract-check-no-such-id"),
        ("GET", f"/by/contract-check-no-such-id/{nowhere}"),
        ("PATCH", "/by/contract-check-no-such-id"),
        ("PATCH", f"/by/contract-check-no-such-id/{nowhere}"),
        ("GET", f"/bare/{nowhere}"),
    }
    assert ("no token", "not-refused", "status") in new(found)  # GET /by/{id} needs a key
    assert "GET /open" not in {each["operation"] for each in found["departures"] if each["probe"] == "no token"}


def test_a_wrong_key_goes_wherever_the_document_wants_one(tmp_path: File) -> None:
    document = several()
    with Relay(Contract(document)) as relay:
        live(relay.url, document=write(tmp_path, document), RELAY_TOKEN=TOKEN)
        keyed = [r for r in relay.requests if r.method == "GET" and r.headers["x-key"]]
    assert [(r.headers["x-key"], r.query, r.headers["cookie"]) for r in keyed] == [
        (wrong := "contract-check-wrong-token", [("key", wrong)], f"session={wrong}")
    ]


# What it finds


JSON = {"Content-Type": "application/json"}
DEPARTURES = [
    (Answer.json({}, 302, headers={"Location": "/"}), "status", "status"),
    (Answer.json({}, 698), "status", "status"),
    (Answer(silent=True), "silence", "status"),
    (Answer.html(401), "html", "#"),
    (Answer(400, b"\n<!DOCTYPE html>", JSON), "html", "#"),
    (Answer.json({}, 400, cut=1), "silence", "status"),
    (Answer(400, b"refused", {"Content-Type": "text/plain"}), "media-type", "#"),
    (Answer(400, b"{}", {"Content-Type": ""}), "media-type", "#"),
    (Answer(400, b'{"error": ', JSON), "not-json", "#"),
    (Answer(400, b"", JSON), "not-json", "#"),
    (Answer(400, b"[" * 100_000, JSON), "not-json", "#"),
    (Answer.json({"error": ERROR, "trace": 1}, 400), "additional", "#/trace"),
    (Answer.json({"error": {**ERROR, "a/b": 1}}, 400), "additional", "#/error/a~1b"),
    (Answer.json({"error": {**ERROR, "message": 5}}, 400), "type", "#/error/message"),
    (Answer.json({"error": []}, 503), "type", "#/error"),
]


@pytest.mark.parametrize("three", [DEPARTURES[at : at + 3] for at in range(0, len(DEPARTURES), 3)])
def test_each_departure_is_named_with_its_kind_and_place(asked: Relay, three: list[tuple[Answer, str, str]]) -> None:
    for answer, _, _ in three:
        asked.answer(answer)
    done = live(asked.url)
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line.startswith("NEW")]
    assert len(lines) == 3
    for probe, (_, kind, where) in zip(("no token", "wrong token", "truncated JSON"), three, strict=True):
        [line] = [line for line in lines if line.startswith(f"NEW: {OPERATION}, {probe}: {where}: ")]
        assert line.endswith(f"({kind})")
    assert_harmless(asked)


def test_any_success_is_a_departure_where_a_refusal_is_due(asked: Relay) -> None:
    asked.answer(Answer.json(TASK, 201))
    assert ("no token", "not-refused", "status") in new(report(asked.url))


def test_a_connection_that_ends_after_its_answer_is_no_silence(asked: Relay) -> None:
    for _ in range(3):
        asked.answer(Answer.json({"error": ERROR}, 401, cut=1_000))
    assert new(report(asked.url)) == set()


def test_a_cookie_of_one_answer_does_not_go_with_the_next_question(asked: Relay) -> None:
    asked.always(Answer.json({"error": ERROR}, 401, headers={"Set-Cookie": "session=1"}))
    live(asked.url)
    assert [request.headers["cookie"] for request in asked.requests] == [None] * 4


def test_a_success_that_lacks_a_field_or_adds_some_is_named_by_field(asked: Relay) -> None:
    asked.answer(Answer.json({"status": 7, "progress": 0}))
    assert new(report(asked.url)) == {
        ("no token", "not-refused", "status"),
        ("no token", "missing", "#/task_id"),
        ("no token", "type", "#/status"),
        ("no token", "additional", "#/progress"),
    }


def test_no_answer_that_the_document_allows_is_a_departure() -> None:
    names = sorted(set(RECORDED) - {"console", "rate_limited"})
    for three in (names[at : at + 3] for at in range(0, len(names), 3)):
        with Relay(Contract.of(FROZEN)) as relay:
            relay.always(front_error(404, "Invalid URL"))
            for name in three:
                relay.answer(name)
            assert report(relay.url)["departures"] == []


NODE: dict[str, Any] = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}
MORE = {"allOf": [{"$ref": "#/components/schemas/Node"}, {"properties": {"more": {"type": "integer"}}}]}
EITHER = {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "string"}]}
NODES = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}
LIMITED = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}}
SHAPES: list[tuple[dict[str, Any], object, set[str]]] = [
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
]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_objects_are_closed_wherever_they_stand(tmp_path: File, version: str) -> None:
    responses = {
        f"Shape{number}": {"description": "好", "content": {"application/json": {"schema": schema}}}
        for number, (schema, _, _) in enumerate(SHAPES)
    }
    paths = {
        f"/{name}": {"get": {"operationId": name, "responses": {"200": {"$ref": f"#/components/responses/{name}"}}}}
        for name in responses
    }
    document = {
        "openapi": version,
        "info": {"title": "小", "version": "1"},
        "servers": [{"url": "https://relay.example.com"}],
        "paths": paths,
        "components": {"schemas": {"Node": NODE}, "responses": responses},
    }
    with Relay(Contract(document)) as relay:
        for _, value, _ in SHAPES:
            for answer in (Answer.json(value), front_error(401, ""), front_error(404, "")):  # one for each question
                relay.answer(answer)
        found = report(relay.url, document=write(tmp_path, document))
    named = {(each["operation"], f"{each['kind']} {each['where']}") for each in found["departures"]}
    assert named == {
        (f"GET /Shape{number}", departure)
        for number, (_, _, departures) in enumerate(SHAPES)
        for departure in departures
    }


def test_a_body_where_the_document_has_none_is_a_departure(tmp_path: File) -> None:
    document = several()
    responses = {"200": {"description": "空"}, "204": {"description": "空"}}
    document["paths"] = {"/open": {"get": {"operationId": "read", "responses": responses}}}
    with Relay(Contract(document)) as relay:
        relay.answer(Answer(204))
        relay.answer(Answer(200, b"x"))
        found = report(relay.url, document=write(tmp_path, document))
    assert {each for each in new(found) if each[0] != "unknown path"} == {("wrong token", "body", "#")}


def test_the_raw_documents_view_is_an_empty_overlay_away(asked: Relay, tmp_path: File) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("overlay: 1.0.0\ninfo: {title: none, version: 1.0.0}\nactions: []\n", encoding="utf-8")
    for answer in ("bad_token", "no_prompt", Answer.json({}, 500), Answer.json({}, 404)):
        asked.answer(answer)
    assert new(report(asked.url, "--overlay", empty)) == {
        ("no token", "status", "status"),
        ("wrong token", "additional", "#/code"),
        ("wrong token", "additional", "#/message"),
        ("wrong token", "additional", "#/data"),
        ("truncated JSON", "status", "status"),
    }  # and no word on the 404: it is HTTP's own answer to an unknown path


def test_a_redirect_is_reported_and_not_followed(asked: Relay, relay: Relay) -> None:
    asked.always(Answer(307, headers={"Location": relay.url}))
    assert {kind for _, kind, _ in new(report(asked.url))} == {"status", "not-found"}
    assert relay.requests == []


# What is accepted


def accept(folder: File, text: str) -> tuple[str, File]:
    file = folder / "accepted.yaml"
    file.write_text(text, encoding="utf-8")
    return "--accepted", file


def test_only_what_is_not_accepted_counts(asked: Relay, tmp_path: File) -> None:
    nothing = accept(tmp_path, "[]\n")
    assert new(report(asked.url, *nothing)) == {
        ("unknown path", "not-refused", "status"),
        ("unknown path", "html", "#"),
    }
    some = accept(tmp_path, "- {probe: unknown path, kind: html, where: '#', why: A page.}\n")
    assert new(report(asked.url, *some)) == {("unknown path", "not-refused", "status")}
    all_of_it = accept(tmp_path, "- {operation: POST *, kind: '*', why: It is so.}\n")
    assert new(report(asked.url, *all_of_it)) == set()


def test_what_is_accepted_but_no_longer_found_is_mentioned_and_no_failure(asked: Relay, tmp_path: File) -> None:
    asked.always("bad_token")
    known = accept(
        tmp_path,
        "- {probe: unknown path, kind: html, why: A page.}\n- {probe: submit, kind: additional, why: A task.}\n",
    )
    done = live(asked.url, *known)
    assert done.returncode == 0
    assert "accepted, but found no longer: probe unknown path, kind html" in done.stdout
    assert "submit" not in done.stdout  # it was not asked, so nobody knows


@pytest.mark.parametrize(
    "entry", ["{kind: html}", "{kind: html, why: ' '}", "{why: x}", "{kind: x, why: x, were: x}", "x"]
)
def test_an_entry_without_a_reason_or_with_a_slip_is_refused(asked: Relay, tmp_path: File, entry: str) -> None:
    done = live(asked.url, *accept(tmp_path, f"- {entry}\n"))
    assert (done.returncode, done.stdout, asked.requests) == (2, "", [])
    assert "entry 1" in done.stderr


def test_an_accepted_departure_has_a_reason_that_the_vendored_file_tells() -> None:
    text = (ROOT / "contract_check" / "relay" / "accepted.yaml").read_text(encoding="utf-8")
    assert text.count("- ") >= text.count("why:") >= 3


# What cannot be asked


def test_a_relay_that_is_not_there_is_unreachable() -> None:
    done = live("http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "http://127.0.0.1:9 can't be reached: ConnectError." in done.stderr


def test_a_relay_that_says_nothing_is_unreachable(asked: Relay) -> None:
    asked.always(Answer(silent=True))
    assert live(asked.url).returncode == 2


@pytest.mark.slow
def test_a_relay_that_drips_is_given_up_on(asked: Relay) -> None:
    asked.answer("bad_token")
    asked.answer(Answer.json({}, 400, chunks=[b" "] * 100, pause=0.5))
    assert new(report(asked.url)) == {("wrong token", "silence", "status")}


@pytest.mark.parametrize(
    "url",
    ["", "relay.example.com", "ftp://relay", "http://", "http://u:geheim@relay", "http://r?k=geheim", "http://r:x"],
)
def test_an_address_that_is_none_is_a_usage_error_and_not_repeated(url: str) -> None:
    done = live(url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "geheim" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["{", "{}", '{"openapi": "3.1.0"}'])
def test_an_unsound_document_is_no_departure_of_the_relay(asked: Relay, tmp_path: File, text: str) -> None:
    done = live(asked.url, document=write(tmp_path, text))
    assert (done.returncode, done.stdout, asked.requests) == (2, "", [])


def test_without_an_address_the_stand_in_is_asked() -> None:
    done = contract_check("live", "--format", "json", env={"RELAY_TOKEN": TOKEN})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["base_url"].startswith("http://127.0.0.1:")
    assert "a stand-in relay on loopback is asked ..." in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_make_live_does_it(asked: Relay) -> None:
    done = run(["make", "live", f"BASE_URL={asked.url}", "ARGS=--format json"])
    assert json.loads(done.stdout)["base_url"] == asked.url


# How it says it


def test_json_tells_all_that_text_does(asked: Relay) -> None:
    found = report(asked.url)
    keys = ["base_url", "answers", "departures", "not_called", "not_in_document", "unjudged", "seen", "no_longer"]
    assert list(found) == keys
    first, *_, last = found["answers"]
    assert first == {"operation": OPERATION, "probe": "no token", "status": 401, "documented": "4XX"}
    assert last["status"] == 200
    assert {tuple(each) for each in found["departures"]} == {
        ("operation", "probe", "kind", "where", "what", "accepted")
    }


def test_github_gets_annotations_and_nobody_else_does(asked: Relay) -> None:
    asked.answer(Answer.json({"100%\n::error::forged": 1}, 400))
    done = live(asked.url, GITHUB_ACTIONS="true")
    told = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert [line.partition(" ")[0] for line in told] == ["::error", "::notice", "::notice"]
    assert "#/100%25\N{REPLACEMENT CHARACTER}::error::forged" in told[0]
    assert "::error title" not in live(asked.url).stderr


def test_what_a_relay_says_cannot_move_the_cursor_or_start_a_line(asked: Relay) -> None:
    asked.answer(Answer.json({"\x1b[2J\r\nagreement": 1}, 400))
    out = live(asked.url).stdout
    assert "\x1b" not in out
    assert "\nagreement" not in out


# --submit


def test_submit_says_what_it_sends_waits_for_a_yes_and_sends_it_once(asked: Relay) -> None:
    person = Person(asked.url, "--submit", RELAY_TOKEN=TOKEN)
    shown = person.reads("Type yes to send it: ")
    assert f"THIS COSTS MONEY: {OPERATION} at {asked.url}" in shown
    assert '"prompt": "宇航员站起身走了"' in shown
    assert asked.requests == []
    person.types("yes")
    assert person.stays() == 0
    [charged] = asked.chargeable
    assert charged.headers["authorization"] == f"Bearer {TOKEN}"
    assert charged.problems == []
    assert (len(asked.requests), charged.status) == (5, 200)
    assert "submit: #/created_at: a field that is not documented (additional)" in person.seen
    assert TOKEN not in person.seen


@pytest.mark.parametrize("text", ["", "y", "no", "YES please"])
def test_anything_but_yes_sends_nothing_at_all(asked: Relay, text: str) -> None:
    person = Person(asked.url, "--submit", RELAY_TOKEN=TOKEN)
    person.types(text)
    assert person.stays() == 2
    assert "nothing was sent" in person.seen
    assert asked.requests == []


def test_submit_is_refused_without_a_terminal(asked: Relay) -> None:
    done = run(
        [PYTHON, "-m", "contract_check", "live", "--submit", "--base-url", asked.url],
        env={"RELAY_TOKEN": TOKEN},
        stdin="yes\n",
    )
    assert (done.returncode, done.stdout, asked.requests) == (2, "", [])
    assert "terminal" in done.stderr


@pytest.mark.parametrize("token", ["", "secret\nX: y", "secret 空"])
def test_submit_is_refused_without_a_token_that_can_be_sent(asked: Relay, token: str) -> None:
    done = live(asked.url, "--submit", RELAY_TOKEN=token)
    assert (done.returncode, asked.requests) == (2, [])
    assert "RELAY_TOKEN" in done.stderr
    assert "secret" not in done.stderr


def test_submit_sends_no_token_unencrypted_over_a_network() -> None:
    person = Person("http://relay.example.com", "--submit", RELAY_TOKEN=TOKEN)
    assert person.stays() == 2
    assert "unencrypted" in person.seen


@pytest.mark.parametrize(
    "answer",
    [
        Answer.json({"error": ERROR, TOKEN: 1}, 400),
        Answer(400, f"<html>{TOKEN}".encode(), {"Content-Type": f"text/{TOKEN}"}),
        Answer(302, headers={"Location": f"/{TOKEN}", "Set-Cookie": f"a={TOKEN}"}),
        inner_error(401, f"无效的令牌 {TOKEN}", TOKEN),
        Answer(silent=True),
    ],
)
def test_a_relay_that_repeats_the_token_does_not_get_it_shown(asked: Relay, answer: Answer) -> None:
    for _ in range(4):
        asked.answer("bad_token")
    asked.answer(answer)
    person = Person(asked.url, "--submit", GITHUB_ACTIONS="true", RELAY_TOKEN=TOKEN)
    person.types("yes")
    person.stays()
    assert len(asked.requests) == 5
    shown = person.seen.replace("\r\n", "")
    assert TOKEN not in shown
    assert TOKEN.replace("~", "~0").replace("/", "~1") not in shown


def test_submit_wants_one_operation_and_an_example_that_fits(tmp_path: File, asked: Relay) -> None:
    document = several()
    person = Person(asked.url, "--submit=POST *", document=write(tmp_path, document), RELAY_TOKEN=TOKEN)
    assert person.stays() == 2
    assert "0 operations would do" in person.seen
    document["paths"]["/bare"]["post"] = {
        "operationId": "act",
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}}},
        "responses": {"200": {"description": "好"}},
    }
    person = Person(asked.url, "--submit=POST *", document=write(tmp_path, document), RELAY_TOKEN=TOKEN)
    assert person.stays() == 2
    assert "gives no example to submit" in person.seen
    assert asked.requests == []


@pytest.mark.parametrize(("no_color", "start"), [("", "\x1b[31mNEW: "), ("1", "\r\nNEW: ")])
def test_a_terminal_gets_colours_unless_it_wants_none(asked: Relay, no_color: str, start: str) -> None:
    asked.always(Answer.html(401))
    person = Person(asked.url, NO_COLOR=no_color)
    assert person.stays() == 1
    assert start in person.seen
