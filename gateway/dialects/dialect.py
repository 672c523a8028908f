"""What a dialect and a family of dialects are made of. `docs/reference/dialects.md` says how to add one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

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
    usual_path: str = ""  # where `regate policy eval` sends a prompt when it is not told
    new_stream: Callable[[], StreamReader] | None = None  # None: its streams cannot be read
    streams: str = ""  # a glob over the paths of which every answer streams
    framings: tuple[Framing, ...] = ()  # of its streams, beside server-sent events
    media: tuple[str, ...] = ()  # globs over the media types of answers that are media, not JSON
    operation: str = ""  # `gen_ai.operation.name` of OpenTelemetry; "": the dialect's name
    demo: Demo | None = None  # None: the built-in demo provider does not speak it

    def answers(self, family: str, path: str) -> bool:
        """Return whether a POST of JSON to this path of a provider of this family speaks this dialect."""
        return (
            self.family is not None
            and self.family.name == family
            and any(fnmatchcase(path, pattern) for pattern in self.paths)
        )

    def keeps(self, family: str, method: str, path: str) -> bool:
        """Return whether a request without a body asks such a provider for a completion of this dialect."""
        return (
            self.family is not None
            and self.family.name == family
            and any(fnmatchcase(f"{method} {path}", pattern) for pattern in self.stored)
        )
