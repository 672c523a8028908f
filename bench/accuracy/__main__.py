"""`make accuracy`: how well each entity is found in a made-up corpus, and in a labelled file if given."""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from bench.accuracy import people
from bench.accuracy.corpus import Sample, corpus
from bench.accuracy.daily import CODE, daily
from bench.accuracy.injections import injections
from bench.accuracy.pasted import found_in_full, in_place_of_secrets, pasted
from bench.accuracy.score import Report, Score, score
from bench.accuracy.shapes import shapes
from gateway.config import Detect
from gateway.detect import Detector, check_installed
from gateway.detect.entities.ner import NameModel
from gateway.detect.matching.overlaps import resolve
from gateway.errors import ConfigError
from gateway.words import Match

_OF_A_SHAPE = 60
_SETTINGS = Path("policies/rego/settings/data.yaml")
_DATA = os.environ.get("ACCURACY_DATA", "")


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", type=int, default=200, help="samples of each entity")
    parser.add_argument(
        "--data", default=_DATA, help="presidio-research's format: a list of full_text and spans"
    )
    parser.add_argument("--names", action="store_true", help="look for people and places too, and time it")
    parser.add_argument(
        "--missed", action="store_true", help="print what is missed and what is found in vain"
    )
    options = parser.parse_args()
    inspector = Detector(Detect())
    inspect = _with_names(inspector) if options.names else inspector.inspect
    samples = list(corpus(options.seed, options.each, names=options.names))
    print(f"A corpus from seed {options.seed}, {len(samples)} texts\n")
    report = score(samples, inspect)
    _print(report)
    _print_kinds(report)
    _print_daily(options.seed, inspector, missed=options.missed)
    _print_shapes(options.seed, inspector, missed=options.missed)
    _print_pasted(options.seed, inspector)
    _print_injections(inspector, missed=options.missed)
    _print_people()
    if options.names:
        _print_cost(samples, inspector)
    if options.missed:
        _print_missed(samples, inspector)
    if options.data and Path(options.data).is_file():
        print(f"\n{Path(options.data).name}\n")
        _print(score(_labelled(Path(options.data)), inspect, names={"LOCATION": "GPE"}))


def _with_names(inspector: Detector) -> Callable[[str], tuple[Match, ...]]:
    """As a prompt is inspected when names are switched on."""
    model = NameModel()
    return lambda text: resolve([*inspector.inspect(text), *model.find([text])[0]])


def _print_cost(samples: Sequence[Sample], inspector: Detector) -> None:
    """What reading for names takes, against patterns alone in the same run."""
    model, texts = NameModel(), [sample.text for sample in samples if not sample.labels]
    started = time.process_time()
    for text in texts:
        inspector.inspect(text)
    patterns, started = time.process_time() - started, time.process_time()
    model.find(texts)
    names, size = time.process_time() - started, sum(map(len, texts)) / 1000
    print(f"Names take {1000 * names / size:.1f} ms a kB, {names / patterns:.0f} times the patterns")


def _print(report: Report) -> None:
    print("| entity | values | recall | covered | precision | F2 |")
    print("|---|---|---|---|---|---|")
    for entity, one in sorted(report.scores.items()):
        if one.labelled:
            print(
                f"| `{entity}` | {one.labelled} | {one.recall:.3f} | {one.covered / one.labelled:.3f} "
                f"| {one.precision:.3f} | {one.f2:.3f} |"
            )
    if report.clean_characters:
        found = ", ".join(f"{entity} {count}" for entity, count in report.clean_findings.items()) or "nothing"
        print(f"\nFound in {report.clean_characters // 1000} kB of clean text: {found}")


def _print_kinds(report: Report) -> None:
    """Print misses and false alarms, entity by entity and kind of text by kind of text."""
    kinds = sorted({kind for _, kind in report.kinds})
    print("\nMissed of how many, and found in vain, by kind of text\n")
    print(f"| entity | {' | '.join(kinds)} |")
    print(f"|---|{'---|' * len(kinds)}")
    for entity in sorted(report.scores):
        cells = [_cell(report.kinds.get((entity, kind), Score())) for kind in kinds]
        print(f"| `{entity}` | {' | '.join(cells)} |")


def _print_daily(seed: int, inspector: Detector, *, missed: bool) -> None:
    """Print misses and false alarms in texts of daily work, kind by kind where there are any."""
    samples = list(daily(seed))
    report = score(samples, inspector.inspect)
    kinds: dict[str, Score] = {}
    for (_, kind), one in report.kinds.items():
        kinds[kind] = kinds.get(kind, Score()) + one
    every = sum(kinds.values(), Score())
    code = sum((one for kind, one in kinds.items() if kind in CODE), Score())
    print(f"\nDaily work, {len(samples)} texts of {len({sample.kind for sample in samples})} kinds\n")
    print("| kind | values | covered | found | in vain | precision |")
    print("|---|---|---|---|---|---|")
    flawed = {kind: one for kind, one in sorted(kinds.items()) if one.false or one.covered < one.labelled}
    for kind, one in {"all": every, "code and diffs": code, **flawed}.items():
        share = one.covered / one.labelled if one.labelled else 1
        print(
            f"| {kind} | {one.labelled} | {share:.3f} | {one.claimed} | {one.false} | {one.precision:.3f} |"
        )
    if missed:
        _print_missed(samples, inspector)


def _cell(one: Score) -> str:
    missed = f"{one.labelled - one.covered} of {one.labelled}" if one.labelled else "–"
    return f"{missed}, {one.false} in vain"


def _print_shapes(seed: int, inspector: Detector, *, missed: bool) -> None:
    """Print how often ordinary numbers are found, kind by kind, and the shape that is found most."""
    worst: dict[str, tuple[int, str]] = {}
    texts, found = Counter[str](), Counter[str]()
    for kind, shape, written in shapes(random.Random(seed), _OF_A_SHAPE):
        false = [text for text in written if inspector.inspect(text)]
        texts[kind] += len(written)
        found[kind] += len(false)
        worst[kind] = max(worst.get(kind, (0, "")), (len(false), shape))
        for text in false if missed else ():
            print(f"in vain {kind}: {text!r}")
    print("\n| ordinary numbers | texts | found in vain | most of one shape |")
    print("|---|---|---|---|")
    for kind, count in texts.items():
        most, shape = worst[kind]
        print(
            f"| {kind} | {count} | {found[kind]} | {f'{most} of {_OF_A_SHAPE}: `{shape}`' if most else '0'} |"
        )


def _print_pasted(seed: int, inspector: Detector) -> None:
    """How many secrets are found where people paste them, and how much that only stands in their place."""

    def secrets(text: str) -> list[tuple[int, int]]:
        return [(one.start, one.end) for one in inspector.inspect(text) if one.category == "secret"]

    table, clean = list(pasted(seed)), list(in_place_of_secrets())
    covered = sum(found_in_full(one, secrets(one.text)) for one in table)
    forms = len({one.form for one in table})
    print(f"\nPasted secrets, {forms} forms: {covered} of {len(table)} found")
    vain = sum(bool(secrets(one.text)) for one in clean)
    print(f"The same forms with placeholders, references and code: {vain} of {len(clean)} found in vain")


def _print_injections(inspector: Detector, *, missed: bool) -> None:
    """Print how many injections are found, and how many are held where the user and where others write."""
    trusted = yaml.safe_load(_SETTINGS.read_text("utf-8"))["injection"]["trusted_roles"]
    texts, found = Counter[str](), Counter[str]()
    for kind, text in injections():
        is_found = any(one.category == "injection" for one in inspector.inspect(text))
        texts[kind] += 1
        found[kind] += is_found
        if missed and is_found == kind.startswith("talk"):
            print(f"{'in vain' if is_found else 'missed'} {kind}: {text!r}")
    print("\n| injections | texts | found | held in the user's own words | held in a tool's result |")
    print("|---|---|---|---|---|")
    for kind, count in texts.items():
        own = 0 if "user" in trusted else found[kind]
        print(f"| {kind} | {count} | {found[kind]} | {own} | {found[kind]} |")


def _print_people() -> None:
    """How well people are found in texts of daily work, language by language, if the extra is installed."""
    try:
        check_installed()
    except ConfigError as error:
        print(f"\nPeople are not scored: {error}")
        return
    model = NameModel()
    print("\n| people in texts | people | precision | recall | F1 | covered | ms a kB |")
    print("|---|---|---|---|---|---|---|")
    for language in people.LANGUAGES:
        one = people.found(people.texts(language), lambda text: model.find([text])[0])
        print(
            f"| {language} | {one.people} | {one.precision:.2f} | {one.recall:.2f} | {one.f1:.2f} "
            f"| {one.covered / one.people:.2f} | {one.ms_per_kb:.0f} |"
        )


def _print_missed(samples: Iterable[Sample], inspector: Detector) -> None:
    for sample in samples:
        spans = inspector.inspect(sample.text)
        for entity, start, end in sample.labels:
            if not any(span.start <= start and end <= span.end for span in spans):
                print(f"missed {entity}: {sample.text!r}")
        for span in spans:
            if not any(span.start < end and start < span.end for _, start, end in sample.labels):
                around = sample.text[max(0, span.start - 20) : span.end + 20]
                print(f"in vain {span.entity} {sample.text[span.start : span.end]!r}: {around!r}")


def _labelled(path: Path) -> Iterator[Sample]:
    for entry in json.loads(path.read_text("utf-8")):
        labels = ((one["entity_type"], one["start_position"], one["end_position"]) for one in entry["spans"])
        yield Sample(entry["full_text"], tuple(labels))


if __name__ == "__main__":
    main()
