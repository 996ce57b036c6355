"""A client library for accessing Kling 图生视频"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import api, client, errors, models, types
    from .client import AuthenticatedClient, Client
else:

    def __getattr__(name):
        from importlib import import_module

        if name in ("AuthenticatedClient", "Client"):
            return getattr(import_module(".client", __name__), name)
        if name in __all__:
            return import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ("AuthenticatedClient", "Client", "api", "client", "errors", "models", "types")
