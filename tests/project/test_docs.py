"""The site that `make docs` builds: strict, so that a broken link fails, and with every public name in its reference."""

from collections.abc import Iterator
from pathlib import Path as File

import pytest

import generated_client
from checkout import PYTHON, ROOT, run
from generated_client import models
from operations import OPERATIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> File:
    folder = tmp_path_factory.mktemp("site")
    done = run([PYTHON, "-m", "mkdocs", "build", "--quiet", "--site-dir", folder], env={"NO_MKDOCS_2_WARNING": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def _names() -> Iterator[str]:
    for name in generated_client.__all__:
