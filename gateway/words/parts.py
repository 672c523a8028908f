"""What a prompt and a completion are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# `signed` is what its provider signed or sealed: it passes in the bytes that it came in, or not at all.
Kind = Literal["text", "system", "tool_call", "tool_result", "tool_definition", "field", "signed"]
# Where a part stands in its body. A finding in a `structural` value (model, type, id) can only be refused,
# because the provider reads it as syntax; everywhere else it can be masked. A `constant` is a value that a
# schema fixes. `tokens` repeat a text in pieces: those that reach into what is masked are left out.
PartPlace = Literal["value", "number", "key", "constant", "structural", "tokens"]


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of text inside a prompt or completion, at a JSON pointer (RFC 6901).

    `block` is the pointer of what goes or stays with it, where it is `signed`; "": the object that holds it.
    Of `tokens` it is the pointer of the object whose lists tell of them column by column.
    """

    role: str
    kind: Kind
    pointer: str
    text: str
    place: PartPlace = "value"
    block: str = ""


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

    Those that it read from its prompt cache, and those that it wrote into it, are among the input tokens, and
    those of reasoning among the output tokens.
    """

    input_tokens: int = -1
    output_tokens: int = -1
    cached_tokens: int = -1
    cache_written_tokens: int = -1
    reasoning_tokens: int = -1

    def __post_init__(self) -> None:
        """Forget counts out of reason: one that is added to what was used would hide all that comes after."""
        for name in self.__slots__:
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
