"""The list of a package's operations, a line for each: its call, what it sends, and its answers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contract_check.document.text import visible
from contract_check.document.tree import operations

_HEAD = """\
# Operations

Every operation of `generated_client`, by group; `make generate` writes this file. Each is a module with the functions
`sync`, `sync_detailed` and `stream`, and for event loops `asyncio`, `asyncio_detailed` and `astream`. All take `client`
and what is named here. The detailed ones return a `Response` of any of the answers.
"""


def reference(document: dict[str, Any], package: Path) -> str:
    """The list for `package`, which was made from the prepared `document`, in Markdown."""
    groups: dict[str, list[str]] = {}
    for path, operation in operations(document):
        group, name = operation["tags"][0], operation["operationId"]
        module = ast.parse((package / "api" / group / f"{name}.py").read_text(encoding="utf-8"))
        functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
        groups.setdefault(group, []).append("\n".join(_lines(group, name, path, functions)))
    parts = [f"## {group}\n\n" + "\n".join(sorted(lines)) for group, lines in sorted(groups.items())]
    return "\n".join([_HEAD, *(f"{part}\n" for part in parts)])


def _lines(group: str, name: str, path: tuple[str | int, ...], functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    detailed = functions["sync_detailed"]
    answers = _type(detailed.returns).removeprefix("Response[").removesuffix("]")
    success = _type(functions["sync"].returns) if "sync" in functions else ""
    route = _code(f"{str(path[2]).upper()} {path[1]}")
    yield f"- [`{name}`](../generated_client/api/{group}/{name}.py): {route}"
    arguments = ", ".join(_code(argument) for argument in _arguments(detailed.args))
    yield f"  - takes {arguments or 'nothing'}"
    yield f"  - returns {_code(success)}" if success else "  - returns nothing that is documented; detailed only"
    if answers != success:
        yield f"  - answers {_code(answers)}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*zip(arguments.args, [None] * len(arguments.args), strict=True)]
    for argument, default in [*positional, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if argument.arg != "client":
            default_text = f" = {_type(default)}" if default is not None else ""
            yield f"{argument.arg}: {_type(argument.annotation)}{default_text}"


def _type(node: ast.expr | None) -> str:
    """An annotation as a caller would write it: how a module calls the others is its own affair."""
    return re.sub(r"\b_\w+\.", "", ast.unparse(node)) if node is not None else ""


def _code(text: str) -> str:
    """`text` as code in Markdown, whatever it holds."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    blank = " " if "`" in text else ""
    return f"{fence}{blank}{visible(text)}{blank}{fence}"
