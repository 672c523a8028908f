"""Approvals: exchanges that wait for people, from the asking to the one use of a yes."""

from gateway.approvals.approvals import Approvals, Recorder
from gateway.approvals.binding import Binding
from gateway.approvals.blanks import BLANK, LOOSE_JOINER
from gateway.approvals.contents import Contents, Entry, as_lines, decode, pages
from gateway.approvals.deciding import (
    ApprovalClosed,
    MayNotDecide,
    UnknownApproval,
    VerdictRefused,
    decide,
)
from gateway.approvals.documents import NoSuchPage, page_of, to_document, with_contents
from gateway.approvals.people import same_person
from gateway.approvals.transitions import cancel_open
from gateway.state import Approval

__all__ = [
    "BLANK",
    "LOOSE_JOINER",
    "Approval",
    "ApprovalClosed",
    "Approvals",
    "Binding",
    "Contents",
    "Entry",
    "MayNotDecide",
    "NoSuchPage",
    "Recorder",
    "UnknownApproval",
    "VerdictRefused",
    "as_lines",
    "cancel_open",
    "decide",
    "decode",
    "page_of",
    "pages",
    "same_person",
    "to_document",
    "with_contents",
]
