"""What generator/config.yaml says: this project's own settings, and what openapi-python-client is told."""

from pathlib import Path
from typing import Any, NamedTuple

from .. import CONFIG, CURES, VENDORED
from . import overlay
from .defects import Refusal
from .tree import is_array, object_or_empty

HTTP_LIBRARIES = ("httpx", "httpx2")
"""What generated code can send by: httpx, or its fork, in which all that generated code uses has the same name."""


class Settings(NamedTuple):
    """The content of a config.yaml."""

    overlays: tuple[Path, ...]
    """In the order in which they are applied."""
    http_library: str
    generator: dict[str, Any]
    """What openapi-python-client is told."""


def read(file: Path = CONFIG) -> Settings:
    """Read the settings in `file`; raise Refusal where one is invalid."""
    content: Any = overlay.load_yaml(file)
    generator = dict(object_or_empty(content))
    names: Any = generator.pop("overlays", ["overlay.yaml"])
    library: Any = generator.pop("http_library", HTTP_LIBRARIES[0])
    key, problem = "overlays", ""
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        problem = "`overlays` must be a list of file names; they stand beside this file."
    elif library not in HTTP_LIBRARIES:
        key, problem = "http_library", f"`http_library` is none of {', '.join(HTTP_LIBRARIES)}."
    if problem:
        raise Refusal(f"{file}:{content.lc.key(key)[0] + 1}: {problem}", 2)
    return Settings(tuple(file.parent / name for name in names), library, generator)


def overlays(document: Path) -> list[Path]:
    """The overlays of config.yaml for `document`; the cures are the vendored one's alone."""
    return [each for each in read().overlays if each != CURES or document.resolve() == VENDORED]
