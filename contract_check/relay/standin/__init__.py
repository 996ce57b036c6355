"""A stand-in for the relay on loopback: holds each request against the document, and answers as the relay does.

`Relay` is the server, `Answer` what it can be told to say next, `SCENARIOS` the answers that have a name, and
`Contract` the document that it knows.
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
