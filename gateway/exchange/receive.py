"""What is known of a request before policy is asked: where it goes, what it says, what was found in it."""

from __future__ import annotations

from dataclasses import replace

from gateway.config import ServerKey
from gateway.dialects import reachable
from gateway.exchange.exchange import Exchange
from gateway.exchange.history import mark
from gateway.exchange.inspect import Inspector, masked_texts
from gateway.exchange.read_request import Reading
from gateway.masking import Vault
from gateway.sessions import Sessions
from gateway.words import Agent, Part


class Arrival:
    """The steps from a request to what policy is asked: the same for live traffic and for a trial."""

    def __init__(self, reading: Reading, inspector: Inspector, sessions: Sessions, key: ServerKey) -> None:
        self._reading = reading
        self._inspector = inspector
        self._sessions = sessions
        self._key = key

    def recognise(self, exchange: Exchange, agent: Agent) -> None:
        """Whose exchange it is, and with that whose placeholders it gets."""
        exchange.agent = agent
        key = self._key.derive("placeholders", agent.id)
        exchange.vault = Vault(key)
        exchange.response_vault = Vault(key, beside=exchange.vault)

    async def address(self, exchange: Exchange) -> None:
        """Where the request goes. What is found there is refused; the record and policy see it masked.

        Raises InvalidRequest, UpstreamUnavailable, InspectionFailed.
        """
        texts = self._reading.address(exchange)
        agent = Part("", "field", "user-agent", exchange.call.source.user_agent)
        path, *others, user_agent = await self._inspector.aside(exchange, [*texts, agent])
        exchange.path = path.masked
        exchange.source = replace(exchange.call.source, user_agent=user_agent.masked)
        exchange.parts = tuple(part for part in (path, *others) if part.findings)

    async def read(self, exchange: Exchange) -> None:
        """The body as parts. Raises InvalidRequest, PromptTooLarge."""
        await self._reading.read(exchange)

    def enter(self, exchange: Exchange) -> None:
        """The session that the prompt belongs to."""
        texts = [part.text for part in exchange.prompt.parts if part.role == "user" and part.kind == "text"]
        exchange.session = self._sessions.enter(
            exchange.agent.id, exchange.call.headers.get("x-regate-session"), texts[0] if texts else ""
        )
        exchange.session_id = exchange.session.id

    async def inspect(self, exchange: Exchange, revision: str) -> None:
        """Look for findings in every part, and mark what is history under this policy revision.

        Raises InspectionFailed.
        """
        parts = await self._inspector.prompt(exchange, exchange.prompt.parts)
        shown, model = masked_texts(parts), exchange.prompt.model
        exchange.model = shown.get(model, model)
        exchange.models = reachable([shown.get(name, name) for name in exchange.prompt.models], exchange.path)
        exchange.parts = (*exchange.parts, *mark(exchange, parts, revision))
