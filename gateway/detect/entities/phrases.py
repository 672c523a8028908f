"""Phrases: injected instructions and marks of proprietary code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from gateway.detect.entities.injections import DISGUISED, OTHER_HEAD, OTHERS, WESTERN, is_talk
from gateway.detect.matching.beginnings import Beginnings
from gateway.detect.matching.patterns import Deadline, late, matches
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Category, Match

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
    """The phrases that are switched on."""

    def __init__(self, off: Sequence[str]) -> None:
        phrases = [
            _joined("PROMPT_INJECTION", "injection", 0.8, _INJECTION),
            _joined("PROMPT_INJECTION", "injection", 0.8, WESTERN),
            _joined("PROMPT_INJECTION", "injection", 0.7, DISGUISED),
            _joined("CODE_MARKER", "code", 0.8, _CODE),
        ]
        self._phrases = [phrase for phrase in phrases if phrase.entity not in off]
        self._beginnings = Beginnings(self.patterns)
        # beyond ASCII the prefilter would look at every letter of such a text
        other = _joined("PROMPT_INJECTION", "injection", 0.8, OTHERS)
        self._others = [other] if other.entity not in off else []
        self._other_beginnings = Beginnings([phrase.pattern for phrase in self._others])

    @property
    def patterns(self) -> list[regex.Pattern[str]]:
        """What the prefilter is to look out for."""
        return [phrase.pattern for phrase in self._phrases]

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
        """Yield every phrase in the text."""
        text = candidates.text
        for phrase in self._phrases:
            yield from _found(phrase, candidates.matches(phrase.pattern, deadline))
        if not text.isascii() and OTHER_HEAD.search(text):
            for phrase in self._others:
                yield from _found(phrase, matches(phrase.pattern, text, deadline))

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Return where the first phrase begins that more text may complete; the length when none does."""
        at = self._beginnings.open_at(text, deadline)
        return at if text.isascii() else min(at, self._other_beginnings.open_at(text, deadline))


def _found(phrase: _Phrase, found: Iterator[regex.Match[str]]) -> Iterator[Match]:
    for match in found:
        if phrase.category == "injection" and is_talk(match.string, *match.span()):
            continue
        if match.end() > match.start():
            yield Match(phrase.entity, phrase.category, phrase.score, match.start(), match.end())


def _joined(entity: str, category: Category, score: float, patterns: Sequence[str]) -> _Phrase:
    # white space is bounded so that padding cannot stretch a phrase beyond what a stream holds back
    source = "|".join(f"(?:{pattern})" for pattern in patterns)
    source = source.replace(r"\s+", r"\s{1,8}+").replace(r"\s*", r"\s{0,8}+")
    return _Phrase(entity, category, score, late(source, regex.IGNORECASE))
