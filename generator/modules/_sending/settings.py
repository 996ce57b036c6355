"""Validate the settings of a client: each function returns the value to use, or raises InvalidArgument."""

import math
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final, cast

import httpx

from ..errors import InvalidArgument
from . import environment

_OF_THE_CLIENT: Final = {
    "base_url": "base_url",
    "headers": "headers or with_headers()",
    "cookies": "cookies or with_cookies()",
    "timeout": "timeout or with_timeout()",
    "follow_redirects": "follow_redirects",
    "verify": "verify_ssl",
    "auth": "token: `auth` would replace it",
}
"""Arguments of httpx that httpx_args must not contain, and the arguments to use instead."""
_ABOVE_0: Final = math.ulp(0)


def base_url(value: Any, name: str = "base_url") -> str:
    """Validate http(s)://host, with an optional port and path; a str or an httpx.URL."""
    problem = "must be http(s)://host, with an optional port and path, without user, query, fragment or blanks"
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, TypeError):
        raise InvalidArgument(f"{name} {problem}") from None
    is_address = url.scheme in ("http", "https") and url.host and not url.userinfo
    if not is_address or re.search(r"[?#\s]", str(value)) or not (url.port is None or 0 < url.port < 65536):
        raise InvalidArgument(f"{name} {problem}")
    return str(value).rstrip("/")


def deadline(value: Any) -> float | None:
    """Seconds above 0, or None for no deadline."""
    return None if value is None else _number("deadline", value, "seconds above 0, or None", lowest=_ABOVE_0)


def max_response_bytes(value: Any) -> int | None:
    """A number of bytes from 0 on, or None for no limit."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidArgument(f"max_response_bytes must be a whole number of bytes, or None, not {value!r}")
    if value is not None and value < 0:
        raise InvalidArgument(f"max_response_bytes must be 0 or more, or None for no limit, not {value}")
    return value


def max_retries(value: Any) -> int:
    """A number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument(f"max_retries must be a whole number from 0 on, not {value!r}")
    return value


def seconds(name: str, value: Any, *, may_be_0: bool = False) -> float:
    """Seconds above 0, or from 0 on."""
    wanted, lowest = ("seconds", 0) if may_be_0 else ("seconds above 0", _ABOVE_0)
    return _number(name, value, wanted, lowest=lowest)


def timeout(value: Any) -> httpx.Timeout:
    """Seconds for each step: a number, None for no limit, or an httpx.Timeout."""
    if value is None or isinstance(value, httpx.Timeout):
        found = httpx.Timeout(value)
    else:
        found = httpx.Timeout(_number("timeout", value, "seconds above 0, None or an httpx.Timeout", lowest=_ABOVE_0))
    for step, seconds in found.as_dict().items():
        if seconds is not None:  # pool may be 0, to not wait; with 0 for another step, no socket operation succeeds
            lowest, wanted = (0, "seconds") if step == "pool" else (_ABOVE_0, "seconds above 0")
            _number(f"timeout's {step}", seconds, f"{wanted}, or None", lowest=lowest)
    return found


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"{name} must be True or False, not {value!r}")
    return value


def headers(value: Mapping[str, str] | None) -> httpx.Headers:
    """Headers with valid names, and values without line breaks."""
    found = httpx.Headers(value)
    for name, text in found.multi_items():
        header_name("headers", name)
        if re.search(r"[\r\n\0]", text):
            raise InvalidArgument(f"headers: the value of {name} has a line break")
    return found


def cookies(value: Mapping[str, str] | None) -> dict[str, str]:
    """Cookies with valid names and values."""
    found = dict(value or {})
    for name, text in cast("dict[Any, Any]", found).items():
        if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name):
            raise InvalidArgument(f"cookies: {name!r} is not a valid name of a cookie")
        if not isinstance(text, str) or not re.fullmatch(r"[ -:<-~]*", text):
            raise InvalidArgument(f"cookies: the value of {name} must be ASCII text without semicolons or line breaks")
    return found


def header_name(where: str, value: Any) -> str:
    """A valid name of a header."""
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise InvalidArgument(f"{where}: {value!r} is not a valid name of a header")
    return value


def prefix(value: Any) -> str:
    """The text before the token: visible ASCII characters and blanks."""
    if not isinstance(value, str) or not re.fullmatch(r"[ -~]*", value):
        raise InvalidArgument("prefix must be visible ASCII characters, or empty")
    return value


def options(verify_ssl: Any, httpx_args: Mapping[str, Any] | None) -> dict[str, Any]:
    """Arguments of httpx.Client and httpx.AsyncClient, except those of the client itself."""
    found = dict(httpx_args or {})
    for name in found:
        if name in _OF_THE_CLIENT:
            raise InvalidArgument(f"httpx_args: {name} is not allowed; use the client's own {_OF_THE_CLIENT[name]}")
        if name not in _httpx_names():
            import difflib  # slow to load, and needed for the message only

            near = difflib.get_close_matches(name, _httpx_names(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidArgument(f"httpx_args: httpx.Client has no argument {name}{hint}")
    if found.get("proxy"):
        environment.proxy("httpx_args: proxy", str(getattr(found["proxy"], "url", found["proxy"])))
    elif found.get("trust_env", True) and not found.get("transport"):
        environment.proxies()
    if verify_ssl is True and found.get("trust_env", True) and not found.get("transport"):
        environment.check_certificates()
    return {"verify": _verify(verify_ssl), **found}


def _verify(value: Any) -> ssl.SSLContext | str | bool:
    """True, False, an SSLContext, or the path of an existing file or directory of certificates."""
    if isinstance(value, bool | ssl.SSLContext):
        return value
    path = str(value)
    if not os.path.exists(path):  # noqa: PTH110  # pathlib takes 10 ms to import
        raise FileNotFoundError(f"verify_ssl: {path!r} does not exist")
    return path


def _httpx_names() -> list[str]:
    import inspect  # slow to load, and needed for these arguments only

    return [name for name in inspect.signature(httpx.Client.__init__).parameters if name != "self"]


def _number(name: str, value: Any, wanted: str, *, lowest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(f"{name} must be {wanted}, not {value!r}")
    if not lowest <= value < math.inf:  # false for NaN, too
        raise InvalidArgument(f"{name} must be {wanted}, not {value}")
    return value
