"""Each operation, response and model of the vendored document."""

import inspect
import json
from copy import deepcopy
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest

import generated_client
from another import Package as Another
from another import prepared
from calling import TOKEN, Caller
from checkout import ROOT
from contract_check.document.examples import SAMPLES, Examples
from contract_check.document.tree import is_array
from contract_check.package.package import Package
from contract_check.relay.standin import Contract, Relay, front_error
from generated_client.errors import ApiError
from generated_client.types import UNSET
from generator.prepare import preparation
from operations import Operation

PACKAGE = Package(Path(generated_client.__file__).parent)


@pytest.mark.every_way
def test_a_request_is_sent_as_documented(
    operation: Operation, caller: Caller, relay: Relay, contract: Contract
) -> None:
    caller.detailed(operation.module, **operation.arguments)
    sent = relay.request
    assert sent.problems == []
    assert (sent.method, sent.route) == (operation.documented.method, operation.documented.route)
    assert sent.headers.get_all("host") == [relay.url.partition("//")[2]]
    assert sent.headers.get_all("authorization") == [f"Bearer {TOKEN}"]
    if sent.media_type == "application/json":
        assert sent.json == operation.body
    else:
        assert all(str(name).encode() in sent.body for name in operation.body or ())
    if "body" in operation.arguments and not operation.documented.requires_body:
        relay.answer(contract.success(operation.documented, {}))
        caller.detailed(operation.module, **{**operation.arguments, "body": UNSET})
        assert relay.requests[1].body == b""


def _plain(parsed: Any) -> Any:
    """Convert a typed value to JSON."""
    if is_array(parsed):
        return [_plain(item) for item in parsed]
    if hasattr(parsed, "payload"):
        return parsed.payload.read()
    return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


def _codes(contract: Contract, operation: Operation) -> dict[str, int]:
    """A status for each documented response."""
    answers = operation.documented.responses
    codes: dict[str, int] = {}
    for status in answers:
        start = {"default": 500}.get(status) or int(status.replace("X", "0"))
        free = (code for code in range(start, start + 100) if status.isdecimal() or str(code) not in answers)
        codes[status] = next(free)
    return {status: code for status, code in codes.items() if code >= 200}


@pytest.mark.every_way
def test_each_documented_response_is_typed(
    operation: Operation, caller: Caller, relay: Relay, contract: Contract
) -> None:
    for status, code in _codes(contract, operation).items():
        answer = contract.documented(operation.documented, status, code)
        relay.answer(answer)
        response = caller.detailed(operation.module, **operation.arguments)
        assert (int(response.status_code), response.content) == (code, answer.body)
        media_type = answer.headers.get("Content-Type", "")
        if "json" in media_type:
            assert _plain(response.parsed) == json.loads(answer.body)
        elif media_type.startswith("text/"):
            assert response.parsed == answer.body.decode()
        else:
            assert _plain(response.parsed) == (answer.body or None)


@pytest.mark.every_way
def test_a_plain_call_returns_the_success_or_raises(operation: Operation, caller: Caller, relay: Relay) -> None:
    response = caller.detailed(operation.module, **operation.arguments)
    if not hasattr(operation.module, caller.way):
        assert response.parsed is None or response.status_code >= 300
        return
    assert _plain(caller.parsed(operation.module, **operation.arguments)) == _plain(response.parsed)
    for status in (400, 499, 500, 599):
        relay.answer(front_error(status, "出错了"))
        with pytest.raises(ApiError, match=f"{status}: 出错了"):
            caller.parsed(operation.module, **operation.arguments)


def test_the_overlay_adds_errors_of_both_ranges_to_any_document(contract: Contract, gateway: Another) -> None:
    for operation in contract.operations:
        assert {"4XX", "5XX"} <= operation.responses.keys() or "default" in operation.responses
    overlays = gateway.folder.parent / "gateway.yaml", ROOT / "generator" / "overlay.yaml"
    before = {str(found): found for found in gateway.contract.operations}
    overlaid = Contract(prepared(*overlays)).operations
    assert len(overlaid) == len(before) > 10
    for operation in overlaid:
        given = before[str(operation)].responses
        for status in {"4XX", "5XX"} - given.keys():
            added = operation.responses[status]["content"]["application/json"]["schema"]
            assert added == {"$ref": "#/components/schemas/ErrorResponse"}


@pytest.mark.parametrize("name", PACKAGE.classes)
def test_a_model_round_trips(name: str, contract: Contract) -> None:
    model: Any = PACKAGE.classes[name]
    if not hasattr(model, "from_dict"):
        return
    assert get_type_hints(model).keys() >= {field.name for field in attrs.fields(model)}
    assert {each.kind for each in inspect.signature(model).parameters.values()} <= {inspect.Parameter.KEYWORD_ONLY}
    if any("types.File" in str(field.type) for field in attrs.fields(model)):
        return  # JSON can't contain a file
    place = preparation.prepare(deepcopy(contract.document)).classes[name]
    for value in (PACKAGE.instance(model, Examples(contract.document).at(place, sample)) for sample in SAMPLES):
        written = json.dumps(value.to_dict(), allow_nan=False)
        read = model.from_dict(json.loads(written))
        assert read == value
        assert json.loads(json.dumps(read.to_dict())) == json.loads(written)
