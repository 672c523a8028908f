"""The whole story of one exchange: who asks, what they ask, what policy says, what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from urllib.parse import quote

from gateway import detect
from gateway.approvals import Approvals
from gateway.candidate import Shadow
from gateway.config import Config, ServerKey
from gateway.contract import Decision
from gateway.dialects import StreamReader, error_document, serialize, stream_reader
from gateway.errors import PolicyOutcome, RecordingFailed, Refusal, UpstreamUnavailable, UpstreamUnreadable
from gateway.exchange.answer_stream import StreamedCompletion
from gateway.exchange.answer_whole import WholeCompletion, is_empty
from gateway.exchange.decide import Asking, Subject, enforce, masks_of
from gateway.exchange.exchange import Answer, Exchange
from gateway.exchange.history import scope_of
from gateway.exchange.hold import WaitingRoom, keeps_alive
from gateway.exchange.inspect import Inspector, masked_aside
from gateway.exchange.intake import Intake
from gateway.exchange.read_request import Reading, outgoing_body, outgoing_headers
from gateway.exchange.receive import Arrival
from gateway.exchange.record import Ledger
from gateway.identity import Identity, check_names
from gateway.masking import Restorer
from gateway.policy import Policies
from gateway.sessions import Sessions, UsageCounters
from gateway.upstream import CountedResponse, UpstreamRequest, UpstreamResponse, Upstreams, unpack
from gateway.words import Completion

# The codes of a denial that need not be a decision: a person or the gateway itself may have said no.
_DENIALS = ("policy_denied", "approval_denied", "approval_expired")
_PATH_SAFE = "/:@!$&'()*+,;=-._~"
_log = logging.getLogger("regate.pipeline")


class Gateway:
    """Governs exchanges. Every collaborator is given; nothing here keeps state between two exchanges."""

    def __init__(
        self,
        config: Config,
        key: ServerKey,
        identity: Identity,
        sessions: Sessions,
        usage: UsageCounters,
        upstreams: Upstreams,
        inspection: detect.DetectionService,
        detector: detect.Detector,
        policies: Policies,
        approvals: Approvals,
        ledger: Ledger,
        shadow: Shadow | None = None,
    ) -> None:
        self._config = config
        self._identity = identity
        self._usage = usage
        self._key = key
        self._inspector = Inspector(inspection, detector, key)
        self._arrival = Arrival(Reading(upstreams, config.limits), self._inspector, sessions, key)
        self._ledger = ledger
        self._waiting_room = WaitingRoom(self._ledger, config.hold.keepalive_seconds)
        self._policies = policies
        self._asking = Asking(policies, self._ledger, approvals, key, shadow)
        limits = config.limits
        self._whole = WholeCompletion(self._asking, self._inspector, self._ledger, limits)

    async def answer(self, exchange: Exchange) -> Answer:
        """Govern the exchange; whatever goes wrong becomes a recorded refusal in the dialect's own words."""
        try:
            return await self.govern(exchange)
        except Refusal as refusal:
            self._ledger.refused(exchange, refusal)
            return refusal_answer(exchange, refusal)
        except asyncio.CancelledError:
            self._ledger.broken_off(exchange, "cancelled")
            raise
        except Exception:  # noqa: BLE001 - the outermost handler: an unforeseen fault is a refusal too
            _log.exception("unforeseen fault", extra={"exchange_id": exchange.id})
            fault = Refusal("the gateway failed on this request")
            self._ledger.refused(exchange, fault)
            return refusal_answer(exchange, fault)

    def abandon(self, exchange: Exchange, code: str) -> None:
        """Close an exchange whose answer could not be sent to its end."""
        self._ledger.broken_off(exchange, code)

    def settle(self, exchange: Exchange) -> None:
        """Count the exchange, once its answer is over, for its session and its agent."""
        usage = exchange.usage_spent
        tokens = max(usage.input_tokens, 0) + max(usage.output_tokens, 0)
        if exchange.session_id and exchange.decision:
            entities = [row.entity for row in exchange.rows]
            exchange.session.count(exchange.decision.action, tokens, entities)
            self._usage.spend(exchange.agent.id, tokens, exchange.cost)

    async def govern(self, exchange: Exchange) -> Answer:
        """One exchange, in order. Raises a Refusal when it ends before an answer begins."""
        await self._identify(exchange)
        await self._arrival.address(exchange)
        await self._arrival.read(exchange)
        await self._inspect(exchange)
        await self._decide(exchange)
        if keeps_alive(exchange, self._config.hold.keepalive_seconds):
            return self._waiting_room.answer(exchange, self._act(exchange))
        return await self._act(exchange)

    async def _act(self, exchange: Exchange) -> Answer:
        """Carry the decision out: refuse, hold, or mask and forward."""
        enforce(exchange, _decided(exchange))
        held = await self._held_completion(exchange)
        if held is not None:
            return await self._answer(exchange, held)
        await self._hold(exchange)
        await self._mask(exchange)
        response = await self._forward(exchange)
        return await self._answer(exchange, response)

    async def _identify(self, exchange: Exchange) -> None:
        headers = exchange.call.headers
        check_names(exchange.call.names)
        agent = await self._identity.identify(
            headers.get("authorization"), headers.get("x-api-key"), headers.get("x-regate-on-behalf-of")
        )
        self._arrival.recognise(exchange, agent)

    async def _inspect(self, exchange: Exchange) -> None:
        """Enter the session, count the request, and look for findings in every part."""
        self._arrival.enter(exchange)
        exchange.usage = self._usage.reserve(exchange.agent.id)
        await self._arrival.inspect(exchange, self._policies.revision)

    async def _decide(self, exchange: Exchange) -> None:
        await self._asking.decide(exchange, Subject("request", exchange.parts))

    async def _held_completion(self, exchange: Exchange) -> UpstreamResponse | None:
        """The approved completion of an earlier, identical request: it is answered without another call."""
        if not exchange.enforced:
            return None
        held = await self._asking.held_completion(exchange)
        if held is None:
            return None
        approval, completion = held
        exchange.approval = approval
        await self._decide(exchange)
        enforce(exchange, _decided(exchange))
        await self._identity.confirm(exchange.agent)
        await self._asking.use(approval, exchange.id)
        exchange.response_approval = approval
        await self._mask(exchange)
        return unpack(completion)

    async def _hold(self, exchange: Exchange) -> None:
        """Wait for people where policy wants them, then let policy have the last word."""
        decision = _decided(exchange)
        if not exchange.enforced or decision.action != "require_approval":
            return
        subject = Subject("request", exchange.parts)
        exchange.approval = await self._asking.hold(exchange, decision, subject)
        await self._decide(exchange)
        enforce(exchange, _decided(exchange))

    async def _mask(self, exchange: Exchange) -> None:
        """Replace in the document what the decision masks; what may come back is kept for this exchange."""
        masks = masks_of(exchange, exchange.decision)
        if masks and exchange.dialect != "none":
            exchange.document = await masked_aside(exchange.document, exchange.parts, masks, exchange.vault)
        exchange.restorer = Restorer(exchange.vault, [part.part.text for part in exchange.parts])

    async def _forward(self, exchange: Exchange) -> UpstreamResponse:
        """Send what was inspected, once. An approval is spent first, and given back if the provider fails."""
        request = UpstreamRequest(
            exchange.call.method,
            quote(exchange.up_path, safe=_PATH_SAFE),
            exchange.up_query,
            outgoing_headers(exchange),
            outgoing_body(exchange),
        )
        await self._identity.confirm(exchange.agent)  # the body, or people, may have taken minutes
        await self._asking.use(exchange.approval, exchange.id)
        try:
            self._ledger.forwarding(exchange, request.body, self._key.digest("sent", request.body).hex())
            response = await exchange.upstream.transport.send(request)
        except (RecordingFailed, UpstreamUnavailable):
            await self._asking.give_back(exchange.approval)
            raise
        if response.status == 429 or response.status >= 500:
            try:
                await self._asking.give_back(exchange.approval)
            except BaseException:
                await response.close()
                raise
        else:  # what was not served is no history: its approval still stands, and its client sends it again
            scope = scope_of(exchange, exchange.revision)
            exchange.session.forwarded(scope, [part.digest for part in exchange.parts])
        return CountedResponse(response, exchange.call.hold)

    async def _answer(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        """Inspect the completion and decide again, in the form in which it comes."""
        try:
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if exchange.call.method == "HEAD":  # its content type speaks of a body that does not come
                return await self._empty(exchange, response)
            if media_type == "text/event-stream" and stream_reader(exchange.dialect) is not None:
                return await self._stream(exchange, response)
            if media_type == "application/json" or media_type.endswith("+json"):
                return await self._whole.answer(exchange, response)
            if not media_type and await is_empty(response):
                return await self._empty(exchange, response)
            raise UpstreamUnreadable(
                f"the provider answered {response.status} with a body that no parser knows"
            )
        except UpstreamUnreadable as error:
            await response.close()
            if response.status >= 400:
                error.of_error(response.status, await self._inspector.headers(exchange, response.headers))
            raise
        except BaseException:
            await response.close()
            raise

    async def _empty(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        headers = await self._inspector.headers(exchange, response.headers)
        self._ledger.completed(exchange, response.status, Completion(), ())
        return Answer(response.status, headers | exchange.headers(), b"")

    async def _stream(self, exchange: Exchange, response: UpstreamResponse) -> Answer:
        """Start the stream, so that a refusal before its first byte still has its true status."""

        def new_reader() -> StreamReader:
            reader = stream_reader(exchange.dialect)
            assert reader is not None
            return reader

        intake = Intake(response, self._config.limits.response_bytes)
        streamed = StreamedCompletion(
            exchange, intake, new_reader, self._asking, self._inspector, self._ledger
        )
        headers = await self._inspector.headers(exchange, response.headers)
        frames = streamed.frames()
        first = await anext(frames, b"")
        headers |= exchange.headers() | {"content-type": "text/event-stream", "cache-control": "no-store"}
        return Answer(response.status, headers, _chain(first, frames))


def refusal_answer(exchange: Exchange, refusal: Refusal) -> Answer:
    """The refusal in the dialect's own error shape."""
    extra = {"decision_id": exchange.decision_id, "reasons": [], **refusal.extra}
    headers = {**refusal.headers, "content-type": "application/json", **exchange.headers()}
    if refusal.code in _DENIALS:
        headers["x-regate-action"] = "deny"
    if isinstance(refusal, PolicyOutcome):
        headers["x-should-retry"] = "false"
    document = error_document(exchange.family, refusal.code, refusal.message, extra)
    return Answer(refusal.status, headers, serialize(document))


def _decided(exchange: Exchange) -> Decision:
    assert exchange.decision is not None
    return exchange.decision


async def _chain(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for frame in rest:
            yield frame
    finally:
        await rest.aclose()
