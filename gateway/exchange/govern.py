"""The whole story of one exchange: who asks, what they ask, what policy says, what is done about it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway import detect
from gateway.approvals import Approvals
from gateway.candidate import Shadow
from gateway.config import Config, ServerKey
from gateway.dialects import framing, media_type_of, named_alike
from gateway.errors import Refusal, UpstreamUnavailable, UpstreamUnreadable
from gateway.exchange.answer_stream import StreamedCompletion
from gateway.exchange.answer_whole import WholeCompletion
from gateway.exchange.counting import cost_of, counted_usage, expected_usage
from gateway.exchange.decide import Decider, prompt_of
from gateway.exchange.exchange import Exchange
from gateway.exchange.fallback import Fallback
from gateway.exchange.forward import Forwarder
from gateway.exchange.hold import Holder, answer_at_once, keeps_alive
from gateway.exchange.inspect import Inspector
from gateway.exchange.receipts import Receipts
from gateway.exchange.receive import Receiver
from gateway.exchange.record import Ledger
from gateway.exchange.refuse import refusal_answer
from gateway.exchange.scope import check_reach
from gateway.exchange.seats import Rooms
from gateway.exchange.steps import Answer, Call
from gateway.identity import Identity, api_key, check_limits, check_names
from gateway.policy import Policies
from gateway.sessions import Sessions, UsageCounters
from gateway.state import TaskHolders, ToolPins
from gateway.upstream import NotSent, UpstreamResponse, Upstreams
from gateway.words import Agent, Completion

_log = logging.getLogger("regate.gateway")


@dataclass(frozen=True, slots=True)
class Services:
    """What the steps of an exchange work with."""

    identity: Identity
    sessions: Sessions
    usage: UsageCounters
    upstreams: Upstreams
    inspection: detect.DetectionService
    detector: detect.Detector
    policies: Policies
    approvals: Approvals
    ledger: Ledger
    shadow: Shadow | None = None
    pins: ToolPins | None = None
    tasks: TaskHolders | None = None


class Gateway:
    """Governs exchanges. It keeps no state between two of them."""

    def __init__(self, config: Config, key: ServerKey, services: Services) -> None:
        self._config = config
        self._identity = services.identity
        self._usage = services.usage
        self._policies = services.policies
        self._ledger = services.ledger
        self._inspector = Inspector(
            services.inspection, services.detector, key, services.pins, services.tasks
        )
        self._receiver = Receiver(
            services.upstreams, config.limits, self._inspector, services.sessions, key, config.cors_origins
        )
        self._decider = Decider(
            services.policies, services.ledger, services.shadow, services.detector.describe
        )
        self._holder = Holder(self._decider, services.approvals, key, services.identity)
        self._rooms = Rooms(
            config.limits, {name: provider.exchanges for name, provider in config.providers.items()}
        )
        self._receipts = Receipts(key)
        self._fallback = Fallback(
            services.upstreams, self._receiver, self._inspector, services.ledger, self._rooms
        )
        self._forwarder = Forwarder(services.identity, self._holder, self._rooms, services.ledger, key)
        answering = self._holder, self._inspector, services.ledger, config.limits
        self._whole = WholeCompletion(*answering)
        self._stream = StreamedCompletion(*answering)

    async def answer(self, exchange: Exchange) -> Answer:
        """Govern the exchange, and give a receipt with its answer.

        Whatever goes wrong becomes a recorded refusal in the dialect's own words.
        """
        exchange.receipt_key = self._receipts.answered_key
        return self._receipts.attach(exchange, await self._answered(exchange))

    async def _answered(self, exchange: Exchange) -> Answer:
        try:
            return await self.govern(exchange)
        except Refusal as refusal:
            self._ledger.record_refusal(exchange, refusal)
            return refusal_answer(exchange, refusal)
        except asyncio.CancelledError:
            self.abandon(exchange, "cancelled")
            raise
        except Exception:  # noqa: BLE001 - the outermost handler: an unforeseen fault is a refusal too
            _log.exception("unforeseen fault", extra={"exchange_id": exchange.id})
            fault = Refusal("the gateway failed on this request")
            self._ledger.record_refusal(exchange, fault)
            return refusal_answer(exchange, fault)

    async def govern(self, exchange: Exchange) -> Answer:
        """Take one exchange through its steps, in order. Raise a Refusal when it ends before its answer."""
        exchange.agent = await self._identify(exchange.call)
        await exchange.seats.take(self._rooms.of_agent(exchange.agent.id))
        await self._receiver.receive(exchange)
        check_reach(exchange)
        expected = expected_usage(exchange)
        tokens, cost = expected.input_tokens, cost_of(exchange, expected)
        exchange.reservation = self._usage.reserve(exchange.agent, tokens, cost)
        exchange.inspected = await self._inspector.inspect(exchange, self._policies.revision)
        exchange.usage = await exchange.reservation.facts()  # counted while the prompt was inspected
        check_limits(exchange.agent.scope, exchange.usage.key)
        await self._decider.decide(exchange, prompt_of(exchange), self._forwarder.prepare)
        if keeps_alive(exchange, self._config.hold.keepalive_seconds):
            return self._answer_at_once(exchange)
        return await self._act(exchange)

    async def _act(self, exchange: Exchange) -> Answer:
        """Carry the decision out: refuse, hold, or mask and forward; then answer."""
        kept = await self._holder.release(exchange)
        try:
            response = await self._forwarder.forward(exchange, kept)
        except NotSent as error:
            if not self._fallback.follows(exchange):
                raise
            return await self._fall_back(exchange, error)
        # `kept` is a completion that an approval released: nothing was sent for it
        if kept is None and self._fallback.follows(exchange, response.status):
            return await self._fall_back(exchange, await self._fallback.give_up(exchange, response))
        return await self._answer(exchange, response)

    async def _fall_back(self, exchange: Exchange, ended: UpstreamUnavailable) -> Answer:
        """Ask policy about the next provider, and act by it. Raises `ended` where policy denies that one."""
        await self._fallback.turn(exchange, ended)
        exchange.inspected = await self._inspector.inspect(exchange, self._policies.revision)
        decision = await self._decider.decide(exchange, prompt_of(exchange), self._forwarder.prepare)
        if exchange.enforced and decision.action == "deny":  # the agent learns why the first did not serve it
            raise ended
        return await self._act(exchange)

    async def _identify(self, call: Call) -> Agent:
        headers = call.headers
        check_names(call.names)
        return await self._identity.identify(
            headers.get("authorization"),
            api_key(headers, call.raw_query),
            headers.get("x-regate-on-behalf-of"),
            end_user_token=headers.get("x-regate-on-behalf-of-token", ""),
            certificate=call.certificate,
            ip=call.source.ip,
        )

    def _answer_at_once(self, exchange: Exchange) -> Answer:
        seconds = self._config.hold.keepalive_seconds
        return answer_at_once(exchange, self._act(exchange), self._ledger, seconds)

    async def _answer(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        """Inspect the completion and decide again, in the form in which it comes."""
        try:
            media_type = media_type_of(response.headers.get("content-type", ""))
            if exchange.call.method == "HEAD":  # its content type speaks of a body that does not come
                return await self._answer_empty(exchange, response)
            asked = exchange.prompt.stream and response.status < 400
            if found := framing(exchange.dialect, media_type, asked):
                return await self._stream.answer(exchange, response, found)
            return await self._whole.answer(exchange, response)
        except UpstreamUnreadable as error:
            await response.close()
            if response.status >= 400:
                error.of_error(response.status, await self._inspector.headers(exchange, response.headers))
            raise
        except BaseException:
            await response.close()
            raise

    async def _answer_empty(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        headers = await self._inspector.headers(exchange, response.headers)
        content_type = response.headers.get("content-type", "")
        if named := named_alike(content_type, media_type_of(content_type)):
            headers["content-type"] = named
        self._ledger.record_completion(exchange, response.status, Completion(), ())
        return Answer(response.status, headers | exchange.headers(), b"")

    def abandon(self, exchange: Exchange, code: str) -> None:
        """Close an exchange whose answer could not be sent to its end."""
        self._ledger.record_break(exchange, code)

    def settle(self, exchange: Exchange) -> None:
        """Give the seats back once the answer is over, and count the exchange for its session and budgets."""
        exchange.seats.leave()
        usage = counted_usage(exchange)
        tokens = usage.input_tokens + usage.output_tokens
        if exchange.session_id and exchange.decided:
            exchange.session.count(exchange.decided.decision.action, tokens, exchange.decided.entities)
        if exchange.reservation:
            cost, kept = cost_of(exchange, usage), exchange.counts
            self._usage.settle(exchange.reservation, tokens, cost, kept=kept)
