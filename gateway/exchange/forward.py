"""What was inspected is masked as decided, and goes to the provider, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gateway.config import ServerKey
from gateway.dialects import rpc_of
from gateway.errors import RecordingFailed, UpstreamUnavailable
from gateway.exchange.exchange import Exchange
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import scope_of
from gateway.exchange.mask import masked_prompt
from gateway.exchange.record import Ledger
from gateway.exchange.seats import Rooms
from gateway.identity import Identity
from gateway.masking import Restorer
from gateway.upstream import (
    SERVED_NOTHING,
    CountedResponse,
    ReplayedResponse,
    UpstreamRequest,
    UpstreamResponse,
    unpack,
)

_PATH_SAFE = "/:@!$&'()*+,;=-._~%"  # a percent sign stands for an encoded slash: no other is left


class Forwarder:
    """Sends requests. An approval is spent first, and given back if the provider fails."""

    def __init__(
        self, identity: Identity, holder: Holder, rooms: Rooms, ledger: Ledger, key: ServerKey
    ) -> None:
        self._identity = identity
        self._holder = holder
        self._rooms = rooms
        self._ledger = ledger
        self._key = key

    async def forward(self, exchange: Exchange, kept: bytes | None) -> UpstreamResponse:
        """Return the provider's answer; with `kept`, that of an earlier, identical request, without a call.

        Raises PolicyDenied, Unauthenticated, ApprovalRequired, RecordingFailed, UpstreamUnavailable,
        TooManyExchanges.
        """
        if exchange.outgoing is None:
            await self.prepare(exchange)
        if kept is None:
            await exchange.seats.take(self._rooms.of_provider(exchange.provider))
        # the body, or an approval, may have taken minutes
        await self._identity.confirm(exchange.agent, exchange.call.certificate)
        await self._holder.spend(exchange.held.prompt, exchange.id)
        if kept is not None:
            exchange.held = replace(exchange.held, completion=exchange.held.prompt)
            return await _replayed(exchange, kept)
        response = await self._send(exchange)
        served = response.status not in SERVED_NOTHING and response.status < 500
        try:
            if served:
                await self._holder.settle(exchange.standing, exchange.id)
            else:
                await self._holder.give_back(exchange.held.prompt)
        except BaseException:
            await response.close()
            raise
        if (
            served
        ):  # what was not served is no history: its approval still stands, and its client sends it again
            models = exchange.inspected.models
            tags = exchange.envelope.tags
            scope = scope_of(exchange.agent, exchange.provider, models, exchange.revision, tags)
            exchange.session.mark_forwarded(scope, [part.digest for part in exchange.parts])
        return CountedResponse(response, exchange.call.hold)

    async def prepare(self, exchange: Exchange) -> None:
        """Make the body that goes up, masked as decided, and what restores values. Raises PolicyDenied."""
        exchange.outgoing = _outgoing_body(exchange, await masked_prompt(exchange))
        exchange.restorer = Restorer(exchange.vault, [part.part.text for part in exchange.parts])

    async def _send(self, exchange: Exchange) -> UpstreamResponse:
        body = exchange.outgoing or b""
        request = UpstreamRequest(
            exchange.call.method,
            quote(exchange.envelope.up_path, safe=_PATH_SAFE),
            exchange.envelope.up_query,
            _outgoing_headers(exchange),
            body,
            exchange.session_id,
            exchange.trail,
        )
        try:
            self._ledger.record_forwarding(exchange, body, self._key.digest("sent", body).hex())
            exchange.trail.secret = exchange.upstream.secret
            return await exchange.upstream.transport.send(request)
        except (RecordingFailed, UpstreamUnavailable):
            await self._holder.give_back(exchange.held.prompt)
            raise


async def _replayed(exchange: Exchange, kept: bytes) -> UpstreamResponse:
    """Return the kept completion as the answer to this sending of the request."""
    response = unpack(kept)
    rpc = rpc_of(exchange.dialect)
    if rpc is None:
        return response
    body = b"".join([chunk async for chunk in response.chunks()])
    return ReplayedResponse(response.status, response.headers, rpc.replayed(body, exchange.received.body))


def _outgoing_headers(exchange: Exchange) -> dict[str, str]:
    """Return the headers; those that repeat what the body says do so as it goes up, or stay behind."""
    rpc, headers = rpc_of(exchange.dialect), exchange.received.headers
    if rpc is None or not exchange.received.unmasked:
        return dict(headers)
    mirrored = rpc.mirror(exchange.call.headers, exchange.received.unmasked, exchange.received.body)
    return {name: text for name, text in {**headers, **mirrored}.items() if text or name not in mirrored}


def _outgoing_body(exchange: Exchange, body: Any) -> bytes:
    """Return the masked body in bytes; of a JSON body never the original ones."""
    return exchange.received.encode(body) if exchange.received.has_body else b""
