"""The suite speaks of what users install: the built wheel, and nothing of the checkout."""

import sys
from importlib.metadata import distribution
from pathlib import Path as File

import contract_check
import generated_client
from another import Package
from checkout import tree

CHECKOUT = File(__file__).parents[2]


def test_the_package_comes_from_the_environment() -> None:
    package = File(generated_client.__file__).parent
    assert package.parent.name == "site-packages"
    assert package.parent.is_relative_to(sys.prefix)
    assert File(str(distribution("relay-client").locate_file("generated_client"))) == package


def test_what_all_operations_share_differs_in_title_and_server_alone(gateway: Package) -> None:
    """So what a test shows of the other document's package holds for the one that users install."""
    ours, theirs = (_shared(folder) for folder in (File(generated_client.__file__).parent, gateway.folder))
    assert ours.keys() == theirs.keys()
    lines = [pair for name in ours for pair in zip(ours[name], theirs[name], strict=True) if pair[0] != pair[1]]
    assert {line.split('"')[0] for pair in lines for line in pair} == {"", "        base_url: str | httpx.URL = "}
    assert len(lines) == 3


def _shared(package: File) -> dict[str, list[str]]:
    """The lines of each module that is neither an operation's nor a model's."""
    texts = {name: content.decode().splitlines() for name, content in tree(package).items()}
    return {name: lines for name, lines in texts.items() if name.partition("/")[0] not in ("api", "models")}


def test_the_checkout_is_not_on_the_path() -> None:
    places = [File(entry or ".").resolve() for entry in sys.path]
    assert CHECKOUT not in places
    assert not [place for place in places if (place / "contract_check").exists()]


def test_only_the_checkout_s_own_tool_comes_from_the_checkout() -> None:
    """tests/checkout_import.py imports it by its place; what it imports in turn is what users install."""
    assert File(contract_check.__file__).parent == CHECKOUT / "contract_check"
    beside = {name.partition(".")[0] for name, module in sys.modules.items() if _is_in_checkout(module)}
    assert beside == {"contract_check"}


def _is_in_checkout(module: object) -> bool:
    file = File(getattr(module, "__file__", None) or "/")
    folders = {"contract_check", "generated_client", "benchmarks", "examples"}
    return file.is_relative_to(CHECKOUT) and file.relative_to(CHECKOUT).parts[0] in folders
