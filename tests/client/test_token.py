"""The token goes to the relay and is shown nowhere else; one that cannot be sent is refused where it is given."""

import copy
import logging
from typing import Any

import pytest

from calling import Caller
from contract_check.relay.standin import Answer, Relay, front_error
from frozen import AuthenticatedClient, errors, variables

SECRET = "sk-" + "geheim/0123456789+=="
TASK = {"task_id": "t", "status": "queued"}
BAD = {
    "line break": f"{SECRET}\n",
    "header": f"{SECRET}\r\nX-Injected: 1",
    "blank": SECRET.replace("-", " "),
    "blank before": f" {SECRET}",
    "tab": f"{SECRET}\t",
    "zero": f"{SECRET}\0",
    "not ASCII": f"{SECRET}密",
    "bytes": SECRET.encode(),
    "number": 20261123,
    "empty": "",
    "blanks": "  ",
    "None": None,
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(caller: Caller, relay: Relay, token: Any) -> None:
    own = caller.connect(token=SECRET)
    for give in (lambda: AuthenticatedClient(token=token), lambda: own.set_token(token)):
        with pytest.raises(ValueError, match="token must be") as raised:
            give()
        assert raised.value.__cause__ is raised.value.__context__ is None
        shown = f"{raised.value!r} {variables(raised.value)}"
        assert str(token) not in shown or len(str(token)) <= 4
    caller.submit(own)
    assert relay.request.headers.get_all("authorization") == [f"Bearer {SECRET}"]


def test_a_new_token_goes_with_the_next_request_of_all_derived_clients(caller: Caller, relay: Relay) -> None:
    own = caller.connect(token=SECRET)
    child = own.with_headers({"X-Trace": "t"})
    family = (own, child, child.with_timeout(9).with_cookies({"session": "s"}))
    for number, giver in enumerate(family):
        giver.set_token(f"{SECRET}{number}")
        relay.forget()
        for member in family:
            caller.submit(member)
        assert [r.headers["authorization"] for r in relay.requests] == [f"Bearer {SECRET}{number}"] * 3


@pytest.mark.every_way
def test_its_header_can_be_chosen_and_neither_repr_nor_log_shows_it(
    caller: Caller, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    own = caller.connect(token=SECRET, prefix="", auth_header_name="X-Api-Key")
    relay.answer(Answer.json(TASK))
    caller.submit(own)
    assert relay.request.headers.get_all("x-api-key") == [SECRET]
    assert "authorization" not in relay.request.headers
    relay.problems.clear()  # the stand-in knows bearer tokens only
    relay.answer(front_error(500, "坏"))
    with pytest.raises(errors.ApiError):
        caller.submit(own)
    with pytest.raises(ValueError, match="nan") as raised:
        caller.submit(own, duration=float("nan"))
    assert SECRET not in str(variables(raised.value))
    assert {record.name.partition(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}
    assert SECRET not in "".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    for client in (own, own.with_headers({"X-Trace": "t"}), copy.copy(own)):
        assert SECRET not in f"{client!r} {client} {vars(client)!r}"
        assert "AuthenticatedClient" in repr(client)
    assert SECRET not in f"{vars(caller.http(own))}"
    relay.problems.clear()
