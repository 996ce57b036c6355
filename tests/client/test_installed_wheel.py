"""The suite speaks of what users install: the built wheel, and nothing of the checkout."""

import sys
from importlib.metadata import distribution
from pathlib import Path as File

import generated_client

CHECKOUT = File(__file__).parents[2]


def test_the_package_comes_from_the_environment() -> None:
    package = File(generated_client.__file__).parent
    assert package.parent.name == "site-packages"
    assert package.parent.is_relative_to(sys.prefix)
    assert File(str(distribution("relay-client").locate_file("generated_client"))) == package


def test_the_checkout_is_not_on_the_path() -> None:
    places = [File(entry or ".").resolve() for entry in sys.path]
    assert CHECKOUT not in places
    assert not [place for place in places if (place / "contract_check").exists()]
