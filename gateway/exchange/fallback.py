"""Another provider in place of one that served nothing: policy is asked about it as about the first."""

from __future__ import annotations

import logging

from gateway.dialects import is_form, is_generative
from gateway.errors import UpstreamUnavailable
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.receive import Receiver
from gateway.exchange.record import Ledger
from gateway.exchange.seats import Rooms
from gateway.identity import is_for
from gateway.upstream import SERVED_NOTHING, UpstreamResponse, Upstreams

_log = logging.getLogger("regate.gateway")


class Fallback:
    """Turns an exchange to the next provider of its first one's `fallback`."""

    def __init__(
        self,
        upstreams: Upstreams,
        receiver: Receiver,
        inspector: Inspector,
        ledger: Ledger,
        rooms: Rooms,
    ) -> None:
        self._upstreams = upstreams
        self._receiver = receiver
        self._inspector = inspector
        self._ledger = ledger
        self._rooms = rooms

    def follows(self, exchange: Exchange, status: int | None = None) -> bool:
        """Return whether another provider may be asked after this status; without one nothing was sent.

        Another may not where the request names what its own alone has: stored files, responses, prompts.
        """
        if status is not None and status not in SERVED_NOTHING:
            return False
        if exchange.fallbacks is None:
            exchange.fallbacks = [
                name
                for name in exchange.upstream.fallback
                if not self._upstreams.disabled.get(name) and is_for(exchange.agent.scope, name)
            ]
        asks = exchange.call.method == "POST" and is_generative(exchange.dialect)
        is_json = not is_form(exchange.received.headers.get("content-type", ""))
        return bool(exchange.fallbacks) and asks and is_json and not exchange.prompt.unseen

    async def give_up(self, exchange: Exchange, response: UpstreamResponse) -> UpstreamUnavailable:
        """Close the answer, and return the refusal that says the same, for when no other may be asked."""
        said = f"the provider answered {response.status}"
        ended = UpstreamUnavailable(said)
        ended.status = response.status
        ended.headers = await self._inspector.headers(exchange, response.headers)
        await response.close()
        return ended

    async def turn(self, exchange: Exchange, ended: UpstreamUnavailable) -> None:
        """Close the exchange, and read the request anew as one to the next provider.

        What was masked for the first provider, decided about it and left for it stays on record apart.
        """
        assert exchange.fallbacks
        asked = {"provider": exchange.provider, "status": ended.status, "fallback": exchange.fallbacks[0]}
        _log.info("provider served nothing", extra={"exchange_id": exchange.id, **asked})
        self._ledger.record_refusal(exchange, ended)
        exchange.seats.give_back(self._rooms.of_provider(exchange.provider))
        exchange.begin_anew(exchange.fallbacks.pop(0), exchange.received.unmasked)
        await self._receiver.receive(exchange)
