"""Masking inside a JSON text, such as a tool call's arguments: it stays JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from gateway.masking.json_strings import JsonDepths
from gateway.masking.operators import splice
from gateway.masking.vault import Vault, Where
from gateway.words import Finding, merged

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\w.+\-]++', re.DOTALL)  # a string, a number, true, false or null
_KEY = re.compile(r'[^"]*+"\s*+:')  # from inside an object's key on

Replace = Callable[[Finding, Where], str]


def is_json(text: str) -> bool:
    """Return whether the text is one JSON object or array."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def splice_json(text: str, findings: Sequence[Finding], replace: Replace) -> str:
    """Replace findings as `splice` does, but keep JSON valid.

    What takes the place of a number stands in quotes, and a finding that stretches over two strings is
    replaced in each. `replace` is told where a finding stands: two keys must not become one.
    """
    in_text = partial(_at, replace, "text")
    if not is_json(text):
        return splice(text, findings, in_text)
    pieces: list[str] = []
    at = 0
    whole = merged(findings)
    touched = set[int]()
    for start, end, hits in _tokens(text, whole):
        touched.update(hits)
        inside = [_clipped(whole[hit], start, end) for hit in hits]
        is_string = text[start - 1] == '"'
        is_key = is_string and _KEY.match(text, end) is not None
        where: Where = "key" if is_key else "string" if is_string else "number"
        masked = splice(text, inside, partial(_at, replace, where), start=start, end=end)
        pieces += text[at:start], masked if is_string else json.dumps(masked)
        at = end
    if len(touched) < len(whole):  # a custom entity that is all brackets: masked all the same
        return splice(text, findings, in_text)
    return "".join([*pieces, text[at:]])


def with_placeholders(text: str, findings: Sequence[Finding], vault: Vault) -> str:
    """Return the text with every finding replaced by its placeholder."""
    depths = JsonDepths(text)

    def placeholder(finding: Finding, where: Where) -> str:
        value = text[finding.start : finding.end]
        depth = depths.at(finding.start) if "\\" in value else 0
        return vault.placeholder(finding.entity, finding.category, value, depth=depth, where=where)

    return splice_json(text, findings, placeholder)


def _at(replace: Replace, where: Where, finding: Finding) -> str:
    return replace(finding, where)


def _tokens(text: str, findings: Sequence[Finding]) -> Iterator[tuple[int, int, list[int]]]:
    """Start and end of every token's text that findings reach into (without quotes), and which these are."""
    first = 0
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if text[start] == '"':
            start, end = start + 1, end - 1
        while first < len(findings) and findings[first].end <= start:
            first += 1
        hits = []
        for index in range(first, len(findings)):
            if findings[index].start >= end:
                break
            hits.append(index)
        if hits and end > start:
            yield start, end, hits


def _clipped(finding: Finding, start: int, end: int) -> Finding:
    return finding.at(max(finding.start, start), min(finding.end, end))
