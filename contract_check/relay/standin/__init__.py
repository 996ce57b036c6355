"""A stand-in for the relay on loopback: checks each request against the document, and responds like the relay.

`Relay` is the server, `Answer` a scripted response, `SCENARIOS` the named responses, and `Contract` the document.
"""

from ...document.operations import Operation
from .answers import RECORDED, SCENARIOS, Answer, front_error, inner_error
from .contract import Contract
from .relay import Relay, Request

__all__ = [
    "RECORDED",
    "SCENARIOS",
    "Answer",
    "Contract",
    "Operation",
    "Relay",
    "Request",
    "front_error",
    "inner_error",
]
