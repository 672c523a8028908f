"""Beside stock Presidio: what its recognizers find of the entities that are on is found as well."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import tldextract

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.entities import numbers

ROOT = Path(__file__).parents[4]
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
EXTENSION = re.compile(r"(?:x\d+)?\Z")  # says nothing without its number, which is found
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "pt_BR", "en_IN")


def corpus() -> Iterator[str]:
    """The same texts on every run."""
    from faker import Faker  # takes a second, and every process of a run collects this file

    random.seed(20261125)
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(20261125)
        for template in TEMPLATES * 8:
            yield re.sub(r"\{(\w+)\}", lambda name, fake=fake: _value(fake, name[1]), template)


def _value(fake: Any, name: str) -> str:
    try:
        return str(getattr(fake, name)())
    except AttributeError:  # not every locale has every number
        return str(getattr(type(fake)("en_US"), name)())


def test_nothing_that_stock_presidio_finds_is_missed(inspector: Detector) -> None:
    found, missed = 0, []
    texts = list(corpus())
    for text, results in zip(texts, stock(texts), strict=True):
        ours = {at for span in inspector.inspect(text) for at in range(span.start, span.end)}
        for entity, start, end in results:
            extension = EXTENSION.search(text[start:end])
            end -= len(extension.group()) if extension else 0
            theirs = {at for at in range(start, end) if text[at].isalnum()}
            found += 1
            if not (theirs <= ours or _is_on_purpose(entity, start, end, text)):
                missed.append((entity, text[max(0, start - 9) : end + 9]))
    assert found > 800
    assert missed == []


def test_the_addresses_and_samples_that_are_seen_differently_are_these(inspector: Detector) -> None:
    texts = ["bind 127.0.0.1", "Chrome/120.0.0.0", "ssn 123-45-6789"]
    found = [
        (bool(theirs), bool(inspector.inspect(text)))
        for text, theirs in zip(texts, stock(texts), strict=True)
    ]
    assert found == [(True, False), (True, False), (False, True)]


def stock(texts: list[str]) -> list[list[tuple[str, int, int]]]:
    """Return what stock Presidio finds in each text. It runs alone: the gateway loads parts of it only."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.stock_presidio", str(SETTINGS.threshold), *ENTITIES],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return [[tuple(result) for result in results] for results in json.loads(done.stdout)]


def _is_on_purpose(entity: str, start: int, end: int, text: str) -> bool:
    """What stock Presidio finds and the inspector leaves out, with the reason."""
    digits = re.sub(r"\D", "", text[start:end])
    before, after = text[:start], text[end:]
    if entity == "CREDIT_CARD":  # no issuer has such numbers: JCB has 3528 to 3589
        return re.match(r"35(?:[01]|2[0-7]|9)|1[0-79]", digits) is not None
    if entity == "IP_ADDRESS":  # private, or like a version and nothing says that it is none
        value = text[start:end]
        return ip_address(value).is_private or not re.search(r"\d{3}", value)
    if entity != "PHONE_NUMBER":
        return False
    return (
        text[start:end].isdigit()  # nothing tells it from an id
        or re.search(r"(?:ean|Gecko/)\W{0,3}\Z", before) is not None
        or re.fullmatch(r"\d\d \d{4}-\d{4}", text[start:end]) is not None  # Brazil's mobile numbers have nine
        or len(digits) < 7  # too short to be told from any other number
        or re.search(r"\d[.:]\Z", before) is not None  # the fraction of a number or of a second
        or re.match(r"\.\d", after) is not None  # a number with a fraction
        or re.search(r"\+\d{2} \d{2} \Z", before)
        is not None  # the end of a number that its own country has not
        or re.fullmatch(r"1[4-9]\d{8}", digits) is not None  # a Unix time
    )


def test_the_top_level_domains_are_those_that_tldextract_reads_and_the_dns_has() -> None:
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    labels = {suffix.rsplit(".")[-1] for suffix in suffixes}
    assert numbers._top_level_domains() == labels | {label.encode("idna").decode() for label in labels}
