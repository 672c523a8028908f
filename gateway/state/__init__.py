"""State that outlives a process, in one SQLite file: keys, approvals, usage, tools, writers of evidence."""

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.state.approvals import Approval, ApprovalRows, ApprovalStore, Status, Verdict
    from gateway.state.database import State, open_state
    from gateway.state.keys import KeyRow, Keys, Role
    from gateway.state.pins import Pin, ToolPins
    from gateway.state.tasks import TaskHolders
    from gateway.state.usage import (
        MARK_SECONDS,
        Reserved,
        Settlement,
        Stretch,
        Stretches,
        Subject,
        UsageStore,
    )
    from gateway.state.visits import EndedVisits
    from gateway.state.writers import WriterStore
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "MARK_SECONDS",
    "Approval",
    "ApprovalRows",
    "ApprovalStore",
    "EndedVisits",
    "KeyRow",
    "Keys",
    "Pin",
    "Reserved",
    "Role",
    "Settlement",
    "State",
    "Status",
    "Stretch",
    "Stretches",
    "Subject",
    "TaskHolders",
    "ToolPins",
    "UsageStore",
    "Verdict",
    "WriterStore",
    "open_state",
]
