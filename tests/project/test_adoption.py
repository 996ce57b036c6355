"""A larger document is adopted by the README's steps, and its loop of submit, poll and download runs."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path as File

import pytest

from checkout import PYTHON, ROOT, copy, run
from contract_check.relay.standin import Answer, Contract, Relay, front_error

ADOPTED = ROOT / "tests" / "documents" / "adopted.json"
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 500
RUN = """
import asyncio, sys
from pathlib import Path
namespace = {"__name__": "recipe"}
exec(compile(Path(sys.argv[1]).read_text("utf-8"), "README", "exec"), namespace)
way, url, to, within = sys.argv[2], sys.argv[3], Path(sys.argv[4]), float(sys.argv[5])
body = namespace["KlingImageToVideoRequest"](model="kling-v1", prompt="宇航员站起身走了", image="https://example.com/i.jpg")
client = namespace["AuthenticatedClient"](base_url=url, token="sk-" + "test")
settings = {"within": within, "wait": 0.01}
async def call():
    async with client:
        return await namespace["amake_video"](client, body, to, **settings)
if way == "asyncio":
    print(asyncio.run(call()))
else:
    with client:
        print(namespace["make_video"](client, body, to, **settings))
"""


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> File:
    """A checkout that has adopted the document, by the README's steps."""
    root = copy(tmp_path_factory.mktemp("adopted") / "checkout")
    shutil.copy2(ADOPTED, root / "relay.json")
    python = root / ".venv" / "bin" / "python"
    suggested = run([python, "-m", "contract_check", "document", "relay.json", "--suggest"], cwd=root)
    assert suggested.returncode == 0, suggested.stderr
    _, _, actions = suggested.stdout.partition("actions:")
    if actions.strip() != "[]":
        with (root / "generator" / "overlay.yaml").open("a", encoding="utf-8") as overlay:
            overlay.write(actions)
    generated = run(["./generate.sh"], cwd=root)
    assert generated.returncode == 0, generated.stderr
    return root


@pytest.mark.slow
def test_the_gate_is_green(adopted: File) -> None:
    checked = run([adopted / ".venv" / "bin" / "python", "-m", "contract_check"], cwd=adopted)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_users_are_told_of_what_is_new() -> None:
    told = run([PYTHON, "-m", "contract_check", "diff", "relay.json", ADOPTED, "--format", "json"])
    difference = json.loads(told.stdout)
    assert difference["verdict"] == "minor"
    draft = run([PYTHON, "-m", "contract_check", "diff", "relay.json", ADOPTED, "--format", "markdown"]).stdout
    for operation in ("get_kling_image_to_video", "download_kling_video", "upload_file"):
        assert operation in json.dumps(difference["changes"])
        assert operation in draft


@pytest.fixture(scope="module")
def larger_contract() -> Contract:
    return Contract.of(ADOPTED)


@pytest.fixture
def larger_relay(larger_contract: Contract) -> Iterator[Relay]:
    with Relay(larger_contract) as relay:
        yield relay


@pytest.fixture
def recipe(tmp_path: File) -> File:
    """The recipe as the README gives it; its Chinese twin shows the same code."""
    (code,) = re.findall(r"^```py\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    file = tmp_path / "recipe.py"
    file.write_text(code, encoding="utf-8")
    return file


def _state(status: str) -> Answer:
    return Answer.json({"task_id": "abcd1234efgh", "status": status})


def _cook(
    recipe: File, adopted: File, way: str, relay: Relay, to: File, within: float = 20
) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", RUN, recipe, way, relay.url, to, within]
    return run(arguments, cwd=to.parent, env={"PYTHONPATH": str(adopted), "PYTHONUTF8": "1"})


@pytest.mark.parametrize("way", ["sync", "asyncio"])
def test_a_task_is_submitted_once_polled_and_downloaded(
    recipe: File, adopted: File, larger_relay: Relay, tmp_path: File, way: str
) -> None:
    larger_relay.answer(_state("queued"))
    for passing in (_state("in_progress"), front_error(503, "无可用渠道"), Answer(silent=True), _state("warming_up")):
        larger_relay.answer(passing)
    larger_relay.answer(_state("completed"))
    larger_relay.answer(Answer(body=VIDEO, headers={"Content-Type": "video/mp4"}))
    video = tmp_path / "视频.mp4"
    cooked = _cook(recipe, adopted, way, larger_relay, video)
    assert cooked.stdout == "abcd1234efgh\n", cooked.stderr
    assert video.read_bytes() == VIDEO
    methods = [request.method for request in larger_relay.requests]
    assert methods == ["POST", "GET", "GET", "GET", "GET", "GET", "GET"]


@pytest.mark.parametrize("way", ["sync", "asyncio"])
@pytest.mark.parametrize(
    ("states", "within", "told"),
    [
        ([_state("failed")], 20, "VideoFailed"),
        ([_state("warming_up")] * 500, 0.05, "TimeoutError: still warming_up"),
        ([front_error(404, "task not found")], 20, "ApiError: GET"),
    ],
    ids=["failed", "never done", "gone"],
)
def test_a_task_that_comes_to_nothing_ends_the_loop(
    recipe: File,
    adopted: File,
    larger_relay: Relay,
    tmp_path: File,
    way: str,
    states: list[Answer],
    within: float,
    told: str,
) -> None:
    for state in [_state("queued"), *states]:
        larger_relay.answer(state)
    cooked = _cook(recipe, adopted, way, larger_relay, tmp_path / "video.mp4", within)
    assert cooked.returncode == 1
    assert told in cooked.stderr
    assert [request.method for request in larger_relay.requests].count("POST") == 1
