"""`PYTHONPATH=tests python -m standin`: the stand-in on its own.

Prints its URL, then a line of JSON for each request, and ends with its standard input.
"""

import json
import sys
from pathlib import Path as File

from .answers import Answer
from .contract import Contract
from .documents import ROOT, overlaid
from .relay import Relay
from .requests import Request


def main() -> None:
    """Serves until standard input ends."""
    document = File(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "relay.json"
    with Relay(Contract(overlaid(document)), listener=_tell) as relay:
        print(relay.url, flush=True)
        sys.stdin.read()


def _tell(request: Request, _: Answer) -> None:
    kept = ("method", "target", "status", "chargeable", "problems")
    print(json.dumps({name: getattr(request, name) for name in kept}, ensure_ascii=False), flush=True)


main()
