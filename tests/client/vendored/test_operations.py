"""Each operation, response and model of the vendored document."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, get_type_hints

import attrs
import pytest

from calling import Caller
from checkout import ROOT, contract_check
from contract_check.document import loading, names
from contract_check.document.examples import Examples
from contract_check.relay.standin import Contract, Relay, front_error
from generator.prepare import preparation
from packages import GATEWAY, Package


def test_each_operation_sends_and_reads_what_is_documented(package: Package) -> None:
    done = contract_check("wire", "--package", package.folder)
    assert (done.returncode, done.stdout[:2]) == (0, "ok"), done.stdout + done.stderr


def _calls(package: Package, contract: Contract) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The module of each operation, with arguments from the document."""
    document = deepcopy(contract.document)
    preparation.prepare(document)
    examples = Examples(document)
    for operation in Contract(document).operations:
        module = package.operation(f"{operation.definition['tags'][0]}.{operation.definition['operationId']}")
        hints = package.hints(module.sync_detailed)
        arguments = dict[str, Any]()
        for place, parameter in operation.parameters.items():
            name = names.attribute(parameter["name"])
            [argument] = {f"{name}_{parameter['in']}", name, f"{name}_"} & hints.keys()
            value = examples.at((*place, "schema"))
            arguments[argument] = "text" if isinstance(value, str) and not value.isascii() else value
        if operation.content:
            arguments["body"] = examples.at((*operation.body, "content", next(iter(operation.content)), "schema"))
        yield module, {name: package.typed(hints[name], value) for name, value in arguments.items()}


def test_a_plain_call_returns_the_success_or_raises(caller: Caller, relay: Relay, package: Package) -> None:
    for module, arguments in _calls(package, relay.contract):
        response = caller.detailed(module, **arguments)
        if not hasattr(module, caller.way):
            assert response.parsed is None or response.status_code >= 300
            continue
        assert repr(caller.parsed(module, **arguments)) == repr(response.parsed)
        for status in (400, 499, 500, 599):
            relay.answer(front_error(status, "出错了"))
            with pytest.raises(package.module("errors").ApiError, match=f"{status}: 出错了"):
                caller.parsed(module, **arguments)


def test_the_type_hints_of_a_model_can_be_resolved(package: Package) -> None:
    models = [model for model in package.classes.values() if attrs.has(model)]
    assert len(models) > 3
    for model in models:
        assert get_type_hints(model).keys() >= {field.name for field in attrs.fields(model)}


def test_the_overlay_adds_errors_of_both_ranges_to_any_document(contract: Contract, gateway: Package) -> None:
    for operation in contract.operations:
        assert {"4XX", "5XX"} <= operation.responses.keys() or "default" in operation.responses
    overlays = gateway.folder.with_name("gateway.yaml"), ROOT / "generator" / "overlay.yaml"
    before = {str(found): found for found in gateway.contract.operations}
    overlaid = Contract(loading.load(GATEWAY, overlays).value).operations
    assert len(overlaid) == len(before) > 10
    for operation in overlaid:
        for status in {"4XX", "5XX"} - before[str(operation)].responses.keys():
            added = operation.responses[status]["content"]["application/json"]["schema"]
            assert added == {"$ref": "#/components/schemas/ErrorResponse"}
