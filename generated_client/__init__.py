"""A client library for accessing Kling 图生视频"""

TYPE_CHECKING = False  # type checkers know it by its name; loading typing takes longer than all else here
if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client
else:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import client

        return getattr(client, name)


__all__ = ("AuthenticatedClient", "Client")
