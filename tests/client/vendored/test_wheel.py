"""What ships is the wheel, and all behaviour that is shown of another document's package holds for it."""

import sys
from importlib.metadata import distribution
from pathlib import Path

import contract_check
import frozen
import generated_client
from another import Package
from checkout import ROOT, tree
from contract_check.relay.standin import Contract

WHEEL = Path(generated_client.__file__).parent


def test_the_package_comes_from_the_environment() -> None:
    assert WHEEL.parent.name == "site-packages"
    assert WHEEL.parent.is_relative_to(sys.prefix)
    assert Path(str(distribution("relay-client").locate_file("generated_client"))) == WHEEL


def test_only_contract_check_comes_from_the_checkout() -> None:
    """tests/checkout_import.py imports it by its place; what it imports in turn is the installed package."""
    places = [Path(entry or ".").resolve() for entry in sys.path]
    assert ROOT not in places
    assert not [place for place in places if (place / "contract_check").exists()]
    assert Path(contract_check.__file__).parent == ROOT / "contract_check"
    files = {name.partition(".")[0]: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    folders = [ROOT / name for name in ("contract_check", "generated_client", "benchmarks", "examples")]
    beside = {name for name, file in files.items() if any(Path(file or "/").is_relative_to(each) for each in folders)}
    assert beside == {"contract_check"}


def _shared(package: Path) -> dict[str, list[str]]:
    """The lines of each module that is neither an operation's nor a model's."""
    texts = {name: content.decode().splitlines() for name, content in tree(package).items()}
    return {name: lines for name, lines in texts.items() if name.partition("/")[0] not in ("api", "models")}


def test_shared_modules_differ_in_title_and_server_only(gateway: Package) -> None:
    ours = _shared(WHEEL)
    for folder in (gateway.folder, frozen.FOLDER / "generated_client"):
        theirs = _shared(folder)
        assert ours.keys() == theirs.keys()
        lines = [pair for name in ours for pair in zip(ours[name], theirs[name], strict=True) if pair[0] != pair[1]]
        assert {line.split('"')[0] for pair in lines for line in pair} <= {"", "        base_url: str | httpx.URL = "}
        assert len(lines) <= 3


def test_the_default_base_url_is_the_document_s_server(contract: Contract, gateway: Package) -> None:
    for client, document in ((generated_client.Client, contract), (gateway.load("client").Client, gateway.contract)):
        assert client().base_url == document.document["servers"][0]["url"]
