"""`python -m contract_check standin`: the stand-in on its own, until Ctrl-C."""

import signal
from argparse import Namespace
from datetime import datetime
from threading import Event

from ...document.defects import Refusal
from ...document.loading import Document
from .answers import Answer
from .connections import Request
from .contract import Contract
from .relay import Relay
from .scenarios import SCENARIOS
from .tasks import ENDS, Tasks


def scenarios() -> str:
    """The names of the scenarios and what each answers, a line each."""
    meanings = ENDS | {name: scenario.meaning for name, scenario in SCENARIOS.items()}
    return "\n".join(f"  {name:14} {meaning}" for name, meaning in meanings.items())


def run(document: Document, arguments: Namespace) -> int:
    """Serves until Ctrl-C or SIGTERM; returns 0. Raises Refusal where it can't."""
    if document.defects:
        raise Refusal.environment("the document is not sound.", "See `python -m contract_check document`.")
    if arguments.answer not in (*ENDS, *SCENARIOS):
        raise Refusal.environment(f"there is no scenario `{arguments.answer}`. There are:\n{scenarios()}", "")
    over = Event()

    def end(_number: int, _frame: object) -> None:
        over.set()

    with _relay(document, arguments) as relay:
        if arguments.answer in ENDS:
            relay.tasks = Tasks(document.value, arguments.pace, arguments.answer)
        else:
            relay.always(arguments.answer)
        print(f"A stand-in relay listens at {relay.url}, answers with {arguments.answer}, and ends with Ctrl-C.")
        print("Point a service at it, with any token that begins with sk-:")
        print(f"  RELAY_BASE_URL={relay.url} RELAY_TOKEN=sk-...", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        while not over.wait(1):  # A wait without an end does not notice Ctrl-C on Windows.
            relay.forget()  # Nobody reads the log here, and it holds every body.
    return 0


def _relay(document: Document, arguments: Namespace) -> Relay:
    try:
        return Relay(Contract(document.value), port=arguments.port, listener=_print)
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no port"
        raise Refusal.environment(f"port {arguments.port} can't be listened at: {said}.", "Name another.") from error


def _print(request: Request, answer: Answer) -> None:
    came = answer.status if not answer.silent else "no answer"
    print(f"{datetime.now():%H:%M:%S} {request.method} {request.target}: {came}", flush=True)
    for problem in request.problems:
        print(f"         {problem}", flush=True)
