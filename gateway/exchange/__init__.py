"""One exchange, from the request to its record."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.exchange.decide import Subject, input_of, prompt_of
    from gateway.exchange.exchange import Exchange
    from gateway.exchange.govern import Gateway, Services
    from gateway.exchange.inspect import Inspector
    from gateway.exchange.mask import syntax_of
    from gateway.exchange.receipts import Receipt, Receipts
    from gateway.exchange.receive import Receiver
    from gateway.exchange.record import Ledger
    from gateway.exchange.refuse import refusal_answer
    from gateway.exchange.steps import Answer, Call, Decided
    from gateway.exchange.trial import Trial, TrialRefused, TrialRequest, arrive
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "Answer",
    "Call",
    "Decided",
    "Exchange",
    "Gateway",
    "Inspector",
    "Ledger",
    "Receipt",
    "Receipts",
    "Receiver",
    "Services",
    "Subject",
    "Trial",
    "TrialRefused",
    "TrialRequest",
    "arrive",
    "input_of",
    "prompt_of",
    "refusal_answer",
    "syntax_of",
]
