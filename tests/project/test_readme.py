"""The READMEs are correct: code runs unchanged, commands and links exist.

Each ```python block is independent, and runs against a stand-in under the relay's own host name: the environment sets
it as the proxy, and trusts its certificate authority. `<!-- relay: NAME -->` above a block selects the stand-in's
scenario for its next request. A ```text block right below is the expected output, where `...` matches anything.
"""

import ast
import asyncio
import base64
import doctest
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from calling import TOKEN
from checkout import ROOT, contract_check, generate, in_process, run
from contract_check.relay.standin import Contract, Relay
from generated_client import ApiError, AuthenticatedClient, Client
from readme import FENCED, FILES, PAGES, READMES, Block, blocks, found
from servers import refusing, server_tls

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


# Code


@pytest.fixture
def named_relay(
    contract: Contract, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Relay]:
    """The stand-in under the relay's own host names: the document's, and those in README."""
    given = [url for block in blocks("python") for url in re.findall(r'base_url="(https://[^"]+)', block.code)]
    hosts = {str(urlsplit(url).hostname) for url in (Client().base_url, *given)}
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with Relay(contract, tls=server_tls(authority, *hosts), proxy=True) as relay:
        monkeypatch.setenv("HTTPS_PROXY", relay.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        yield relay


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_code_runs_unchanged(
    block: Block,
    named_relay: Relay,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if block.relay:
        named_relay.answer(block.relay)
    code = compile("\n" * (block.line - 1) + block.code, ROOT / block.file, "exec")
    names: dict[str, Any] = {"__name__": "readme"}
    exec(code, names)
    for name in [name for name in names if name.startswith("test_")]:
        names[name]()
    assert named_relay.problems == []
    assert bool(named_relay.requests) == _calls(block)
    if block.prints is not None:
        printed = capsys.readouterr().out
        assert doctest.OutputChecker().check_output(block.prints, printed, doctest.ELLIPSIS), printed


def _calls(block: Block) -> bool:
    """Whether the block calls the relay, and not only a mock or in a function definition."""
    if "MockTransport" in block.code:
        return False
    top = [node for node in ast.parse(block.code).body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return re.search(r"\.sync(_detailed)?\(|asyncio\.run\(", "\n".join(map(ast.unparse, top))) is not None


Act = Callable[[Any, Any], Awaitable[Any]]


@pytest.fixture
def serve(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], Any]:
    """Run the service example, and let a function act on its module and its client."""
    [block] = [block for block in blocks("python") if "async def lifespan" in block.code]
    names: dict[str, Any] = {"__name__": "service"}
    exec(compile(block.code, block.file, "exec"), names)
    service, app = SimpleNamespace(**names), SimpleNamespace(state=SimpleNamespace())
    monkeypatch.setenv("RELAY_TOKEN", TOKEN)
    monkeypatch.setenv("RELAY_BASE_URL", relay.url)

    async def live(act: Act) -> Any:
        async with service.lifespan(app):
            return await act(service, app.state.relay)

    return lambda act: asyncio.run(live(act))


def test_the_service_submits_a_picture_and_logs_a_refusal_with_its_request_id(
    serve: Callable[[Act], Any], relay: Relay, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture = tmp_path / "图片.png"
    picture.write_bytes(b"\x89PNG picture")
    assert serve(lambda service, client: service.submit(client, "走", picture))
    assert base64.b64decode(relay.request.json["image"]) == picture.read_bytes()
    assert relay.request.headers["authorization"] == f"Bearer {TOKEN}"
    relay.wait_until_idle()
    relay.answer("no_quota")
    with caplog.at_level(logging.DEBUG), pytest.raises(ApiError):
        serve(lambda service, client: service.submit(client, "走", picture))
    assert relay.requests[1].id in caplog.text
    assert TOKEN not in caplog.text


def test_the_service_is_ready_where_a_relay_takes_its_token(serve: Callable[[Act], Any], relay: Relay) -> None:
    assert serve(lambda service, client: service.is_ready(client))
    assert relay.chargeable == []
    for refusal in ("bad_token", "console", "upstream"):
        relay.answer(refusal)
        assert not serve(lambda service, client: service.is_ready(client))
    relay.problems.clear()  # the empty prompt is a departure
    with refusing() as url:
        assert not serve(lambda service, _: service.is_ready(AuthenticatedClient(url, token=TOKEN)))


# Both languages


def test_the_first_call_is_on_the_first_screen() -> None:
    for file in READMES:
        first = next(block for block in found(file) if block.language == "python")
        assert first.line < 25
        assert "create_kling_image_to_video.sync(client=client, body=KlingImageToVideoRequest(" in first.code


@pytest.mark.parametrize(("english", "chinese"), PAGES)
def test_both_languages_have_the_same_blocks_chapters_and_tables(english: str, chinese: str) -> None:
    assert [block.essence for block in found(english)] == [block.essence for block in found(chinese)]
    shape = re.compile(r"^(#+ |\| |- |\d\. )", re.MULTILINE)
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in (english, chinese)]
    assert shape.findall(texts[0]) == shape.findall(texts[1])


# Commands and links


def _commands() -> list[str]:
    """Each command in a README, in a block or in a sentence."""
    shown = [line for block in blocks("sh", "console") for line in block.code.splitlines()]
    for file in FILES:
        prose = FENCED.sub("", (ROOT / file).read_text(encoding="utf-8"))
        shown += re.findall(r"`((?:make|[./\w]*python -m contract_check|\./generate\.sh)(?: [^`]*)?)`", prose)
    plain = (re.sub(r"\s*#.*", "", line) for line in shown)
    return sorted({part.strip() for line in plain for part in line.split("&&") if part.strip()})


ELSEWHERE = ("pip install dist/*.whl", "git ", "PYTHONPATH=. .venv/bin/python examples/batch_dask ")
"""The beginnings of commands that test_package.py, nobody and tests/examples run."""


@pytest.mark.parametrize("command", [command for command in _commands() if not command.startswith(ELSEWHERE)])
def test_a_command_exists(command: str) -> None:
    program, *words = command.split()
    if program == "make":
        target, *settings = words
        assert re.search(rf"^{target}:.*##", MAKEFILE, re.MULTILINE)
        assert [s for s in settings if f"$({s.partition('=')[0]})" not in MAKEFILE] == []
        return
    if program == "./generate.sh":
        done = generate(ROOT / "generated_client", "--help")
    else:
        assert command.startswith(("python -m contract_check", ".venv/bin/python -m contract_check"))
        done = contract_check(*words[2:3], "--help")
    assert done.returncode == 0
    assert [option for option in re.findall(r"--\w+", command) if option not in done.stdout] == []


def test_make_help_lists_each_documented_target() -> None:
    listed = re.findall(r"^make ([\w-]+) ", run(["make", "help"]).stdout, re.MULTILINE)
    assert listed == re.findall(r"^([\w-]+):.*##", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_every_link_resolves(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    folders = "contract_check|generator|tests|examples|benchmarks|docs|[.]github"
    for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:", link):
            path, _, anchor = link.partition("#")
            target = (ROOT / file).parent / path if path else ROOT / file
            assert target.exists(), link
            assert not anchor or anchor in _anchors(target), link


def _anchors(file: Path) -> list[str]:
    headings = re.findall(r"^#+ (.*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


# make demo


def test_the_demo_prints_what_is_sent_and_received_and_no_token() -> None:
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


@pytest.mark.parametrize(("word", "code", "calls"), [("yes", 0, 1), ("y", 2, 0), (None, 2, 0)])
def test_the_demo_spends_only_if_a_person_agrees(asked: Relay, word: str | None, code: int, calls: int) -> None:
    spec: Any = spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    demo: Any = module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.SERVER = asked.url
    done = in_process(demo.main, "demo", env={"RELAY_TOKEN": TOKEN}, types=word)
    assert (done.returncode, len(asked.requests), len(asked.chargeable)) == (code, calls, calls)
    assert "charges" in done.stdout
    assert ("nothing is spent" in done.stderr) == (word is None)
    assert TOKEN not in done.stdout + done.stderr
