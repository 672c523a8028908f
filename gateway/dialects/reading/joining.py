"""Several prompts or completions in one body: a batch, or a file of JSON lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, replace

from gateway.words import Completion, Part, Prompt, Usage


def below(prompt: Prompt, pointer: str) -> Prompt:
    """Return a prompt as it stands at a pointer of a larger document."""
    return replace(prompt, parts=_moved(prompt.parts, pointer))


def completion_below(completion: Completion, pointer: str) -> Completion:
    """Return a completion as it stands at a pointer of a larger document."""
    calls = (
        replace(call, pointers=tuple(pointer + at for at in call.pointers)) for call in completion.tool_calls
    )
    return replace(completion, parts=_moved(completion.parts, pointer), tool_calls=tuple(calls))


def joined(first: Prompt, others: Iterable[Prompt]) -> Prompt:
    """Return one prompt that asks for what all of them ask for; its model and stream are the first one's."""
    every = (first, *others)
    return replace(
        first,
        parts=tuple(part for one in every for part in one.parts),
        attachments=tuple(attachment for one in every for attachment in one.attachments),
        tools=tuple(dict.fromkeys(tool for one in every for tool in one.tools)),
        models=tuple(dict.fromkeys(model for one in every for model in one.models)),
        unseen=tuple(sorted({name for one in every for name in one.unseen})),
    )


def joined_completions(completions: Iterable[Completion]) -> Completion:
    """Return one completion that says what all of them say; their tokens add up."""
    every = tuple(completions)
    return Completion(
        parts=tuple(part for one in every for part in one.parts),
        attachments=tuple(attachment for one in every for attachment in one.attachments),
        tool_calls=tuple(call for one in every for call in one.tool_calls),
        model=next((one.model for one in every if one.model), ""),
        usage=_added([one.usage for one in every]),
        withheld_calls=sum(one.withheld_calls for one in every),
        unknown=tuple(dict.fromkeys(kind for one in every for kind in one.unknown)),
    )


def _added(usages: Iterable[Usage]) -> Usage:
    """Return the sums of what was counted; -1 for what none of them says."""
    rows = zip(*map(astuple, usages), strict=True)
    return Usage(*(sum(known) if (known := [count for count in row if count >= 0]) else -1 for row in rows))


def _moved(parts: Iterable[Part], pointer: str) -> tuple[Part, ...]:
    return tuple(
        replace(part, pointer=pointer + part.pointer, block=part.block and pointer + part.block)
        for part in parts
    )
