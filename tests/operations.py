"""The operations of the installed package, each with arguments from the document for a plain call."""

import importlib
import inspect
import re
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from types import ModuleType
from typing import Any

from contract_check.document.examples import Examples
from contract_check.document.operations import FORM, JSON
from contract_check.document.tree import at, is_array, is_object, object_or_empty, resolve
from contract_check.relay.standin import Contract
from contract_check.relay.standin import Operation as Documented
from generated_client.types import File
from generator.prepare import preparation


@dataclass(frozen=True)
class Operation:
    """An operation of the document, and its generated module."""

    documented: Documented
    module: ModuleType
    arguments: dict[str, Any]
    """A plain call's keyword arguments."""
    body: Any
    """Their body as a JSON value, or None."""

    def __str__(self) -> str:
        return str(self.documented)


def operations(contract: Contract) -> list[Operation]:
    """Each operation of `contract`, with its generated names."""
    document = deepcopy(contract.document)
    preparation.prepare(document)
    examples = Examples(document)
    pairs = zip(contract.operations, Contract(document).operations, strict=True)
    return [_operation(documented, examples, named) for documented, named in pairs]


def _operation(documented: Documented, examples: Examples, named: Documented) -> Operation:
    definition = named.definition
    module = importlib.import_module(f"generated_client.api.{definition['tags'][0]}.{definition['operationId']}")
    accepted = {_letters(name): name for name in inspect.signature(module.sync_detailed).parameters}
    arguments: dict[str, Any] = {}
    for place, parameter in named.parameters.items():
        argument = _letters(parameter["name"])
        name = accepted.get(argument) or accepted[f"{argument}{parameter['in']}"]
        value = examples.at((*place, "schema"))
        in_head = parameter["in"] in ("header", "cookie") and isinstance(value, str)
        arguments[name] = typed(parameter.get("schema", {}), "text" if in_head and not value.isascii() else value)
    body = None
    media_type = next(iter(named.content), None)
    if media_type is not None:
        place = (*named.body, "content", media_type, "schema")
        if JSON.fullmatch(media_type) or FORM.fullmatch(media_type):
            body = examples.at(place)
            schema = object_or_empty(at(named.document, place))
            arguments["body"] = typed(schema, _with_files(named.document, schema, body))
        else:
            arguments["body"] = File(payload=BytesIO("字节".encode()))
    return Operation(documented, module, arguments, body)


def _with_files(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Any:
    """Replace the binary strings of `schema` in `value` by files."""
    schema = resolve(document, schema)
    if is_object(value):
        properties = object_or_empty(schema.get("properties"))
        return {name: _with_files(document, properties.get(name, {}), item) for name, item in value.items()}
    if is_array(value):
        return [_with_files(document, object_or_empty(schema.get("items")), item) for item in value]
    if schema.get("format") == "binary":
        return File(payload=BytesIO(str(value).encode()), file_name="a.bin")
    return value


def typed(schema: dict[str, Any], value: Any) -> Any:
    """Convert `value` to the package's class for `schema`, if there is one."""
    reference = schema.get("$ref")
    if reference is None:
        return value
    made: Any = getattr(importlib.import_module("generated_client.models"), reference.rpartition("/")[2])
    return made.from_dict(value) if hasattr(made, "from_dict") else made(value)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
