"""The settings of a client, checked where they are given: each check returns what is kept, or says what is wrong."""

import math
import os
import re
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.request import getproxies

import httpx

_OF_THE_CLIENT: Final = {
    "base_url": "base_url",
    "headers": "headers or with_headers()",
    "cookies": "cookies or with_cookies()",
    "timeout": "timeout or with_timeout()",
    "follow_redirects": "follow_redirects",
    "verify": "verify_ssl",
    "auth": "token: `auth` would replace it",
}
"""Arguments of httpx that httpx_args must not have, and what to use instead."""


def base_url(value: Any) -> str:
    """http(s)://host, maybe with a port and a path."""
    problem = "base_url must be http(s)://host, maybe a port and a path, but no user, query, fragment or blank"
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, TypeError):
        raise ValueError(problem) from None
    is_address = url.scheme in ("http", "https") and url.host and not url.userinfo
    if not is_address or re.search(r"[?#\s]", value) or not (url.port is None or 0 < url.port < 65536):
        raise ValueError(problem)
    return str(value).rstrip("/")


def deadline(value: Any) -> float | None:
    """Seconds above 0, or None for no deadline."""
    return None if value is None else _number("deadline", value, "seconds above 0, or None", lowest=math.ulp(0))


def max_response_bytes(value: Any) -> int | None:
    """A number of bytes from 0 on, or None for no limit."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"max_response_bytes must be a whole number of bytes, or None, not {value!r}")
    if value is not None and value < 0:
        raise ValueError(f"max_response_bytes must be 0 or more, or None for no limit, not {value}")
    return value


def timeout(value: Any) -> httpx.Timeout:
    """Seconds for each step: a number, None for no limit, or an httpx.Timeout."""
    if value is None or isinstance(value, httpx.Timeout):
        found = httpx.Timeout(value)
    else:
        found = httpx.Timeout(_number("timeout", value, "seconds, None or an httpx.Timeout", lowest=0))
    for step, seconds in found.as_dict().items():
        if seconds is not None:
            _number(f"timeout's {step}", seconds, "seconds, or None", lowest=0)
    return found


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def headers(value: Mapping[str, str] | None) -> httpx.Headers:
    """Headers that HTTP can carry."""
    found = httpx.Headers(value)
    for name, text in found.multi_items():
        header_name("headers", name)
        if re.search(r"[\r\n\0]", text):
            raise ValueError(f"headers: the value of {name} has a line break")
    return found


def header_name(where: str, value: Any) -> str:
    """A name that HTTP allows."""
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise ValueError(f"{where}: {value!r} is no name of a header")
    return value


def prefix(value: Any) -> str:
    """What goes before the token: visible ASCII characters and blanks."""
    if not isinstance(value, str) or not re.fullmatch(r"[ -~]*", value):
        raise ValueError("prefix must be visible ASCII characters, or empty")
    return value


def verify_ssl(value: Any) -> ssl.SSLContext | str | bool:
    """True, False, an SSLContext, or the path of a file or folder with certificates that is there."""
    if isinstance(value, bool | ssl.SSLContext):
        return value
    path = str(value)
    if not os.path.exists(path):  # noqa: PTH110  # pathlib takes 10 ms to import
        raise FileNotFoundError(f"verify_ssl: there is no file {path!r}")
    return path


def httpx_args(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """Arguments of httpx.Client and httpx.AsyncClient, but for those that the client itself has."""
    found = dict(value or {})
    for name in found:
        if name in _OF_THE_CLIENT:
            raise ValueError(f"httpx_args: not {name}; use the client's own {_OF_THE_CLIENT[name]}")
        if name not in _httpx_names():
            import difflib  # slow to load, and needed for the message only

            near = difflib.get_close_matches(name, _httpx_names(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TypeError(f"httpx_args: httpx.Client has no argument {name}{hint}")
    if found.get("trust_env", True) and "transport" not in found and "proxy" not in found:
        _check_socks()
    return found


def _httpx_names() -> list[str]:
    import inspect  # slow to load, and needed for these arguments only

    return [name for name in inspect.signature(httpx.Client.__init__).parameters if name != "self"]


def _check_socks() -> None:
    """A proxy that httpx can't speak to: it would say so at the first call only."""
    proxies = {name: url for name, url in getproxies().items() if url.startswith("socks")}
    if proxies and not find_spec("socksio"):
        [name, *_] = proxies
        raise ImportError(
            f"the environment's {name} proxy speaks SOCKS: pip install 'httpx[socks]', or unset it, "
            "or give httpx_args={'trust_env': False}"
        )


def _number(name: str, value: Any, wanted: str, *, lowest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be {wanted}, not {value!r}")
    if not lowest <= value < math.inf:  # NaN is in no order
        raise ValueError(f"{name} must be {wanted}, not {value}")
    return value
