"""What the journal says about an approval: one record for each thing that happened to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gateway.audit.files import Record
from gateway.contract import met_documents
from gateway.state import Approval

Event = Literal[
    "requested", "voted", "vote_dropped", "approved", "denied", "expired", "cancelled", "used", "given_back"
]

# Writes one record and returns once it is durable; raises RecordingFailed.
RecordNow = Callable[[Record], None]


def record_of(approval: Approval, event: Event, **details: object) -> Record:
    """Return an event's record; `approval` is as it stands after it, `details` say who did it and how."""
    return Record(
        kind="approval",
        exchange_id=approval.exchange_id,
        session_id=approval.session_id,
        agent=approval.agent,
        owner=approval.owner,
        on_behalf_of=approval.on_behalf_of,
        delegation=approval.delegation if approval.on_behalf_of else None,
        provider=approval.provider,
        method=approval.method,
        path=approval.path,
        phase=approval.phase,
        action="require_approval",
        revision=approval.revision,
        code=approval.status,
        approval_id=approval.id,
        reasons=approval.reasons,
        body={
            "event": event,
            "status": approval.status,
            "approvers": list(approval.approvers),
            "groups": list(approval.groups),
            "quorum": approval.quorum,
            "all_of": met_documents(approval.progress),
            "created_at": approval.created_at,
            "expires_at": approval.expires_at,
            "digest": approval.digest,
            "completion_digest": approval.completion_digest,
            **details,
        },
    )
