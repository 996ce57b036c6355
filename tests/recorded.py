"""Answers of the relay's software, recorded: what a stand-in of our own cannot be wrong about."""

import json
from copy import deepcopy
from typing import Any

from checkout import ROOT
from contract_check.relay.standin import Answer

QUERY = "GET /kling/v1/videos/image2video/{task_id}"
VIDEO_QUERY = "GET /v1/videos/{task_id}"
CONTENT = "GET /v1/videos/{task_id}/content"
_RECORDED: dict[str, Any] = json.loads(
    (ROOT / "tests" / "documents" / "gateway-answers.json").read_text(encoding="utf-8")
)
_ANSWERS: dict[str, dict[str, Any]] = _RECORDED["status queries"]
STATES = [state for state, answers in _ANSWERS.items() if QUERY in answers]
"""The names of what was recorded: a task in each of its states, and an id that is unknown."""


def body(state: str, query: str = QUERY) -> Any:
    """What the query was answered with, in JSON."""
    return deepcopy(_ANSWERS[state][query]["body"])


def status(state: str, query: str = QUERY) -> int:
    """The status of that answer."""
    found: int = _ANSWERS[state][query]["status"]
    return found


def answer(state: str, query: str = QUERY) -> Answer:
    """The same for the stand-in to send."""
    recorded = _ANSWERS[state][query]
    return Answer.json(recorded["body"], recorded["status"], headers=recorded["headers"])
