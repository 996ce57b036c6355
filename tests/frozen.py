"""The package of the frozen document, for tests that look at the fields of its requests and answers.

It is made once for a checkout, and again whenever something that decides what is generated has changed.
"""

from typing import TYPE_CHECKING

from checkout import FROZEN, ROOT
from contract_check.history import revisions
from contract_check.package.package import Package

if TYPE_CHECKING:  # The vendored package has the same modules, but for what its document says.
    from generated_client import AuthenticatedClient, Client, errors, types
    from generated_client._values import large_bodies
    from generated_client.api.videos import create_kling_image_to_video
    from generated_client.models import ErrorResponse, KlingImageToVideoRequest
else:
    _overlay = ROOT / "generator" / "overlay.yaml"
    _made = revisions.make("tests/documents/relay.json", FROZEN.read_bytes(), [_overlay.read_bytes()])
    _package = Package(_made.packages[0])
    errors, types, _client, _models = map(_package.module, ("errors", "types", "client", "models"))
    large_bodies = _package.module("_values.large_bodies")
    create_kling_image_to_video = _package.module("api.videos.create_kling_image_to_video")
    AuthenticatedClient, Client = _client.AuthenticatedClient, _client.Client
    ErrorResponse, KlingImageToVideoRequest = _models.ErrorResponse, _models.KlingImageToVideoRequest

__all__ = [
    "AuthenticatedClient",
    "Client",
    "ErrorResponse",
    "KlingImageToVideoRequest",
    "create_kling_image_to_video",
    "errors",
    "large_bodies",
    "types",
]
