"""Each documented answer of each operation comes back as the document's types, whatever the document is."""

import json
from typing import Any

import pytest

from calling import Caller
from contract_check.document.tree import is_array
from contract_check.relay.standin import Contract, Relay
from operations import Operation

pytestmark = pytest.mark.every_way


def _plain(parsed: Any) -> Any:
    """A typed value as JSON has it."""
    if is_array(parsed):
        return [_plain(item) for item in parsed]
    if hasattr(parsed, "payload"):
        return parsed.payload.read()
    return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


def _codes(contract: Contract, operation: Operation) -> dict[str, int]:
    """For each documented answer a status that gets it."""
    answers = operation.documented.responses
    codes: dict[str, int] = {}
    for status in answers:
        start = {"default": 500}.get(status) or int(status.replace("X", "0"))
        free = (code for code in range(start, start + 100) if status.isdecimal() or str(code) not in answers)
        codes[status] = next(free)
    return {status: code for status, code in codes.items() if code >= 200}


def test_every_documented_answer_is_typed(
    operation: Operation, caller: Caller, relay: Relay, contract: Contract
) -> None:
    for status, code in _codes(contract, operation).items():
        answer = contract.documented(operation.documented, status, code)
        relay.answer(answer)
        response = caller.detailed(operation.module, **operation.arguments)
        assert int(response.status_code) == code
        assert response.content == answer.body
        if "json" in answer.headers.get("Content-Type", ""):
            assert _plain(response.parsed) == json.loads(answer.body)
        elif answer.headers.get("Content-Type", "").startswith("text/"):
            assert response.parsed == answer.body.decode()
        elif answer.body:
            assert _plain(response.parsed) == answer.body
        else:
            assert response.parsed is None


def test_a_plain_call_returns_what_a_detailed_one_parsed(operation: Operation, caller: Caller) -> None:
    response = caller.detailed(operation.module, **operation.arguments)
    if not hasattr(operation.module, caller.way):
        assert response.parsed is None or response.status_code >= 300
        return
    assert _plain(caller.parsed(operation.module, **operation.arguments)) == _plain(response.parsed)
