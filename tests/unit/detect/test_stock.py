"""Beside stock Presidio: what its recognizers find of the entities that are on is found as well."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest
import tldextract
import tldextract.tldextract
from faker import Faker
from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

from gateway.config import Detect
from gateway.detect import Inspector

SETTINGS = Detect()
ENTITIES = [
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "US_ITIN", "US_PASSPORT"),
    *("UK_NINO", "IP_ADDRESS", "CRYPTO"),
]
TEMPLATES = (
    "My phone number is {phone_number}, write to {email} or {company_email}.",
    "card {credit_card_number} expires {credit_card_expire}, security code {credit_card_security_code}",
    "{name}, {street_address}, {city}: SSN {ssn}, phone {phone_number}",
    "Please transfer 20.50 to {iban} (bic {swift}) before {date}.",
    "{ipv4} - - [{date}] GET {uri_path} 200 {pyint} from {ipv6} via {ipv4_private}",
    '{{"id": "{uuid4}", "mac": "{mac_address}", "phone": "{phone_number}", "mail": "{email}", "n": {pyint}}}',
    "passport {passport_number}, account {bban}, ean {ean13}, isbn {isbn13}, licence {license_plate}",
    "def f_{pyint}(x): return x * {pyfloat}  # {md5} {sha1} see {url}",
    "{user_agent} at {iso8601} for {user_name}: {sentence}",
    "{phone_number}\n{credit_card_number}\t{ssn}\t{ipv4}\n{email};{iban}",
)
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "pt_BR", "en_IN")


def corpus() -> Iterator[str]:
    """The same texts on every run."""
    random.seed(20261125)
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(20261125)
        for template in TEMPLATES * 8:
            yield re.sub(r"\{(\w+)\}", lambda name, fake=fake: _value(fake, name[1]), template)


def _value(fake: Faker, name: str) -> str:
    try:
        return str(getattr(fake, name)())
    except AttributeError:  # not every locale has every number
        return str(getattr(Faker("en_US"), name)())


@pytest.fixture(scope="module")
def stock() -> Iterator[AnalyzerEngine]:
    with pytest.MonkeyPatch.context() as patch:
        # without this the first e-mail goes to the network
        offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        patch.setattr(tldextract.tldextract, "TLD_EXTRACTOR", offline)
        nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
        nlp.load()
        registry = RecognizerRegistryProvider(
            registry_configuration={"supported_languages": ["en"]}
        ).create_recognizer_registry()
        yield AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])


def test_nothing_that_stock_presidio_finds_is_missed(stock: AnalyzerEngine, inspector: Inspector) -> None:
    found, missed = 0, []
    for text in corpus():
        ours = {at for span in inspector.inspect(text) for at in range(span.start, span.end)}
        for result in stock.analyze(text, "en", entities=ENTITIES, score_threshold=SETTINGS.threshold):
            theirs = {at for at in range(result.start, result.end) if text[at].isalnum()}
            found += 1
            if not (theirs <= ours or _is_on_purpose(result, text)):
                missed.append((result.entity_type, text[max(0, result.start - 9) : result.end + 9]))
    assert found > 800
    assert missed == []


def test_the_addresses_and_samples_that_are_seen_differently_are_these(
    stock: AnalyzerEngine, inspector: Inspector
) -> None:
    seen = {t: bool(inspector.inspect(t)) for t in ("bind 127.0.0.1", "Chrome/120.0.0.0", "ssn 123-45-6789")}
    found = [
        (bool(stock.analyze(text, "en", entities=ENTITIES, score_threshold=SETTINGS.threshold)), ours)
        for text, ours in seen.items()
    ]
    assert found == [(True, False), (True, False), (False, True)]


def _is_on_purpose(result: RecognizerResult, text: str) -> bool:
    """What stock Presidio finds and the inspector leaves out, with the reason."""
    value = text[result.start : result.end]
    digits = re.sub(r"\D", "", value)
    before, after = text[: result.start], text[result.end :]
    if result.entity_type == "CREDIT_CARD":  # no issuer has such numbers: JCB has 3528 to 3589
        return re.match(r"35(?:[01]|2[0-7]|9)|1[0-79]", digits) is not None
    if result.entity_type != "PHONE_NUMBER":
        return False
    return (
        len(digits) < 7  # too short to be told from any other number
        or re.search(r"\d[.:]\Z", before) is not None  # the fraction of a number or of a second
        or re.match(r"\.\d", after) is not None  # a number with a fraction
        or re.search(r"\+\d{2} \d{2} \Z", before)
        is not None  # the end of a number that its own country has not
        or re.fullmatch(r"1[4-9]\d{8}", digits) is not None  # a Unix time
    )
