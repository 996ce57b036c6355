"""Requests that the document does not describe: client.request()."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from .._values import bodies, codecs
from ..errors import InvalidArgument
from ..types import Response
from .results import Rules

ANY_SUCCESS: Final[Rules] = ((200, 299, "none", codecs.ANY, ()),)
_JSON: Final = (("application/json", "json", codecs.ANY, dict[str, str]()),)


def undocumented(method: str, path: str, json: Any, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of the request, in the form of those of an operation."""
    if not re.fullmatch(r"[A-Za-z]+", method):
        raise InvalidArgument(f"method must be an HTTP method, such as GET, not {method!r}")
    if not re.fullmatch(r"/[^\s?#]*", path):  # never another host: the token belongs to base_url
        raise InvalidArgument(f"path must begin with / and have no query, fragment or blanks, not {path!r}; see params")
    query = {"params": list(httpx.QueryParams(params).multi_items())} if params else {}
    return {"method": method.lower(), "url": path, "accept": "*/*", **query, **bodies.body(_JSON, json)}


def whole(operation: Mapping[str, Any], base_url: str, response: Response[Any]) -> httpx.Response:
    """The response as an httpx.Response, decompressed."""
    headers = [pair for pair in response.headers.multi_items() if pair[0] not in ("content-encoding", "content-length")]
    request = httpx.Request(operation["method"], base_url + operation["url"])
    return httpx.Response(response.status_code, headers=headers, content=response.content, request=request)
