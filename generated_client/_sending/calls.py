"""Send a request through httpx: follow redirects of GET and HEAD, and explain errors."""

from typing import Any, Final, cast

import httpx

from ..errors import NOT_SENT
from .redirects import carry_headers, is_followed, leaves_origin
from .token import Token
from .transport_errors import clear_locals, explain

_AUTH_OF_THE_CLIENT: Final = cast("Any", httpx.USE_CLIENT_DEFAULT)


def send(http: httpx.Client, request: httpx.Request, token: Token | None, *, follow_redirects: bool) -> httpx.Response:
    """Return the open response; raises httpx.TransportError, and what the caller's hooks raise."""
    auth = _AUTH_OF_THE_CLIENT
    if token:
        token.add_to(request.headers)
    for redirects in range(http.max_redirects + 1):
        try:
            response = http.send(request, auth=auth, stream=True, follow_redirects=False)
        except httpx.TransportError as error:
            clear_locals(error)
            raise _explained(error, request, redirects) from error.__cause__
        finally:
            _hide(token, request)
        following = response.next_request
        if following is None or not (follow_redirects and is_followed(response)):
            return response
        response.close()
        if leaves_origin(response, following):
            auth = None  # never restore credentials after leaving the origin
        carry_headers(response, following)
        request = following
    raise _too_many(http, request)


async def asend(
    http: httpx.AsyncClient, request: httpx.Request, token: Token | None, *, follow_redirects: bool
) -> httpx.Response:
    """Async version of send()."""
    import asyncio  # slow to load, and not needed by threads

    auth = _AUTH_OF_THE_CLIENT
    if token:
        token.add_to(request.headers)
    for redirects in range(http.max_redirects + 1):
        try:
            response = await http.send(request, auth=auth, stream=True, follow_redirects=False)
        except httpx.TransportError as error:
            clear_locals(error)
            raise _explained(error, request, redirects) from error.__cause__
        except asyncio.CancelledError as error:
            clear_locals(error)
            raise
        finally:
            _hide(token, request)
        following = response.next_request
        if following is None or not (follow_redirects and is_followed(response)):
            return response
        await response.aclose()
        if leaves_origin(response, following):
            auth = None
        carry_headers(response, following)
        request = following
    raise _too_many(http, request)


def _hide(token: Token | None, request: httpx.Request) -> None:
    if token:
        token.hide_in(request.headers)


def _explained(error: httpx.TransportError, request: httpx.Request, redirects: int) -> httpx.TransportError:
    """Add the text to `error`; after a redirect, replace an error of NOT_SENT, because the first request was sent."""
    explain(error, request)
    if redirects and isinstance(error, NOT_SENT):
        return httpx.ReadError(f"{error} (after {redirects} of its redirects)", request=request)
    return error


def _too_many(http: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.TooManyRedirects:
    text = f"{request.method} {request.url.path}: more than {http.max_redirects} redirects"
    return httpx.TooManyRedirects(text, request=request)
