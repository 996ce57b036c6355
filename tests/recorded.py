"""Recorded responses of the relay's software, to check more than our own stand-in."""

import json
from copy import deepcopy
from typing import Any

from checkout import ROOT
from contract_check.relay.standin import Answer

QUERY = "GET /kling/v1/videos/image2video/{task_id}"
VIDEO_QUERY = "GET /v1/videos/{task_id}"
CONTENT = "GET /v1/videos/{task_id}/content"
_FILE = ROOT / "tests" / "documents" / "gateway-answers.json"
_ANSWERS: dict[str, dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["status queries"]
STATES = [state for state, answers in _ANSWERS.items() if QUERY in answers]
"""The names of the recordings: a task in each of its states, and an unknown id."""


def body(state: str, query: str = QUERY) -> Any:
    """The recorded JSON body."""
    return deepcopy(_ANSWERS[state][query]["body"])


def status(state: str, query: str = QUERY) -> int:
    """The recorded status."""
    found: int = _ANSWERS[state][query]["status"]
    return found


def answer(state: str, query: str = QUERY) -> Answer:
    """The recorded response, for the stand-in."""
    return Answer.json(body(state, query), status(state, query), headers=_ANSWERS[state][query]["headers"])
