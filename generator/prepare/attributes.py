"""Disambiguate properties of a class, and parameters of an operation, that would have the same name in Python.

The generator names an attribute after its property. If two properties have the same name, it refuses them, or sends
one under the name of the other. Here, all but one of them are renamed in the prepared document; the functions return
the documented name of each.
"""

import re
from collections import Counter
from copy import deepcopy
from typing import Any
from urllib.parse import quote

from contract_check.document import names
from contract_check.document.operations import IGNORED_HEADERS, of
from contract_check.document.text import is_visible

_CALL = ("client", "url")
"""Names that the generator reserves: it appends the location to a parameter with one of them."""


def name_properties(document: dict[str, Any]) -> dict[str, str]:
    """Rename properties of the named schemas; return the documented name for each new one."""
    schemas = document["components"]["schemas"]
    wire_names = dict[str, str]()
    for schema in schemas.values():
        renamed = _disambiguated({key: names.attribute(key) for key in schema.get("properties", ())})
        wire_names |= {new: key for key, new in renamed.items()}
        if renamed:
            schema["properties"] = {renamed.get(key, key): value for key, value in schema["properties"].items()}
            schema["required"] = [renamed.get(key, key) for key in schema.get("required", ())]
    return wire_names


def name_parameters(document: dict[str, Any]) -> dict[str, str]:
    """Give each operation all its parameters, and rename some; return the documented name for each new one.

    A path parameter's name is never sent: it may change together with the path.
    """
    wire_names = dict[str, str]()
    paths = document["paths"]
    for operation in of(document):
        own = operation.definition.get("parameters", [])
        given = {(each["in"], each["name"]) for each in own}
        shared = paths[operation.route].get("parameters", [])
        own = [*own, *(deepcopy(each) for each in shared if (each["in"], each["name"]) not in given)]
        in_route = _in_route(operation.route)
        for parameter in own:
            if parameter["in"] == "path":
                parameter["name"] = in_route.get(parameter["name"], parameter["name"])
        wire_names |= _name_parameters(own)
        if own:
            operation.definition["parameters"] = own
    for route in list(paths):
        item = paths.pop(route)
        item.pop("parameters", None)
        named = route
        for name, new in _in_route(route).items():
            named = named.replace("{" + name + "}", "{" + new + "}")
        readable = "".join(each if is_visible(each) else quote(each) for each in named)
        # Two paths may differ only in the names of their parameters.
        paths[readable] = paths.get(readable, {}) | item
    return wire_names


def _name_parameters(parameters: list[dict[str, Any]]) -> dict[str, str]:
    keys = [
        (each["in"], each["name"])
        for each in parameters
        if each["in"] != "header" or each["name"].lower() not in IGNORED_HEADERS
    ]
    attributes = {key: names.attribute(key[1]) for key in keys}
    places: dict[str, list[str]] = {}
    for (place, _), attribute in attributes.items():
        places.setdefault(attribute, []).append(place)
    for (place, name), attribute in list(attributes.items()):
        among = places[attribute]
        if attribute in _CALL or (len(among) > 1 and len(set(among)) == len(among)):
            attributes[place, name] = f"{attribute}_{place}"  # as the generator does
    renamed = _disambiguated(attributes)
    for each in parameters:
        if each["in"] != "path" and (new := renamed.get((each["in"], each["name"]))):
            each["name"] = new
    return {new: key[1] for key, new in renamed.items()}


def _in_route(route: str) -> dict[str, str]:
    """The parameters in a path, with names that the generator can parse."""
    readable = {
        name: name if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else names.snake(name) or names.digest(name)
        for name in re.findall(r"{([^{}]*)}", route)
    }
    holders = Counter(names.attribute(new) for new in readable.values())
    for name, new in readable.items():
        if holders[names.attribute(new)] > 1 and name != names.attribute(name):
            readable[name] = _with_suffix(new, name)
    return readable


def _disambiguated(attributes: dict[Any, str]) -> dict[Any, str]:
    """New names where attributes collide; a name that equals its attribute is kept."""
    holders = Counter(attribute.lower() for attribute in attributes.values())
    renamed = dict[Any, str]()
    for key, attribute in attributes.items():
        name = key if isinstance(key, str) else key[1]
        if not is_visible(name) or (holders[attribute.lower()] > 1 and name != attribute):
            renamed[key] = _with_suffix(attribute, name if isinstance(key, str) else " ".join(key))
    return renamed


def _with_suffix(attribute: str, key: str) -> str:
    shown = "".join(filter(is_visible, attribute)).strip("_")
    return f"{shown or 'field'}_{names.digest(key)}"
