"""What a dialect and a family of dialects are made of. `docs/reference/dialects.md` says how to add one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gateway.dialects.reading.form import FormBody
from gateway.dialects.reading.framing import Framing
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import StreamReader
from gateway.words import Completion, Prompt

# Answers a prompt, with a number for its id: the body, or the events where the prompt asks for a stream.
Demo = Callable[[Mapping[str, Any], int], dict[str, Any] | list[SseEvent]]


@dataclass(frozen=True, slots=True)
class Family:
    """What the endpoints of one kind of provider have in common, whatever dialect they speak.

    Header names are in lower case. `request_headers` are syntax of its API: they are inspected, go up, and
    approvals bind them. A name in `response_headers` that ends in `-` stands for all that begin with it.
    """

    name: str  # as `providers.<name>.family` in regate.yaml says it
    credential: Callable[[str], Mapping[str, str]]  # the header that carries a secret
    request_headers: frozenset[str]
    response_headers: frozenset[str]
    error_document: Callable[[dict[str, Any]], dict[str, Any]]  # the body around an error's members
    error_event: Callable[[Mapping[str, Any]], SseEvent]  # the event that ends a stream with such a body
    # That a provider issues and gets back, as cookies are: callers have them under the gateway's seal.
    issued_headers: frozenset[str] = frozenset()
    # Whether its specification wants pages refused, but for those of this machine and those configured.
    refuses_pages: bool = False
    body_type: str = ""  # of bodies whose requests name no type


@dataclass(frozen=True, slots=True)
class Rpc:
    """What is particular to a dialect whose requests are calls: each stands alone, and is answered by its id.

    A document is a parsed body, None where there is none.
    """

    check: Callable[[Any, Mapping[str, str]], None]  # raises Malformed where headers contradict the document
    mirror: Callable[
        [Mapping[str, str], bytes, Any], dict[str, str]
    ]  # headers, as they repeat the masked body
    bound: Callable[[Any], Any]  # the document without what differs from one sending of it to the next
    expects_answer: Callable[[Any], bool]
    addressed: Callable[[Any, Any], Any]  # an answer, as the one to this request
    replayed: Callable[[bytes, Any], bytes]  # an answer's bytes, as those of the one to this request
    tasks: Callable[[Any], frozenset[str]]  # the ids of tasks that a document names
    is_endless: Callable[[Any], bool]  # whether the stream that answers this document may never end


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format: the paths it answers to, and who reads its prompts, completions and streams.

    `paths` are globs over the normalized path of a POST with a JSON body. `read_prompt` and `read_completion`
    take a parsed body and raise Malformed; tools and models are in the prompt, tool calls in the completion.
    """

    name: str  # as policy input, records and reports say it
    read_prompt: Callable[[Any], Prompt]
    read_completion: Callable[[Any], Completion]
    family: Family | None = None  # None: of providers of any family
    paths: tuple[str, ...] = ()
    stored: tuple[
        str, ...
    ] = ()  # "GET */things/*": requests without a body, answered with earlier completions
    forms: tuple[str, ...] = ()  # globs over the path of a POST with a form (multipart/form-data)
    read_form: Callable[[FormBody], Prompt] | None = None
    files: tuple[str, ...] = ()  # globs like `stored`, of requests whose answer is a file as it was stored
    read_line: Callable[[Any], Completion] | None = None  # of such a file, or of an answer of JSON lines
    speaks: Callable[[Any], bool] | None = None  # whether a body sent to `paths` is one; else it is `json`
    usual_path: str = ""  # where `regate policy eval` sends a prompt when it is not told
    new_stream: Callable[[], StreamReader] | None = None  # None: its streams cannot be read
    streams: str = ""  # a glob over the paths of which every answer streams
    framings: tuple[Framing, ...] = ()  # of its streams, beside server-sent events
    late: Callable[[Any], bool] | None = None  # whether a stored answer came after its request was answered
    media: tuple[str, ...] = ()  # globs over the media types of answers that are media, not JSON
    texts: tuple[str, ...] = ()  # the same, of answers that are the model's plain text
    operation: str = ""  # `gen_ai.operation.name` of OpenTelemetry; "": the dialect's name
    demo: Demo | None = None  # None: the built-in demo provider does not speak it
    rpc: Rpc | None = None  # None: its requests tell a conversation

    def answers(self, family: str, path: str) -> bool:
        """Return whether a POST of JSON to this path of a provider of this family speaks this dialect."""
        return (
            self.family is not None
            and self.family.name == family
            and any(fnmatchcase(path, pattern) for pattern in self.paths)
        )

    def takes(self, family: str, path: str) -> bool:
        """Return whether a POST of a form to this path of such a provider speaks this dialect."""
        return (
            self.family is not None
            and self.family.name == family
            and any(fnmatchcase(path, pattern) for pattern in self.forms)
        )

    def hands_out(self, request: str) -> bool:
        """Return whether a request (`GET /v1/files/f/content`) is answered with a file as it was stored."""
        return any(fnmatchcase(request, pattern) for pattern in self.files)

    def answers_text(self, media_type: str) -> bool:
        """Return whether an answer of this media type is what the model says, as plain text."""
        return any(fnmatchcase(media_type, pattern) for pattern in self.texts)

    def keeps(self, family: str, method: str, path: str) -> bool:
        """Return whether a request without a body asks such a provider for a completion of this dialect."""
        return (
            self.family is not None
            and self.family.name == family
            and any(fnmatchcase(f"{method} {path}", pattern) for pattern in (*self.stored, *self.files))
        )
