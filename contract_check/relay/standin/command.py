"""`make standin`: run the stand-in until Ctrl-C, and simulate tasks.

Each submission gets its own id, moves through the states on a schedule, and ends with a video.
"""

import json
import re
import secrets
import signal
import time
from argparse import Namespace
from datetime import datetime
from threading import Event
from typing import Any, Final

from ...document.defects import Refusal
from ...document.loading import Document
from ...document.operations import of
from ...document.semantic_rules import LONG_RUNNING
from ...document.tree import at, parse_pointer
from .answers import RECORDED, SCENARIOS, Answer
from .contract import Contract
from .relay import Relay, Request

ENDS: Final = {
    "success": "like the relay: a task, or an error for an invalid request (the default)",
    "task_failure": "the same, but every task ends as FAILURE",
    "task_stuck": "the same, but every task stays NOT_START",
    "video_html": "the same, but a download is the web console's page",
    "video_empty": "the same, but a download has no bytes",
    "video_cut": "the same, but the first download of each task is interrupted",
    "video_slow": "the same, but a download takes ten times PACE",
}
_STATES: Final = ("NOT_START", "SUBMITTED", "IN_PROGRESS")
"""The states before the final one; each lasts PACE seconds."""
_VIDEO: Final = b"\x00\x00\x00\x18ftypmp42" + bytes(200_000)
_MP4: Final = {"Content-Type": "video/mp4"}


class Tasks:
    """The submitted tasks, if the document declares how to poll one."""

    def __init__(self, document: dict[str, Any], pace: float, end: str = "success") -> None:
        self._pace = pace
        self._end = end
        self._begun = dict[str, float]()
        self._cut = set[str]()
        self._roles = dict[tuple[str, str | None], Any]()
        by_id = {each.definition.get("operationId"): each for each in of(document)}
        for operation in of(document):
            if declared := operation.definition.get(LONG_RUNNING):
                self._declared = declared
                for answer, each in (
                    (self._submitted, operation),
                    (self._state, by_id[declared["status-operation"]]),
                    (self._download, by_id[declared["download-operation"]]),
                ):
                    self._roles[each.method, each.route] = answer

    def answer(self, request: Request, answer: Answer) -> Answer:
        """Replace the contract's own `answer` to a valid request."""
        role = self._roles.get((request.method, request.route))
        return role(request, answer) if role and answer.status == 200 else answer

    def _submitted(self, _: Request, answer: Answer) -> Answer:
        task_id = f"task_{secrets.token_hex(16)}"
        self._begun[task_id] = time.monotonic()
        body = json.loads(answer.body)
        return Answer.json(body | {name: task_id for name in ("id", "task_id") if name in body})

    def _state(self, request: Request, answer: Answer) -> Answer:
        task_id = self._id(request)
        if task_id not in self._begun:
            return RECORDED["unknown_task"].answer
        body, state = json.loads(answer.body), self._current(task_id)
        task = at(body, parse_pointer(self._declared["result"]))
        reason = "Failure to pass the risk control system" if state in self._declared["failure-states"] else ""
        for name, value in (("state", state), ("failure-reason", reason)):
            task[parse_pointer(self._declared[name])[-1]] = value
        percent = {"NOT_START": 0, "SUBMITTED": 10, "IN_PROGRESS": 30}.get(state, 100)
        task |= {"task_id": task_id, "progress": f"{percent}%"}
        return Answer.json(body)

    def _download(self, request: Request, _: Answer) -> Answer:
        task_id = self._id(request)
        if task_id not in self._begun:
            return _refusal(404, "Task not found")
        if (state := self._current(task_id)) not in self._declared["success-states"]:
            return _refusal(400, f"Task is not completed yet, current status: {state}")
        if self._end == "video_cut" and task_id not in self._cut:
            self._cut.add(task_id)
            return Answer(200, _VIDEO, _MP4, cut=len(_VIDEO) // 2)
        if self._end == "video_slow":
            return Answer(200, headers=_MP4, chunks=[_VIDEO[:100_000], _VIDEO[100_000:]], pause=5 * self._pace)
        return {"video_html": RECORDED["console"].answer, "video_empty": Answer(200, b"", _MP4)}.get(
            self._end, Answer(200, _VIDEO, _MP4)
        )

    def _current(self, task_id: str) -> str:
        past = [*_STATES, *self._declared["failure-states" if self._end == "task_failure" else "success-states"][:1]]
        steps = int((time.monotonic() - self._begun[task_id]) / self._pace) if self._pace else len(past)
        state: str = past[0] if self._end == "task_stuck" else past[min(steps, len(_STATES))]
        return state

    @staticmethod
    def _id(request: Request) -> str:
        found = re.fullmatch(re.sub(r"{[^{}]*}", "([^/]+)", str(request.route)), request.path)
        return found[1] if found else ""


def _refusal(status: int, message: str) -> Answer:
    return Answer.json({"error": {"message": message, "type": "invalid_request_error"}}, status)


def scenarios() -> str:
    """List the scenarios with their descriptions, one per line."""
    meanings = ENDS | {name: scenario.meaning for name, scenario in SCENARIOS.items()}
    return "\n".join(f"  {name:14} {meaning}" for name, meaning in meanings.items())


def run(document: Document, arguments: Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM and return 0; raise Refusal if the server can't start."""
    if document.defects:
        raise Refusal.environment("the document is not sound.", "See `python -m contract_check document`.")
    if arguments.answer not in (*ENDS, *SCENARIOS):
        raise Refusal.environment(f"unknown scenario `{arguments.answer}`. The scenarios are:\n{scenarios()}", "")
    over = Event()

    def end(_number: int, _frame: object) -> None:
        over.set()

    with _relay(document, arguments) as relay:
        if arguments.answer in ENDS:
            relay.amend = Tasks(document.value, arguments.pace, arguments.answer).answer
        else:
            relay.always(arguments.answer)
        print(f"A stand-in relay listens at {relay.url} with the scenario {arguments.answer}; stop it with Ctrl-C.")
        print("Point a service at it, with any token that begins with sk-:")
        print(f"  RELAY_BASE_URL={relay.url} RELAY_TOKEN=sk-...", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        while not over.wait(1):  # Without a timeout, Ctrl-C does not interrupt the wait on Windows.
            relay.forget()  # The log is not read here, and keeps every body.
    return 0


def _relay(document: Document, arguments: Namespace) -> Relay:
    try:
        return Relay(Contract(document.value), port=arguments.port, listener=_print)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "invalid port"
        raise Refusal.environment(f"can't listen on port {arguments.port}: {reason}.", "Choose another.") from error


def _print(request: Request, answer: Answer) -> None:
    status = answer.status if not answer.silent else "no response"
    print(f"{datetime.now():%H:%M:%S} {request.method} {request.target}: {status}", flush=True)
    for problem in request.problems:
        print(f"         {problem}", flush=True)
