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
from contract_check.document.operations import FORM, JSON
from contract_check.relay.standin import Contract, Relay, front_error
from generated import GATEWAY, Package
from generator.prepare import preparation


def test_each_operation_sends_and_reads_what_is_documented(package: Package) -> None:
    done = contract_check("wire", "--package", package.folder)
    assert (done.returncode, done.stdout[:2]) == (0, "ok"), done.stdout + done.stderr


def _calls(package: Package, contract: Contract) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The module of each operation, with arguments from the document."""
    prepared, examples = deepcopy(contract.document), Examples(contract.document)
    preparation.prepare(prepared)
    for operation, named in zip(contract.operations, Contract(prepared).operations, strict=True):
        module = package.operation(f"{named.definition['tags'][0]}.{named.definition['operationId']}")
        hints = package.hints(module.sync_detailed)
        arguments = dict[str, Any]()
        for place, parameter in zip(operation.parameters, named.parameters.values(), strict=True):
            name = names.attribute(parameter["name"])
            spellings = (f"{name}_{parameter['in']}", "body_" if name == "body" else name)
            value = examples.at((*place, "schema"))
            is_unfit = parameter["in"] in ("header", "cookie") and isinstance(value, str) and not value.isascii()
            for argument in [each for each in spellings if each in hints][:1]:
                arguments[argument] = "text" if is_unfit else value
        for media_type in list(operation.content)[:1]:
            is_file = not JSON.fullmatch(media_type) and not FORM.fullmatch(media_type)
            arguments["body"] = "文本" if is_file else examples.at((*operation.body, "content", media_type, "schema"))
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
