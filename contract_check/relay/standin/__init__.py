"""A stand-in for the relay on loopback: holds each request against the document, and answers as the relay does.

`Relay` is the server, `Answer` what it can be told to say next, `SCENARIOS` the answers that have a name, and
`Contract` the document that it knows.
"""

from ...document.operations import Operation
from .answers import Answer, front_error, inner_error
from .connections import Request
from .contract import Contract
from .relay import Relay
from .scenarios import RECORDED, SCENARIOS, Scenario

__all__ = [
    "RECORDED",
    "SCENARIOS",
    "Answer",
    "Contract",
    "Operation",
    "Relay",
    "Request",
    "Scenario",
    "front_error",
    "inner_error",
]
