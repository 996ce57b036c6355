"""Which redirects are followed, and what goes along: those of a GET or HEAD, without credentials to another origin."""

from typing import Final

import httpx

_NO_CREDENTIALS: Final = {"accept", "accept-encoding", "host", "user-agent"}
"""Headers that may go to another origin: any other may hold a credential."""


def is_followed(response: httpx.Response) -> bool:
    """Whether the client sends again: anything but a GET or HEAD may cost money a second time."""
    return response.next_request is not None and response.request.method in ("GET", "HEAD")


def leaves_origin(response: httpx.Response, following: httpx.Request) -> bool:
    """Whether a redirect leads to another scheme, host or port."""
    return following.url.join("/") != response.request.url.join("/")


def carry_headers(response: httpx.Response, following: httpx.Request) -> None:
    """Drop credentials from a request to another origin; restore the cookies that httpx dropped from any other."""
    cookies = response.request.headers.get("Cookie")
    if leaves_origin(response, following):
        raw = following.headers.raw
        following.headers = httpx.Headers([each for each in raw if each[0].lower().decode() in _NO_CREDENTIALS])
    elif cookies:
        following.headers["Cookie"] = cookies
