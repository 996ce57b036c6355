"""generate.sh: what it makes of a sound document, the same bytes each time, wherever and however it runs."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path as File

import pytest

from checkout import FROZEN, ROOT, Completed, copy, generate, generate_sh, run, tree
from specimens import changed, request_properties, small, write

VENDORED = tree(ROOT / "generated_client")
CLOSED = "http://127.0.0.1:9"
WITHOUT_NETWORK = {"HTTP_PROXY": CLOSED, "HTTPS_PROXY": CLOSED, "ALL_PROXY": CLOSED, "PIP_NO_INDEX": "1"}


@pytest.fixture
def output(tmp_path: File) -> File:
    return tmp_path / "generated_client"


@dataclass(frozen=True)
class Made:
    """A run, and the package that came of it."""

    done: Completed
    package: File


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What the vendored document comes to, with a configuration of another project around it."""
    folder = tmp_path_factory.mktemp("made")
    configuration = '[tool.ruff]\nline-length = 40\nlint.select = ["ALL"]\nformat.quote-style = "single"\n'
    (folder / "pyproject.toml").write_text(configuration, encoding="utf-8")
    return Made(generate_sh(folder / "generated_client", cwd=folder), folder / "generated_client")


def test_the_vendored_package_is_what_the_vendored_document_gives(made: Made) -> None:
    assert made.done.returncode == 0, made.done.stderr
    assert all(line.startswith("warning: ") for line in made.done.stderr.splitlines())
    assert tree(made.package) == VENDORED


def test_a_run_tells_each_step_with_its_time_and_ends_with_a_summary(made: Made) -> None:
    lines = made.done.stdout.splitlines()
    steps = [line for line in lines if re.match(r" *\d+\.\d\d s  ", line)]
    assert [step.split()[2] for step in steps] == ["read", "generated", "put"]
    assert re.fullmatch(r"\d+ operations? in \d+ groups?, \d+ models?", lines[len(steps)])


@pytest.mark.slow
def test_a_run_tells_what_changed_against_the_previous_package(output: File, tmp_path: File) -> None:
    grown = changed(lambda document: request_properties(document).update(camera={"type": "string"}))
    shrunk = small()
    assert "changed" not in generate(output).stdout
    assert "no change" in generate(output).stdout
    assert (
        "changed models/kling_image_to_video_request.py"
        in generate(output, "--document", write(tmp_path, grown)).stdout
    )
    told = generate(output, "--document", write(tmp_path, shrunk)).stdout
    assert "added models/thing.py" in told
    assert "removed models/video_task.py" in told


def test_neither_the_hash_seed_nor_what_was_there_before_decides_anything(made: Made, output: File) -> None:
    shutil.copytree(made.package, output)
    (output / "models" / "stale.py").write_text("STALE = True\n", encoding="utf-8")
    (output / "stale").mkdir()
    (output / "py.typed").unlink()
    generate_sh(output, env={"PYTHONHASHSEED": "4242"})
    assert tree(output) == tree(made.package)


def test_the_package_holds_what_users_need_and_nothing_else(made: Made) -> None:
    output = made.package
    names = tree(output).keys()
    assert "py.typed" in names
    assert {File(name).suffix for name in names - {"py.typed"}} == {".py"}
    assert not list(output.rglob(".*"))
    assert not list(output.rglob("__pycache__"))


def test_nothing_is_left_beside_the_package(made: Made) -> None:
    assert sorted(entry.name for entry in made.package.parent.iterdir()) == ["generated_client", "pyproject.toml"]


def test_it_runs_from_anywhere_with_relative_paths(tmp_path: File) -> None:
    write(tmp_path, small(), "own.json")
    done = run([ROOT / "generate.sh", "--document", "own.json", "--output", "own_client"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "models/thing.py" in tree(tmp_path / "own_client")


def test_a_checkout_may_stand_anywhere_with_any_locale_and_without_network(tmp_path: File, output: File) -> None:
    generate(output, "--document", FROZEN)
    root = copy(tmp_path / "工作 目录 (1)" / "relay's client")
    isolated = ["unshare", "--map-root-user", "--net"]
    try:
        can_isolate = subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        can_isolate = False
    environment = {"LC_ALL": "C", "LANG": "C", **WITHOUT_NETWORK}
    done = run([*(isolated if can_isolate else []), root / "generate.sh"], cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert tree(root / "generated_client") == tree(output)


def test_generated_code_imports_under_any_folder_name(tmp_path: File) -> None:
    generate(tmp_path / "own_client", "--document", write(tmp_path, small()))
    code = "from own_client.api.things import create_thing; from own_client.models import Thing; print(Thing.__name__)"
    done = run([ROOT / ".venv" / "bin" / "python", "-c", code], cwd=tmp_path)
    assert done.stdout == "Thing\n", done.stderr


def test_help_names_every_option_and_exit_code() -> None:
    told = run([ROOT / "generate.sh", "--help"])
    assert told.returncode == 0
    for word in ("--document", "--overlay", "--output", "Exit codes", "0 ", "1 ", "2 "):
        assert word in told.stdout


@pytest.mark.parametrize("arguments", [["--documnt", "x"], ["--document"], ["stray"]], ids=" ".join)
def test_a_wrong_argument_is_refused(arguments: list[str]) -> None:
    refused = run([ROOT / "generate.sh", *arguments])
    assert refused.returncode == 2
    assert "usage: ./generate.sh" in refused.stderr


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: File) -> None:
    (tmp_path / "file").touch()
    refused = generate(tmp_path / "file" / "generated_client")
    assert refused.returncode == 2
    assert str(tmp_path / "file") in refused.stderr


def test_another_version_of_a_tool_than_the_pinned_one_is_refused(tmp_path: File) -> None:
    root = copy(tmp_path / "checkout")
    project = root / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    for tool in ("openapi-python-client", "ruff"):
        project.write_text(re.sub(f'"{tool}==[^"]*"', f'"{tool}==0.0.1"', text), encoding="utf-8")
        refused = run([root / "generate.sh"])
        assert refused.returncode == 2
        assert f"{tool} " in refused.stderr
        assert "0.0.1" in refused.stderr
        assert not (root / "generated_client").exists()


def test_a_ruff_that_is_not_the_pinned_one_is_refused(tmp_path: File) -> None:
    root = copy(tmp_path / "checkout")
    fake = root / ".venv" / "bin" / "ruff"
    fake.unlink()
    fake.write_text("#!/bin/sh\necho ruff 0.0.1\n", encoding="utf-8")
    fake.chmod(0o755)
    refused = run([root / "generate.sh"])
    assert refused.returncode == 2
    assert "ruff 0.0.1" in refused.stderr
    assert not (root / "generated_client").exists()


def _which(tool: str) -> str:
    return shutil.which(tool) or tool


def test_without_ruff_nothing_is_generated(tmp_path: File) -> None:
    root = copy(tmp_path / "checkout")
    (root / ".venv" / "bin" / "ruff").unlink()
    needed = ("bash", "make", "env")
    refused = run([root / "generate.sh"], env={"PATH": ":".join(str(File(_which(tool)).parent) for tool in needed)})
    assert refused.returncode == 2
    assert "ruff" in refused.stderr
    assert "Traceback" not in refused.stderr
