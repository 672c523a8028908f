"""Texts of daily work, made anew from a seed: mails of 16 countries, tables, records, code, logs, settings.

`data/daily/*.txt` has texts under `%%%` and their kind. `⟦email⟧` is a value that is to be found, made by its
issuer's rules; `⟦10d⟧`, `⟦x32⟧`, `⟦1-9⟧` and their like are ordinary numbers and ids that must stay.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import phonenumbers
from faker import Faker

from bench.accuracy import corpus, ids, secrets, shapes
from bench.accuracy.corpus import Sample

CODE = frozenset(
    """
    python javascript typescript go java c csharp rust diff lockfile kotlin swift ruby php elixir haskell perl
    lua helm ansible github_actions gitlab_ci jenkins nix bicep asm js_tests
    """.split()  # noqa: SIM905 - read more easily than a list
)
_DATA = Path(__file__).parent / "data" / "daily"
_FIELD = re.compile(r"⟦([^⟧]+)⟧")
_PLAIN = re.compile(r"\d+d|\d+-\d+|x\d+|isbn10|isbn10dashed|ean13|upc|npi")
_ALNUM = string.ascii_letters + string.digits
# The letters and then the digits of an account, behind the check digits (SWIFT's registry).
_ACCOUNTS = {
    "DE": ("", 18), "ES": ("", 20), "NL": ("ABNA", 10), "GB": ("NWBK", 14),
    "FR": ("", 23), "IT": ("X", 22), "PL": ("", 24), "CH": ("", 17), "AT": ("", 16), "BE": ("", 12),
    "DK": ("", 14), "NO": ("", 11), "FI": ("", 14), "PT": ("", 21), "SK": ("", 20), "RO": ("BTRL", 16),
    "IE": ("AIBK", 14), "AE": ("", 19),
}  # fmt: skip
_NETWORKS = (84, 91, 185, 193, 213)  # of the public internet


def daily(seed: int = 7, each: int = 5) -> Iterator[Sample]:
    """Yield every text `each` times, with other values. The same seed gives the same texts."""
    source, faker = random.Random(seed), Faker("en_US")
    faker.seed_instance(seed)
    for kind, text in templates():
        for _ in range(each):
            yield _filled(kind, text, source, faker)


def templates() -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each, its fields still to be filled."""
    for file in sorted(_DATA.glob("*.txt")):
        for block in file.read_text("utf-8").split("%%% ")[1:]:
            kind, _, text = block.partition("\n")
            yield kind.partition(" ")[0], text.removesuffix("\n")


def _filled(kind: str, text: str, source: random.Random, faker: Faker) -> Sample:
    written, labels = "", list[tuple[str, int, int]]()
    for number, piece in enumerate(_FIELD.split(text)):
        if not number % 2:
            written += piece
        elif _PLAIN.fullmatch(piece):
            written += shapes.filled(f"{{{piece}}}", source)
        elif piece[0] == "b" and piece[1:].isdigit():
            written += _opaque(source, int(piece[1:]))
        else:
            entity, value = _value(piece, source, faker)
            labels.append((entity, len(written), len(written) + len(value)))
            written += value
    return Sample(written, tuple(labels), kind)


def _value(field: str, source: random.Random, faker: Faker) -> tuple[str, str]:
    """Return the entity of a field, and a value: `email`, `phone:DE`, `phone+:DE`, `iban:DE`, `key:npm`."""
    name, _, of = field.partition(":")
    if name in ids.IDS:
        return name, ids.IDS[name](source)
    if name.startswith("phone"):
        return "PHONE_NUMBER", _phone(source, of, name.removeprefix("phone"))
    if name == "iban":
        return "IBAN_CODE", _iban(source, of)
    if name == "key":
        return "API_KEY", secrets.API_KEYS[of](source)
    entity, make = _VALUES[name]
    return entity, make(source, faker)


def _opaque(source: random.Random, length: int) -> str:
    return "".join(source.choice(_ALNUM + "+/") for _ in range(length))


def _phone(source: random.Random, region: str, form: str) -> str:
    """Return a mobile number as it is written there, with its country code (`+`) or as ten digits (`10`)."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    number = phonenumbers.national_significant_number(example)
    while True:
        drawn = f"{number[:-6]}{source.randrange(10**6):06}"
        parsed = phonenumbers.parse(f"+{example.country_code}{drawn}")
        if phonenumbers.is_valid_number(parsed):
            break
    if form == "10":
        return drawn
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL if form else phonenumbers.PhoneNumberFormat.NATIONAL
    return str(phonenumbers.format_number(parsed, style))


def _iban(source: random.Random, country: str) -> str:
    """Return an account of the country, or of any that is known here, in groups or not."""
    country = country or source.choice(list(_ACCOUNTS))
    letters, digits = _ACCOUNTS[country]
    account = letters + "".join(source.choice(string.digits) for _ in range(digits))
    rest = int("".join(str(int(char, 36)) for char in f"{account}{country}00")) % 97
    value = f"{country}{98 - rest:02}{account}"
    return " ".join(value[at : at + 4] for at in range(0, len(value), 4)) if source.randrange(2) else value


def _address(source: random.Random, _: Faker) -> str:
    numbers = (
        source.choice(_NETWORKS),
        source.randrange(100, 256),
        source.randrange(256),
        source.randrange(1, 255),
    )
    return ".".join(map(str, numbers))


def _ssn(source: random.Random, faker: Faker) -> str:
    return corpus.ssn(faker, source, "").replace(" ", "-")


def _token(source: random.Random, _: Faker) -> str:
    return "k9Z" + "".join(source.choice(_ALNUM) for _ in range(37))


def _dsn(source: random.Random, _: Faker) -> str:
    password = re.sub("[#?%]", "x", secrets.password(source))
    return f"postgres://app:{password}@db.example.test:5432/shop"


def _ado(source: random.Random, _: Faker) -> str:
    return f"Server=db.example.test;Database=shop;User Id=app;Password={secrets.password(source)}"


def _basic(source: random.Random, _: Faker) -> str:
    return base64.b64encode(f"ci:{secrets.password(source)}".encode()).decode()


_Make = Callable[[random.Random, Faker], str]
_VALUES: dict[str, tuple[str, _Make]] = {
    "email": ("EMAIL_ADDRESS", lambda source, faker: corpus.email(faker, source, "")),
    "ip": ("IP_ADDRESS", _address),
    "card": ("CREDIT_CARD", lambda source, faker: corpus.card(faker, source, "")),
    "ssn": ("US_SSN", _ssn),
    "ssn9": ("US_SSN", lambda source, faker: _ssn(source, faker).replace("-", source.choice(["-", ""]))),
    "nino": ("UK_NINO", lambda source, faker: corpus.nino(faker, source, "")),
    "passport": ("US_PASSPORT", lambda source, _: f"{source.randrange(10**8, 10**9)}"),
    "btc": ("CRYPTO", lambda source, faker: corpus.bitcoin(faker, source, "")),
    "BR_CPF11": ("BR_CPF", lambda source, _: re.sub(r"\D", "", ids.IDS["BR_CPF"](source))),
    "pw": ("PASSWORD", lambda source, _: secrets.password(source)),
    "code": ("PASSWORD", lambda source, _: f"{source.randrange(10**6):06}"),
    "basic": ("PASSWORD", _basic),
    "dsn": ("CONNECTION_STRING", _dsn),
    "adonet": ("CONNECTION_STRING", _ado),
    "token": ("API_KEY", _token),
    "cookie": ("API_KEY", lambda source, faker: f"session=s%3A{_token(source, faker)}"),
    "awssecret": ("API_KEY", lambda source, _: _opaque(source, 40)),
    "wgkey": ("PRIVATE_KEY", lambda source, _: _opaque(source, 43) + "="),
    "pem": ("PRIVATE_KEY", lambda source, _: secrets.private_key(source)),
}
