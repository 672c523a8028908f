"""A request or completion that needs approval waits until someone else approves it.

A held stream can be kept alive with comments, so that a load balancer stays patient; its status is then 200.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gateway.approvals import Approval, Approvals, Binding
from gateway.config import ServerKey
from gateway.contract import ApprovalTerms, Decision, to_document
from gateway.dialects import Malformed, comment, encode, error_event, is_sse_only, parse
from gateway.errors import (
    ASK_AGAIN_SECONDS,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRequired,
    PolicyDenied,
    Refusal,
    UpstreamUnreadable,
)
from gateway.exchange.decide import Decider, Subject, prompt_of
from gateway.exchange.exchange import STREAM_HEADERS, Exchange
from gateway.exchange.record import Ledger
from gateway.exchange.refuse import refusal_event
from gateway.exchange.seats import Room
from gateway.exchange.steps import Answer
from gateway.exchange.summary import contents_of
from gateway.identity import Identity
from gateway.upstream import is_bound
from gateway.words import ApprovalFacts, Phase


class Holder:
    """Holds what policy wants approved. Each approval passes one request, once."""

    def __init__(self, decider: Decider, approvals: Approvals, key: ServerKey, identity: Identity) -> None:
        self.decider = decider
        self._identity = identity
        self._approvals = approvals
        self._key = key

    async def release(self, exchange: Exchange) -> bytes | None:
        """Let the prompt pass, once it is approved where policy wants that; policy then has the last word.

        Returns the approved completion that an earlier, identical request brought, if there is one. Raises
        ApprovalRequired, ApprovalDenied, ApprovalExpired, PolicyDenied.
        """
        decision = exchange.decision
        enforce(exchange, decision)
        kept = await self._kept_completion(exchange)
        if kept is None and exchange.enforced and decision and decision.action == "require_approval":
            subject = prompt_of(exchange)
            approval = await self._hold(exchange, decision, subject)
            exchange.held = replace(exchange.held, prompt=approval)
            enforce(exchange, await self.decider.decide(exchange, subject))
        return kept

    async def judge_completion(self, exchange: Exchange, subject: Subject, completion: bytes) -> Decision:
        """Decide about a whole completion; hold it if policy wants it approved. Raises like `release`."""
        decision = await self.decider.decide(exchange, subject)
        if exchange.enforced and decision.action == "require_approval":
            approval = await self._hold(exchange, decision, subject, completion)
            await self.spend(approval, exchange.id)
            exchange.held = replace(exchange.held, completion=approval)
            decision = await self.decider.decide(exchange, subject)
        enforce(exchange, decision)
        return decision

    async def _kept_completion(self, exchange: Exchange) -> bytes | None:
        """Return the kept completion; raise while it is not approved: the provider is not called again."""
        if not exchange.enforced or not await self._approvals.may_hold_completion(exchange.agent.id):
            return None
        binding = self._binding(exchange, "response")
        approval = await self._approvals.find(binding)
        if approval is None:
            return None
        terms = exchange.decision.approval if exchange.decision else ApprovalTerms()
        await self._outcome(exchange, approval, terms.wait_seconds)
        kept = await self._approvals.held_completion(binding)
        if kept is None:
            return None
        exchange.held = replace(exchange.held, prompt=kept[0].facts())
        enforce(exchange, await self.decider.decide(exchange, prompt_of(exchange)))
        return kept[1]

    async def spend(self, approval: ApprovalFacts, exchange_id: str) -> None:
        """Use the approval up. Raises ApprovalRequired when an identical request was quicker."""
        if approval.id and not await self._approvals.use(approval.id, exchange_id):
            raise ApprovalRequired(
                "the approval was used by an identical request: this one needs its own",
                approval_id=approval.id,
            )

    async def settle(self, approvals: Iterable[ApprovalFacts], exchange_id: str) -> None:
        """Use up what was approved for other providers, once one has served the request: a yes is for one."""
        for approval in approvals:
            with suppress(ApprovalRequired):  # an identical request has used it
                await self.spend(approval, exchange_id)

    async def give_back(self, approval: ApprovalFacts) -> None:
        """Return an approval whose request the provider did not serve."""
        if approval.id:
            await self._approvals.give_back(approval.id)

    async def _hold(
        self, exchange: Exchange, decision: Decision, subject: Subject, completion: bytes | None = None
    ) -> ApprovalFacts:
        """Wait, at most `wait_seconds`, and return the approval that lets this exchange pass."""
        approval = await self._approvals.hold(
            self._binding(exchange, subject.phase),
            decision.approval,
            revision=decision.revision,
            exchange_id=exchange.id,
            session_id=exchange.session_id,
            reasons=to_document(decision)["reasons"],
            contents=await asyncio.to_thread(contents_of, exchange, subject),
            completion=completion,
        )
        exchange.held = replace(exchange.held, id=approval.id)
        exchange.log("held", lambda: {"approval_id": approval.id})
        return await self._outcome(exchange, approval, decision.approval.wait_seconds)

    async def _outcome(self, exchange: Exchange, approval: Approval, wait_seconds: float) -> ApprovalFacts:
        rooms: tuple[Room, ...] = ()
        if approval.status == "pending":
            rooms = exchange.seats.leave()  # people take long: others may go on meanwhile
            approval = await self._approvals.wait(approval.id, wait_seconds)
        extra = {"approval_id": approval.id, "reasons": [dict(reason) for reason in approval.reasons]}
        if approval.status == "pending":
            required = ApprovalRequired(
                "this request needs approval: send the same request again once it is approved", **extra
            )
            required.ask_again_in(min(ASK_AGAIN_SECONDS, approval.expires_at - time.time()))
            raise required
        if approval.status == "expired":
            raise ApprovalExpired("the approval expired before a decision", **extra)
        if approval.status != "approved":
            raise ApprovalDenied(f"the approval was {approval.status}", **extra)
        await exchange.seats.take(rooms)
        await self._identity.confirm(exchange.agent, exchange.call.certificate)  # people may have taken hours
        return approval.facts()

    def _binding(self, exchange: Exchange, phase: Phase) -> Binding:
        """Return what an approval is bound to: it passes this request and no other."""
        # a header that goes up can change what the provider does with the same body
        bound = sorted(header for header in exchange.received.bound_headers.items() if is_bound(header[0]))
        if tags := exchange.envelope.tags:  # policy may have asked for the approval by them
            bound += [("", ""), *sorted(tags.items())]  # no tag passes for a header
        return Binding(
            agent=exchange.agent,
            method=exchange.call.method,
            path=exchange.envelope.up_path,
            query=exchange.envelope.up_query,
            provider=exchange.provider,
            phase=phase,
            digest=self._key.digest("binding", exchange.received.unmasked, json.dumps(bound).encode()).hex(),
        )


def enforce(exchange: Exchange, decision: Decision | None) -> None:
    """Carry out a denial. Raises PolicyDenied, unless this is a dry run."""
    if exchange.enforced and decision and decision.action == "deny":
        messages = [reason.message or reason.title or reason.rule for reason in decision.reasons]
        because = "denied by policy: " + "; ".join(messages or ["no rule allows it"])
        denied = PolicyDenied(because, reasons=to_document(decision)["reasons"])
        if decision.retry_after:
            denied.ask_again_in(decision.retry_after)
        raise denied


def keeps_alive(exchange: Exchange, seconds: float) -> bool:
    """Return whether this exchange is a held stream and the configuration wants comments while it waits."""
    held = exchange.enforced and exchange.prompt.stream and exchange.action == "require_approval"
    return seconds > 0 and held and is_sse_only(exchange.dialect)


def answer_at_once(
    exchange: Exchange, acting: Coroutine[Any, Any, Answer], ledger: Ledger, seconds: float
) -> Answer:
    """Answer with a stream of comments, one every so many seconds, then with what `acting` answers.

    `acting` is the rest of the exchange: the hold and what follows it.
    """
    headers = exchange.headers() | STREAM_HEADERS | {"content-type": "text/event-stream"}
    return Answer(200, headers, _comments_first(exchange, acting, ledger, seconds))


def _document(body: bytes) -> Any:
    try:
        return parse(body)
    except Malformed as error:
        raise UpstreamUnreadable("the provider's answer is no stream") from error


async def _comments_first(
    exchange: Exchange, acting: Coroutine[Any, Any, Answer], ledger: Ledger, seconds: float
) -> AsyncGenerator[bytes]:
    task = asyncio.create_task(acting)
    try:
        while not task.done():
            yield exchange.handed(comment("held"))
            await asyncio.wait([task], timeout=seconds)
        answer = task.result()
        if isinstance(answer.body, bytes):  # no stream after all: the provider's own error
            yield encode(error_event(exchange.family, _document(answer.body)))
            return
        async for event in answer.body:
            yield event
    except Refusal as refusal:
        last = exchange.handed(encode(refusal_event(exchange, refusal)))
        ledger.record_refusal(exchange, refusal)
        yield last
    except (asyncio.CancelledError, GeneratorExit):
        ledger.record_break(exchange, "cancelled")
        raise
    finally:
        task.cancel()
