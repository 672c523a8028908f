"""People's verdicts: who may give one, when it counts, and what it changes."""

from __future__ import annotations

import unicodedata

from gateway.approvals.people import person, same_person
from gateway.approvals.records import RecordNow, record_of
from gateway.contract import is_met, may_meet
from gateway.errors import RegateError
from gateway.state import Approval, ApprovalRows, KeyRow, Status, Verdict

NOTE_CHARACTERS = 2_000


class VerdictRefused(RegateError):
    """A verdict that does not count; nothing has changed."""


class UnknownApproval(VerdictRefused):
    """There is no such approval."""


class ApprovalClosed(VerdictRefused):
    """The approval was closed before, by a decision, its use or its end, or its time has passed."""


class MayNotDecide(VerdictRefused):
    """This person may not decide this approval."""


def decide(
    rows: ApprovalRows,
    record: RecordNow,
    approval_id: str,
    approver: KeyRow,
    verdict: Verdict,
    note: str,
) -> Approval:
    """Count one person's verdict, inside one write transaction. One no denies.

    What approves are a quorum of people, and for each requirement as many of their own as it asks for.

    The record is durable before the verdict takes effect. Raises VerdictRefused and whatever `record` raises.
    """
    approval = rows.read(approval_id)
    if approval is None:
        raise UnknownApproval(f"no approval {approval_id}")
    _check_may_decide(rows, approval, approver)
    if approval.status != "pending":
        raise ApprovalClosed(f"approval {approval_id} is {approval.status}; expected a pending one")
    _check_note(note)
    shown = rows.shown_digest(approval_id)
    if verdict == "approve" and not shown:
        raise VerdictRefused(
            f"approval {approval_id}: its contents cannot be shown, so it cannot be approved"
        )
    rows.vote(approval_id, person(approver.owner), approver, verdict, note)
    voted = _reread(rows, approval_id)
    outcome = _outcome(voted, verdict)
    if outcome != "pending" and not rows.move(approval_id, "pending", outcome, decided_at=rows.now):
        raise ApprovalClosed(f"approval {approval_id} is not pending any more")
    decided = _reread(rows, approval_id)
    record(
        record_of(
            decided,
            "voted" if outcome == "pending" else outcome,
            approver=approver.owner,
            approver_key=approver.id,
            approver_groups=list(approver.groups),
            verdict=verdict,
            note=note,
            shown=shown,
        )
    )
    return decided


def _check_may_decide(rows: ApprovalRows, approval: Approval, approver: KeyRow) -> None:
    """Raise unless the approver may decide: the one who asks never does, by any of their keys and routes."""
    key = rows.key(approver.id)
    if key is None or key.status(rows.now) != "active":
        raise MayNotDecide("the approver's key is not active any more")
    if key.role not in ("approver", "admin"):
        raise MayNotDecide(f"this key has role {key.role}; expected approver or admin")
    if same_person(key.owner, approval.owner):
        raise MayNotDecide(f"{key.owner} owns the key of the asking agent; expected another person to decide")
    if same_person(key.owner, approval.on_behalf_of):
        raise MayNotDecide(f"{key.owner} is the end user who asks; expected another person to decide")
    deciding = groups_that_decide(approval)
    if not may_meet(deciding, key.groups):
        raise MayNotDecide(f"expected an approver in one of the groups {', '.join(deciding)}")
    asking = rows.key(approval.key_id) if approval.key_id else None  # a token or certificate ends by itself
    if approval.key_id and (asking is None or asking.revoked_at is not None):
        raise ApprovalClosed(f"approval {approval.id}: the key that asked for it is revoked")


def _check_note(note: str) -> None:
    if len(note) > NOTE_CHARACTERS or any(
        unicodedata.category(c) in ("Cc", "Cs") for c in note if c not in "\n\t"
    ):
        raise VerdictRefused(f"note: expected at most {NOTE_CHARACTERS} printable characters")


def _outcome(voted: Approval, verdict: Verdict) -> Status:
    if verdict == "deny":
        return "denied"
    met = is_met(voted.groups, voted.quorum, voted.all_of, voted.consents)
    return "approved" if met else "pending"


def still_needed(approval: Approval) -> list[str]:
    """Return how many more people of which groups have to agree, in words: `1 of dpo or legal`."""
    open_places = [(each.groups, each.count - len(each.approvers)) for each in approval.progress]
    agreed = sum(may_meet(approval.groups, one.groups) for one in approval.consents)
    # those who are still required can be of the quorum as well
    of_quorum = approval.quorum - agreed - (0 if approval.groups else sum(left for _, left in open_places))
    needed = [*open_places, (approval.groups, of_quorum)]
    return [
        f"{left} of {' or '.join(groups)}" if groups else f"{left} more"
        for groups, left in needed
        if left > 0
    ]


def groups_that_decide(approval: Approval) -> tuple[str, ...]:
    """Return the groups whose members may give a verdict; none where any approver may.

    That is so when nothing names a group, and when the quorum is of any group and more people than are
    required of groups.
    """
    required = tuple(dict.fromkeys(group for each in approval.all_of for group in each.groups))
    for_anyone = not approval.groups and approval.quorum > sum(each.count for each in approval.all_of)
    if for_anyone or any(not each.groups for each in approval.all_of):
        return ()
    return tuple(dict.fromkeys((*approval.groups, *required)))


def _reread(rows: ApprovalRows, approval_id: str) -> Approval:
    approval = rows.read(approval_id)
    if approval is None:
        raise UnknownApproval(f"no approval {approval_id}")
    return approval
