"""README's way from a task to its video ends, whatever the relay answers; in time, and without a second submission."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import pytest

import recorded
from another import Package
from calling import TLS, TOKEN
from checkout import PYTHON, ROOT, run
from contract_check.relay.standin import Answer, Relay, front_error

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 500
DOWNLOAD = Answer(body=VIDEO, headers={"Content-Type": "video/mp4"})
CUT = Answer(body=VIDEO, headers={"Content-Type": "video/mp4"}, cut=70_000)
TASK_ID = recorded.body("succeed")["data"]["task_id"]
Fetch = Callable[..., None]


@pytest.fixture(scope="module")
def recipe(package: Package) -> dict[str, Any]:
    """The recipe as README gives it; its Chinese twin shows the same code."""
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(_code(package), "README.md", "exec"), names)
    return names


def _code(package: Package) -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```py\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return str(code).replace("generated_client", package.folder.name)


@pytest.fixture(params=["sync", "asyncio"])
def fetch(request: pytest.FixtureRequest, package: Package, package_relay: Relay, recipe: dict[str, Any]) -> Fetch:
    """Fetches the video of a task from the stand-in, in each of the two ways."""
    connect = package.load("client").AuthenticatedClient

    def sync(to: File, **settings: float) -> None:
        with connect(package_relay.url, token=TOKEN, verify_ssl=TLS) as client:
            recipe["fetch_video"](client, TASK_ID, to, **{"pause": 0, **settings})

    async def on_a_loop(to: File, **settings: float) -> None:
        async with connect(package_relay.url, token=TOKEN, verify_ssl=TLS) as client:
            await recipe["afetch_video"](client, TASK_ID, to, **{"pause": 0, **settings})

    def asynchronous(to: File, **settings: float) -> None:
        asyncio.run(on_a_loop(to, **settings))

    return sync if request.param == "sync" else asynchronous


def test_a_video_is_waited_for_and_downloaded(fetch: Fetch, package_relay: Relay, tmp_path: File) -> None:
    unknown = recorded.body("processing")
    unknown["data"]["status"] = "WARMING_UP"
    for answer in (
        *(recorded.answer(state) for state in ("just_submitted", "submitted", "processing")),
        *(Answer.json(unknown), front_error(503, "无可用渠道"), Answer(429), Answer(silent=True)),
        *(recorded.answer("succeed"), DOWNLOAD),
    ):
        package_relay.answer(answer)

    fetch(tmp_path / "视频 1.mp4")

    assert (tmp_path / "视频 1.mp4").read_bytes() == VIDEO
    assert [request.method for request in package_relay.requests] == ["GET"] * 9
    assert list(tmp_path.iterdir()) == [tmp_path / "视频 1.mp4"]


def test_a_download_that_was_cut_is_begun_again(fetch: Fetch, package_relay: Relay, tmp_path: File) -> None:
    to = tmp_path / "video.mp4"
    for answer in (recorded.answer("succeed"), CUT, recorded.answer("succeed"), DOWNLOAD):
        package_relay.answer(answer)

    fetch(to)

    assert to.read_bytes() == VIDEO


def test_a_file_appears_whole_or_not_at_all(fetch: Fetch, package_relay: Relay, tmp_path: File) -> None:
    to = tmp_path / "video.mp4"
    for _ in range(2_000):
        package_relay.answer(recorded.answer("succeed"))
        package_relay.answer(CUT)

    with pytest.raises(TimeoutError, match="last seen: "):
        fetch(to, within=0.2)

    assert not to.exists()


def test_a_failure_gives_the_relays_reason(
    fetch: Fetch, recipe: dict[str, Any], package_relay: Relay, tmp_path: File
) -> None:
    package_relay.answer(recorded.answer("failed"))

    with pytest.raises(recipe["VideoFailed"], match="Failure to pass the risk control system"):
        fetch(tmp_path / "video.mp4")


@pytest.mark.parametrize(
    ("answer", "said"),
    [(recorded.answer("upstream_no_id"), "NOT_START"), (Answer(silent=True), "disconnected")],
    ids=["never begun", "silent"],
)
def test_what_never_changes_ends_at_the_deadline(
    answer: Answer, said: str, fetch: Fetch, package_relay: Relay, tmp_path: File
) -> None:
    package_relay.always(answer)

    with pytest.raises(TimeoutError, match=f"last seen: .*{said}"):
        fetch(tmp_path / "video.mp4", within=0.1, pause=0.01)


@pytest.mark.parametrize(
    ("answer", "code"),
    [(recorded.answer("unknown_id"), "task_not_exist"), (front_error(401, "Invalid token"), None)],
    ids=["unknown id", "token"],
)
def test_what_no_waiting_mends_is_raised_at_once(
    answer: Answer, code: str | None, package: Package, fetch: Fetch, package_relay: Relay, tmp_path: File
) -> None:
    package_relay.answer(answer)

    with pytest.raises(package.load("errors").ApiError) as raised:
        fetch(tmp_path / "video.mp4")

    assert raised.value.code == code
    assert len(package_relay.requests) == 1


def test_the_pause_that_the_relay_asks_for_is_kept(fetch: Fetch, package_relay: Relay, tmp_path: File) -> None:
    package_relay.answer(Answer(429, headers={"Retry-After": "180"}))

    with pytest.raises(TimeoutError):
        fetch(tmp_path / "video.mp4", within=179)

    assert len(package_relay.requests) == 1


@pytest.mark.parametrize("package", ["with_status_query"], indirect=True)
def test_the_recipe_is_typed(package: Package, tmp_path: File) -> None:
    file = tmp_path / "recipe.py"
    file.write_text(_code(package), encoding="utf-8")

    done = run([PYTHON, "-m", "mypy", "--strict", file], cwd=tmp_path, env={"MYPYPATH": str(package.folder.parent)})

    assert done.returncode == 0, done.stdout
