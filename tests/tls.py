"""TLS for the stand-in, and for clients that are to trust it."""

import ssl
from typing import Any

import trustme


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's TLS under `names`, warranted by `authority`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate: Any = authority.issue_cert(*names)  # trustme's types name a library that is not there.
    certificate.configure_cert(context)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS that trusts `authority`."""
    context = ssl.create_default_context()
    trusted: Any = authority
    trusted.configure_trust(context)
    return context
