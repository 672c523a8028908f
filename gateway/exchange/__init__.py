"""One exchange, from the request to its record."""

from gateway.exchange.decide import (
    Subject,
    input_of,
)
from gateway.exchange.exchange import (
    Answer,
    Asked,
    Call,
    Exchange,
)
from gateway.exchange.govern import (
    Gateway,
    refusal_answer,
)
from gateway.exchange.inspect import Inspector, syntax_of
from gateway.exchange.read_request import (
    Reading,
)
from gateway.exchange.receive import (
    Arrival,
)
from gateway.exchange.record import (
    Ledger,
)

__all__ = [
    "Answer",
    "Arrival",
    "Asked",
    "Call",
    "Exchange",
    "Gateway",
    "Inspector",
    "Ledger",
    "Reading",
    "Subject",
    "input_of",
    "refusal_answer",
    "syntax_of",
]
