"""`http_library` in config.yaml decides what generated code sends by; the wheel and its description follow.

How the package behaves on httpx2, `make test-httpx2` tells, by the same tests as on httpx.
"""

import importlib.util
import re
import tomllib
from pathlib import Path as File
from typing import Any

import pytest

from checkout import PYTHON, ROOT, copy, run, say_httpx2, tree
from contract_check.document import settings
from contract_check.document.defects import Refusal

HOOK = ROOT / "generator" / "dependencies.py"
LISTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["metadata"]["hooks"]


def test_the_package_names_httpx2_wherever_it_names_httpx(tmp_path: File) -> None:
    checkout = copy(tmp_path / "检出 out")
    assert run([checkout / "generate.sh"]).returncode == 0
    before = tree(checkout / "generated_client")
    say_httpx2(checkout)

    done = run([checkout / "generate.sh"])

    assert done.returncode == 0, done.stderr
    after = tree(checkout / "generated_client")
    words = re.compile(rb"\b(httpx|httpcore)2?\b")
    assert [name for name, content in after.items() if re.search(rb"\b(httpx|httpcore)\b", content)] == []
    assert {name: len(words.findall(content)) for name, content in after.items()} == {
        name: len(words.findall(content)) for name, content in before.items()
    }
    gate = run([PYTHON, "-m", "contract_check"], cwd=checkout, env={"PYTHONPATH": str(checkout)})
    assert gate.returncode == 0, gate.stdout


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_the_wheel_asks_for_that_library_only(library: str, tmp_path: File) -> None:
    (tmp_path / "generated_client").mkdir()
    (tmp_path / "generated_client" / "errors.py").write_text(f"import json\n\nimport {library}\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("On httpx, with httpx_args. 中文", encoding="utf-8")
    metadata: dict[str, Any] = {}

    _hook(tmp_path).update(metadata)

    names = {re.split(r"\W", requirement)[0] for requirement in metadata["dependencies"]}
    assert names & {"httpx", "httpx2"} == {library}
    assert "attrs" in names
    assert metadata["readme"]["text"] == f"On {library}, with httpx_args. 中文"


def _hook(root: File) -> Any:
    spec = importlib.util.spec_from_file_location("dependencies", HOOK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Dependencies(str(root), LISTS["custom"])


def test_another_library_is_refused(tmp_path: File) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("overlays: []\nhttp_library: requests\n", encoding="utf-8")

    with pytest.raises(Refusal, match=r"config\.yaml:2: `http_library` is none of httpx, httpx2\."):
        settings.read(config)


def test_without_the_setting_it_is_httpx(tmp_path: File) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("overlays: []\n", encoding="utf-8")

    assert settings.read(config).http_library == "httpx"
