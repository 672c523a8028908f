"""Receipts, redeemed: checked by the server's key and the evidence, and stated under the evidence key."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.audit.files import Folder, open_signer
from gateway.audit.reading import query
from gateway.audit.verifying import state_receipt
from gateway.config import Config, load_server_key
from gateway.errors import ConfigError, RegateError
from gateway.exchange import Receipts

_RECORDED = """
    SELECT coalesce(max(decision_id) FILTER (decision_id = $2), ''), coalesce(max(revision) FILTER
        (decision_id = $2), ''), coalesce(max(sent_digest), ''), coalesce(max(body->>'$.streamed'), '')
    FROM records WHERE exchange_id = $1
"""


def redeemed(config: Config, token: str, answer: Path | None) -> tuple[str, bytes]:
    """Return the exchange of a receipt, and the signed statement that it was given.

    Raises NoReceipt, and RegateError when the evidence or the answer says something else.
    """
    receipts = Receipts(load_server_key(config.key_path))
    receipt = receipts.read(token.strip())
    with query(config.audit_path, _RECORDED, [receipt.exchange, receipt.decision]) as result:
        *said, streamed = next(result.rows)
    recorded = dict(zip(("decision", "revision", "sent"), said, strict=True))
    for name, value in recorded.items():
        claimed = getattr(receipt, name)
        began_before = name == "sent" and not (claimed or receipt.answered)  # a stream, while it was held
        if claimed != value and not began_before:
            raise RegateError(
                f"{receipt.exchange}: the receipt says {name} {claimed or 'nothing'}, and the evidence "
                f"{value or 'nothing'}; see regate audit verify"
            )
    if answer:
        try:
            found = receipts.digest(answer.read_bytes())
        except OSError as error:
            raise ConfigError(f"{answer}: it cannot be read: {error}") from error
        if not (answered := receipt.answered or streamed):
            why = "its stream is under way or broke off with the gateway, or that was erased"
            raise RegateError(f"{receipt.exchange}: the evidence does not say what came back: {why}")
        if found != answered:
            raise RegateError(f"{answer}: it is not the answer that the receipt came with")
    signer = open_signer(config.evidence_key_path, Folder(config.audit_path))
    claims = {**msgspec.to_builtins(receipt), "sent": recorded["sent"], "streamed": streamed}
    return receipt.exchange, state_receipt(config.audit_path, signer, claims)
