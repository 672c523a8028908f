"""State that outlives a process: keys, approvals, usage and writers of evidence, in one SQLite file."""

from gateway.state.approvals import Approval, ApprovalRows, ApprovalStore, Status, Verdict
from gateway.state.database import State, open_state
from gateway.state.keys import KeyRow, Keys, Role
from gateway.state.usage import UsageRow, UsageStore
from gateway.state.visits import EndedVisits
from gateway.state.writers import WriterStore

__all__ = [
    "Approval",
    "ApprovalRows",
    "ApprovalStore",
    "EndedVisits",
    "KeyRow",
    "Keys",
    "Role",
    "State",
    "Status",
    "UsageRow",
    "UsageStore",
    "Verdict",
    "WriterStore",
    "open_state",
]
