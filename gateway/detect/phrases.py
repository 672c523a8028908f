"""Phrases: injected instructions, marks of proprietary code, and the entities that a configuration adds."""

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]  # typeshed does not carry it
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from gateway.config import CustomEntity
from gateway.detect.beginnings import Beginnings
from gateway.detect.gate import Candidates
from gateway.detect.patterns import Deadline
from gateway.errors import ConfigError
from gateway.exchange import Category, Span

_INJECTION = (
    r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|every|everything|the|your|these|those|of|my|our)\s+){0,4}"
    r"(?:previous|prior|above|earlier|preceding|former|existing|original|system)\s+"
    r"(?:(?:system|safety|security|user)\s+)?(?:instructions?|prompts?|rules|directions|guidelines|messages|context|constraints)\b",
    r"\b(?:ignore|disregard|bypass|override|circumvent|disable|evade)\s+(?:(?:all|any|the|your|every|of)\s+){0,3}"
    r"(?:(?:safety|security|content|company|gateway|data|access)\s+)?(?:polic(?:y|ies)|guardrails|safeguards|restrictions|filters|guidelines|controls)\b",
    r"\b(?:reveal|print|show|repeat|output|display|leak|disclose)\s+(?:me\s+)?(?:(?:your|the|all|of|full|entire|hidden|initial|original)\s+){1,4}"
    r"(?:system|developer)\s+(?:prompt|message|instructions)\b",
    r"\byou\s+are\s+now\s+(?:in\s+)?(?:an?\s+)?(?:developer|debug|god|jailbreak|jailbroken|unrestricted|unfiltered|dan|dev)\b(?:\s+mode)?",
    r"\b(?:act|behave|respond|pretend)\s+(?:as\s+if|as\s+though|like|that)?\s*(?:you\s+)?(?:have|had|are|were)\s+"
    r"(?:no|not\s+bound\s+by|without)\s+(?:any\s+)?(?:restrictions|rules|limits|limitations|guidelines|filters|polic(?:y|ies))\b",
    r"\b(?:do\s+not|don't|never)\s+(?:tell|inform|alert|notify|mention\s+(?:this|it|that)\s+to)\s+(?:the\s+|your\s+)?(?:user|operator|human|administrator)\b",
    r"\bthis\s+(?:request|prompt|action|call|tool\s+call)\s+(?:is|was|has\s+been)\s+(?:already\s+)?(?:pre-?)?(?:approved|authori[sz]ed|whitelisted|allowed)\s+"
    r"by\s+(?:(?:the|your|our)\s+)?(?:admin(?:istrator)?|security|compliance|policy|management|legal|operator|system)\b",
    r"<\|im_start\|>\s*system|\[/?INST\]|<<SYS>>|\bBEGIN\s+(?:SYSTEM|ADMIN)\s+(?:PROMPT|INSTRUCTIONS|OVERRIDE)\b",
)
_CODE = (
    r"\b(?:proprietary\s+(?:and|&)\s+confidential|confidential\s+(?:and|&)\s+proprietary|company\s+confidential|strictly\s+confidential)\b",
    r"\b(?:for\s+)?internal\s+use\s+only\b",
    r"\bunauthori[sz]ed\s+(?:copying|reproduction|distribution|use)\s+(?:of\s+)?(?:this|the)\s+(?:file|software|code|source|material)\b",
    r"\ball\s+rights\s+reserved\b",
    r"\bSPDX-License-Identifier:\s{0,4}(?:LicenseRef-[\w.\-]{1,64}|Proprietary|UNLICENSED)\b",
    r"\b(?:contains|constitutes?|are|is)\s+(?:the\s+)?(?:valuable\s+)?trade\s+secrets?\s+of\b",
)


@dataclass(frozen=True)
class _Phrase:
    entity: str
    category: Category
    score: float
    pattern: regex.Pattern[str]


class Phrases:
    """The built-in phrases and the configured entities. Raises ConfigError on a pattern that it refuses."""

    def __init__(self, custom: Sequence[CustomEntity], off: Sequence[str]) -> None:
        phrases = [
            _joined("PROMPT_INJECTION", "injection", 0.8, _INJECTION),
            _joined("CODE_MARKER", "code", 0.8, _CODE),
        ]
        phrases += [_custom(entity) for entity in custom]
        self._phrases = [phrase for phrase in phrases if phrase.entity not in off]
        self._beginnings = Beginnings(self.patterns)

    @property
    def patterns(self) -> list[regex.Pattern[str]]:
        """What the gate is to look out for."""
        return [phrase.pattern for phrase in self._phrases]

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Span]:
        """Every phrase in the text."""
        for phrase in self._phrases:
            for match in candidates.matches(phrase.pattern, deadline):
                if match.end() > match.start():
                    yield Span(phrase.entity, phrase.category, phrase.score, match.start(), match.end())

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Where the first phrase begins that more text may complete; the text's length when none does."""
        return self._beginnings.open_at(text, deadline)


def _joined(entity: str, category: Category, score: float, patterns: Sequence[str]) -> _Phrase:
    # white space is bounded so that padding cannot stretch a phrase beyond what a stream holds back
    source = "|".join(f"(?:{pattern})" for pattern in patterns)
    source = source.replace(r"\s+", r"\s{1,8}+").replace(r"\s*", r"\s{0,8}+")
    return _Phrase(entity, category, score, regex.compile(source, regex.IGNORECASE))


def _custom(custom: CustomEntity) -> _Phrase:
    words = [rf"(?<!\w){_flexible(word)}(?!\w)" for word in custom.words if word.strip()]
    for pattern in custom.patterns:
        _refuse_explosive(custom.entity, pattern)
    sources = [f"(?i:{word})" for word in words] + [f"(?:{pattern})" for pattern in custom.patterns]
    if not sources:
        raise ConfigError(f"detect.custom: {custom.entity}: expected words or patterns, found only blanks")
    return _Phrase(custom.entity, custom.category, 1.0, regex.compile("|".join(sources)))


def _flexible(word: str) -> str:
    """The word as it stands, but any white space between its parts."""
    return r"\s{1,8}+".join(regex.escape(part) for part in word.split())


_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_REFUSED = {
    "GROUPREF": "a back reference",
    "GROUPREF_EXISTS": "a condition",
    "ASSERT": "a look-around",
    "ASSERT_NOT": "a look-around",
}


def _refuse_explosive(entity: str, pattern: str) -> None:
    """Raises ConfigError on what RE2 has not (back references, look-arounds) and on nested repeats."""
    try:
        tree = sre.parse(pattern)
        regex.compile(pattern)
    except (regex.error, re.error, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"detect.custom: {entity}: {pattern!r}: not a regular expression: {error}"
        ) from error
    found = _explosive(tree, inside_repeat=False)
    if found:
        raise ConfigError(
            f"detect.custom: {entity}: {pattern!r}: found {found}; expected a pattern without one"
        )
    if regex.fullmatch(pattern, ""):
        raise ConfigError(
            f"detect.custom: {entity}: {pattern!r}: matches nothing at all; expected at least a character"
        )


def _explosive(tree: Any, *, inside_repeat: bool) -> str:
    for operator, argument in tree:
        name = str(operator)
        if name in _REFUSED:
            return _REFUSED[name]
        repeats = name in _REPEATS and argument[1] > 1
        if repeats and inside_repeat:
            return "a repeat within a repeat"
        found = next(
            (
                text
                for sub in _subtrees(argument)
                if (text := _explosive(sub, inside_repeat=inside_repeat or repeats))
            ),
            "",
        )
        if found:
            return found
    return ""


def _subtrees(argument: Any) -> Iterator[Any]:
    """The patterns inside a node's argument, whatever its shape."""
    if isinstance(argument, sre.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for item in argument:
            yield from _subtrees(item)
