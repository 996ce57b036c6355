"""`http_library: httpx2` in config.yaml moves the package to httpx's fork."""

import re
from pathlib import Path as File

import pytest

from checkout import PYTHON, copy, run, tree
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


def test_one_setting_moves_the_package_to_httpx2(tmp_path: File) -> None:
    checkout = copy(tmp_path / "检出 out")
    config = checkout / "generator" / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("http_library: httpx\n", "http_library: httpx2\n"), encoding="utf-8")

    generated = run([checkout / "generate.sh"])

    assert generated.returncode == 0, generated.stderr
    package = tree(checkout / "generated_client")
    assert [name for name, content in package.items() if re.search(rb"\b(httpx|httpcore)\b", content)] == []
    with Relay(Contract.of(checkout / "relay.json")) as relay:
        done = run([PYTHON, "-c", CALLS], cwd=checkout, env={"RELAY_BASE_URL": relay.url})
    assert done.stdout == OUTCOMES, done.stderr
    assert (len(relay.chargeable), relay.problems) == (4, [])


def test_another_library_is_refused(tmp_path: File) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("overlays: []\nhttp_library: requests\n", encoding="utf-8")

    with pytest.raises(Refusal, match=r"config\.yaml:2: `http_library` is none of httpx, httpx2\."):
        settings.read(config)
