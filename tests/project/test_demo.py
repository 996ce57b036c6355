"""`make demo`: a typed task and a typed error from a stand-in, and no real money without consent."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from calling import TOKEN
from checkout import ROOT, in_process, run
from contract_check.relay.standin import Relay


def test_it_prints_what_is_sent_and_received_sync_async_and_refused_and_no_token() -> None:
    done = run(["make", "demo"], env={"PYTHONUTF8": "1"})
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^([<>] (?:POST .*|\d+))$", done.stdout, re.MULTILINE) == [
        *("> POST /kling/v1/videos/image2video", "< 200"),
        *("> POST /kling/v1/videos/image2video", "< 401"),
        *("> POST /kling/v1/videos/image2video", "< 200"),
    ]
    assert '"prompt":"宇航员站起身走了"' in done.stdout.replace('": "', '":"')
    assert len(re.findall(r"VideoTask\(.*task_id='\w+'", done.stdout)) == 2
    assert "generated_client.errors.ApiError: " in done.stdout
    assert "  .status_code = 401" in done.stdout
    assert "  .message = 'Invalid token (request id: " in done.stdout
    assert done.stdout.count("Authorization: Bearer sk-...\n") == 3
    assert "sk-" not in done.stdout.replace("sk-...", "")


@pytest.mark.parametrize(("word", "code", "calls"), [("yes", 0, 1), ("y", 2, 0), ("", 2, 0), (None, 2, 0)])
def test_it_spends_only_if_the_user_at_a_terminal_agrees(asked: Relay, word: str | None, code: int, calls: int) -> None:
    spec: Any = spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    demo: Any = module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.SERVER = asked.url
    done = in_process(demo.main, "demo", env={"RELAY_TOKEN": TOKEN}, types=word)
    assert (done.returncode, len(asked.requests), len(asked.chargeable)) == (code, calls, calls)
    assert "charges" in done.stdout
    assert ("nothing is spent" in done.stderr) == (word is None)
    assert TOKEN not in done.stdout + done.stderr
