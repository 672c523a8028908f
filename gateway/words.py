"""The words of one exchange: who asks, what a prompt and a completion are made of, what was found in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar, get_args

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

    @property
    def person(self) -> str:
        """Whose budgets it draws on: the end user that it acts for, or else its owner."""
        return counted_name(self.on_behalf_of or self.owner)


def counted_name(name: str) -> str:
    """Return a person's name as budgets count it, in whatever case and width and with whatever spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@dataclass(frozen=True, slots=True)
class Source:
    """Where the request came from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of text inside a prompt or completion, at a JSON pointer (RFC 6901).

    `block` is the pointer of what goes or stays with it, where it is `signed`; "": the object that holds it.
    """

    role: str
    kind: Kind
    pointer: str
    text: str
    place: PartPlace = "value"
    block: str = ""


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
    """A tool offered to the model; `schema_digest` is that of the shape of its arguments, "" without one.

    One that its provider runs has in `hosted` the name under which it is called there; no client sees that
    call before it is over. Where a server offers it, `definition` is the digest of all that it says of the
    tool, and `pointer` where that begins.
    """

    name: str
    description: str
    definition: str = ""
    pointer: str = ""
    schema_digest: str = ""
    hosted: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call made by the model; `arguments` is None when they do not parse as a JSON object.

    `pointers` are the parts that carry its arguments; with `raw_json` there is one, the JSON text of them.
    With `is_free` they are JSON of any type, so that a number may stand where a string does.
    """

    name: str
    arguments: Mapping[str, Any] | None
    pointers: tuple[str, ...]
    raw_json: bool = False
    is_free: bool = False


@dataclass(frozen=True, slots=True, order=True)
class PartOrigin:
    """Who said something earlier in the prompt; `tool` is the one whose result it is, "" when unknown."""

    role: str
    kind: Kind
    tool: str = ""


@dataclass(frozen=True, slots=True)
class CallOrigin:
    """The earlier parts in which a value of a call's arguments stands; `pointer` leads to it in them."""

    pointer: str
    sources: tuple[PartOrigin, ...]


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A tool call as policy sees it; `restores` has the (entity, category) of what would come back."""

    call: ToolCall
    restores: tuple[tuple[str, str], ...] = ()
    origins: tuple[CallOrigin, ...] = ()


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
    model reads their text, and it was not inspected. `result_tools` are the tools that answered, by the
    pointers of their results.
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
    tool_calls: tuple[ToolCall, ...] = ()  # that it is itself, in a dialect whose requests are calls
    result_tools: Mapping[str, str] = field(default_factory=dict)


MOST_TOKENS = 10**11  # of one exchange: a batch's answers may have ten thousand million


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; -1 when it did not say, or said what none can have taken.

    Those that it read from its prompt cache, and those that it wrote into it, are among the input tokens.
    """

    input_tokens: int = -1
    output_tokens: int = -1
    cached_tokens: int = -1
    cache_written_tokens: int = -1

    def __post_init__(self) -> None:
        """Forget counts out of reason: one that is added to what was used would hide all that comes after."""
        for name in ("input_tokens", "output_tokens", "cached_tokens", "cache_written_tokens"):
            if not 0 <= getattr(self, name) <= MOST_TOKENS:
                object.__setattr__(self, name, -1)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a dialect reads from a response body; `withheld_calls` were cut off, and are no part of it.

    `unknown` are the types of what the dialect does not know, as a provider's addition.
    """

    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    model: str = ""
    finish_reason: str = ""
    usage: Usage = Usage()
    withheld_calls: int = 0
    tools: tuple[Tool, ...] = ()  # that it offers
    unknown: tuple[str, ...] = ()


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
class Attributes:
    """What may be said of the values of one entity without giving one away; "" in a list is "not known".

    `outside` are those of the domains that are not the company's own, `internal` says that there are none.
    With `more`, not all values were looked at, or not all that was seen is listed.
    """

    domains: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    internal: bool = False
    more: bool = False


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
    attributes: Attributes = Attributes()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What happened in this session before this exchange."""

    exchanges: int = 0
    denied: int = 0
    masked: int = 0
    held: int = 0
    tokens: int = 0
    entities: tuple[str, ...] = ()


Window = Literal["1m", "1d", "1mo", "day", "month"]
"""A stretch of time up to now: the last 60 seconds, 24 hours, 30 days; this day or month of the calendar."""

WINDOWS: tuple[Window, ...] = get_args(Window)
UsageScope = Literal["agent", "person", "team"]
USAGE_SCOPES: tuple[UsageScope, ...] = get_args(UsageScope)


class Used(msgspec.Struct, frozen=True):
    """What was used in one window; the cost in millionths, 0 where no prices are configured.

    `turns_in` is in how many seconds the window lets go of the oldest of it; 0 when that is not known.
    """

    requests: int = 0
    tokens: int = 0
    cost_micros: int = 0
    turns_in: int = 0


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What the agent, its person and its team used in each window, this exchange's reservation included."""

    agent: Mapping[Window, Used] = field(default_factory=dict)
    person: Mapping[Window, Used] = field(default_factory=dict)
    team: Mapping[Window, Used] = field(default_factory=dict)

    @classmethod
    def of_first(cls) -> UsageFacts:
        """Return the facts of a request before which nothing was used."""
        first: dict[Window, Used] = dict.fromkeys(WINDOWS, Used(1))
        return cls(first, first, first)


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many people of these groups must agree; no groups are any."""

    groups: tuple[str, ...] = ()
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1


class Consent(msgspec.Struct, frozen=True):
    """One person who agreed, and the groups that their key had then."""

    approver: str
    groups: tuple[str, ...]


class Met(msgspec.Struct, frozen=True):
    """A requirement of an approval and the people who count for it."""

    groups: tuple[str, ...]
    count: int
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The approval that speaks for this exchange; status "" when there is none.

    `groups` are those that the approvers' keys had when they voted, `quorum` (-1 when there is none) is how
    many people had to agree, `revision` is that of the policy which asked for the approval. `consents` say
    who agreed with which groups, `all_of` who counts for which requirement.
    """

    id: str = ""
    status: str = ""
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quorum: int = -1
    note: str = ""
    revision: str = ""
    consents: tuple[Consent, ...] = ()
    all_of: tuple[Met, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """The provider's answer; -1 and "" in the request phase."""

    status: int = -1
    finish_reason: str = ""
