"""What approvers read of an exchange: everything in it, what was found first, values masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gateway.approvals import About, ContentEntry, Contents
from gateway.dialects import digits, escape
from gateway.exchange.decide import Subject, masked_call, masked_tools
from gateway.exchange.exchange import Exchange
from gateway.exchange.issued import issued_names
from gateway.masking import JsonDepths, Vault, with_placeholders
from gateway.words import Attachment, Finding, InspectedPart, ToolCall

_AROUND = 120  # characters of context on each side of a finding
_MOST_OF_ONE = 100  # findings of one entity in context; the texts show all of them


@dataclass(frozen=True, slots=True)
class _Shown:
    """A part with the text that approvers may read: masked, but for phrases of injection."""

    part: InspectedPart
    text: str


def contents_of(exchange: Exchange, subject: Subject) -> Contents:
    """Return what approvers are shown of the prompt, or of the completion, that they are asked about.

    What is new comes first, what earlier requests of the session sent last.
    """
    request = subject.phase == "request"
    vault = exchange.vault if request else exchange.response_vault
    calls = [masked_call(call, subject.parts) for call, _ in subject.calls]
    shown = [_Shown(part, _legible(part, vault)) for part in subject.parts]
    fresh = [one for one in shown if one.part.new]
    earlier = [one for one in shown if not one.part.new]
    return tuple(
        chain(
            _findings([*fresh, *earlier], vault),
            [ContentEntry("setting", "model", "", exchange.inspected.model)],
            _headers(exchange),
            (ContentEntry("tag", name, "", said) for name, said in exchange.envelope.tags.items()),
            (_attachment(one) for one in exchange.prompt.attachments if request),
            (_unseen(name) for name in exchange.prompt.unseen if request),
            (
                ContentEntry("tool", tool.name, "", tool.description)
                for tool in masked_tools(exchange, subject)
            ),
            (ContentEntry("call", call.name, "", _arguments(call)) for call in calls),
            _texts(fresh),
            _settings(exchange),
            _structure(shown),
            (ContentEntry("earlier", *_label(one), one.text) for one in earlier if not _is_structural(one)),
        )
    )


def _findings(shown: Iterable[_Shown], vault: Vault) -> Iterator[ContentEntry]:
    """Yield what was found with its context, phrases of injection before values, so many of each entity."""
    found = [(finding, one) for one in shown for finding in one.part.findings]
    found.sort(key=lambda pair: pair[0].category != "injection")
    counts: dict[str, int] = {}
    places = {id(one): _places(one, vault) for _, one in found}
    for finding, one in found:
        counts[finding.entity] = counts.get(finding.entity, 0) + 1
        if counts[finding.entity] <= _MOST_OF_ONE:
            yield ContentEntry("finding", finding.entity, one.part.pointer, places[id(one)].get(finding, ""))
    for entity, count in counts.items():
        if count > _MOST_OF_ONE:
            more = f"{count - _MOST_OF_ONE} more, in the texts below"
            yield ContentEntry("finding", entity, "other places", more)


def _places(shown: _Shown, vault: Vault) -> dict[Finding, str]:
    """Return each finding's surroundings in the text that approvers read."""
    text, at, places = shown.part.part.text, 0, {}
    depths = JsonDepths(text)
    for finding in sorted(shown.part.findings, key=lambda found: found.start):
        said = value = text[finding.start : finding.end]
        if finding.category != "injection":
            depth = depths.at(finding.start) if "\\" in value else 0
            said = vault.placeholder(finding.entity, finding.category, value, depth=depth)
        start = shown.text.find(said, at)
        if start >= 0:
            at = start
            places[finding] = _around(shown.text, start, start + len(said))
    return places


def _around(text: str, start: int, end: int) -> str:
    before, after = max(start - _AROUND, 0), min(end + _AROUND, len(text))
    return f"{'…' if before else ''}{text[before:after]}{'…' if after < len(text) else ''}"


def _headers(exchange: Exchange) -> Iterator[ContentEntry]:
    """Yield the headers that go up with the body; a part that is named like one has its masked value.

    Who has the id of a session is in it, so its caller alone sees that.
    """
    masked = {part.part.pointer: part.masked for part in exchange.parts}
    private = issued_names(exchange)
    for name, value in exchange.envelope.headers.items():
        if name not in private:
            yield ContentEntry("header", name, "", masked.get(name, value))


def _attachment(attachment: Attachment) -> ContentEntry:
    text = f"{attachment.media_type or 'no media type'}, {attachment.bytes} bytes, not shown"
    return ContentEntry("attachment", attachment.kind, "", text)


def _unseen(name: str) -> ContentEntry:
    return ContentEntry("attachment", name, "", "kept by the provider, not shown")


def _arguments(call: ToolCall) -> str:
    return "" if call.arguments is None else json.dumps(call.arguments, ensure_ascii=False, default=str)


def _texts(shown: Iterable[_Shown]) -> Iterator[ContentEntry]:
    for one in shown:
        if not _is_structural(one):
            about: About = "field" if one.part.part.kind == "field" else "text"
            yield ContentEntry(about, *_label(one), one.text)


def _structure(shown: Iterable[_Shown]) -> Iterator[ContentEntry]:
    """Yield the texts that providers read as syntax: roles, types, identifiers."""
    return (ContentEntry("setting", "", one.part.pointer, one.text) for one in shown if _is_structural(one))


def _settings(exchange: Exchange) -> Iterator[ContentEntry]:
    """Yield the numbers, flags and empty values of the request, which are parts of no text."""
    parts = [one.part for one in exchange.parts if one.part.place != "key"]
    names = {one.part.pointer: one.masked for one in exchange.parts if one.part.place == "key"}
    yield from _leaves(exchange.received.body, "", "", {part.pointer for part in parts}, names)


def _leaves(
    value: Any, at: str, said: str, known: set[str], names: Mapping[str, str]
) -> Iterator[ContentEntry]:
    """Yield the leaves below `at` that are no part; `said` is `at` with the values in keys masked."""
    members: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        members = ((escape(key), member) for key, member in value.items())
    elif isinstance(value, list):
        members = ((str(index), member) for index, member in enumerate(value))
    elif at not in known and not isinstance(value, str | bytes):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        yield ContentEntry("setting", "", said, digits(value) if number else json.dumps(value))
    if isinstance(value, dict | list) and not value:
        yield ContentEntry("setting", "", said, json.dumps(value))
    for token, member in members:
        below = f"{at}/{token}"
        name = escape(names[below]) if below in names else token
        yield from _leaves(member, below, f"{said}/{name}", known, names)


def _label(shown: _Shown) -> tuple[str, str]:
    part = shown.part
    return part.part.role or part.part.kind, part.pointer


def _is_structural(shown: _Shown) -> bool:
    return shown.part.part.place == "structural"


def _legible(part: InspectedPart, vault: Vault) -> str:
    if all(finding.category != "injection" for finding in part.findings):
        return part.masked
    return with_placeholders(part.part.text, [f for f in part.findings if f.category != "injection"], vault)
