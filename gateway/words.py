"""The words of one exchange: who asks, what a prompt and a completion are made of, what was found in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

# `signed` is what its provider signed or sealed: it passes in the bytes that it came in, or not at all.
Kind = Literal["text", "system", "tool_call", "tool_result", "tool_definition", "field", "signed"]
Category = Literal["pii", "secret", "code", "injection", "custom"]
Phase = Literal["request", "response"]

# What became of a finding by the decision that it is recorded with: `masked` stands for a placeholder, a
# partial value or a hash in its place, `redacted` for a fixed word, `passed` for the value as it was, and
# `refused` for a prompt or completion that this decision did not let through.
Treatment = Literal["masked", "redacted", "passed", "refused"]

# Where a part stands in its body. A finding in a `structural` value (model, type, id) can only be refused,
# because the provider reads it as syntax; everywhere else it can be masked. A `constant` is a value that a
# schema fixes.
PartPlace = Literal["value", "number", "key", "constant", "structural"]


@dataclass(frozen=True, slots=True)
class Agent:
    """An authenticated caller. `owner` is the person who answers for it; `key_id` names its credential."""

    id: str
    owner: str
    method: Literal["api_key", "oidc"]
    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the request came from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of text inside a prompt or completion, at a JSON pointer (RFC 6901)."""

    role: str
    kind: Kind
    pointer: str
    text: str
    place: PartPlace = "value"


class Finding(msgspec.Struct, frozen=True, gc=False):  # thousands of them are made in one turn of the loop
    """One detected entity in one part, as character offsets into the part's text. Never the value itself."""

    entity: str
    category: Category
    score: float
    pointer: str
    start: int
    end: int

    def at(self, start: int, end: int) -> Finding:
        """Return the same finding at other offsets."""
        return Finding(self.entity, self.category, self.score, self.pointer, start, end)


@dataclass(frozen=True, slots=True)
class Match:
    """One detected entity as character offsets into one text. Never the value itself."""

    entity: str
    category: Category
    score: float
    start: int
    end: int

    def at(self, start: int, end: int) -> Match:
        """Return the same match at other offsets."""
        return Match(self.entity, self.category, self.score, start, end)


_Span = TypeVar("_Span", Finding, Match)


def merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the spans in order, those that overlap as one, which the highest `rank` names."""
    disjoint: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if disjoint and span.start < disjoint[-1].end:
            last = disjoint[-1]
            disjoint[-1] = max(last, span, key=rank).at(last.start, max(last.end, span.end))
        else:
            disjoint.append(span)
    return disjoint


def rank(span: Finding | Match) -> tuple[bool, float, int]:
    """Return what decides between two that overlap: a secret, then the score, then the length."""
    return span.category == "secret", span.score, span.end - span.start


@dataclass(frozen=True, slots=True)
class Attachment:
    """A leaf that is exempt from inspection (base64 media, signatures, encrypted content)."""

    kind: str
    media_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool offered to the model."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call made by the model; `arguments` is None when they do not parse as a JSON object.

    `pointers` are the parts that carry its arguments; with `raw_json` there is one, the JSON text of them.
    """

    name: str
    arguments: Mapping[str, Any] | None
    pointers: tuple[str, ...]
    raw_json: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """Sampling parameters in every dialect's spelling; -1 when not given."""

    max_tokens: int = -1
    temperature: float = -1
    n: int = 1


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a dialect reads from a request body.

    `unseen` names what the body refers to and does not hold: stored files, prompts and conversations. The
    model reads their text, and it was not inspected.
    """

    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tools: tuple[Tool, ...] = ()
    model: str = ""
    models: tuple[
        str, ...
    ] = ()  # every one that the body names, `model` included, each name as it stands there
    stream: bool = False
    parameters: Parameters = Parameters()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; -1 when it did not say."""

    input_tokens: int = -1
    output_tokens: int = -1


@dataclass(frozen=True, slots=True)
class Completion:
    """What a dialect reads from a response body."""

    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    model: str = ""
    finish_reason: str = ""
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class InspectedPart:
    """A part with what was found in it: `masked` has every finding replaced by its placeholder.

    `digest` is keyed (HMAC of role, kind and text), so that a record does not give a short value away to
    guessing, and a phrase that the system prompt may say is new when a tool result says it.
    """

    part: Part
    digest: str
    new: bool
    findings: tuple[Finding, ...]
    masked: str
    masked_pointer: str = ""  # when a key on the way holds a finding

    @property
    def pointer(self) -> str:
        """Where the part stands, as policy and the record may see it."""
        return self.masked_pointer or self.part.pointer


@dataclass(frozen=True, slots=True)
class FindingRow:
    """All findings of one entity in one prompt or completion: what policy sees of them."""

    entity: str
    category: Category
    count: int
    distinct: int
    new: int
    max_score: float
    roles: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What happened in this session before this exchange."""

    exchanges: int = 0
    denied: int = 0
    masked: int = 0
    held: int = 0
    tokens: int = 0
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """What was used in one window of time; the cost in millionths, 0 where no prices are configured."""

    requests: int = 0
    tokens: int = 0
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What this agent used in the last minute and day, this exchange's own request included."""

    minute: Used = Used()
    day: Used = Used()


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The approval that speaks for this exchange; status "" when there is none.

    `groups` are those that the approvers' keys had when they voted, `quorum` (-1 when there is none) is how
    many people had to agree, `revision` is that of the policy which asked for the approval.
    """

    id: str = ""
    status: str = ""
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quorum: int = -1
    note: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """The provider's answer; -1 and "" in the request phase."""

    status: int = -1
    finish_reason: str = ""
