"""What generator/config.yaml says: this project's own settings, and what openapi-python-client is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import CONFIG, CURES, VENDORED
from . import overlay
from .defects import Refusal
from .tree import is_array, object_or_empty


@dataclass(frozen=True)
class Settings:
    """The content of a config.yaml."""

    overlays: tuple[Path, ...]
    """The overlays in the order in which they are applied."""
    generator: dict[str, Any]
    """What openapi-python-client is told."""


def read(file: Path = CONFIG) -> Settings:
    """The settings in `file`; raises Refusal where one cannot be meant."""
    content: Any = overlay.load_yaml(file)
    generator = dict(object_or_empty(content))
    names: Any = generator.pop("overlays", ["overlay.yaml"])
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        problem = f"{file}:{content.lc.key('overlays')[0] + 1}: `overlays` is no list of file names."
        raise Refusal.environment(problem, "List the overlays that stand beside it, in the order of their use.")
    return Settings(tuple(file.parent / name for name in names), generator)


def overlays(document: Path) -> list[Path]:
    """The overlays of config.yaml for `document`; the cures are the vendored one's alone."""
    return [each for each in read().overlays if each != CURES or document.resolve() == VENDORED]
