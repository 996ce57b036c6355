"""A client library for accessing Kling 图生视频"""

TYPE_CHECKING = False  # type checkers know it by its name; loading typing takes longer than all else here
if TYPE_CHECKING:
    from . import api, client, errors, models, types
    from .client import AuthenticatedClient, Client
    from .errors import (
        NOT_SENT,
        ApiError,
        ClientClosed,
        DeadlineExceeded,
        DecodeError,
        InvalidArgument,
        ResponseError,
        ResponseTooLarge,
        UnexpectedStatus,
        may_have_been_charged,
    )
    from .types import UNSET, File, Response, Unset

    __version__: str
else:
    _MODULES = {
        "client": ("AuthenticatedClient", "Client"),
        "errors": (
            "NOT_SENT",
            "ApiError",
            "ClientClosed",
            "DeadlineExceeded",
            "DecodeError",
            "InvalidArgument",
            "ResponseError",
            "ResponseTooLarge",
            "UnexpectedStatus",
            "may_have_been_charged",
        ),
        "types": ("UNSET", "File", "Response", "Unset"),
        "api": (),
        "models": (),
    }

    def __getattr__(name):
        from importlib import import_module

        if name == "__version__":
            from importlib.metadata import PackageNotFoundError, version

            try:
                globals()[name] = version("relay-client")
            except PackageNotFoundError:  # a copied folder, not an installed wheel
                globals()[name] = "unknown"
            return globals()[name]
        for module, names in _MODULES.items():
            if name == module or name in names:
                found = import_module(f".{module}", __name__)
                globals()[name] = found if name == module else getattr(found, name)
                return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = (
    "NOT_SENT",
    "UNSET",
    "ApiError",
    "AuthenticatedClient",
    "Client",
    "ClientClosed",
    "DeadlineExceeded",
    "DecodeError",
    "File",
    "InvalidArgument",
    "Response",
    "ResponseError",
    "ResponseTooLarge",
    "UnexpectedStatus",
    "Unset",
    "__version__",
    "api",
    "client",
    "errors",
    "may_have_been_charged",
    "models",
    "types",
)
