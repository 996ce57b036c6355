"""Choose the header for the client's token, and note the credentials that it does not cover."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from contract_check.document.operations import carrier, of
from contract_check.document.tree import JsonPath

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


def header(document: dict[str, Any]) -> tuple[str, str]:
    """The header of the client's token, and the prefix there: those that most operations require."""
    counted = Counter(
        next(filter(None, (_header(way[0]) for way in each.security if len(way) == 1)), _USUAL)
        for each in of(document)
        if each.security
    )
    return counted.most_common(1)[0][0] if counted else _USUAL


def notes(document: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Note the credentials other than the client's token, and the parameters that the token replaces."""
    usual, apart = header(document), dict[str, dict[str, Any]]()
    for operation in of(document):
        ways = operation.security
        if ways and not any({*map(_header, way)} == {usual} for way in ways):
            apart |= zip(operation.definition["security"][0], ways[0], strict=True)
    for name, scheme in apart.items():
        if _header(scheme) != usual:
            how = _ARGUMENTS[scheme.get("in", scheme["type"])].format(**scheme)
            sent = ": ".join(filter(None, usual))
            yield ("components", "securitySchemes", name), f"the token is sent as `{sent}`; pass this one as {how}."
    if usual == ("Authorization", "Basic"):
        yield ("components", "securitySchemes"), "the token is the Base64 text of `user:password`."
    for operation in of(document):
        for parameter in operation.parameters.values() if operation.security else ():
            if parameter["in"] == "header" and parameter["name"].lower() == usual[0].lower() != "authorization":
                problem = f"the client's token replaces the header parameter `{parameter['name']}`."
                yield operation.path, problem


def _header(scheme: dict[str, Any]) -> tuple[str, str] | None:
    """The header and prefix of a security scheme, or None if it does not use a header."""
    found = carrier(scheme)
    return found[1:] if found and found[0] == "header" else None
