"""What there is, at a glance: docs/api.md, and the pages that `make docs` builds."""

import re
from pathlib import Path as File

import pytest

from checkout import PYTHON, ROOT, run
from generated_client import models
from operations import Operation


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> File:
    folder = tmp_path_factory.mktemp("pages")
    done = run([PYTHON, "-m", "pdoc", "--docformat", "google", "--output-directory", folder, "generated_client"])
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_each_operation_is_in_the_list(operation: Operation) -> None:
    listed = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert f"`{operation}`" in listed


def test_each_operation_has_a_page(pages: File) -> None:
    listed = re.findall(r"\]\(\.\./generated_client/(api/\S+)\.py\)", (ROOT / "docs" / "api.md").read_text("utf-8"))
    assert [name for name in listed if not (pages / "generated_client" / f"{name}.html").is_file()] == []


def test_each_model_is_on_its_page(pages: File) -> None:
    page = (pages / "generated_client" / "models.html").read_text(encoding="utf-8")
    assert [name for name in models.__all__ if f'id="{name}"' not in page] == []
