"""The detector: one text in, the matches of every entity in it out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version

import msgspec
import regex

from gateway.config import Detect
from gateway.detect.entities.allowed import Allowed
from gateway.detect.entities.attributes import Describer
from gateway.detect.entities.custom import Custom
from gateway.detect.entities.injections import is_talk
from gateway.detect.entities.licenses import Licenses
from gateway.detect.entities.national_ids import NationalIds
from gateway.detect.entities.numbers import (
    CARD_SIGNAL,
    IBAN_SIGNAL,
    OPEN_IBAN,
    Emails,
    find_cards,
    find_ibans,
)
from gateway.detect.entities.phone import PHONE_SIGNAL, Phones
from gateway.detect.entities.phrases import Phrases
from gateway.detect.entities.presidio import OPEN_NINO, PresidioPatterns
from gateway.detect.entities.samples import check_samples, check_settings
from gateway.detect.entities.secrets import Secrets
from gateway.detect.matching.context import Context
from gateway.detect.matching.encodings import RUN_BEGIN, encoded_runs, open_run
from gateway.detect.matching.keys import PRIVATE_MEMBERS
from gateway.detect.matching.labels import Labels
from gateway.detect.matching.markup import open_markup, unmarked
from gateway.detect.matching.overlaps import resolve
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Candidates, Prefilter
from gateway.detect.matching.readings import Decoded, Folding, unescaped, unveiled
from gateway.detect.matching.scalars import SURE, is_scalar
from gateway.detect.matching.wraps import WRAPPED, find_wrapped, open_wrap
from gateway.errors import InspectionFailed
from gateway.words import Finding, Match, Part, rank

_KEY_CONTEXT = 64  # a longer text brings its own context
# Without one of these no number, address or secret can be there, only phrases: most prose passes here.
_SIGNAL = regex.compile(
    r"\d|[@=:]|-----|[!-~]{16,}|(?i:passw|passphrase|passcode|kennwort|contrase|senha|mot de passe)"
)
# At the end of a text: groups of a number that the next word may go on with.
_OPEN_NUMBER = re.compile(
    rf"{OPEN_IBAN}|{OPEN_NINO}"
    r"|[+(\[]{0,2}\d[\d \t\r\n().,\-/|:x#+\u2010-\u2015]{0,64}+"
    r"(?:[ \t,;]{0,2}(?:ext|extn|extension|x)[.:]?)?[ \t]{0,2}$"
)
# In scripts without spaces a word may end within an address.
_OPEN_ADDRESS = re.compile(r"@[\w.\-]{0,64}$")
_OPEN_WINDOW = 96
_Reading = Callable[[str], Decoded | None]
_READINGS: tuple[_Reading, ...] = (
    unescaped,
    unveiled,
    unmarked,
) * 2  # the second time: what was written twice
_LAYERS = 3  # encodings, one inside the other, that are undone


class Detector:
    """Finds entities. It has no state; several threads may use it at once."""

    def __init__(self, settings: Detect, *, seconds: float = 10) -> None:
        """Compile what the settings want. Raises ConfigError on a setting or recognizer of no use.

        `seconds` bounds one inspection.
        """
        check_settings(settings)
        self.settings = settings
        self.describe = Describer(settings).describe
        self._allowed = Allowed(settings.allow)
        self._off = frozenset(settings.off)
        self._seconds = seconds
        self._presidio = PresidioPatterns(settings.off)
        self._emails = Emails()
        self._phones = Phones(settings.regions, settings.threshold_of("PHONE_NUMBER"))
        self._ids = NationalIds(self._off)
        self._secrets = Secrets()
        self._folding = Folding()
        self._phrases = Phrases(settings.off)
        self._licenses = Licenses(settings.licenses, settings.off)
        self._custom = Custom(settings.custom, settings.off)
        written = [
            *self._phrases.patterns,
            *self._licenses.patterns,
            *Secrets.patterns,
            *self._presidio.patterns(folded=False),
        ]
        self._prefilter = Prefilter([*written, RUN_BEGIN, *WRAPPED], signals=[_SIGNAL])
        self._folded_prefilter = Prefilter(
            [*self._presidio.patterns(folded=True), *NationalIds.patterns],
            signals=[CARD_SIGNAL, IBAN_SIGNAL, PHONE_SIGNAL],
        )
        self.version = _version(settings)
        check_samples(self._as_written, settings.off)

    def inspect(
        self,
        text: str,
        *,
        key: str = "",
        since: int = 0,
        until: int | None = None,
        seconds: float | None = None,
    ) -> tuple[Match, ...]:
        """Return the entities in `text`, disjoint and in order; `key` is the JSON key that it stands under.

        With `since`, only what reaches beyond that offset: what stands before it is context. With `until`,
        what begins there or later may be left out; nothing else is. Raises InspectionFailed when any part of
        the inspection fails, InspectionLate when it takes longer than `seconds` or than it may.
        """
        deadline = Deadline(self._seconds if seconds is None else seconds)
        try:
            within = range(since, len(text) if until is None else until)
            spans = self._readings(text, key, within, deadline, _READINGS, _LAYERS)
            spans += self._secrets.under_key(key, text)
            if is_scalar(key, text):
                spans = [span for span in spans if span.score >= SURE]
        except InspectionFailed:
            raise
        except Exception as error:  # a recognizer that fails in any way has not looked at the text
            raise InspectionFailed("a recognizer failed on the text") from error
        return tuple(span for span in resolve(self._wanted(text, spans)) if span.end > since)

    def _as_written(self, text: str) -> Sequence[Match]:
        """Return the entities in the text as it is written, whatever their score."""
        return self._readings(text, "", range(len(text)), Deadline(self._seconds), (), 0)

    def open_at(self, text: str) -> int:
        """Return the offset from which more text might still change what is found; the text's length if none.

        Raises InspectionFailed like `inspect`.
        """
        return self._open_readings(text, Deadline(self._seconds), _READINGS)

    def find(self, parts: Sequence[Part]) -> tuple[tuple[Finding, ...], ...]:
        """Return the findings of each part, in the order of the parts. Raises InspectionFailed."""
        return tuple(findings(part, self.inspect(part.text, key=key_of(part))) for part in parts)

    def _readings(
        self,
        text: str,
        key: str,
        within: range,
        deadline: Deadline,
        readings: Sequence[_Reading],
        layers: int,
    ) -> list[Match]:
        """Return the entities in the text as written and in its readings, each made of the one before."""
        written = self._prefilter.scan(text)
        spans = self._read(written, key, within, deadline)
        if layers:
            spans += self._encoded(written, within, deadline, layers)
        for index, read in enumerate(readings):
            if reading := read(text):
                everything = range(len(reading.text))
                inner = self._readings(reading.text, key, everything, deadline, readings[index + 1 :], layers)
                return [span for span in reading.united(spans, inner) if not _is_talk(text, span)]
        return spans

    def _encoded(
        self, written: Candidates, within: range, deadline: Deadline, layers: int
    ) -> Iterator[Match]:
        """Yield every encoded run that holds a key or an entity, as a whole."""
        for run in encoded_runs(written, deadline):
            if run.end <= within.start:
                continue
            found = [span for text in run.texts for span in self._inside(text, deadline, layers - 1)]
            if run.is_key:
                yield Match("PRIVATE_KEY", "secret", 1.0, run.start, run.end)
            elif found:
                yield replace(max(found, key=rank), start=run.start, end=run.end)

    def _inside(self, text: str, deadline: Deadline, layers: int) -> tuple[Match, ...]:
        """Return the entities in a text that was encoded."""
        spans = self._readings(text, "", range(len(text)), deadline, _READINGS, layers)
        return resolve(self._wanted(text, spans))

    def _open_readings(self, text: str, deadline: Deadline, readings: Sequence[_Reading]) -> int:
        at = self._open_at(text, deadline)
        for index, read in enumerate(readings):
            if reading := read(text):
                inner = self._open_readings(reading.text, deadline, readings[index + 1 :])
                return min(at, reading.source(inner))
        return at

    def _read(self, written: Candidates, key: str, within: range, deadline: Deadline) -> list[Match]:
        """Return the entities in one reading of a text, in no order."""
        spans, context = list(self._phrases.find(written, deadline)), Context(written.text, key)
        spans += self._licenses.find(written, deadline)
        labels = Labels(written.text, key)
        spans += self._custom.find(written.text, context, deadline)
        if written.may_match(_SIGNAL) and (not within.start or _SIGNAL.search(written.text, within.start)):
            spans += self._values(written, context, labels, within, deadline)
        spans += find_wrapped(written, spans, self._as_written, deadline)
        return spans

    def _open_at(self, text: str, deadline: Deadline) -> int:
        at = min(
            one.open_at(text, deadline)
            for one in (self._phrases, self._licenses, self._custom, self._secrets)
        )
        start = max(0, len(text) - _OPEN_WINDOW)
        end = text[start:]
        address, number = _OPEN_ADDRESS.search(end), _OPEN_NUMBER.search(self._folding.folded(end))
        opened = [start + found.start() for found in (address, number) if found]
        return min(
            [
                at,
                open_wrap(text, deadline),
                *opened,
                *(begun for begun in (open_run(text), open_markup(text)) if begun >= 0),
            ]
        )

    def _values(
        self, written: Candidates, context: Context, labels: Labels, within: range, deadline: Deadline
    ) -> list[Match]:
        text = written.text
        spans = list(self._secrets.find(written, deadline))
        spans += self._emails.find(text)
        folded = self._folded_prefilter.scan(self._folding.folded(text))
        if folded.may_match(CARD_SIGNAL):
            spans += find_cards(folded.text, labels)
        if folded.may_match(IBAN_SIGNAL):
            spans += find_ibans(folded.text)
        spans += self._presidio.find(written, folded, context, labels, deadline)
        spans += self._ids.find(text, folded, labels, deadline)
        if "PHONE_NUMBER" not in self._off and folded.may_match(PHONE_SIGNAL):
            strong = [span for span in spans if span.score >= max(0.5, self._least(span))]
            spans += self._phones.find(text, folded.text, strong, deadline, within, labels)
        return spans

    def _wanted(self, text: str, spans: Sequence[Match]) -> Iterator[Match]:
        """Yield what is sure enough, and neither off nor allowed."""
        for span in spans:
            is_on = span.score >= self._least(span) and span.entity not in self._off
            if is_on and not self._allowed.allows(text, span):
                yield span

    def _least(self, span: Match) -> float:
        return self.settings.threshold_of(span.entity)


def _is_talk(text: str, span: Match) -> bool:
    """Return whether it is a phrase that the text as it is written quotes, in backticks too."""
    return span.category == "injection" and is_talk(text, span.start, span.end)


def findings(part: Part, spans: Sequence[Match]) -> tuple[Finding, ...]:
    """Return what was found in a part's text as findings of the part."""
    return tuple(
        Finding(span.entity, span.category, span.score, part.pointer, span.start, span.end) for span in spans
    )


def key_of(part: Part) -> str:
    """Return the nearest object key in the pointer, for texts too short to have context of their own."""
    if part.place == "key":
        return ""
    if len(part.text) > _KEY_CONTEXT:
        key = part.pointer.rpartition("/")[2]
        return key if key in PRIVATE_MEMBERS else ""
    tokens = [token for token in part.pointer.split("/") if token and not token.isdigit()]
    return tokens[-1] if tokens else ""


def _version(settings: Detect) -> str:
    """Return what could change a result: the versions of the libraries, and the settings."""
    digest = hashlib.sha256(msgspec.json.encode(settings)).hexdigest()[:8]
    names = {
        "presidio": "presidio-analyzer",
        "kingfisher": "kingfisher-secret-scanner",
        "detect-secrets": "detect-secrets",
        "phonenumbers": "phonenumbers",
    }
    return " ".join(f"{name}/{version(package)}" for name, package in names.items()) + f" settings/{digest}"
