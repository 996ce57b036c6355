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


def take_along(response: httpx.Response, following: httpx.Request) -> None:
    """Takes the credentials off the request that `response` redirects to, or puts back those that httpx took off."""
    cookies = response.request.headers.get("Cookie")
    if leaves_origin(response, following):
        kept = [(name, value) for name, value in following.headers.items() if name in _NO_CREDENTIALS]
        following.headers = httpx.Headers(kept)
    elif cookies:
        following.headers["Cookie"] = cookies
