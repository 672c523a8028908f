"""One exchange, from the request to its record."""

from gateway.exchange.decide import Subject, input_of
from gateway.exchange.exchange import Answer, Call, Decided, Exchange
from gateway.exchange.govern import Gateway, Services
from gateway.exchange.inspect import Inspector
from gateway.exchange.mask import syntax_of
from gateway.exchange.receive import Receiver
from gateway.exchange.record import Ledger
from gateway.exchange.refuse import refusal_answer

__all__ = [
    "Answer",
    "Call",
    "Decided",
    "Exchange",
    "Gateway",
    "Inspector",
    "Ledger",
    "Receiver",
    "Services",
    "Subject",
    "input_of",
    "refusal_answer",
    "syntax_of",
]
