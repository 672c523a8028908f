"""People in texts of daily work, marked by hand in four languages, and how well a model finds them.

`data/people.*.txt` has a text in each line, its line ends written `\\n`, its people in `[[ ]]`. A third holds
no person, only products, months, cities, companies and code that bear the names of people.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.accuracy.corpus import Sample
from gateway.words import Match

LANGUAGES = ("en", "de", "fr", "es")
_DATA = Path(__file__).parent / "data"
_MARK = re.compile(r"\[\[|\]\]")


@dataclass(frozen=True)
class Found:
    """What of the people was found: exactly, or at least all of the name; and what was taken for one."""

    people: int
    exact: int
    covered: int
    claimed: int
    ms_per_kb: float

    @property
    def recall(self) -> float:
        return self.exact / self.people

    @property
    def precision(self) -> float:
        return self.exact / self.claimed if self.claimed else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.exact / (self.people + self.claimed)


def texts(language: str) -> Iterator[Sample]:
    """Yield the texts of a language with the people in them."""
    for line in (_DATA / f"people.{language}.txt").read_text("utf-8").splitlines():
        text, bounds = "", list[int]()
        for piece in _MARK.split(line.replace("\\n", "\n")):
            text += piece
            bounds.append(len(text))
        pairs = zip(bounds[:-1:2], bounds[1::2], strict=True)
        yield Sample(text, tuple(("PERSON", start, end) for start, end in pairs))


def found(samples: Iterable[Sample], find: Callable[[str], Iterable[Match]]) -> Found:
    """Look for people in each text."""
    samples = list(samples)
    started = time.process_time()
    spans = [
        {(one.start, one.end) for one in find(sample.text) if one.entity == "PERSON"} for sample in samples
    ]
    seconds = time.process_time() - started
    people = [{(start, end) for _, start, end in sample.labels} for sample in samples]
    pairs = list(zip(people, spans, strict=True))
    return Found(
        people=sum(map(len, people)),
        exact=sum(len(labels & claimed) for labels, claimed in pairs),
        covered=sum(
            any(start <= first and last <= end for start, end in claimed)
            for labels, claimed in pairs
            for first, last in labels
        ),
        claimed=sum(map(len, spans)),
        ms_per_kb=1e6 * seconds / sum(len(sample.text) for sample in samples),
    )
