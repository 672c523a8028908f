"""Precision, recall and F2, entity by entity. A value counts as found only when all of it is covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

from bench.accuracy.corpus import Sample
from gateway.words import Match

_PHRASES = frozenset({"PROMPT_INJECTION", "CODE_MARKER"})


@dataclass
class Score:
    """The counts of one entity."""

    labelled: int = 0
    found: int = 0  # all of the label under findings of this entity
    covered: int = 0  # all of it under findings of any entity: masked, whatever it is called
    claimed: int = 0  # findings of this entity
    false: int = 0  # those that touch no label at all

    def __add__(self, other: Score) -> Score:
        """Return the counts of both."""
        return Score(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def recall(self) -> float:
        return self.found / self.labelled if self.labelled else 1.0

    @property
    def precision(self) -> float:
        return 1 - self.false / self.claimed if self.claimed else 1.0

    @property
    def f2(self) -> float:
        """Recall counts twice: what is missed leaves for good, what is masked in vain comes back."""
        total = 4 * self.precision + self.recall
        return 5 * self.precision * self.recall / total if total else 0.0


@dataclass
class Report:
    """Scores by entity, and what a clean text costs."""

    scores: dict[str, Score] = field(default_factory=dict)
    kinds: dict[tuple[str, str], Score] = field(default_factory=dict)  # by entity and kind of text
    clean_characters: int = 0
    clean_findings: Counter[str] = field(default_factory=Counter)


def score(
    samples: Iterable[Sample],
    inspect: Callable[[str], Iterable[Match]],
    *,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Inspect every sample. `names` gives an entity the name under which the labels have it."""
    report = Report()
    for sample in samples:
        spans = [
            (names.get(span.entity, span.entity) if names else span.entity, span.start, span.end)
            for span in inspect(sample.text)
            if span.entity not in _PHRASES
        ]
        if not sample.labels:
            report.clean_characters += len(sample.text)
            report.clean_findings.update(entity for entity, _, _ in spans)
        for entity, start, end in sample.labels:
            found = _covers([span for span in spans if span[0] == entity], start, end)
            covered = _covers(spans, start, end)
            for entry in _entries(report, entity, sample.kind):
                entry.labelled += 1
                entry.found += found
                entry.covered += covered
        for entity, start, end in spans:
            false = not any(start < last and first < end for _, first, last in sample.labels)
            for entry in _entries(report, entity, sample.kind):
                entry.claimed += 1
                entry.false += false
    return report


def _entries(report: Report, entity: str, kind: str) -> tuple[Score, Score]:
    """Return the counts of an entity, in all texts and in those of a kind."""
    return report.scores.setdefault(entity, Score()), report.kinds.setdefault((entity, kind), Score())


def _covers(spans: Iterable[tuple[str, int, int]], start: int, end: int) -> bool:
    at = start
    for _, first, last in sorted(spans, key=lambda span: span[1]):
        if first > at:
            break
        at = max(at, last)
    return at >= end
