"""What there is, at a glance: docs/api.md, and the pages that `make docs` builds."""

import re
from pathlib import Path

import pdoc
import pytest
from pdoc import render

from checkout import ROOT
from contract_check.relay.standin import Contract
from generated_client import models


def test_each_operation_and_model_is_in_the_list_and_on_a_page(
    tmp_path: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [each for each in contract.operations if f"`{each}`" not in listed] == []
    monkeypatch.chdir(tmp_path)  # else pdoc warns that there is a folder of the package's name
    render.configure(docformat="google")
    pdoc.pdoc("generated_client", output_directory=tmp_path)  # pytest turns any other warning into an error
    modules = re.findall(r"\]\(\.\./generated_client/(api/\S+)\.py\)", listed)
    assert [name for name in modules if not (tmp_path / "generated_client" / f"{name}.html").is_file()] == []
    page = (tmp_path / "generated_client" / "models.html").read_text(encoding="utf-8")
    assert [name for name in models.__all__ if f'id="{name}"' not in page] == []
