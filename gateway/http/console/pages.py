"""The pages: approvals, exchanges, and the policy in force."""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.approvals import (
    ApprovalClosed,
    MayNotDecide,
    VerdictRefused,
    groups_that_decide,
    page_of,
    pages,
    same_person,
    still_needed,
)
from gateway.http.console.door import Door, Visitor, first_tab, see_other
from gateway.http.faults import describe
from gateway.oversight import Oversight, require
from gateway.state import Approval, Verdict

DECIDED_SHOWN = 50
EXCHANGES_SHOWN = 100


class Pages:
    """The pages, a method each."""

    def __init__(self, oversight: Oversight, door: Door) -> None:
        self._oversight = oversight
        self._door = door

    async def start(self, visitor: Visitor) -> Response:
        return see_other(first_tab(visitor.key))

    async def approvals(self, visitor: Visitor) -> Response:
        """Show pending approvals, the next to expire first, then the latest of the others."""
        require(visitor.key, "approvals")
        pending = await self._oversight.list_approvals(visitor.key, "pending")
        others = await self._oversight.list_approvals(visitor.key)
        decided = [approval for approval in reversed(others) if approval.status != "pending"]
        return await self._door.page(
            visitor,
            "approvals.html",
            pending=sorted(pending, key=lambda approval: approval.expires_at),
            decided=decided[:DECIDED_SHOWN],
        )

    async def approval(self, visitor: Visitor) -> Response:
        require(visitor.key, "approvals")
        return await self._approval(visitor)

    async def decide(self, visitor: Visitor) -> Response:
        """Count a verdict. One that does not count shows the page again, with its note kept."""
        fields = await self._door.read_form(visitor.request, visitor.visit)
        require(visitor.key, "decide")
        verdict, note = fields.get("verdict", ""), fields.get("note", "").replace("\r\n", "\n")
        if verdict not in ("approve", "deny"):
            raise HTTPException(422)
        approval_id = visitor.request.path_params["id"]
        await self._oversight.read_approval(visitor.key, approval_id)
        try:
            await self._oversight.approvals.decide(
                approval_id, visitor.key, cast(Verdict, verdict), note.strip()
            )
        except (MayNotDecide, ApprovalClosed, VerdictRefused) as error:
            return await self._approval(visitor, describe(error).status, str(error), note)
        return see_other(f"/console/approvals/{approval_id}")

    async def exchanges(self, visitor: Visitor) -> Response:
        require(visitor.key, "evidence")
        session = visitor.request.query_params.get("session", "")
        found = await self._oversight.evidence.exchanges(session=session, limit=EXCHANGES_SHOWN)
        return await self._door.page(
            visitor, "exchanges.html", exchanges=found, session=session, most=EXCHANGES_SHOWN
        )

    async def exchange(self, visitor: Visitor) -> Response:
        require(visitor.key, "evidence")
        found = await self._oversight.evidence.exchange(visitor.request.path_params["id"])
        return await self._door.page(visitor, "exchange.html", exchange=found)

    async def policy(self, visitor: Visitor) -> Response:
        status = self._oversight.policy_status(visitor.key)
        return await self._door.page(visitor, "policy.html", policy=status)

    async def _approval(
        self, visitor: Visitor, status: int = 200, problem: str = "", note: str = ""
    ) -> Response:
        approval = await self._oversight.read_approval(visitor.key, visitor.request.path_params["id"])
        contents = await self._oversight.approvals.contents(approval.id)
        found = [] if contents is None else await asyncio.to_thread(pages, contents)
        page = _page(visitor)
        return await self._door.page(
            visitor,
            "approval.html",
            status,
            approval=approval,
            page=page,
            pages=len(found),
            entries=page_of(found, page) if found else (),
            obstacle=_obstacle(visitor, approval),
            needed=still_needed(approval),
            problem=problem,
            note=note,
        )


def _page(visitor: Visitor) -> int:
    said = visitor.request.query_params.get("page", "1")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 7 else 0


def _obstacle(visitor: Visitor, approval: Approval) -> str:
    """Return why a verdict of this visitor would not count, "" where it may; sending checks again."""
    if any(same_person(visitor.key.owner, asking) for asking in (approval.owner, approval.on_behalf_of)):
        return "This request is your own, so another person has to decide."
    deciding = groups_that_decide(approval)
    if deciding and set(deciding).isdisjoint(visitor.key.groups):
        return f"Policy asks for an approver from {' or '.join(deciding)}."
    return ""
