"""What was inspected is masked as decided, and goes to the provider, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gateway.config import ServerKey
from gateway.dialects import serialize
from gateway.errors import RecordingFailed, UpstreamUnavailable
from gateway.exchange.exchange import Exchange
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import scope_of
from gateway.exchange.mask import masked_prompt
from gateway.exchange.record import Ledger
from gateway.identity import Identity
from gateway.masking import Restorer
from gateway.upstream import CountedResponse, UpstreamRequest, UpstreamResponse, unpack

_PATH_SAFE = "/:@!$&'()*+,;=-._~"


class Forwarder:
    """Sends requests. An approval is spent first, and given back if the provider fails."""

    def __init__(self, identity: Identity, holder: Holder, ledger: Ledger, key: ServerKey) -> None:
        self._identity = identity
        self._holder = holder
        self._ledger = ledger
        self._key = key

    async def forward(self, exchange: Exchange, kept: bytes | None) -> UpstreamResponse:
        """Return the provider's answer; with `kept`, that of an earlier, identical request, without a call.

        Raises PolicyDenied, Unauthenticated, ApprovalRequired, RecordingFailed, UpstreamUnavailable.
        """
        masked = await masked_prompt(exchange)
        exchange.restorer = Restorer(exchange.vault, [part.part.text for part in exchange.parts])
        await self._identity.confirm(exchange.agent)  # the body, or an approval, may have taken minutes
        await self._holder.spend(exchange.held.prompt, exchange.id)
        if kept is not None:
            exchange.held = replace(exchange.held, completion=exchange.held.prompt)
            return unpack(kept)
        response = await self._send(exchange, _outgoing_body(exchange, masked))
        if response.status == 429 or response.status >= 500:
            try:
                await self._holder.give_back(exchange.held.prompt)
            except BaseException:
                await response.close()
                raise
        else:  # what was not served is no history: its approval still stands, and its client sends it again
            models = exchange.inspected.models
            scope = scope_of(exchange.agent, exchange.provider, models, exchange.revision)
            exchange.session.mark_forwarded(scope, [part.digest for part in exchange.parts])
        return CountedResponse(response, exchange.call.hold)

    async def _send(self, exchange: Exchange, body: bytes) -> UpstreamResponse:
        request = UpstreamRequest(
            exchange.call.method,
            quote(exchange.envelope.up_path, safe=_PATH_SAFE),
            exchange.envelope.up_query,
            exchange.received.headers,
            body,
        )
        try:
            self._ledger.record_forwarding(exchange, body, self._key.digest("sent", body).hex())
            return await exchange.upstream.transport.send(request)
        except (RecordingFailed, UpstreamUnavailable):
            await self._holder.give_back(exchange.held.prompt)
            raise


def _outgoing_body(exchange: Exchange, body: Any) -> bytes:
    """Return the masked body in bytes; of a JSON body never the original ones."""
    if not exchange.received.has_body:
        return b""
    if exchange.dialect == "opaque":
        return body.encode() if isinstance(body, str) else bytes(body)
    return serialize(body)
