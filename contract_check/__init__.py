"""Check that the document, the generated client and a live relay agree."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
VENDORED = ROOT / "relay.json"
CONFIG = ROOT / "generator" / "config.yaml"
CURES = ROOT / "generator" / "cures.yaml"
ACCEPTED = ROOT / "contract_check" / "relay" / "accepted.yaml"
