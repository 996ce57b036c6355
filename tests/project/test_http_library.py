"""`http_library: httpx2` in config.yaml moves the package to httpx's fork."""

import re
from functools import partial
from pathlib import Path

import pytest

from checkout import FROZEN, PYTHON, ROOT, generate, run, tree
from contract_check.document import settings
from contract_check.document.defects import Refusal
from contract_check.relay.standin import Contract, Relay

CALLS = """\
import asyncio, os, sys
sys.modules["httpx"] = sys.modules["httpcore"] = None  # importing either fails
import httpx2
from generated_client import AuthenticatedClient, errors
from generated_client.api.videos import create_kling_image_to_video as operation
from generated_client.models import KlingImageToVideoRequest

BODY = KlingImageToVideoRequest(model="kling-v1", prompt="走", image="https://example.com/image.jpg", duration=5)
REFUSAL = {"error": {"message": "no such token"}}


def down(request):
    raise httpx2.ConnectError("refused")


def call(transport, way):
    options = {"httpx_args": {"transport": transport}} if transport else {}
    client = AuthenticatedClient(base_url=os.environ["RELAY_BASE_URL"], token="sk-x", **options)
    try:
        found = getattr(operation, way)(client=client, body=BODY)
        found = asyncio.run(found) if "asyncio" in way else found
        return type(found).__name__
    except (errors.ApiError, httpx2.ConnectError) as error:
        return type(error).__name__


for transport in (None, httpx2.MockTransport(lambda _: httpx2.Response(401, json=REFUSAL)), httpx2.MockTransport(down)):
    print(*(call(transport, way) for way in ("sync", "sync_detailed", "asyncio", "asyncio_detailed")))
"""
OUTCOMES = """\
VideoTask Response VideoTask Response
ApiError Response ApiError Response
ConnectError ConnectError ConnectError ConnectError
"""


def test_one_setting_switches_the_package_to_httpx2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen_contract: Contract
) -> None:
    text = (ROOT / "generator" / "config.yaml").read_text(encoding="utf-8")
    config, package = tmp_path / "config.yaml", tmp_path / "检出 out" / "generated_client"
    config.write_text(text.replace("http_library: httpx\n", "http_library: httpx2\n"), encoding="utf-8")
    monkeypatch.setattr(settings, "read", partial(settings.read, config))
    package.parent.mkdir()
    # The overlays without the line that adds the status query, which then leaves nothing of it.
    overlays = [ROOT / "generator" / name for name in ("overlay.yaml", "gateway.yaml")]
    done = generate(package, "--document", FROZEN, *(f"--overlay={each}" for each in overlays))
    assert done.returncode == 0, done.stderr
    files = tree(package)
    assert [name for name, content in files.items() if re.search(rb"\b(httpx|httpcore)\b", content)] == []
    assert [name for name in files if re.search(r"^api/\w+/[a-z]", name)] == [
        "api/videos/create_kling_image_to_video.py"
    ]
    assert b"_tasks" not in files["api/videos/create_kling_image_to_video.py"]
    with Relay(frozen_contract) as relay:
        done = run([PYTHON, "-c", CALLS], cwd=package.parent, env={"RELAY_BASE_URL": relay.url})
    assert done.stdout == OUTCOMES, done.stderr
    assert (len(relay.chargeable), relay.problems) == (4, [])


def test_another_library_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("overlays: []\nhttp_library: requests\n", encoding="utf-8")
    with pytest.raises(Refusal, match=r"config\.yaml:2: `http_library` is not one of httpx, httpx2\."):
        settings.read(config)
