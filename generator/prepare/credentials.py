"""Choose the header for the client's token, and note the credentials that it does not cover."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from contract_check.document.tree import JsonPath, operations, resolve

_USUAL = ("Authorization", "Bearer")
_ARGUMENTS = {
    "header": 'headers={{"{name}": ...}}',
    "query": 'httpx_args={{"params": {{"{name}": ...}}}}',
    "cookie": 'cookies={{"{name}": ...}}',
    "http": 'auth_header_name="Authorization", prefix="{scheme}"',
    "oauth2": 'auth_header_name="Authorization", prefix="Bearer"',
    "openIdConnect": 'auth_header_name="Authorization", prefix="Bearer"',
    "mutualTLS": "verify_ssl=context, an ssl.SSLContext with the certificate",
}
"""The arguments of a client for each kind of credential."""


def carrier(document: dict[str, Any]) -> tuple[str, str]:
    """The header and prefix of the client's token: those that most operations require."""
    firsts = (next(filter(None, (way[0] for way in ways if len(way) == 1)), _USUAL) for _, ways in _required(document))
    counted = Counter(firsts)
    return counted.most_common(1)[0][0] if counted else _USUAL


def notes(document: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Note the credentials other than the client's token, and the parameters that the token replaces."""
    usual, carriers = carrier(document), _carriers(document)
    apart = dict[str, None]()
    for required, ways in _required(document):
        if not any(set(way) == {usual} for way in ways):
            apart |= dict.fromkeys(name for name in required if carriers.get(name, usual) != usual)
    for name in apart:
        scheme = resolve(document, document["components"]["securitySchemes"][name])
        how = _ARGUMENTS[scheme.get("in", scheme["type"])].format(**scheme)
        sent = ": ".join(filter(None, usual))
        yield ("components", "securitySchemes", name), f"the token is sent as `{sent}`; pass this one as {how}."
    if usual == ("Authorization", "Basic"):
        yield ("components", "securitySchemes"), "the token is the Base64 text of `user:password`."
    for path, operation in operations(document):
        for parameter in operation.get("parameters", ()) if operation["security"] else ():
            if parameter["in"] == "header" and parameter["name"].lower() == usual[0].lower() != "authorization":
                yield path, f"the client's token replaces the header parameter `{parameter['name']}`."


def _required(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[list[tuple[str, str] | None]]]]:
    """For each operation with security, the first alternative, and the carriers of all alternatives."""
    carriers = _carriers(document)
    for _, operation in operations(document):
        if ways := operation["security"]:
            yield ways[0], [[carriers[name] for name in way if name in carriers] for way in ways]


def _carriers(document: dict[str, Any]) -> dict[str, tuple[str, str] | None]:
    """The header and prefix of each scheme, or None if it does not use a header."""
    found = dict[str, tuple[str, str] | None]()
    for name, given in document["components"].get("securitySchemes", {}).items():
        scheme = resolve(document, given)
        if scheme.get("type") == "apiKey":
            found[name] = (scheme["name"], "") if scheme["in"] == "header" else None
        elif scheme.get("type") == "mutualTLS":
            found[name] = None
        else:
            found[name] = ("Authorization", str(scheme.get("scheme", "bearer")).capitalize())
    return found
