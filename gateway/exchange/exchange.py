"""One exchange while it is governed: each step adds one value, which the later steps read."""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.contract import ACTIONS, Decision
from gateway.exchange.origins import Origins
from gateway.exchange.seats import Seats
from gateway.exchange.steps import Call, Decided, Envelope, Held, Inspected, Received, Sent, new_id
from gateway.masking import Restorer, Vault
from gateway.sessions import Reservation, Session
from gateway.upstream import Trail, Upstream
from gateway.words import (
    Agent,
    ApprovalFacts,
    Completion,
    InspectedPart,
    Prompt,
    Usage,
    UsageFacts,
)

_RANKS: dict[str, int] = {action: rank for rank, action in enumerate(ACTIONS)}
_UNKNOWN_AGENT = Agent(id="", owner="", method="api_key")
_log = logging.getLogger("regate.exchange")
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # events arrive as they are sent
_PLAIN = re.compile(r"[\w.:/-]{1,100}", re.ASCII)


@dataclass(slots=True)
class Exchange:
    """How far one exchange has come. A step sets its field once; the record reads what there is."""

    call: Call
    enforced: bool
    id: str = field(default_factory=lambda: new_id("ex"))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    ttft_ms: float = -1  # until the first event of a stream went down; -1 where none did

    agent: Agent = _UNKNOWN_AGENT
    vault: Vault = field(init=False)  # the prompt's values
    response_vault: Vault = field(init=False)  # values that the completion brought
    received: Received = Received()
    seats: Seats = field(default_factory=Seats)
    reservation: Reservation | None = None  # of usage, until the exchange is settled
    usage: UsageFacts = UsageFacts()
    inspected: Inspected = Inspected()
    decided: Decided | None = None  # the last decision on the prompt
    recorded: list[Decided] = field(default_factory=list)  # every decision that is on record
    held: Held = Held()
    standing: list[ApprovalFacts] = field(default_factory=list)  # for providers that served nothing
    outgoing: bytes | None = None  # the body as it goes up, once it is masked
    restorer: Restorer = field(init=False)
    origins: Origins | None = None  # once a completion calls tools
    forwarded: Sent | None = None  # once the provider is called
    fallbacks: list[str] | None = None  # the providers that may still be asked, once the first served nothing
    fallback_of: str = ""  # the exchange with the provider that did not serve it
    trail: Trail = field(default_factory=Trail)  # how it went up
    completion: Completion = Completion()  # as far as the provider sent it
    heard: int = 0  # tokens that the completion is thought to be, as far as it came
    is_counted: bool = True  # its tokens count; those of what is stored counted when it was made
    receipt_key: bytes = field(default=b"", repr=False)
    streamed: hmac.HMAC | None = None  # what a stream has handed down so far, under that key
    status: int = 0  # of the provider's answer, once that came to its end
    outcome: str = ""  # "completed", or the code of what ended it; "" while it is open

    def begin_anew(self, provider: str, body: bytes) -> None:
        """Become another exchange, which asks another provider the same; the one before is closed."""

        async def read() -> bytes:
            return body

        headers = {name: text for name, text in self.call.headers.items() if name != "content-encoding"}
        self.call = replace(self.call, provider=provider, headers=headers, body=read)
        self.fallback_of, self.id = self.id, new_id("ex")
        self.started, self.clock = datetime.now(UTC), time.perf_counter()
        if self.held.prompt.id:
            self.standing.append(self.held.prompt)
        self.inspected, self.decided, self.recorded, self.held = Inspected(), None, [], Held()
        self.outgoing = self.forwarded = None
        self.status, self.outcome = 0, ""

    @property
    def upstream(self) -> Upstream:
        return self.received.upstream

    @property
    def secret(self) -> str | None:
        """What went up that no answer may repeat."""
        return self.trail.secret or self.upstream.secret

    @property
    def provider(self) -> str:
        return self.upstream.name

    @property
    def family(self) -> str:
        return self.upstream.family

    @property
    def envelope(self) -> Envelope:
        return self.received.envelope

    @property
    def session(self) -> Session:
        assert self.received.session is not None  # a request that was read to its end has one
        return self.received.session

    @property
    def session_id(self) -> str:
        return self.received.session.id if self.received.session else ""

    @property
    def own_words(self) -> Set[str]:
        """The digests of what this provider signed in this session: it gets its own bytes back."""
        session = self.received.session
        return session.seen(("signed", self.provider)) if session else frozenset()

    def remember_signed(self, parts: Iterable[InspectedPart]) -> None:
        """Remember what the provider signed, as far as a mask could keep it back."""
        signed = [one.digest for one in parts if one.part.kind == "signed" and one.findings]
        if signed and self.received.session:
            self.received.session.mark_forwarded(("signed", self.provider), signed)

    @property
    def approval_id(self) -> str:
        return self.held.prompt.id or self.held.id

    @property
    def dialect(self) -> str:
        return self.received.dialect

    @property
    def prompt(self) -> Prompt:
        return self.received.prompt

    @property
    def parts(self) -> tuple[InspectedPart, ...]:
        return self.inspected.parts

    @property
    def decision(self) -> Decision | None:
        return self.decided.decision if self.decided else None

    @property
    def asks_always(self) -> bool:
        """Whether the request's decision wants every completion asked about."""
        return self.decided is not None and self.decided.decision.response == "always"

    @property
    def decision_id(self) -> str:
        return self.decided.id if self.decided else ""

    @property
    def revision(self) -> str:
        return self.decided.decision.revision if self.decided else ""

    @property
    def action(self) -> str:
        return self.decided.decision.action if self.decided else ""

    @property
    def response_action(self) -> str:
        """The last decision on the completion; empty when policy was not asked."""
        return next((one.decision.action for one in reversed(self.recorded) if one.phase == "response"), "")

    @property
    def last_action(self) -> str:
        """The more restrictive of the last decisions on the prompt and on the completion."""
        return max(self.action, self.response_action, key=lambda action: _RANKS.get(action, -1))

    @property
    def usage_spent(self) -> Usage:
        """The tokens that this exchange took. A completion that was released later took them before."""
        return self.completion.usage if self.forwarded and self.is_counted else Usage()

    @property
    def counts(self) -> bool:
        """Whether it counts for budgets: it went up, and the provider could be reached."""
        return self.forwarded is not None and self.outcome != "upstream_unavailable"

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.clock) * 1000

    def log(self, step: str, facts: Callable[[], Mapping[str, object]]) -> None:
        """Log a step at level debug, with the `facts` that are then called for: never content."""
        if _log.isEnabledFor(logging.DEBUG):
            extra = {"exchange_id": self.id, "ms": round(self.elapsed_ms(), 1), **facts()}
            _log.debug(step, extra=extra)

    @property
    def warned_by(self) -> list[str]:
        """The rules that warned so far, each once, as far as a header can name them."""
        named = [one.rule for decided in self.recorded for one in decided.decision.warnings]
        return [rule for rule in dict.fromkeys(named) if _PLAIN.fullmatch(rule)]

    def handed(self, frame: bytes) -> bytes:
        """Return bytes of a stream that go down next, taken into account for what its record says went."""
        if self.receipt_key:
            self.streamed = self.streamed or hmac.new(self.receipt_key, digestmod="sha256")
            self.streamed.update(frame)
        return frame

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer carries, as far as their values are known."""
        named = {
            "x-regate-decision-id": self.decision_id,
            "x-regate-action": self.last_action,
            "x-regate-request-action": self.action,
            "x-regate-response-action": self.response_action,
            "x-regate-warnings": ", ".join(self.warned_by),
            "x-regate-session-id": self.session_id,
            "x-regate-exchange-id": self.id,
            "x-regate-enforced": "" if self.enforced else "false",
        }
        return {name: value for name, value in named.items() if value}
