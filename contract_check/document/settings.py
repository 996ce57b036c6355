"""Read generator/config.yaml: this project's settings, and options of openapi-python-client."""

from pathlib import Path
from typing import Any, NamedTuple

from .. import CONFIG, CURES, VENDORED
from . import overlay
from .defects import Refusal
from .tree import is_array, object_or_empty

HTTP_LIBRARIES = ("httpx", "httpx2")
"""The HTTP libraries for generated code: httpx, or its fork, which has the same names."""


class Settings(NamedTuple):
    """The content of config.yaml."""

    overlays: tuple[Path, ...]
    """In the order of application."""
    http_library: str
    generator: dict[str, Any]
    """Options of openapi-python-client."""


def read(file: Path = CONFIG) -> Settings:
    """Read the settings in `file`; raise Refusal if one is invalid."""
    content: Any = overlay.load_yaml(file)
    generator = dict(object_or_empty(content))
    names: Any = generator.pop("overlays", ["overlay.yaml"])
    library: Any = generator.pop("http_library", HTTP_LIBRARIES[0])
    key, problem = "overlays", ""
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        problem = "`overlays` must be a list of names of files beside this one."
    elif library not in HTTP_LIBRARIES:
        key, problem = "http_library", f"`http_library` is not one of {', '.join(HTTP_LIBRARIES)}."
    if problem:
        raise Refusal(f"{file}:{content.lc.key(key)[0] + 1}: {problem}", 2)
    return Settings(tuple(file.parent / name for name in names), library, generator)


def overlays(document: Path) -> list[Path]:
    """The overlays of config.yaml for `document`; the cures are only for the vendored one."""
    return [each for each in read().overlays if each != CURES or document.resolve() == VENDORED]
