"""What can happen to an approval without a person's word: asked for, used, given back, expired, canceled.

Each function runs inside one write transaction and records before that commits: the record is durable before
the change takes effect, and a change that cannot be recorded does not happen.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.approvals.binding import Binding
from gateway.approvals.completions import digest_of, encrypt, encrypt_shown
from gateway.approvals.contents import MAX_BYTES, Contents, as_text, encode
from gateway.approvals.records import RecordNow, record_of
from gateway.config import ServerKey
from gateway.contract import ApprovalTerms, covers, is_met
from gateway.errors import ApprovalRequired, PolicyDenied, StateUnavailable
from gateway.state import Approval, ApprovalRows

# An agent that loops must not bury the people who decide, or fill the disk, or take the places of others.
MAX_PENDING = 100  # of one agent
MAX_PENDING_OF_OWNER = 250
MAX_BYTES_OF_OWNER = 64 * 1024 * 1024  # of what is shown
MAX_GIVEN_BACK = 3
SUMMARY_CHARACTERS = 16_384
_SWEEP = 50


@dataclass(frozen=True, slots=True)
class Ask:
    """One exchange that policy of this revision wants approved. `contents` is what people read, masked."""

    binding: Binding
    terms: ApprovalTerms
    revision: str
    exchange_id: str
    session_id: str
    reasons: Sequence[Mapping[str, object]]
    contents: Contents
    completion: bytes | None = None


def hold(rows: ApprovalRows, record: RecordNow, key: ServerKey, ask: Ask) -> Approval:
    """Return the approval for this exchange: an approved one, the pending one to join, or a new one.

    One that was asked for on weaker terms than policy sets now is canceled: it would let the request pass
    with the consent of fewer people, or of others. Raises PolicyDenied when the agent or its owner has too
    much waiting or when there is more than people can be shown, ApprovalRequired when the one to join holds
    another completion of the same request: a yes to that one must not let this one pass.
    """
    fingerprint = ask.binding.fingerprint(key)
    while standing := rows.find(fingerprint, "approved") or rows.find(fingerprint, "pending"):
        if _meets(standing, ask.terms):
            _check_same_completion(key, standing, ask)
            return standing
        _cancel(rows, record, standing, terms_revision=ask.revision)
    expire_overdue(rows, record, binding=fingerprint)
    document = encode(ask.contents)
    _check_share(rows, ask, len(document))
    approval = _new(rows.now, key, ask)
    encrypted = None if ask.completion is None else encrypt(key, approval.id, ask.completion)
    rows.insert(approval, fingerprint, encrypted)
    shown = key.digest("approval/shown", approval.id.encode(), document).hex()
    rows.show(approval.id, shown, encrypt_shown(key, approval.id, document))
    record(record_of(approval, "requested", summary=approval.summary, shown=shown))
    return approval


def use(rows: ApprovalRows, record: RecordNow, approval_id: str, exchange_id: str) -> bool:
    """Spend a yes: True for exactly one caller, and never that of a key which is revoked."""
    if rows.has_revoked_vote(approval_id) or not rows.move(approval_id, "approved", "used", used_at=rows.now):
        return False
    record(record_of(present(rows, approval_id), "used", used_by=exchange_id))
    return True


def give_back(rows: ApprovalRows, record: RecordNow, approval_id: str) -> bool:
    """Undo a use that came to nothing; False when it was given back too often, or its time has passed.

    Nor is one given back that people approved with a key which was revoked since.

    A held completion is not given back: it is gone, and handing it over needs no provider that could fail.
    """
    approval = rows.read(approval_id)
    if approval is None or approval.status != "used" or approval.expires_at <= rows.now:
        return False
    if approval.given_back >= MAX_GIVEN_BACK or approval.completion_digest:
        return False
    if rows.has_revoked_vote(approval_id):
        return False
    times = approval.given_back + 1
    rows.move(approval_id, "used", "approved", used_at=None, given_back=times)
    record(record_of(present(rows, approval_id), "given_back", times=times))
    return True


def expire_overdue(rows: ApprovalRows, record: RecordNow, *, binding: str | None = None) -> int:
    """Write down what time has closed, some of it at a time."""
    overdue = rows.overdue(_SWEEP, binding)
    for approval_id in overdue:
        rows.expire(approval_id)
        record(record_of(present(rows, approval_id), "expired"))
    return len(overdue)


def cancel_open(rows: ApprovalRows, record: RecordNow, key_id: str) -> int:
    """Cancel what a revoked key asked for and has not used, and what has too few people without its yes.

    What still waits for people loses that yes; the person may agree again, with another key.
    """
    canceled = rows.open_of_key(key_id)
    for approval_id in canceled:
        _cancel(rows, record, present(rows, approval_id), revoked_key=key_id)
    return len(canceled) + sum(
        _without_votes(rows, record, approval_id, key_id) for approval_id in rows.open_voted_with(key_id)
    )


def _without_votes(rows: ApprovalRows, record: RecordNow, approval_id: str, key_id: str) -> bool:
    """Take a key's yes from an approval that is open; return whether that cancels it."""
    rows.drop_vote(approval_id, key_id)
    left = present(rows, approval_id)
    if left.status == "approved" and not is_met(left.groups, left.quorum, left.all_of, left.consents):
        _cancel(rows, record, left, revoked_key=key_id)
        return True
    record(record_of(left, "vote_dropped", revoked_key=key_id))
    return False


def _cancel(rows: ApprovalRows, record: RecordNow, approval: Approval, **why: str) -> None:
    rows.move(approval.id, approval.status, "cancelled", decided_at=rows.now)
    record(record_of(present(rows, approval.id), "cancelled", **why))


def _meets(standing: Approval, terms: ApprovalTerms) -> bool:
    """Return whether the approval asks for at least as many people, of the groups that these terms name."""
    groups = not terms.groups or (bool(standing.groups) and set(standing.groups) <= set(terms.groups))
    return groups and standing.quorum >= terms.quorum and covers(standing.all_of, terms.all_of)


def _check_share(rows: ApprovalRows, ask: Ask, size: int) -> None:
    """Raise PolicyDenied when it is too much to show, or the agent or its owner has its share already."""
    agent = ask.binding.agent
    if size > MAX_BYTES:
        raise PolicyDenied(
            f"this needs approval, and people cannot be shown all of it: it has {size} bytes to show; "
            f"expected at most {MAX_BYTES}"
        )
    others = "expected people to decide some, or some to expire, before it asks for more"
    if (waiting := rows.pending_of(agent=agent.id)) >= MAX_PENDING:
        raise PolicyDenied(f"agent {agent.id} has {waiting} approvals pending; {others}")
    if (waiting := rows.pending_of(owner=agent.owner)) >= MAX_PENDING_OF_OWNER:
        raise PolicyDenied(f"the owner of agent {agent.id} has {waiting} approvals pending; {others}")
    if rows.shown_bytes(agent.owner) + size > MAX_BYTES_OF_OWNER:
        raise PolicyDenied(
            f"the owner of agent {agent.id} has approvals pending of {MAX_BYTES_OF_OWNER} bytes; {others}"
        )


def _check_same_completion(key: ServerKey, standing: Approval, ask: Ask) -> None:
    given = "" if ask.completion is None else digest_of(key, standing.id, ask.completion)
    if not hmac.compare_digest(given, standing.completion_digest):
        raise ApprovalRequired(
            "an earlier answer to this request needs approval: send the request again once it is approved",
            approval_id=standing.id,
            reasons=list(ask.reasons),
        )


def _new(now: float, key: ServerKey, ask: Ask) -> Approval:
    approval_id = "ap_" + base64.b32encode(secrets.token_bytes(10)).decode().lower()
    agent = ask.binding.agent
    return Approval(
        id=approval_id,
        status="pending",
        agent=agent.id,
        owner=agent.owner,
        on_behalf_of=agent.on_behalf_of,
        key_id=agent.key_id,
        method=ask.binding.method,
        path=ask.binding.path,
        query=ask.binding.query,
        provider=ask.binding.provider,
        revision=ask.revision,
        phase=ask.binding.phase,
        digest=ask.binding.digest,
        exchange_id=ask.exchange_id,
        session_id=ask.session_id,
        reasons=tuple(ask.reasons),
        summary=_excerpt(as_text(ask.contents)),
        groups=ask.terms.groups,
        quorum=ask.terms.quorum,
        all_of=ask.terms.all_of,
        delegation=agent.delegated or "asserted",
        created_at=now,
        expires_at=now + ask.terms.expires_seconds,
        completion_digest="" if ask.completion is None else digest_of(key, approval_id, ask.completion),
    )


def _excerpt(text: str) -> str:
    """Return at most 16,384 characters, for lists; a cut shows. Who decides reads the contents."""
    left_out = len(text) - SUMMARY_CHARACTERS
    return text if left_out <= 0 else f"{text[:SUMMARY_CHARACTERS]}\n[… {left_out} more characters]"


def present(rows: ApprovalRows, approval_id: str) -> Approval:
    """Return an approval that was there before. Raises StateUnavailable when it is gone."""
    approval = rows.read(approval_id)
    if approval is None:
        raise StateUnavailable(f"state: approval {approval_id} has vanished")
    return approval
