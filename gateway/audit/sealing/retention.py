"""Retention by rules: what was said goes when the time of its agent, group, record level or entity is over.

A rule erases bodies, as an order does: who asked, what was found and decided stays, until whole files are
dropped. Each pass gives one signed order for what is due; its id begins with `rt_`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.audit.files.folder import Folder
from gateway.audit.files.heads import stamp
from gateway.audit.files.signing import Signer
from gateway.audit.reading.sql import QueryLimits, query
from gateway.audit.sealing.orders import ERASED_KINDS, Order, Target, new_order_id, order_erasure
from gateway.config import RetentionRule

_LIMITS = QueryLimits(600, memory=1024**3)
_DUE = f"""
    SELECT writer, seq FROM stored.records
    WHERE kind IN {ERASED_KINDS} AND body IS NOT NULL AND exchange_id IN (
        SELECT exchange_id FROM stored.records
        WHERE kind = 'decision' AND exchange_id <> '' AND recorded_at < $1::TIMESTAMPTZ
            AND ($2 = '' OR agent GLOB $2)
            AND ($3 = '' OR list_contains(list_transform(findings, lambda one: one.entity), $3))
            AND ($4 = '' OR list_contains(from_json(body->'$.input.agent.groups', '["VARCHAR"]'), $4))
            AND ($5 = '' OR coalesce(body->>'$.decision.record', 'masked') = $5))
    ORDER BY ALL
"""  # noqa: S608 - our own names; values are bound


def order_due(folder: Folder, signer: Signer, rules: Sequence[RetentionRule]) -> Order | None:
    """Order what is due by the rules to go; return the order, or None where nothing is.

    Raises QueryFailed and OSError.
    """
    now, due = datetime.now(UTC), set[tuple[str, int]]()
    for rule in rules:
        about = (stamp(now - rule.kept), rule.agent, rule.entity, rule.group, rule.record)
        with query(folder.root, _DUE, about, limits=_LIMITS) as result:
            due |= {(str(writer), int(seq)) for writer, seq in result.rows}
    if not due:
        return None
    targets = tuple(Target(writer, seq, body=("",)) for writer, seq in sorted(due))
    return order_erasure(folder, signer, Order(id=new_order_id("rt"), targets=targets), now)
