"""The document: read, mended by its overlays, checked, and made ready for the generator."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path as File
from shutil import copytree, which
from subprocess import run
from typing import Any

from . import OVERLAY, ROOT, VENDORED, meaning, overlay, preparation, reading, structure
from .defects import Action, Defect, Refusal, count
from .tree import mapping, operations, pointer


@dataclass
class Document:
    """A document with its overlays applied, what is wrong with it, and the actions that would cure that."""

    source: reading.Source
    value: dict[str, Any]
    defects: list[Defect] = field(default_factory=list[Defect])
    warnings: list[str] = field(default_factory=list[str])
    cures: list[Action] = field(default_factory=list[Action])
    effects: set[str] = field(default_factory=set[str])

    @property
    def incurable(self) -> list[Defect]:
        """The defects that no overlay action would take away."""
        return [defect for defect in self.defects if defect.cure is None]


def load(file: File, overlays: Iterable[File] = (OVERLAY,)) -> Document:
    """The document in `file` after its overlays; its defects are found, not raised.

    Raises Refusal where the file or an overlay can't be read, and, for the vendored document, where an
    action of an overlay matches nothing.
    """
    source = reading.read(file)
    document = Document(source, source.value, list(source.defects))
    if document.defects:
        return document
    preparation.drop_titles(document.value)
    idle = [line for each in overlays for line in overlay.apply(each, document.value)]
    if idle and file.resolve() == VENDORED:
        advice = f"Mend its target, delete it, or mark it `{overlay.OPTIONAL}: true`."
        raise Refusal("\n".join([*idle, advice]))
    document.warnings += idle
    _find(document)
    return document


def _find(document: Document) -> None:
    """Finds every defect: curing some uncovers others, so a copy is cured until nothing new is found."""
    trial = deepcopy(document.value)
    for _ in range(20):
        found = [*structure.check(trial), *meaning.check(trial)]
        if not found:  # Values can be judged by sound schemas only.
            judged = list(meaning.check_values(trial))
            document.warnings += (_line(document, defect) for defect in judged if defect.warning)
            found = [defect for defect in judged if not defect.warning]
        # Two rules may say of one thing what the same change would cure: the first has its say.
        by_effect = {(d.path, _effect(d.cure)): d for d in reversed(found) if d.cure}
        fresh = [defect for (_, effect), defect in by_effect.items() if effect not in document.effects][::-1]
        document.defects += fresh
        if not fresh:
            document.defects += (replace(defect, cure=None) for defect in found)
            break
        for defect in sorted(fresh, key=_from_the_back):
            if defect.cure and _effect(defect.cure) not in document.effects:
                overlay.apply_action(defect.cure, trial)
                document.cures.append(defect.cure)
                document.effects.add(_effect(defect.cure))


def _from_the_back(defect: Defect) -> int:
    """Removing an item moves those behind it, so they go first."""
    index = re.search(r"\[(\d+)\]$", defect.cure["target"]) if defect.cure else None
    return -int(index[1]) if index else 0


def _effect(cure: Action) -> str:
    return json.dumps({key: value for key, value in cure.items() if key != "description"}, ensure_ascii=False)


def prepare(document: Document, into: File) -> None:
    """Writes what the generator reads: the prepared document, its configuration and its templates.

    Raises Refusal where another version than the pinned one would generate.
    """
    _require_pinned_tools()
    value = deepcopy(document.value)
    prepared = preparation.prepare(value)
    _write_json(into / "document.json", value)
    config = mapping(overlay.load_yaml(ROOT / "generator" / "config.yaml"))
    config["content_type_overrides"] = prepared.media_types | config.get("content_type_overrides", {})
    _write_json(into / "config.json", config)
    generator = find_spec("openapi_python_client")  # found, not imported: that takes longer than all else here
    upstream = File(str(generator and generator.origin)).parent / "templates"
    templates = copytree(ROOT / "generator" / "templates", into / "templates")
    copytree(upstream, templates / "upstream")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    facts = {"server_url": meaning.server_url(value), "distribution": project["name"]}
    lines = (f"{{% set {name} = {json.dumps(fact)} %}}\n" for name, fact in facts.items())
    (templates / "document.jinja").write_text("".join(lines), encoding="utf-8")
    (into / "notes").write_text("".join(f"note: {note}\n" for note in prepared.notes), encoding="utf-8")


def _write_json(file: File, value: object) -> None:
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


def report(document: Document) -> Iterator[str]:
    """What is wrong, for a person: every place and reason, and behind those that share it, the cure."""
    yield from (f"warning: {line}" for line in document.warnings)
    by_cure: dict[str, list[Defect]] = {}
    for defect in sorted(document.defects, key=_from_the_back):  # pasted in this order, they work
        by_cure.setdefault(json.dumps(defect.cure), []).append(defect)
    for defects in by_cure.values():
        yield from (_line(document, defect) for defect in defects)
        cure = defects[0].cure
        if cure is not None:
            yield "  cure, to paste under the overlay's `actions`:"
            yield overlay.dump([cure]).rstrip()


def _line(document: Document, defect: Defect) -> str:
    row, column = defect.place or document.source.place(defect.path)
    return f"{document.source.file}:{row}:{column}: {pointer(defect.path)}: {defect.problem}"


def summary(document: Document) -> str:
    """A line on what the document holds."""
    found = list(operations(document.value))
    return f"{document.source.file.name}: OpenAPI {document.value['openapi']}, {count(len(found), 'operation')}"
