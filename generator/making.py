"""Generate the package of a document: prepare, generate, format, verify."""

import json
import re
import subprocess
import sys
import tomllib
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from contract_check import ROOT
from contract_check.document import settings
from contract_check.document.defects import Refusal
from contract_check.document.semantic_rules import server_url

from . import verification
from .prepare import credentials, preparation

_GENERATOR = ROOT / "generator"
_RUFF = Path(sys.executable).with_name("ruff")
# Generated code must not depend on a parent pyproject.toml, on the .gitignore that uv puts into an environment, or on
# the rules of ruff's version.
_STRICT = ("--isolated", "--no-cache", "--no-respect-gitignore", "--quiet", "--target-version", "py311")
_FORMAT = (
    ("check", *_STRICT, "--fix-only", "--select", "F401,I,UP007,UP045", "."),
    ("format", *_STRICT, "--line-length", "110", "."),
)


@dataclass(frozen=True)
class Made:
    """A generated package, with notes for the maintainer."""

    package: Path
    notes: list[str]
    """The places where the package supports less than the document."""
    summary: str


def make(document: dict[str, Any], into: Path) -> Made:
    """Generate the package of a sound document in an empty folder; `document` is prepared in place.

    Raise Refusal if the generator omits anything, or the package does not import.
    """
    import openapi_python_client as generator  # slow to import
    from openapi_python_client.config import Config, ConfigFile, MetaType

    _require_pinned_tools(generator.__version__)
    prepared = preparation.prepare(document)
    configured = settings.read()
    templates = into / "templates"
    _copy(_GENERATOR / "templates", templates, configured.http_library)
    _copy(Path(generator.__file__).parent / "templates", templates / "upstream", configured.http_library)
    (templates / "document.jinja").write_text(_facts(document), encoding="utf-8")
    source = into / "document.json"
    source.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    options = dict[str, Any](configured.generator, post_hooks=[])
    options["content_type_overrides"] = prepared.media_types | configured.generator.get("content_type_overrides", {})
    config = Config.from_sources(ConfigFile(**options), MetaType.UV, source, "utf-8", False, into / "project")
    try:
        with redirect_stdout(StringIO()):
            errors = generator.generate(config=config, custom_template_path=templates)
    except Exception as error:  # the generator and its templates may raise anything
        raise Refusal(f"the generator refused the document: {type(error).__name__}: {error}") from error
    if errors:  # or warnings: the generator omits what it cannot parse, and continues
        messages = "\n".join(f"{error.header} {error.detail or ''}" for error in errors)
        raise Refusal(f"{messages}\nthe generator refused the document.")
    package = into / "project" / verification.PACKAGE
    for arguments in _FORMAT:
        done = subprocess.run([_RUFF, *arguments], cwd=package, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refusal(f"ruff {arguments[0]} failed on the generated package: {done.stderr.strip()}")
    _copy(_GENERATOR / "modules", package, configured.http_library)
    summary = verification.verify(package, document)
    return Made(package, prepared.notes, summary)


def _facts(document: dict[str, Any]) -> str:
    """Jinja variables for the templates that the generator does not provide."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    serialization: dict[str, dict[str, Any]] = document[preparation.SERIALIZATION]
    facts = {
        "server_url": server_url(document),
        "credential": credentials.header(document),
        "distribution": project["name"],
        "wire_names": {name: ascii(sent) for name, sent in document[preparation.WIRE_NAMES].items()},
        "serialization": {name: _as_code(found) for name, found in serialization.items()},
        "tasks": document[preparation.TASKS],
    }
    return "".join(f"{{% set {name} = {json.dumps(fact, ensure_ascii=False)} %}}\n" for name, fact in facts.items())


def _as_code(found: dict[str, Any]) -> dict[str, Any]:
    """The serialization of an operation's arguments, with forms as Python literals."""
    return found | {"forms": {media_type: ascii(fields) for media_type, fields in found["forms"].items()}}


def _copy(source: Path, target: Path, library: str) -> None:
    """Copy a folder of templates or modules; for httpx2, replace httpx and httpcore by httpx2 and httpcore2."""

    def copy(file: str, copied: str) -> None:
        text = Path(file).read_text(encoding="utf-8")
        number = library.removeprefix("httpx")
        Path(copied).write_text(re.sub(r"\b(httpx|httpcore)\b", rf"\g<1>{number}", text), encoding="utf-8")

    ignored = ignore_patterns("__pycache__", ".*")
    copytree(source, target, copy_function=copy, ignore=ignored, dirs_exist_ok=True)


def _require_pinned_tools(generator: str) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pins = dict(pin.split("==") for pin in groups["generate"] if isinstance(pin, str) and "==" in pin)
    try:
        ruff = subprocess.run([_RUFF, "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        ruff = "none"
    found = {"openapi-python-client": generator, "ruff": ruff.removeprefix("ruff ").strip()}
    for tool, its_version in found.items():
        if its_version != pins[tool]:
            problem = f"{tool} {its_version} is installed; {pins[tool]} decides what is generated."
            raise Refusal.environment(problem, "Run `make clean setup` to install the locked tools.")
