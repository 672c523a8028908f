"""Receipts: what every answer says of itself, under the server's key, to be redeemed for a proof later.

A receipt is `<claims>.<mac>`, each as URL-safe base64 without padding. The claims are JSON: the exchange, the
decision, the policy revision, keyed digests of what went up and of what came back (empty for a stream, whose
headers go before it is known: its closing record says it), the status and the time. `regate audit prove
--receipt` redeems it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import msgspec
import orjson

from gateway.config import ServerKey
from gateway.errors import RegateError
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Answer

HEADER = "x-regate-receipt"


class NoReceipt(RegateError):
    """A text that is no receipt of this gateway's."""


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a receipt claims. A digest is empty where nothing went up, or where a stream came back."""

    exchange: str
    decision: str
    revision: str
    sent: str
    answered: str
    status: int
    at: str


class Receipts:
    """Makes receipts, and reads those that it made."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key.derive("receipt")
        self.answered_key = key.derive("answered")

    def attach(self, exchange: Exchange, answer: Answer) -> Answer:
        """Return the answer with its receipt among the headers."""
        sent = exchange.forwarded
        claims = orjson.dumps(
            {
                "exchange": exchange.id,
                "decision": exchange.decision_id,
                "revision": exchange.revision,
                "sent": sent.digest if sent else "",
                "answered": self.digest(answer.body) if isinstance(answer.body, bytes) else "",
                "status": answer.status,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )
        token = f"{_text(claims)}.{_text(hmac.digest(self._key, claims, 'sha256'))}"
        return Answer(answer.status, {**answer.headers, HEADER: token}, answer.body)

    def digest(self, answer: bytes) -> str:
        """Return the keyed digest of what came back."""
        return hmac.digest(self.answered_key, answer, "sha256").hex()

    def read(self, token: str) -> Receipt:
        """Return what a receipt claims. Raises NoReceipt unless this gateway made it."""
        try:
            claims, mac = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
            if hmac.compare_digest(mac, hmac.digest(self._key, claims, "sha256")):
                return msgspec.json.decode(claims, type=Receipt)
        except (ValueError, msgspec.DecodeError):
            pass
        raise NoReceipt("it is no receipt of this gateway's: expected what X-Regate-Receipt said")


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
