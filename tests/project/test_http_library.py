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
REFUSED = httpx2.MockTransport(lambda _: httpx2.Response(401, json={"error": {"message": "no such token"}}))

for options in ({}, {"httpx_args": {"transport": REFUSED}}, {"base_url": "http://127.0.0.1:9"}):
    client = AuthenticatedClient(**{"base_url": os.environ["RELAY_BASE_URL"], "token": "sk-x"} | options)
    for call in (operation.sync, lambda **given: asyncio.run(operation.asyncio(**given))):
        try:
            print(type(call(client=client, body=BODY)).__name__)
        except (errors.ApiError, httpx2.ConnectError) as error:
            print(type(error).__name__)
"""


def test_one_setting_switches_the_package_to_httpx2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen_contract: Contract
) -> None:
    text = (ROOT / "generator" / "config.yaml").read_text(encoding="utf-8")
    config, package = tmp_path / "config.yaml", tmp_path / "检出 out" / "generated_client"
    config.write_text(text.replace("http_library: httpx\n", "http_library: httpx2\n"), encoding="utf-8")
    monkeypatch.setattr(settings, "read", partial(settings.read, config))
    # The overlays without the line that adds the status query, which then leaves nothing of it.
    overlays = [ROOT / "generator" / name for name in ("overlay.yaml", "gateway.yaml")]
    done = generate(package, "--document", FROZEN, *(f"--overlay={each}" for each in overlays))
    assert done.returncode == 0, done.stderr
    files = tree(package)
    assert [name for name, content in files.items() if re.search(rb"\b(httpx|httpcore)\b", content)] == []
    operations = [name for name in files if re.search(r"^api/\w+/[a-z]", name)]
    assert operations == ["api/videos/create_kling_image_to_video.py"]
    assert b"_tasks" not in files[operations[0]]
    with Relay(frozen_contract) as relay:
        done = run([PYTHON, "-c", CALLS], cwd=package.parent, env={"RELAY_BASE_URL": relay.url})
    assert done.stdout.split() == ["VideoTask"] * 2 + ["ApiError"] * 2 + ["ConnectError"] * 2, done.stderr
    assert (len(relay.chargeable), relay.problems) == (2, [])


def test_another_library_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("overlays: []\nhttp_library: requests\n", encoding="utf-8")
    with pytest.raises(Refusal, match=r"config\.yaml:2: `http_library` is not one of httpx, httpx2\."):
        settings.read(config)
