"""Approvals: exchanges that wait for people, from the asking to the one use of a yes."""

from __future__ import annotations

from gateway.approvals.approvals import (
    Approvals,
)
from gateway.approvals.binding import (
    Binding,
)
from gateway.approvals.blanks import (
    BLANK,
    LOOSE_JOINER,
)
from gateway.approvals.book import (
    ApprovalBook,
    Recorder,
)
from gateway.approvals.contents import (
    About,
    ContentEntry,
    Contents,
    as_lines,
    indented,
    pages,
)
from gateway.approvals.deciding import (
    ApprovalClosed,
    MayNotDecide,
    UnknownApproval,
    VerdictRefused,
    decide,
)
from gateway.approvals.documents import (
    NoSuchPage,
    page_of,
    rfc3339,
    to_document,
    with_contents,
)
from gateway.approvals.people import (
    same_person,
)
from gateway.state import (
    Approval,
)

__all__ = [
    "BLANK",
    "LOOSE_JOINER",
    "About",
    "Approval",
    "ApprovalBook",
    "ApprovalClosed",
    "Approvals",
    "Binding",
    "ContentEntry",
    "Contents",
    "MayNotDecide",
    "NoSuchPage",
    "Recorder",
    "UnknownApproval",
    "VerdictRefused",
    "as_lines",
    "decide",
    "indented",
    "page_of",
    "pages",
    "rfc3339",
    "same_person",
    "to_document",
    "with_contents",
]
