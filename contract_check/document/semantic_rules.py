"""Check the rules that OpenAPI states in prose: references, identifiers, parameters, security.

The document must have passed schema_rules.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any, Final

import regress

from . import names, nesting, values
from .defects import Defect, removable, remove, update
from .examples import examples_of
from .operations import FORM, Operation, of
from .text import is_visible
from .tree import (
    NO_SCHEMAS,
    SCHEMA_KEYWORDS,
    JsonPath,
    at,
    is_array,
    keyword_of,
    list_or_empty,
    object_or_empty,
    parse_pointer,
    pointer,
    references,
    walk,
)

LONG_RUNNING: Final = "x-long-running-operation"
"""The extension that declares how to poll the task of an operation and download its result."""


def check(document: dict[str, Any]) -> Iterator[Defect]:
    """Report each violation of the specification's prose, with an action that cures it."""
    for rule in (nesting.check, _references, _servers, _operation_ids, _parameters, _security, _patterns, _tasks):
        yield from rule(document)


def check_values(document: dict[str, Any]) -> Iterator[Defect]:
    """Check defaults and examples against their schemas, which must be sound."""
    schemas = values.Schemas(document)
    yield from _forms(document, schemas)
    yield from _defaults(document, schemas)
    yield from _examples(document, schemas)
    for path, pattern in _given_patterns(document):
        if not values.is_checked(pattern):
            problem = f"the pattern `{pattern}` is not checked: jsonschema_rs does not support it."
            yield Defect(path, problem, warning=True)


def _references(document: dict[str, Any]) -> Iterator[Defect]:
    for path, reference in references(document):
        target, near = parse_pointer(reference), list[str]()
        if reference.startswith("#") and "/" not in reference:
            problem = f"`{reference}` is not an `$anchor` of this document."
        elif not reference.startswith("#/"):
            problem = f"`{reference}` refers to another file; a client is generated from one document."
        elif at(document, target) is None:
            problem = f"`{reference}` does not exist in this document."
            near = difflib.get_close_matches(str(target[-1]), object_or_empty(at(document, target[:-1])), 1)
        elif _is_of_another_kind(path, target):
            problem = f"`{reference}` does not refer to a {_KINDS.get(keyword_of(path), 'schema')}."
        else:
            continue
        cure = remove((*path, "$ref"), f"{problem} Without it, any value is allowed.")
        if near:
            nearest = pointer((*target[:-1], near[0]))
            cure = update(path, {"$ref": nearest}, f"{problem} Use the nearest name, {near[0]}.")
        yield Defect((*path, "$ref"), problem, cure)


_KINDS = {
    "parameters": "parameter",
    "requestBody": "request body",
    "requestBodies": "request body",
    "responses": "response",
    "headers": "header",
    "links": "link",
    "callbacks": "callback",
}
"""The kind of object under a keyword that does not hold a schema."""


def _is_of_another_kind(path: JsonPath, target: JsonPath) -> bool:
    keyword, other = keyword_of(path), keyword_of(target)
    if keyword in SCHEMA_KEYWORDS:
        return other in NO_SCHEMAS
    return keyword in _KINDS and _KINDS.get(other) != _KINDS[keyword]


def server_url(document: dict[str, Any]) -> str:
    """The absolute URL of the first server, with the defaults of its variables, or an empty string."""
    server = object_or_empty(next(iter(list_or_empty(document.get("servers"))), None))
    url = str(server.get("url", ""))
    for name, variable in object_or_empty(server.get("variables")).items():
        url = url.replace("{" + name + "}", str(object_or_empty(variable).get("default", "")))
    return url.rstrip("/") if is_visible(url) and re.fullmatch(r"https?://[^/?#{}\s]+[^?#{}\s]*", url) else ""


def _servers(document: dict[str, Any]) -> Iterator[Defect]:
    if not server_url(document):
        problem = "no server with an absolute URL is given, and the client's base_url has no default."
        server, why = {"url": "https://relay.example.com"}, f"{problem} Put the relay's URL here."
        cure = update((), {"servers": [server]}, why)
        if document.get("servers"):
            cure = update(("servers", 0), server, why)
        yield Defect(("servers",), problem, cure)


def _operation_ids(document: dict[str, Any]) -> Iterator[Defect]:
    """Report repeated ids; the first operation keeps its id, which callers may use."""
    holders: dict[str, dict[JsonPath, Operation]] = {}
    for operation in of(document):
        name = operation.definition.get("operationId")
        if isinstance(name, str):
            holders.setdefault(name, {})[operation.path] = operation
    others = {path: each for found in holders.values() for path, each in list(found.items())[1:]}
    from_route = {path: names.from_route(each.method.lower(), each.route) for path, each in others.items()}
    renamed = names.unique(from_route, taken=(name.lower() for name in holders))
    for name, found in holders.items():
        first, *repeated = found
        for path in repeated:
            problem = f"the operationId `{name}` is already used by {found[first]}."
            why = f"{problem} This operation is named after its method and path."
            yield Defect((*path, "operationId"), problem, update(path, {"operationId": renamed[path]}, why))


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_NO_HEADER = "is not a valid header name: HTTP allows letters, digits and !#$%&'*+-.^_`|~ in one."


def _parameters(document: dict[str, Any]) -> Iterator[Defect]:
    for operation in of(document):
        in_route = re.findall(r"{([^{}]*)}", operation.route)
        found: dict[tuple[str, str], JsonPath] = {}
        for where, parameter in operation.given_parameters():
            key = (str(parameter.get("name")), str(parameter.get("in")))
            if key in found and found[key][:-1] == where[:-1]:
                yield removable(where, f"the {key[1]} parameter `{key[0]}` is declared twice.")
            found[key] = where
            if key[1] == "header" and not _TOKEN.fullmatch(key[0]):
                yield removable(where, f"`{key[0]}` {_NO_HEADER}")
            if key[1] == "path" and key[0] not in in_route:
                yield removable(where, f"the path parameter `{key[0]}` does not occur in {operation.route}.")
        for name in in_route:
            if (name, "path") not in found:
                problem = f"no parameter declares `{{{name}}}` of the path."
                missing = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                cure = update(operation.path, {"parameters": [missing]}, f"{problem} Declared as a string.")
                yield Defect(operation.path, problem, cure)


def _security(document: dict[str, Any]) -> Iterator[Defect]:
    known = document.get("components", {}).get("securitySchemes", {})
    for key, scheme in known.items():
        name = str(scheme.get("name", ""))
        if scheme.get("in") == "header" and not _TOKEN.fullmatch(name):
            scheme_path = ("components", "securitySchemes", key)
            mended = "".join(_TOKEN.findall(name)) or "Authorization"
            problem = f"`{name}` {_NO_HEADER}"
            cure = update(scheme_path, {"name": mended}, f"{problem} Use the nearest name, {mended}.")
            yield Defect((*scheme_path, "name"), problem, cure)
    for path, holder in [((), document), *((each.path, each.definition) for each in of(document))]:
        unknown = [[name for name in required if name not in known] for required in holder.get("security", ())]
        for index, missing in enumerate(unknown):
            where = (*path, "security", index)
            for name in missing:
                problem = f"the security scheme `{name}` is not defined under components."
                yield Defect((*where, name), problem, remove((*path, "security") if all(unknown) else where, problem))


def _patterns(document: dict[str, Any]) -> Iterator[Defect]:
    for path, pattern in _given_patterns(document):
        reasons = list[str]()
        for flags in ("", "u"):
            try:
                regress.Regex(pattern, flags)
            except regress.RegressError as error:
                reasons.append(str(error))
        if len(reasons) == 2:
            yield removable(path, f"`{pattern}` is not a valid regular expression (ECMA-262): {reasons[1]}.")


def _given_patterns(document: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Each regular expression with its path."""
    for path, schema in walk(document):
        if keyword_of(path) in SCHEMA_KEYWORDS:
            if "pattern" in schema:
                yield (*path, "pattern"), schema["pattern"]
            yield from (((*path, "patternProperties", key), key) for key in schema.get("patternProperties", ()))


def _forms(document: dict[str, Any], schemas: values.Schemas) -> Iterator[Defect]:
    for path, body in walk(document):
        for media_type in object_or_empty(body.get("content")) if keyword_of(path) in _BODIES else ():
            schema = (*path, "content", media_type, "schema")
            types = schemas.types(schema) if FORM.fullmatch(media_type) else None
            if types is not None and "object" not in types:
                problem = f"a form has fields, so its schema must be an object, not {' or '.join(sorted(types))}."
                yield Defect(schema, problem, remove(schema, f"{problem} Without it, any fields may be sent."))


_BODIES = ("requestBody", "requestBodies")


def _defaults(document: dict[str, Any], schemas: values.Schemas) -> Iterator[Defect]:
    """A default must fit its own schema: the client would send it, or could not be generated."""
    for path, schema in walk(document):
        is_given = keyword_of(path) in SCHEMA_KEYWORDS and schema.get("default") is not None
        if is_given and (said := schemas.problem(path, schema["default"])):
            yield removable((*path, "default"), f"the default contradicts its own schema: {said}")


def _examples(document: dict[str, Any], schemas: values.Schemas) -> Iterator[Defect]:
    """An example that does not fit its schema only misleads readers, so it is a warning."""
    for path, part in walk(document):
        schema = path if keyword_of(path) in SCHEMA_KEYWORDS else (*path, "schema")
        for place, value in examples_of(part).items() if at(document, schema) is not None else ():
            if said := schemas.problem(schema, value):
                yield Defect((*path, *place), f"the example contradicts its schema: {said}", warning=True)


_OPERATIONS: Final = ("status-operation", "download-operation")
_TASK_ID: Final = "task-id"
_POINTERS: Final = ("result", "state", "failure-reason")
_STATES: Final = ("success-states", "failure-states")
_SECONDS: Final = ("interval-seconds", "timeout-seconds")
_KEYS: Final = (*_OPERATIONS, _TASK_ID, *_POINTERS, *_STATES, *_SECONDS)


def _tasks(document: dict[str, Any]) -> Iterator[Defect]:
    """Check the long-running operations; the cure removes the declaration, and so poll() and download()."""
    by_id = {each.definition.get("operationId"): each for each in of(document)}
    for operation in of(document):
        if LONG_RUNNING in operation.definition:
            for problem in _task_problems(object_or_empty(operation.definition[LONG_RUNNING]), by_id):
                yield removable((*operation.path, LONG_RUNNING), problem)


def _task_problems(declared: dict[str, Any], by_id: dict[Any, Operation]) -> Iterator[str]:
    if declared.keys() != set(_KEYS):
        yield f"it must have exactly these keys: {', '.join(_KEYS)}."
        return
    for key in _OPERATIONS:
        if (operation := by_id.get(str(declared[key]))) is None:
            yield f"`{key}`: there is no operationId `{declared[key]}`."
        elif not _is_read_by_id(operation):
            yield f"`{key}`: {declared[key]} must have exactly one required parameter, the task's id in its path."
    pointers = declared[_TASK_ID]
    if not is_array(pointers) or not all(isinstance(each, str) and each.startswith("/") for each in pointers):
        yield f"`{_TASK_ID}` must be a list of JSON pointers into the response of the submitting operation."
    for key in _POINTERS:
        if not str(declared[key]).startswith(str(declared["result"]) or "/"):
            yield f"`{key}` must be a JSON pointer into the response of the status operation, within `result`."
    for key in _STATES:
        if not is_array(declared[key]) or not all(isinstance(state, str) for state in declared[key]):
            yield f"`{key}` must be a list of states."
    for key in _SECONDS:
        if not isinstance(declared[key], int | float) or not declared[key] > 0:
            yield f"`{key}` must be a number of seconds above 0."


def _is_read_by_id(operation: Operation) -> bool:
    given = {each.get("name"): each.get("required") for _, each in operation.given_parameters()}
    required = [name for name, is_required in given.items() if is_required]
    return len(required) == 1 and f"{{{required[0]}}}" in operation.route
