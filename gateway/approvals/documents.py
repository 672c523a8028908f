"""An approval as plain JSON, for the admin API and the CLI, with what people read before they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec

from gateway.approvals.contents import Contents, as_text, pages
from gateway.contract import consent_documents, met_documents
from gateway.errors import RegateError
from gateway.state import Approval

_TIMES = ("created_at", "expires_at", "decided_at", "used_at")


class NoSuchPage(RegateError):
    """A page number that this approval does not have."""


def to_document(approval: Approval) -> dict[str, object]:
    """Return every field, times as RFC 3339 in UTC ("" for what has not happened)."""
    document = asdict(approval)
    told = {
        "approvers": list(approval.approvers),
        "approver_groups": list(approval.approver_groups),
        "consents": consent_documents(approval.consents),
        "all_of": met_documents(approval.progress),
    }
    return document | told | {name: rfc3339(document[name]) for name in _TIMES}


def with_contents(document: dict[str, object], contents: Contents | None, page: int = 0) -> dict[str, object]:
    """Return the document with the whole summary, the number of pages, and what stands on one (0: on all).

    `contents` is None once the approval has ended: the summary is then its beginning, and there is no page.
    Raises NoSuchPage.
    """
    if contents is None:
        return document | {"pages": 0, "contents": []}
    found = pages(contents)
    shown = contents if page == 0 else page_of(found, page)
    return document | {
        "summary": as_text(contents),
        "pages": len(found),
        "contents": [msgspec.structs.asdict(entry) for entry in shown],
    }


def page_of(found: Sequence[Contents], page: int) -> Contents:
    """Return a page by its number, the first is 1. Raises NoSuchPage."""
    if not 1 <= page <= len(found):
        raise NoSuchPage(f"page: found {page}; expected a number from 1 to {len(found)}")
    return found[page - 1]


def rfc3339(seconds: float | None) -> str:
    """Return seconds since 1970 as UTC, to the second; "" for None."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
