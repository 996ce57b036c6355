"""The own templates are few, and each is needed; what they build on cannot move without a run that stops."""

import os
import re
import shutil
import sys
from pathlib import Path

import openapi_python_client
import pytest

from another import DOCUMENT
from checkout import PYTHON, ROOT, Completed, contract_check, copy, generate, generate_sh, run, tree

FOLDER = ROOT / "generator" / "templates"
TEMPLATES = {file.relative_to(FOLDER).as_posix(): file.read_text("utf-8") for file in FOLDER.rglob("*.jinja")}
MODULES = ROOT / "generator" / "modules"
GENERATOR = Path(openapi_python_client.__file__).parent

PROOFS = {
    "client.py.jinja": "stops",
    "endpoint/answers.jinja": "stops",
    "endpoint/arguments.jinja": "stops",
    "endpoint/docstring.jinja": "stops",
    "endpoint/tasks.jinja": "stops",
    "endpoint_module.py.jinja": "vendored/test_operations.py::test_a_plain_call_returns_the_success_or_raises",
    "model.py.jinja": "vendored/test_operations.py::test_a_model_round_trips",
    "models_init.py.jinja": "vendored/test_imports.py::test_importing_the_package_or_its_models",
    "package_init.py.jinja": "vendored/test_imports.py::test_importing_the_package_or_its_models",
    "shared/codecs.jinja": "stops",
    "shared/upstream.jinja": "stops",
}
"""For each template the test that turns red without it, or that the generation itself stops."""

PASSAGES = [
    ("model.py.jinja", "@_attrs_define"),
    ("model.py.jinja", "    def to_dict(self) -> dict[str, Any]:"),
    ("model.py.jinja", "    def additional_keys"),
    ("endpoint_macros.py.jinja", "errors.UnexpectedStatus: If the server returns"),
    ("endpoint_macros.py.jinja", "httpx.TimeoutException: If the request takes longer"),
]
"""What the templates replace, or cut out, of upstream's."""


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".py.jinja")])
def test_one_that_replaces_upstream_s_says_why_and_when_it_can_go(name: str) -> None:
    comment = re.match(r"\{#-?\s(.+?)\s-?#\}", TEMPLATES[name], re.DOTALL)
    assert comment
    assert re.search(r"\b(can go|goes) when\b", " ".join(comment[1].split()))


def test_generated_code_has_one_statement_a_line_before_it_is_formatted(root: Path) -> None:
    config = root / "generator" / "config.yaml"
    lines = [line for line in config.read_text("utf-8").splitlines() if "ruff" not in line]
    config.write_text("\n".join(lines), encoding="utf-8")
    assert _generate(root).returncode == 0
    command = ["ruff", "check", "--isolated", "--no-cache", "--select", "E401,E701,E702,E703,E731"]
    done = run([PYTHON.parent / command[0], *command[1:], root / "out" / "generated_client"])
    assert done.returncode == 0, done.stdout


def test_the_modules_come_into_the_package_as_they_are() -> None:
    package = tree(ROOT / "generated_client")
    modules = tree(MODULES)
    assert {name: package.get(name) for name in modules} == modules
    assert not any(text.count("{{") or text.count("{%") for text in map(bytes.decode, modules.values()))


def test_each_has_a_proof_that_it_is_needed() -> None:
    assert PROOFS.keys() == TEMPLATES.keys()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose templates, and whose generator, a test may change."""
    root = copy(tmp_path / "checkout")
    shutil.copytree(GENERATOR, root / GENERATOR.name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def _generate(root: Path, *arguments: object) -> Completed:
    """Generates in the checkout `root`, by what is there."""
    return generate_sh(root / "out" / "generated_client", *arguments, root=root, cwd=root)


def _assert_stopped(done: Completed, root: Path, *words: str) -> None:
    assert done.returncode == 1, done.stdout
    told = " ".join(done.stderr.split())  # the generator breaks lines where the terminal ends
    assert all(word in told for word in words), done.stderr
    assert not (root / "out" / "generated_client").exists()


def _prove(package: Path, *tests: str) -> Completed:
    """Runs tests of the client on `package` instead of the one that is installed."""
    nodes = [f"tests/client/{test}" for test in tests]
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-q", *nodes]
    environment = {"PYTHONPATH": str(package.parent), "PYTEST_ADDOPTS": "", "PYTEST_XDIST_WORKER": ""}
    return run(command, cwd=ROOT, env={**os.environ, **environment})


@pytest.mark.slow
def test_with_all_templates_every_proof_is_green(root: Path) -> None:
    assert _generate(root).returncode == 0
    done = _prove(root / "out" / "generated_client", *(proof for proof in PROOFS.values() if proof != "stops"))
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", PROOFS)
def test_without_a_template_a_test_turns_red(root: Path, name: str) -> None:
    (root / "generator" / "templates" / name).unlink()
    done = _generate(root)
    if PROOFS[name] == "stops":
        _assert_stopped(done, root)
        return
    assert done.returncode == 0, done.stderr
    proof = _prove(root / "out" / "generated_client", PROOFS[name])
    assert proof.returncode != 0, proof.stdout
    assert re.search(rf"(FAILED|ERROR) tests/client/{PROOFS[name].partition(':')[0]}", proof.stdout)


def _upstream(root: Path, name: str) -> Path:
    return root / GENERATOR.name / "templates" / name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "passage"), PASSAGES)
def test_a_passage_of_upstream_s_that_is_worded_anew_stops_the_run(root: Path, name: str, passage: str) -> None:
    file = _upstream(root, name)
    text = file.read_text(encoding="utf-8")
    assert passage in text
    file.write_text(text.replace(passage, passage[:-3] + "_" + passage[-3:]), encoding="utf-8")
    _assert_stopped(_generate(root), root, "upstream's text lacks or repeats")


def test_a_passage_of_upstream_s_that_comes_twice_stops_the_run(root: Path) -> None:
    file = _upstream(root, "model.py.jinja")
    twice = "    @property\n    def additional_keys(self) -> list[str]:\n        return []\n"
    file.write_text(file.read_text(encoding="utf-8") + twice, encoding="utf-8")
    _assert_stopped(_generate(root), root, "upstream's text lacks or repeats", "additional_keys")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(re.findall(r'"upstream/([\w.]+)"', "".join(TEMPLATES.values())))))
def test_a_template_of_upstream_s_that_is_gone_stops_the_run(root: Path, name: str) -> None:
    _upstream(root, name).unlink()
    _assert_stopped(_generate(root), root, name)


def _attributes() -> list[str]:
    """What the templates read of the generator's own objects."""
    names = "endpoint|model|property|one|parameter|body|response|status_code|data|prop|source|class_info|patterns"
    objects = rf"\b(?:{names})\.(\w+)"
    jinja = re.findall(r"\{[%{].*?[%}]\}", "".join(TEMPLATES.values()), re.DOTALL)
    return sorted(set(re.findall(objects, "".join(jinja))))


@pytest.fixture(scope="session")
def suggestion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mends the document that has everything in it."""
    file = tmp_path_factory.mktemp("suggestion") / "gateway.yaml"
    file.write_text(contract_check("document", DOCUMENT, "--suggest").stdout, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def expected(suggestion: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What comes of that document by the generator as it is."""
    package = tmp_path_factory.mktemp("expected") / "generated_client"
    assert generate(package, "--document", DOCUMENT, "--overlay", suggestion).returncode == 0
    return tree(package)


@pytest.mark.slow
@pytest.mark.parametrize("name", _attributes())
def test_an_attribute_of_the_generator_s_that_is_renamed_stops_the_run(
    root: Path, suggestion: Path, expected: dict[str, bytes], name: str
) -> None:
    """An upgrade may rename it together with all that upstream's own templates say of it."""
    for file in (root / GENERATOR.name).rglob("*"):
        if file.suffix in (".py", ".jinja"):
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(rf"\b{name}\b", f"{name}_moved", text), encoding="utf-8")
    done = _generate(root, "--document", DOCUMENT, "--overlay", suggestion)
    if done.returncode == 0:
        made = tree(root / "out" / "generated_client")
        assert {path: code.replace(b"_moved", b"") for path, code in made.items()} == expected
    else:  # where the generator itself cannot be imported any more, it is an environment that fails
        assert done.returncode in (1, 2)
        assert not (root / "out" / "generated_client").exists()
