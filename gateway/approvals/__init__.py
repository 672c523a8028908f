"""Approvals: exchanges that wait for people, from the asking to the one use of a yes."""

from gateway.approvals.approvals import Approvals, Recorder
from gateway.approvals.binding import Binding
from gateway.approvals.deciding import (
    ApprovalClosed,
    MayNotDecide,
    UnknownApproval,
    VerdictRefused,
    decide,
)
from gateway.approvals.documents import to_document
from gateway.approvals.transitions import cancel_open
from gateway.state import Approval

__all__ = [
    "Approval",
    "ApprovalClosed",
    "Approvals",
    "Binding",
    "MayNotDecide",
    "Recorder",
    "UnknownApproval",
    "VerdictRefused",
    "cancel_open",
    "decide",
    "to_document",
]
