"""The collaborators that both faces, the admin API and the console, are built on."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.approvals import Approval, Approvals, UnknownApproval, rfc3339
from gateway.identity import Identity
from gateway.oversight.evidence import Evidence, Rows
from gateway.oversight.keyring import Keyring
from gateway.oversight.pinned import PinnedTools
from gateway.oversight.rights import require, rights_of
from gateway.policy import Policies
from gateway.state import KeyRow, Status

APPROVALS_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Oversight:
    """Who may look, and what they look at."""

    identity: Identity
    approvals: Approvals
    evidence: Evidence
    keys: Keyring
    policies: Policies
    tools: PinnedTools

    async def list_approvals(self, key: KeyRow, status: Status | None = None) -> tuple[Approval, ...]:
        """List the newest approvals that the key's holder may see, oldest first.

        Raises Forbidden, StateUnavailable.
        """
        if "approvals" in rights_of(key):
            return await self.approvals.list(status=status, limit=APPROVALS_SHOWN)
        require(key, "own_approvals")
        found = await self.approvals.list(status=status, agent=key.agent, limit=APPROVALS_SHOWN)
        return tuple(approval for approval in found if _is_own(key, approval))

    async def read_approval(self, key: KeyRow, approval_id: str) -> Approval:
        """Return one approval that the key's holder may see.

        Raises as `list_approvals` does, and UnknownApproval, also for an approval of another owner: the
        answer must not tell that it exists.
        """
        everybodys = "approvals" in rights_of(key)
        if not everybodys:
            require(key, "own_approvals")
        approval = await self.approvals.read(approval_id)
        if approval is None or not (everybodys or _is_own(key, approval)):
            raise UnknownApproval("there is no such approval")
        return approval

    async def sql(self, key: KeyRow, text: str) -> Rows:
        """Answer a SELECT of the key's holder, once it is on record that they read the evidence.

        Raises Forbidden, RecordingFailed, and what `Evidence` does.
        """
        require(key, "evidence")
        rows = await self.evidence.sql(text)
        await self.keys.acts.note(key, "evidence_queried", sql=text)
        return rows

    def policy_status(self, key: KeyRow) -> dict[str, object]:
        """Describe the policy in force, and what is wrong with its latest edit. Raises Forbidden."""
        require(key, "policy")
        status = self.policies.status()
        return {
            "engine": status.engine,
            "revision": status.revision,
            "ready": status.ready,
            "error": status.error,
            "loaded_at": rfc3339(status.loaded_at.timestamp() if status.loaded_at else None),
        }


def _is_own(key: KeyRow, approval: Approval) -> bool:
    """Compare owners too: two owners may have given their agents the same name."""
    return (approval.agent, approval.owner) == (key.agent, key.owner)
