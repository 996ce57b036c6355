"""Each operation of the document, whatever the document is: what travels when it is called."""

import pytest

from calling import TOKEN, Caller
from contract_check.relay.standin import Contract, Relay
from operations import Operation

pytestmark = pytest.mark.every_way


def test_every_operation_goes_where_the_document_says(operation: Operation, caller: Caller, relay: Relay) -> None:
    caller.detailed(operation.module, **operation.arguments)
    sent = relay.request
    assert sent.problems == []
    assert sent.method == operation.documented.method
    assert sent.route == operation.documented.route
    assert sent.headers.get_all("host") == [relay.url.partition("//")[2]]


def test_the_token_travels_once_as_a_bearer(operation: Operation, caller: Caller, relay: Relay) -> None:
    caller.detailed(operation.module, **operation.arguments)
    assert relay.request.headers.get_all("authorization") == [f"Bearer {TOKEN}"]


def test_every_property_of_a_body_travels_as_it_was_given(operation: Operation, caller: Caller, relay: Relay) -> None:
    caller.detailed(operation.module, **operation.arguments)
    if relay.request.media_type == "application/json":
        assert relay.request.json == operation.body
    else:
        assert all(str(name).encode() in relay.request.body for name in operation.body or ())


def test_an_optional_body_left_out_sends_none(
    operation: Operation, caller: Caller, relay: Relay, contract: Contract
) -> None:
    if operation.documented.requires_body:
        caller.detailed(operation.module, **operation.arguments)
        assert relay.request.body
        return
    without = {name: value for name, value in operation.arguments.items() if name != "body"}
    relay.answer(contract.success(operation.documented, {}))
    caller.detailed(operation.module, **without)
    assert relay.request.body == b""
