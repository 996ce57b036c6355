"""What generator/config.yaml says: this project's own settings, and what openapi-python-client is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import CONFIG, CURES, VENDORED
from . import overlay
from .defects import Refusal
from .tree import is_array, object_or_empty

HTTP_LIBRARIES = ("httpx", "httpx2")
"""What generated code can send by: httpx, or its fork, in which all that generated code uses has the same name."""


@dataclass(frozen=True)
class Settings:
    """The content of a config.yaml."""

    overlays: tuple[Path, ...]
    """The overlays in the order in which they are applied."""
    http_library: str
    """One of HTTP_LIBRARIES."""
    generator: dict[str, Any]
    """What openapi-python-client is told."""


def read(file: Path = CONFIG) -> Settings:
    """The settings in `file`; raises Refusal where one cannot be meant."""
    content: Any = overlay.load_yaml(file)
    generator = dict(object_or_empty(content))
    names: Any = generator.pop("overlays", ["overlay.yaml"])
    library: Any = generator.pop("http_library", HTTP_LIBRARIES[0])
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        line = content.lc.key("overlays")[0] + 1
        raise Refusal(f"{file}:{line}: `overlays` must be a list of file names; they stand beside this file.", 2)
    if library not in HTTP_LIBRARIES:
        line = content.lc.key("http_library")[0] + 1
        raise Refusal(f"{file}:{line}: `http_library` is none of {', '.join(HTTP_LIBRARIES)}.", 2)
    return Settings(tuple(file.parent / name for name in names), library, generator)


def overlays(document: Path) -> list[Path]:
    """The overlays of config.yaml for `document`; the cures are the vendored one's alone."""
    return [each for each in read().overlays if each != CURES or document.resolve() == VENDORED]
