"""Approvals: exchanges that wait for people, from the asking to the one use of a yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.approvals.approvals import (
        Approvals,
    )
    from gateway.approvals.binding import (
        Binding,
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
        pages,
    )
    from gateway.approvals.deciding import (
        ApprovalClosed,
        MayNotDecide,
        UnknownApproval,
        VerdictRefused,
        decide,
        groups_that_decide,
        still_needed,
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
else:
    __getattr__ = on_demand(__name__)

__all__ = [
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
    "groups_that_decide",
    "page_of",
    "pages",
    "rfc3339",
    "same_person",
    "still_needed",
    "to_document",
    "with_contents",
]
