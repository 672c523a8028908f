"""What the steps of an exchange make: each value is set once, and read by the steps after it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from gateway.contract import Decision
from gateway.dialects import is_form, serialize
from gateway.sessions import Session
from gateway.upstream import Transport, Upstream
from gateway.words import ApprovalFacts, InspectedPart, Phase, Prompt, Source

_UNKNOWN_PROVIDER = Upstream("", "", cast(Transport, None), None)
_LETTERS = str.maketrans("0123456789", "ghijkmnpqr")
UNLABELED = ("json", "lines", "form", "opaque")
"""The dialects in which everything that is said is a field."""

Restored = tuple[tuple[str, str], ...]
"""What restoring a tool call's placeholders would put into it: (entity, category) each."""


def new_id(prefix: str) -> str:
    """Return a random identifier of 96 bits, in letters that no detector takes for a number."""
    return f"{prefix}_{secrets.token_hex(12).translate(_LETTERS)}"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as HTTP delivered it: header names in lower case, the body not yet read.

    `names` are those of all headers; a header that was given twice is in it twice.
    """

    provider: str
    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Mapping[str, str]
    source: Source
    body: Callable[[], Awaitable[bytes]]
    names: tuple[str, ...] = ()
    certificate: str = ""  # of the client (PEM), verified by our TLS or by a trusted proxy
    hold: Callable[[int], None] = lambda _: None  # counts bytes that the exchange keeps; raises Overloaded


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the agent."""

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncGenerator[bytes]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a request goes. `path`, `source` and `tags` are masked; `parts` are those that hold a finding.

    `headers` go up, with values masked in those that are no syntax.
    """

    up_path: str = ""  # as the provider gets it
    up_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    source: Source = Source("", "")
    tags: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[InspectedPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """The request as far as it was read.

    `encode` makes bytes of the body. `unmasked` stands for it as it came, before it was masked: approvals are
    bound to that.
    """

    dialect: str = "none"
    body: Any = None
    encode: Callable[[Any], bytes] = serialize
    unmasked: bytes = b""
    prompt: Prompt = Prompt()
    upstream: Upstream = _UNKNOWN_PROVIDER
    envelope: Envelope = Envelope()
    headers: Mapping[str, str] = field(
        default_factory=dict
    )  # that go up with the body, but for the credential
    session: Session | None = None

    @property
    def bound_headers(self) -> dict[str, str]:
        """The headers as approvals bind them: a form has another boundary with each sending."""
        content_type = self.headers.get("content-type", "")
        return {**self.headers, "content-type": "form"} if is_form(content_type) else dict(self.headers)

    @property
    def has_body(self) -> bool:
        """Whether there is one: some requests of a dialect have none."""
        return self.body is not None or bool(self.unmasked)


@dataclass(frozen=True, slots=True)
class Inspected:
    """The prompt as policy may see it: its parts behind those of the envelope, the models masked.

    `models` are all that the request can reach; `revision` is the policy under which parts count as history;
    `own_words` are the digests of what the provider itself signed in this session.
    """

    parts: tuple[InspectedPart, ...] = ()
    model: str = ""
    models: tuple[str, ...] = ()
    revision: str = ""
    own_words: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and the entities that it was about; times in nanoseconds since the epoch."""

    phase: Phase
    id: str
    decision: Decision
    entities: tuple[str, ...]
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Held:
    """The approvals that speak for the prompt and the completion; `id` is that of the last one asked for."""

    id: str = ""
    prompt: ApprovalFacts = ApprovalFacts()
    completion: ApprovalFacts = ApprovalFacts()


@dataclass(frozen=True, slots=True)
class Sent:
    """What went to the provider: when it began to, its body's bytes, and their keyed digest."""

    at: datetime
    bytes: int
    digest: str
