"""Generate the packages to compare from one prepared document."""

import importlib.util
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
OURS = ROOT / ".venv-bench" / "ours"
"""The wheel and its own dependencies."""
_PREPARE = """\
import json, pathlib, sys
from contract_check.document import loading
from generator.prepare import preparation
source, prepared = map(pathlib.Path, sys.argv[1:])
document = loading.load(source).value
preparation.prepare(document)
prepared.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
"""
_CONFIG = {"project_name_override": "peer-vanilla", "package_name_override": "generated_client"}


def run(*command: str | Path, paths: Sequence[Path] = (), cwd: Path = ROOT) -> str:
    """The output of `command`; raise RuntimeError with it if the command fails."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    found = {"PATH": path, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONUTF8": "1"}
    # Imported packages need .pyc files, as if installed, even where PYTHONDONTWRITEBYTECODE is set.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | found
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def prepare(document: Path, into: Path) -> Path:
    """The prepared document, the input of all generators."""
    into.mkdir(parents=True)
    run(BIN / "python", "-c", _PREPARE, document, into / "document.json", paths=[ROOT])
    return into / "document.json"


def vanilla(prepared: Path, into: Path) -> Path:
    """Generate with openapi-python-client's own templates; return the folder to import from."""
    into.mkdir(parents=True, exist_ok=True)
    config = into / "config.json"
    config.write_text(json.dumps(_CONFIG))
    shutil.rmtree(into / "project", ignore_errors=True)
    options = ("--config", config, "--output-path", into / "project", "--meta", "uv")
    run(BIN / "python", "-m", "openapi_python_client", "generate", "--path", prepared, *options)
    return into / "project"


def ours(document: Path, into: Path) -> Path:
    """Generate with ./generate.sh; return the folder to import from."""
    run(ROOT / "generate.sh", "--document", document, "--output", into / "generated_client")
    return into


def on_httpx2(into: Path) -> Path:
    """Generate relay.json for httpx2; return the folder to import from."""
    config = checkout(into) / "generator" / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("http_library: httpx\n", "http_library: httpx2\n"), encoding="utf-8")
    has_httpx2 = Path(sysconfig.get_path("purelib"))  # The environment of the generator does not.
    run(BIN / "python", "-m", "generator", cwd=into, paths=[into, has_httpx2])
    return into


def check(document: Path, folder: Path) -> None:
    """Run `make check` for another document and its package from ours()."""
    options = ("--document", document, "--package", folder / "generated_client")
    run(BIN / "python", "-m", "contract_check", *options, paths=[ROOT])


def checkout(into: Path) -> Path:
    """Export HEAD to a folder in which a document can be adopted."""
    run("git", "clone", "--quiet", ROOT, into)
    (into / ".venv").symlink_to(ROOT / ".venv")
    os.utime(into / "requirements" / "generate.txt", (0, 0))  # older than the environment, which make then keeps
    return into


def adopt(document: Path, checkout: Path) -> None:
    """Run `make adopt` in that folder."""
    run(BIN / "python", "-m", "contract_check", "adopt", document, cwd=checkout)


def openapi_generator(prepared: Path, into: Path) -> Path | str:
    """Generate with openapi-generator, or say why it can't run."""
    found = importlib.util.find_spec("openapi_generator_cli")
    if found is None or not found.submodule_search_locations:
        return "openapi-generator-cli is not installed"
    if not shutil.which("java"):
        return "there is no Java here"
    jar = Path(found.submodule_search_locations[0]) / "openapi-generator.jar"
    options = ("-g", "python", "-o", into, "--package-name", "peer_openapi_generator")
    run("java", "-jar", jar, "generate", "-i", prepared, *options)
    return into
