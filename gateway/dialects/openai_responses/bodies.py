"""Prompts and completions of `openai.responses`: their parts, tools and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.openai_responses.grammar import REQUEST, RESPONSE
from gateway.dialects.openai_responses.items import (
    CALL,
    is_call,
    is_cut,
    is_unfinished_call,
    label_of,
    read_call,
)
from gateway.dialects.reading.calls import refuse_calls
from gateway.dialects.reading.document import Malformed, drop
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import cache_counts, integer, mapping, mappings, number, string
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Completion, Parameters, Part, Prompt, Tool, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields.

    Thoughts that were not passed on whole are taken out of the document: their provider would refuse them.
    """
    _leave_out_withheld(document)
    walk = REQUEST.walk(document)
    parts, attachments = walk.leaves()
    if not isinstance(document, dict):
        return Prompt(parts, attachments)
    return Prompt(
        parts=parts,
        attachments=attachments,
        tools=tuple(_tools(document)),
        model=string(document, "model"),
        models=named_models(document),
        stream=document.get("stream") is True,
        parameters=Parameters(
            max_tokens=integer(document, "max_output_tokens"), temperature=number(document, "temperature")
        ),
        unseen=walk.unseen(),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response, of a list of stored items, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its items are not shaped so that every tool call in them can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a response object")
    withheld = withhold_unfinished(document) if is_cut(document) else []
    parts, attachments = RESPONSE.read(document)
    refuse_calls(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=tuple(
            read_call(item, at, parts)
            for key in ("output", "data")
            for at, item in items_of(document, key)
            if is_call(item)
        ),
        model=string(document, "model"),
        finish_reason=read_finish(document),
        usage=read_usage(document),
        withheld_calls=len(withheld),
    )


def withhold_unfinished(response: dict[str, Any]) -> list[tuple[str, Any]]:
    """Take the calls that are not complete out of a response that was cut off; return them by pointer."""
    items = list(items_of(response, "output"))
    left_out = [one for one in items if is_unfinished_call(one[1], is_last=one is items[-1])]
    drop(response, [at for at, _ in left_out])
    return left_out


def items_of(document: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    """Yield the items of a response with their pointers. Raises Malformed when they are no list."""
    items = document.get(key)
    if not isinstance(items, list | None):
        raise Malformed("expected the items of a response to be a list")
    for index, item in enumerate(items or []):
        yield f"/{key}/{index}", item


def read_item(item: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of one item of a response that stands at `at` (`/output/0`)."""
    return RESPONSE.read(item, at, label_of(item, CALL))[0]


def read_finish(response: Mapping[str, Any]) -> str:
    """Return why a response ended: its status, or what made it incomplete."""
    return string(mapping(response, "incomplete_details"), "reason") or string(response, "status")


def read_usage(response: Mapping[str, Any]) -> Usage:
    """Return the tokens counted; cached and reasoning tokens are in them."""
    usage = mapping(response, "usage")
    return Usage(
        integer(usage, "input_tokens"),
        integer(usage, "output_tokens"),
        *cache_counts(mapping(usage, "input_tokens_details")),
        integer(mapping(usage, "output_tokens_details"), "reasoning_tokens"),
    )


def _leave_out_withheld(document: Any) -> None:
    """Take out items that a stream broke off, as their seal says."""
    items = document.get("input") if isinstance(document, dict) else None
    withheld = [
        f"/input/{index}" for index, item in mappings(items) if item.get("encrypted_content") == WITHHELD
    ]
    drop(document, withheld)


def _tools(document: Mapping[str, Any]) -> Iterator[Tool]:
    """Yield the tools offered, also those that an item adds."""
    yield from read_offers(document)
    for _, item in mappings(document.get("input")):
        yield from read_offers({"tools": item.get("tools")})
