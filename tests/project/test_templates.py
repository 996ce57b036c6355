"""Each of the project's templates is needed; a change of the upstream text that they modify stops the run."""

import os
import re
import shutil
import sys
from pathlib import Path

import openapi_python_client
import pytest

from checkout import PYTHON, ROOT, contract_check, copy, generate, generate_once, run, tree
from generated import GATEWAY
from generator import making
from specimens import write

FOLDER = ROOT / "generator" / "templates"
TEMPLATES = {file.relative_to(FOLDER).as_posix(): file.read_text("utf-8") for file in FOLDER.rglob("*.jinja")}
UPSTREAM = Path(openapi_python_client.__file__).parent

PROOFS = {
    "endpoint_module.py.jinja": "vendored/test_operations.py::test_a_plain_call_returns_the_success_or_raises",
    "model.py.jinja": "vendored/test_operations.py::test_each_operation_sends_and_reads_what_is_documented",
    "models_init.py.jinja": "vendored/test_imports.py::test_importing_the_package_or_its_models",
    "package_init.py.jinja": "vendored/test_imports.py::test_importing_the_package_or_its_models",
}
"""The test in tests/client that fails without a template; without any other template, the generation stops."""

PASSAGES = [
    ("model.py.jinja", "@_attrs_define"),
    ("model.py.jinja", "    def to_dict(self) -> dict[str, Any]:"),
    ("model.py.jinja", "    def additional_keys"),
    ("endpoint_macros.py.jinja", "errors.UnexpectedStatus: If the server returns"),
    ("endpoint_macros.py.jinja", "httpx.TimeoutException: If the request takes longer"),
]
"""The passages of upstream's templates that ours replace or remove."""


def test_unformatted_generated_code_has_one_statement_per_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_FORMAT", ())
    assert generate(tmp_path / "generated_client").returncode == 0
    options = ["--isolated", "--no-cache", "--select", "E401,E701,E702,E703,E731"]
    done = run([PYTHON.with_name("ruff"), "check", *options, tmp_path / "generated_client"])
    assert done.returncode == 0, done.stdout


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the templates and modules for a test to change."""
    folder = shutil.copytree(ROOT / "generator", tmp_path / "generator")
    monkeypatch.setattr(making, "_GENERATOR", folder)
    return folder / "templates"


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of upstream's templates for a test to change."""
    folder = tmp_path / UPSTREAM.name
    monkeypatch.setattr(openapi_python_client, "__file__", str(folder / "__init__.py"))
    return shutil.copytree(UPSTREAM / "templates", folder / "templates")


def _assert_stops(folder: Path, *words: str) -> None:
    done = generate(folder / "generated_client")
    assert done.returncode == 1, done.stdout
    printed = " ".join(done.stderr.split())  # the generator wraps lines at the terminal's width
    assert all(word in printed for word in words), done.stderr
    assert not (folder / "generated_client").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_without_a_template_its_test_fails(own: Path, tmp_path: Path, name: str) -> None:
    (own / name).unlink()
    if name not in PROOFS:
        _assert_stops(tmp_path)
        return
    assert generate(tmp_path / "generated_client").returncode == 0
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-q", f"tests/client/{PROOFS[name]}"]
    environment = {"PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": "", "PYTEST_XDIST_WORKER": ""}
    proof = run(command, env={**os.environ, **environment})
    assert proof.returncode != 0, proof.stdout
    assert re.search(rf"(FAILED|ERROR) tests/client/{PROOFS[name].partition(':')[0]}", proof.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "passage"), PASSAGES)
def test_a_changed_upstream_passage_stops_the_run(upstream: Path, tmp_path: Path, name: str, passage: str) -> None:
    text = (upstream / name).read_text(encoding="utf-8")
    assert passage in text
    write(upstream, text.replace(passage, passage[:-3] + "_" + passage[-3:]), name)
    _assert_stops(tmp_path, "upstream's text lacks or repeats")


def test_a_duplicate_upstream_passage_stops_the_run(upstream: Path, tmp_path: Path) -> None:
    twice = "    @property\n    def additional_keys(self) -> list[str]:\n        return []\n"
    write(upstream, (upstream / "model.py.jinja").read_text(encoding="utf-8") + twice, "model.py.jinja")
    _assert_stops(tmp_path, "upstream's text lacks or repeats", "additional_keys")


def _attributes() -> list[str]:
    """The attributes of the generator's objects that the templates read."""
    names = "endpoint|model|property|one|parameter|body|response|status_code|data|prop|source|class_info|patterns"
    jinja = "".join(re.findall(r"\{[%{].*?[%}]\}", "".join(TEMPLATES.values()), re.DOTALL))
    return sorted(set(re.findall(rf"\b(?:{names})\.(\w+)", jinja)))


@pytest.mark.slow
@pytest.mark.parametrize("name", _attributes())
def test_a_renamed_generator_attribute_stops_the_run(shared: Path, tmp_path: Path, name: str) -> None:
    """An upgrade may rename it in upstream's own templates, too."""
    cures = write(tmp_path, contract_check("document", GATEWAY, "--suggest").stdout, "cures.yaml")
    given = ("--document", GATEWAY, "--overlay", cures)
    generate_once(shared / "expected_client", *given)
    root, output = copy(tmp_path / "checkout"), tmp_path / "generated_client"
    shutil.copytree(UPSTREAM, root / UPSTREAM.name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (root / UPSTREAM.name).rglob("*"):
        if file.suffix in (".py", ".jinja"):
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(rf"\b{name}\b", f"{name}_moved", text), encoding="utf-8")
    done = run([root / "generate.sh", "--output", output, *given], cwd=root)
    if done.returncode == 0:
        made = {path: code.replace(b"_moved", b"") for path, code in tree(output).items()}
        assert made == tree(shared / "expected_client")
    else:  # the generator itself no longer imports: an error of the environment
        assert done.returncode in (1, 2)
        assert not output.exists()
