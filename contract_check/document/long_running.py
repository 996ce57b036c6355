"""x-long-running-operation: how the task that an operation submits is polled, and its result downloaded."""

from collections.abc import Iterator
from typing import Any, Final

from .defects import Defect, remove
from .operations import Operation
from .tree import JsonPath, is_array, object_or_empty, operations

EXTENSION: Final = "x-long-running-operation"
_OPERATIONS: Final = ("status-operation", "download-operation")
_TASK_ID: Final = "task-id"
_POINTERS: Final = ("result", "state", "failure-reason")
_STATES: Final = ("success-states", "failure-states")
_SECONDS: Final = ("interval-seconds", "timeout-seconds")
_KEYS: Final = (*_OPERATIONS, _TASK_ID, *_POINTERS, *_STATES, *_SECONDS)


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Yield the defects of each declaration; the cure removes it, and with it poll() and download()."""
    by_id = {str(operation.get("operationId")): path for path, operation in operations(document)}
    for path, operation in operations(document):
        if EXTENSION in operation:
            place = (*path, EXTENSION)
            for problem in _problems(document, operation[EXTENSION], by_id):
                yield Defect(place, problem, remove(place, problem))


def _problems(document: dict[str, Any], value: Any, by_id: dict[str, JsonPath]) -> Iterator[str]:
    declared = object_or_empty(value)
    if declared.keys() != set(_KEYS):
        yield f"it must have exactly these keys: {', '.join(_KEYS)}."
        return
    for key in _OPERATIONS:
        path = by_id.get(str(declared[key]))
        if path is None:
            yield f"`{key}` names no operation: there is no operationId `{declared[key]}`."
        elif len(_required(document, path)) != 1 or f"{{{_required(document, path)[0]}}}" not in str(path[1]):
            yield f"`{key}`: {declared[key]} must have one required parameter, the id of the task, in its path."
    pointers = declared[_TASK_ID]
    if not is_array(pointers) or not all(isinstance(each, str) and each.startswith("/") for each in pointers):
        yield f"`{_TASK_ID}` must be a list of JSON pointers into the answer of the operation that submits."
    for key in _POINTERS:
        if not str(declared[key]).startswith(str(declared["result"]) or "/"):
            yield f"`{key}` must be a JSON pointer into the answer of the status operation, within `result`."
    for key in _STATES:
        if not is_array(declared[key]) or not all(isinstance(state, str) for state in declared[key]):
            yield f"`{key}` must be a list of states."
    for key in _SECONDS:
        if not isinstance(declared[key], int | float) or not declared[key] > 0:
            yield f"`{key}` must be a number of seconds above 0."


def _required(document: dict[str, Any], path: JsonPath) -> list[str]:
    """The required parameters of an operation and of its path."""
    given = [each for _, each in Operation(document, path, str(path[1])).given_parameters() if each.get("name")]
    found = {str(each["name"]): each for each in given}
    return [name for name, parameter in found.items() if parameter.get("required")]
