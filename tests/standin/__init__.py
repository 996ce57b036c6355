"""A stand-in for the relay on loopback: checks each request against the document, and answers as the relay does.

`Relay` is the server, `Answer` what it can be told to say next, `Contract` what it checks by.
"""

from .answers import SCENARIOS, Answer, front_error, inner_error
from .contract import Contract, Operation
from .documents import overlaid, prepared
from .relay import Relay
from .requests import Request

__all__ = [
    "SCENARIOS",
    "Answer",
    "Contract",
    "Operation",
    "Relay",
    "Request",
    "front_error",
    "inner_error",
    "overlaid",
    "prepared",
]
