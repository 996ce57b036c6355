"""The package of the frozen document, for tests of behaviour that does not depend on the vendored document.

It is generated once per checkout, and again if an input of the generation changes.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkout import FROZEN, ROOT, run
from contract_check.history import revisions
from contract_check.package.package import Package

_overlays = [ROOT / "generator" / name for name in ("status-query.yaml", "overlay.yaml", "gateway.yaml")]
_layers = {each.name: each.read_bytes() for each in _overlays}
_made = revisions.make("tests/documents/relay.json", FROZEN.read_bytes(), _layers)
FOLDER: Path = _made.package.parent
"""The folder from which a test's process imports `generated_client`."""

if TYPE_CHECKING:  # The vendored package has the same modules, except for names from the document.
    from generated_client import AuthenticatedClient as AuthenticatedClient
    from generated_client import Client as Client
    from generated_client import errors as errors
    from generated_client import types as types
    from generated_client._values import large_bodies as large_bodies
    from generated_client.api.videos import create_kling_image_to_video as create_kling_image_to_video
    from generated_client.api.videos import get_kling_image_to_video as get_kling_image_to_video
    from generated_client.models import KlingImageToVideoRequest as KlingImageToVideoRequest
else:
    _package = Package(FOLDER / "generated_client")
    errors, types, _client, _models = map(_package.module, ("errors", "types", "client", "models"))
    large_bodies = _package.module("_values.large_bodies")
    create_kling_image_to_video = _package.module("api.videos.create_kling_image_to_video")
    get_kling_image_to_video = _package.module("api.videos.get_kling_image_to_video")
    AuthenticatedClient, Client = _client.AuthenticatedClient, _client.Client
    KlingImageToVideoRequest = _models.KlingImageToVideoRequest

PROMPTED = KlingImageToVideoRequest(model="kling-v1", prompt="走")


def submit(client: AuthenticatedClient) -> str:
    """Submit a task; return its status."""
    return create_kling_image_to_video.sync(client=client, body=PROMPTED).status


async def asubmit(client: AuthenticatedClient) -> str:
    """The same on an event loop."""
    return (await create_kling_image_to_video.asyncio(client=client, body=PROMPTED)).status


def variables(error: BaseException | None) -> list[str]:
    """The local variables in the package's own frames of a chain of exceptions, as a logger prints them."""
    found = list[str]()
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if Path(frame.f_code.co_filename).is_relative_to(FOLDER):
                found += map(repr, frame.f_locals.values())
        error = error.__cause__ or error.__context__
    assert found
    return found


def play(function: str, url: str, *arguments: str) -> Any:
    """Call a function of workers.py in a process, with warnings as errors; return its result."""
    command = [sys.executable, "-P", Path(__file__).with_name("workers.py"), function, url, *arguments]
    done = run(command, env={"PYTHONPATH": str(FOLDER), "PYTHONWARNINGS": "error"})
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)
