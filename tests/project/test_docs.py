"""`make docs`: the site is built strictly, so that a broken link fails, and its reference has every public name."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import generated_client
from checkout import PYTHON, run
from generated_client import AuthenticatedClient, api, models

pytestmark = pytest.mark.slow
_FOR_GENERATED_CODE = {"acall", "astream", "call", "for_attempt", "mask", "stream", "unexpected_body"}


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names that have an entry in the reference."""
    folder: Path = tmp_path_factory.mktemp("site")
    done = run([PYTHON, "-m", "mkdocs", "build", "--quiet", "--site-dir", folder], env={"NO_MKDOCS_2_WARNING": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    pages = "".join(page.read_text(encoding="utf-8") for page in (folder / "reference").glob("*.html"))
    return set(re.findall(r'id="generated_client\.([\w.]+)"', pages))


def test_the_reference_has_every_public_name_and_method_of_a_client(documented: set[str]) -> None:
    modules = ("api", "client", "errors", "models", "types")
    names = {name for name in generated_client.__all__ if name not in (*modules, "__version__")}
    assert {name for name in names if not documented & {name, f"errors.{name}", f"types.{name}"}} == set()
    assert {f"models.{name}" for name in models.__all__} <= documented
    methods = {name for name in dir(AuthenticatedClient) if not name.startswith("_")} - _FOR_GENERATED_CODE
    assert {"close", "set_httpx_client", "set_token", "with_deadline"} <= methods
    assert {f"AuthenticatedClient.{name}" for name in methods} <= documented


def test_the_reference_has_every_function_of_an_operation(documented: set[str]) -> None:
    modules = [each.name for each in walk_packages(api.__path__, "generated_client.api.") if not each.ispkg]
    assert modules
    for module in modules:
        functions = {
            name
            for name, value in vars(import_module(module)).items()
            if callable(value) and name[0] != "_" and value.__module__ == module
        }
        assert {"sync_detailed", "asyncio_detailed", "stream", "astream"} <= functions
        assert {f"{module.partition('.')[2]}.{name}" for name in functions} <= documented
