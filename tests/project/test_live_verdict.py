"""What `contract_check live` says of what it saw: an operation that is not there, a refusal, a limit, nothing."""

import json
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest

from checkout import Completed, contract_check
from contract_check.relay.standin import Answer, Contract, Relay, front_error, inner_error
from contract_check.relay.standin.answers import invalid_url
from live import OPERATION, TOKEN, Person, live, report
from specimens import small, write

ROUTE = OPERATION.removeprefix("POST ")


@pytest.fixture
def by_id(tmp_path: File) -> Iterator[tuple[Relay, File]]:
    """A relay with an operation that reads by an id, and its document."""
    document = small()
    schema: dict[str, Any] = {"type": "object", "properties": {"code": {}, "message": {}, "data": {}}}
    content = {"application/json": {"schema": schema}}
    document["paths"]["/things/{id}"] = {
        "get": {
            "operationId": "readThing",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "好"}, "400": {"description": "没有", "content": content}},
        }
    }
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    with Relay(Contract(document)) as relay:
        yield relay, write(tmp_path, document)


def not_found(found: dict[str, Any]) -> list[str]:
    return [row["operation"] for row in found["departures"] if row["kind"] == "not-found"]


@pytest.mark.parametrize(
    "answer",
    [invalid_url("POST", "/v1" + ROUTE), Answer.html(), Answer(404), Answer.json({"id": "a1b2"}, 405)],
    ids=["404 of the API", "web console", "bare 404", "405"],
)
def test_an_operation_that_answers_as_an_unknown_path_does_is_not_there(answer: Answer, asked: Relay) -> None:
    asked.always(answer)

    found = report(asked.url)

    assert not_found(found) == [OPERATION]
    assert found["seen"] == {OPERATION: "not found"}
    assert "no such operation here: is the base URL right?" in live(asked.url).stdout


def test_a_path_and_an_id_in_a_body_do_not_make_two_answers_differ(asked: Relay) -> None:
    for path in (ROUTE, ROUTE, ROUTE, f"{ROUTE}/contract-check-no-such-path"):
        asked.answer(invalid_url("POST", path))

    assert not_found(report(asked.url)) == [OPERATION]


def test_a_relay_that_refuses_the_token_before_it_looks_at_the_path_says_nothing_of_it(asked: Relay) -> None:
    asked.always(front_error(401, "无效的令牌"))

    assert not_found(report(asked.url)) == []


def test_the_verdict_is_of_what_was_seen(asked: Relay) -> None:
    *_, seen, verdict = live(asked.url).stdout.splitlines()

    assert seen == f"seen of {OPERATION}: refusals (401)"
    assert verdict == "agreement in what was seen; 2 accepted departures"


@pytest.mark.parametrize(
    "refusal",
    [front_error(401, "无效的令牌"), front_error(403, "用户额度不足", "insufficient_user_quota")],
    ids=["token", "quota"],
)
def test_a_submission_that_is_refused_is_no_agreement(refusal: Answer, asked: Relay) -> None:
    person = Person(asked.url, "--submit", RELAY_TOKEN=TOKEN)
    for _ in range(3):
        asked.answer(front_error(401, "未提供令牌"))
    asked.answer(Answer.html())
    asked.answer(refusal)
    person.types("yes")

    assert person.stays() == 2
    assert f"{OPERATION}, submit: {refusal.status}, documented as 4XX" in person.seen
    assert f"not judged: the submission was not accepted ({refusal.status}), so no success was seen" in person.seen
    assert "agreement in what was seen" not in person.seen
    assert f"seen of {OPERATION}: refusals (" in person.seen
    assert "a success" not in person.seen
    assert "found no longer" not in person.seen


def test_a_submission_that_is_accepted_is_told_as_a_success(asked: Relay) -> None:
    person = Person(asked.url, "--submit", RELAY_TOKEN=TOKEN)
    person.types("yes")

    assert person.stays() == 0
    assert f"seen of {OPERATION}: a success (200) and refusals (401)" in person.seen


# --read


def read(relay: Relay, document: File, *arguments: str, **env: str) -> Completed:
    return live(relay.url, *arguments, document=document, RELAY_TOKEN=TOKEN, **env)


def test_read_asks_with_the_token_for_an_id_that_does_not_exist(by_id: tuple[Relay, File]) -> None:
    relay, document = by_id
    relay.always(inner_error(400, "task_not_exist", "task_not_exist"))

    done = read(relay, document, "--read")

    [with_token] = [one for one in relay.requests if one.headers.get("authorization") == f"Bearer {TOKEN}"]
    assert (with_token.method, with_token.path) == ("GET", "/things/contract-check-no-such-id")
    assert "GET /things/{id}, read: 400, documented as 400" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_the_token_is_not_read_unless_it_is_asked_for(by_id: tuple[Relay, File]) -> None:
    relay, document = by_id

    read(relay, document)

    assert relay.requests
    assert all(TOKEN not in one.headers.get("authorization", "") for one in relay.requests)


def test_read_without_a_token_and_over_an_open_network_is_refused() -> None:
    missing = contract_check("live", "--base-url", "https://relay.example.com", "--read", env={"RELAY_TOKEN": ""})
    in_the_open = contract_check("live", "--base-url", "http://relay.example.com", "--read", env={"RELAY_TOKEN": TOKEN})

    assert (missing.returncode, in_the_open.returncode) == (2, 2)
    assert "--read needs a token" in missing.stderr
    assert "unencrypted" in in_the_open.stderr


# The relay's limit


def limited(retry_after: str) -> Answer:
    return Answer(429, headers={"Retry-After": retry_after})


@pytest.mark.parametrize("retry_after", ["0", "1", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_limit_is_waited_for_and_said(retry_after: str, asked: Relay) -> None:
    for _ in range(2):
        asked.answer(limited(retry_after))

    done = live(asked.url)

    assert done.returncode == 0
    assert done.stderr.count("429, the relay's limit: waiting 1 s; 4 requests left ...") == 2
    assert len(asked.requests) == 6


@pytest.mark.parametrize(("before", "left"), [(0, 4), (1, 3), (3, 1)])
def test_what_is_left_at_a_long_limit_is_not_agreed_on(before: int, left: int, asked: Relay) -> None:
    for _ in range(before):
        asked.answer(front_error(401, "未提供令牌"))
    asked.always(limited("301"))

    done = live(asked.url)

    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert len([line for line in lines if line.startswith(f"{OPERATION}, ")]) == before
    assert f"not judged: {left} of 4 requests left at the relay's limit (429), which asks to wait 301 s" in done.stdout
    assert lines[-1] == "no agreement, since not all was judged; 0 accepted departures"
    assert "found no longer" not in done.stdout


def test_a_departure_counts_though_the_rest_was_left(asked: Relay) -> None:
    asked.answer(Answer.json({}, 302))
    asked.always(limited("301"))

    assert live(asked.url).returncode == 1


def test_the_report_in_json_has_what_was_seen(asked: Relay) -> None:
    found = json.loads(live(asked.url, "--format", "json").stdout)

    assert found["seen"] == {OPERATION: "refusals (401)"}
