"""The operations of the installed package, each with the arguments of a plain call, as the document has them."""

import importlib
import inspect
import re
from dataclasses import dataclass
from io import BytesIO
from types import ModuleType
from typing import Any

from generated_client.types import File
from standin import Contract
from standin import Operation as Documented
from standin.examples import example
from standin.schemas import Schema, Schemas

_PLAIN_BODIES = re.compile(r"application/(.*\+)?json|multipart/form-data|application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Operation:
    """One operation: what the document says of it, and the module that was generated for it."""

    documented: Documented
    module: ModuleType
    arguments: dict[str, Any]
    """A plain call's keyword arguments."""
    body: Any
    """The body among them as a JSON value; None where there is none."""

    def __str__(self) -> str:
        return f"{self.documented.method} {self.documented.route}"


def operations(contract: Contract, prepared: dict[str, Any]) -> list[Operation]:
    """Each operation of `contract`; `prepared` tells its names."""
    twins = Contract(prepared)
    return [
        _operation(mine, twin, twins.schemas) for mine, twin in zip(contract.operations, twins.operations, strict=True)
    ]


def _operation(documented: Documented, prepared: Documented, schemas: Schemas) -> Operation:
    definition = prepared.definition
    module = importlib.import_module(f"generated_client.api.{definition['tags'][0]}.{definition['operationId']}")
    accepted = {_letters(name): name for name in inspect.signature(module.sync_detailed).parameters}
    arguments: dict[str, Any] = {}
    for parameter in prepared.parameters:
        schema: Schema = parameter.get("schema", {})
        wanted = _letters(parameter["name"])
        name = accepted.get(wanted) or accepted[f"{wanted}{parameter['in']}"]
        value = example(schemas, schema)
        in_head = parameter["in"] in ("header", "cookie") and isinstance(value, str)
        arguments[name] = typed(schemas, schema, "text" if in_head and not value.isascii() else value)
    content: dict[str, Schema] = schemas.resolve(definition.get("requestBody")).get("content", {})
    body = None
    if content:
        media_type, first = next(iter(content.items()))
        schema = first.get("schema", {})
        body = example(schemas, schema) if _PLAIN_BODIES.match(media_type) else None
        arguments["body"] = File(payload=BytesIO("字节".encode())) if body is None else typed(schemas, schema, body)
    return Operation(documented, module, arguments, body)


def typed(schemas: Schemas, schema: Schema, value: Any) -> Any:
    """`value` as the package's own class where `schema` has one."""
    reference = schema.get("$ref")
    if reference is None:
        return value
    made: Any = getattr(importlib.import_module("generated_client.models"), reference.rpartition("/")[2])
    return made.from_dict(value) if hasattr(made, "from_dict") else made(value)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
