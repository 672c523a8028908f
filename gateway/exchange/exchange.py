"""One exchange while it is governed: each step fills in what the later ones read."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.contract import ACTIONS, Decision
from gateway.masking import Restorer, Vault
from gateway.sessions import Session
from gateway.upstream import Upstream
from gateway.words import (
    Agent,
    ApprovalFacts,
    Completion,
    FindingRow,
    InspectedPart,
    Phase,
    Prompt,
    Source,
    Usage,
    UsageFacts,
)

_RANKS: dict[str, int] = {action: rank for rank, action in enumerate(ACTIONS)}
NOBODY = Agent(id="", owner="", method="api_key")


def new_id(prefix: str) -> str:
    """A random identifier of 96 bits, in letters that no detector takes for a number."""
    return f"{prefix}_{secrets.token_hex(12).translate(_LETTERS)}"


_LETTERS = str.maketrans("0123456789", "ghijkmnpqr")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as HTTP delivered it: header names in lower case, the body not yet read.

    `names` are those of all headers, one for each time that it was given.
    """

    provider: str
    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Mapping[str, str]
    source: Source
    body: Callable[[], Awaitable[bytes]]
    names: tuple[str, ...] = ()
    hold: Callable[[int], None] = lambda _: None  # counts bytes that the exchange keeps; raises Overloaded


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the agent."""

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncGenerator[bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """One time that policy was asked; times in nanoseconds since the epoch."""

    phase: Phase
    decision_id: str
    decision: Decision
    entities: tuple[str, ...]
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What went to the provider: when it began to, its body's bytes, and their keyed digest."""

    at: datetime
    bytes: int
    digest: str


@dataclass(slots=True)
class Exchange:
    """Everything known of one exchange so far."""

    call: Call
    enforced: bool
    id: str = field(default_factory=lambda: new_id("ex"))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)

    agent: Agent = NOBODY
    upstream: Upstream = field(init=False)
    provider: str = ""  # the configured name, once it is known
    family: str = ""
    # as policy and the record see them: findings replaced, and empty until they were looked for
    path: str = ""
    model: str = ""
    models: tuple[str, ...] = ()  # every model that the request can reach
    source: Source = Source("", "")
    up_path: str = ""  # as the provider gets it
    up_query: str = ""
    dialect: str = "none"
    document: Any = None
    unmasked: bytes = b""  # the body as it was inspected, re-serialised
    prompt: Prompt = Prompt()

    session: Session = field(init=False)
    session_id: str = ""
    vault: Vault = field(init=False)  # the prompt's values
    response_vault: Vault = field(init=False)  # values that the completion brought
    restorer: Restorer = field(init=False)
    parts: tuple[InspectedPart, ...] = ()
    marked_under: str = ""  # the policy revision under which parts count as history
    rows: tuple[FindingRow, ...] = ()
    usage: UsageFacts = UsageFacts()

    decision: Decision | None = None
    decision_id: str = ""
    revision: str = ""
    asked: list[Asked] = field(default_factory=list)  # every decision that is on record
    approval: ApprovalFacts = ApprovalFacts()
    response_approval: ApprovalFacts = ApprovalFacts()
    waits_for: str = ""  # the id of the approval that it is or was held for
    forwarded: Forwarded | None = None  # once the provider is called
    completion: Completion = Completion()  # as far as the provider sent it
    outcome: str = ""  # "completed", or the code of what ended it; "" while it is open

    @property
    def action(self) -> str:
        return self.decision.action if self.decision else ""

    @property
    def masks(self) -> bool:
        """Whether the decision's masks are carried out (not in a dry run)."""
        return self.enforced and self.decision is not None and bool(self.decision.mask)

    @property
    def response_action(self) -> str:
        """The last decision on the completion; empty when policy was not asked."""
        return next((one.decision.action for one in reversed(self.asked) if one.phase == "response"), "")

    @property
    def last_action(self) -> str:
        """The more restrictive of the last decisions on the prompt and on the completion."""
        return max(self.action, self.response_action, key=lambda action: _RANKS.get(action, -1))

    @property
    def usage_spent(self) -> Usage:
        """The tokens that this exchange took. A completion that was released later took them before."""
        return self.completion.usage if self.forwarded else Usage()

    @property
    def cost(self) -> float:
        """What those tokens cost; -1 when that is not known."""
        return self.upstream.cost(self.prompt.model, self.usage_spent) if self.forwarded else -1

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.clock) * 1000

    def headers(self) -> dict[str, str]:
        """What every answer carries; the empty ones were not reached."""
        named = {
            "x-regate-decision-id": self.decision_id,
            "x-regate-action": self.last_action,
            "x-regate-request-action": self.action,
            "x-regate-response-action": self.response_action,
            "x-regate-session-id": self.session_id,
            "x-regate-exchange-id": self.id,
            "x-regate-enforced": "" if self.enforced else "false",
        }
        return {name: value for name, value in named.items() if value}
