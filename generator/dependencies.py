"""Has the wheel depend on the HTTP library that the generated package imports, and its README name it.

The build calls it. The lists of dependencies are in pyproject.toml.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Dependencies(MetadataHookInterface):
    """What pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Says it, for the package as it stands."""
        root = Path(self.root)
        source = (root / "generated_client" / "errors.py").read_text(encoding="utf-8")
        [library] = re.findall(r"^import (httpx2?)$", source, re.MULTILINE)
        metadata["dependencies"] = [*self.config[library], *self.config["always"]]
        readme = (root / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"\bhttpx\b", library, readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
