"""Redirects: only those of GET and HEAD are followed, without credentials to another origin."""

from typing import Final

import httpx

_NO_CREDENTIALS: Final = {"accept", "accept-encoding", "host", "user-agent"}
"""Headers that are sent to another origin: any other may be a credential."""


def is_followed(response: httpx.Response) -> bool:
    """Whether to follow a redirect: sending anything but GET and HEAD again may cost money twice."""
    return response.next_request is not None and response.request.method in ("GET", "HEAD")


def leaves_origin(response: httpx.Response, following: httpx.Request) -> bool:
    """Whether a redirect leads to another scheme, host or port."""
    return following.url.join("/") != response.request.url.join("/")


def carry_headers(response: httpx.Response, following: httpx.Request) -> None:
    """Drop credentials if a redirect leaves the origin; otherwise restore the cookies that httpx dropped."""
    cookies = response.request.headers.get("Cookie")
    if leaves_origin(response, following):
        raw = following.headers.raw
        following.headers = httpx.Headers([each for each in raw if each[0].lower().decode() in _NO_CREDENTIALS])
    elif cookies:
        following.headers["Cookie"] = cookies
