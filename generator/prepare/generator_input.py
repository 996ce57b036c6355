"""What the generator reads, in one folder: the prepared document, its configuration, templates and modules."""

import json
import re
import tomllib
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns, which
from subprocess import run
from typing import Any

from contract_check import ROOT
from contract_check.document import settings
from contract_check.document.defects import Refusal
from contract_check.document.loading import Document
from contract_check.document.prose_rules import server_url
from contract_check.document.text import visible

from . import preparation


def write(document: Document, into: Path) -> None:
    """Writes what the generator reads: the prepared document, its configuration and its templates.

    Raises Refusal where another version than the pinned one would generate.
    """
    _require_pinned_tools()
    value = deepcopy(document.value)
    prepared = preparation.prepare(value)
    _write_json(into / "document.json", value)
    told = settings.read()
    config = told.generator
    config["content_type_overrides"] = prepared.media_types | config.get("content_type_overrides", {})
    _write_json(into / "config.json", config)
    generator = find_spec("openapi_python_client")  # found, not imported: that takes longer than all else here
    upstream = Path(str(generator and generator.origin)).parent / "templates"
    templates = copytree(ROOT / "generator" / "templates", into / "templates")
    copytree(upstream, templates / "upstream")
    copytree(ROOT / "generator" / "modules", into / "modules", ignore=ignore_patterns("__pycache__", ".*"))
    for folder in (templates, into / "modules"):
        name_http_library(folder, told.http_library)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wire_names = {name: ascii(sent) for name, sent in value[preparation.WIRE_NAMES].items()}
    facts = {
        "server_url": server_url(value),
        "distribution": project["name"],
        "wire_names": wire_names,
        "serialization": {name: _as_code(told) for name, told in value[preparation.SERIALIZATION].items()},
    }
    lines = (f"{{% set {name} = {json.dumps(fact, ensure_ascii=False)} %}}\n" for name, fact in facts.items())
    (templates / "document.jinja").write_text("".join(lines), encoding="utf-8")
    (into / "notes").write_text("".join(f"note: {visible(note)}\n" for note in prepared.notes), encoding="utf-8")


def name_http_library(place: Path, library: str) -> None:
    """Has a file, or all in a folder, import `library`, and speak of it, wherever they say httpx or httpcore.

    Longer names, such as `httpx_args`, are the package's own, and stay.
    """
    number = library.removeprefix("httpx")
    for file in (file for file in (place, *place.rglob("*")) if number and file.is_file()):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"\b(httpx|httpcore)\b", rf"\g<1>{number}", text), encoding="utf-8")


def _as_code(told: dict[str, Any]) -> dict[str, Any]:
    """How an operation's arguments stand as text; what generated code says of a form is Python."""
    return told | {"forms": {media_type: ascii(fields) for media_type, fields in told["forms"].items()}}


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


def _require_pinned_tools() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pins = dict(pin.split("==") for pin in groups["dev"] if isinstance(pin, str) and "==" in pin)
    for tool in ("openapi-python-client", "ruff"):
        try:
            found = version(tool)
        except PackageNotFoundError:
            found = "none"
        if found != pins[tool]:
            problem = f"{tool} {found} is installed; {pins[tool]} decides what is generated."
            raise Refusal.environment(problem, "Run `make clean setup` to install the locked tools.")
    ruff = which("ruff")
    spoken = run([ruff, "--version"], capture_output=True, text=True, check=False).stdout.strip() if ruff else "none"
    if spoken != f"ruff {pins['ruff']}":
        raise Refusal.environment(
            f"the ruff on PATH is `{spoken}`, not {pins['ruff']}.", "Run ./generate.sh, which sets PATH."
        )
