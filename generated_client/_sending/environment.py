"""Proxies and certificates from the environment, as httpx reads them; errors name the variable."""

import os
import ssl
from importlib.util import find_spec
from urllib.request import getproxies

import httpx

from ..errors import InvalidArgument

_SCHEMES = ("http", "https", "all")


def proxies() -> dict[str, httpx.Proxy | None]:
    """The proxy for each pattern of URLs, or None for no proxy.

    Raises:
        InvalidArgument: A variable that httpx cannot use.
        ImportError: A SOCKS proxy, without the package socksio.
    """
    found = getproxies()  # on Windows and macOS, the system's settings as well
    excluded = [host for host in (each.strip() for each in found.get("no", "").split(",")) if host]
    if "*" in excluded:
        return {}
    mounts = {
        f"{scheme}://": proxy(_variable(f"{scheme}_proxy"), found[scheme]) for scheme in _SCHEMES if found.get(scheme)
    }
    return mounts | ({_excluded(host): None for host in excluded} if mounts else {})


def check_certificates() -> None:
    """Raise InvalidArgument if SSL_CERT_FILE or SSL_CERT_DIR has no certificates."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:
            raise InvalidArgument(
                f"SSL_CERT_FILE: {file!r} is not a readable file of PEM certificates ({error}); correct or unset it"
            ) from None
    elif folder and not os.path.isdir(folder):  # noqa: PTH112  # pathlib takes 10 ms to import
        raise InvalidArgument(f"SSL_CERT_DIR: {folder!r} is not a directory; correct or unset it")


def proxy(name: str, address: str) -> httpx.Proxy:
    """The proxy at `address`; `name` is the variable or argument that an error names."""
    try:
        found = httpx.Proxy(httpx.URL(address if "://" in address else f"http://{address}"))
        if not found.url.host:
            raise ValueError("it has no host")
    except (httpx.InvalidURL, ValueError):
        # Neither the address nor an error that quotes it is shown: it may contain a password.
        cure = "write it as http://user:password@host:port, with special characters of the password percent-encoded"
        if address.startswith("socks"):
            cure = "httpx supports socks5:// and socks5h:// only"
        raise InvalidArgument(f"{name} is not a proxy that httpx can use: {cure}, or unset it") from None
    if found.url.scheme.startswith("socks") and not find_spec("socksio"):
        raise ImportError(
            f"{name} names a SOCKS proxy: pip install 'httpx[socks]', or unset it, "
            "or pass httpx_args={'trust_env': False}"
        )
    return found


def _excluded(host: str) -> str:
    """The pattern, as httpx writes it, of the URLs that an entry of NO_PROXY excludes."""
    from ipaddress import ip_address  # slow to load

    try:
        version = f"IPv{ip_address(host.split('/')[0]).version}"
    except ValueError:
        version = "localhost" if host.lower() == "localhost" else ""
    if "://" in host:
        pattern = host
    elif version == "IPv6":
        pattern = f"all://[{host}]"
    else:
        pattern = f"all://{'' if version else '*'}{host}"
    try:
        httpx.URL(pattern)
    except httpx.InvalidURL:
        cure = "name hosts, domains or addresses (an IPv6 address without brackets and without /bits)"
        raise InvalidArgument(f"{_variable('no_proxy')}: httpx cannot use {host!r}; {cure}, or unset it") from None
    return pattern


def _variable(name: str) -> str:
    """The spelling in the environment of a variable that may be in upper or lower case."""
    return next((each for each in os.environ if each.lower() == name), name.upper())
