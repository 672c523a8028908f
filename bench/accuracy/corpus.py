"""A labelled corpus, made anew from a seed: sentences in several languages, secrets, and what is neither.

Every value is made up, after the rules of whoever issues it. A third of the texts name the value, a third are
data that carries it, a third are sentences that say nothing about it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import phonenumbers
from faker import Faker

from bench.accuracy import ids, secrets
from bench.accuracy.negatives import negatives

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "pt_BR", "en_IN")
_B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Issuer prefixes and lengths as the networks publish them.
_CARDS = (
    ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15),
    ("6011", 16), ("65", 16), ("644", 16), ("3528", 16), ("3589", 16), ("36", 14),
    ("38", 14), ("5018", 16), ("6304", 16), ("6759", 18), ("6763", 12), ("62", 16), ("62", 19),
    ("2200", 16), ("9792", 16),
)  # fmt: skip
# Countries with the letters and then the digits of their account numbers (SWIFT's registry).
_IBANS = (
    ("DE", 0, 18),
    ("GB", 4, 14),
    ("NL", 4, 10),
    ("ES", 0, 20),
    ("AT", 0, 16),
    ("BE", 0, 12),
    ("CH", 0, 17),
)
_FRAMES = {
    "en": [
        "{} is what I have.",
        "Please check {} and reply.",
        "({})",
        "It was {}, as far as I know",
        "FYI: {}\nThanks",
    ],
    "de": ["Bitte prüfen Sie {} bis morgen.", "Das steht hier: {}.", "Es geht um {}, danke", "({})"],
    "fr": ["Merci de vérifier {} avant demain.", "C'est {} qui compte.", "Voici : {}", "({})"],
    "pt": ["Confira {} por favor.", "O valor é {}, certo?", "Segue: {}", "({})"],
}
_NAMED = {
    "EMAIL_ADDRESS": "e-mail: {}", "PHONE_NUMBER": "tel. {}", "CREDIT_CARD": "card {}",
    "IBAN_CODE": "IBAN {}",
    "US_SSN": "SSN {}", "US_ITIN": "ITIN {}", "US_PASSPORT": "passport number {}", "UK_NINO": "NI number {}",
    "IP_ADDRESS": "client {}", "CRYPTO": "wallet {}", "PERSON": "Name: {}", "LOCATION": "from {}",
}  # fmt: skip
_CARRIERS = ['{{"value": "{}"}}', "| {} | 3 |", "<p>{}</p>", "x={}&y=1", "- {}\n- none", "`{}`"]


@dataclass(frozen=True)
class Sample:
    """A text, what is in it (entity, start, end), and what kind of text it is."""

    text: str
    labels: tuple[tuple[str, int, int], ...]
    kind: str = ""


def corpus(seed: int = 7, each: int = 200, *, names: bool = False) -> Iterator[Sample]:
    """`each` samples of every entity, then as much clean text again. The same seed gives the same corpus."""
    source = random.Random(seed)
    fakers = {locale: _faker(locale, seed) for locale in LOCALES}
    for entity, make in (_VALUES | (_NAMES if names else {})).items():
        for number in range(each):
            locale = LOCALES[number % len(LOCALES)]
            value = make(fakers[locale], source, locale)
            yield _sample(entity, value, *_frame(entity, locale[:2], source))
    for entity, make in ids.IDS.items():
        for _ in range(each):
            yield _sample(entity, make(source), source.choice(ids.NAMED[entity]), "named")
    yield from _secrets(source, each)
    yield from (Sample(text, (), "clean") for text in negatives(source, 2000 * each))


def _faker(locale: str, seed: int) -> Faker:
    faker = Faker(locale)
    faker.seed_instance(seed)
    return faker


def _frame(entity: str, language: str, source: random.Random) -> tuple[str, str]:
    """Return a frame for the value, and its kind."""
    kinds = 1 if entity == "US_PASSPORT" else 3  # nine digits that only the word in front tells from an id
    kind = source.randrange(kinds)
    if kind == 0:
        return _NAMED[entity], "named"
    return (source.choice(_CARRIERS), "data") if kind == 1 else (source.choice(_FRAMES[language]), "sentence")


def _sample(entity: str, value: str, frame: str, kind: str = "secret") -> Sample:
    text = frame.format(value)
    start = text.index(value)
    return Sample(text, ((entity, start, start + len(value)),), kind)


def email(faker: Faker, source: random.Random, _: str) -> str:
    address = str(faker.email() if source.randrange(2) else faker.ascii_company_email())
    return (
        address.replace("@", f"+{faker.word()}@")
        if address.isascii() and not source.randrange(4)
        else address
    )


def _phone(_: Faker, source: random.Random, locale: str) -> str:
    """A number that is in the region's plan, as people there or abroad write it."""
    region = locale[3:]
    kind = source.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    number = str(example.national_number)
    while True:
        national = number[:-5] + f"{source.randrange(10**5):05}"
        parsed = phonenumbers.parse(national, region)
        if phonenumbers.is_valid_number(parsed):
            break
    style = source.choice(["NATIONAL", "INTERNATIONAL", "E164"])
    written = phonenumbers.format_number(parsed, getattr(phonenumbers.PhoneNumberFormat, style))
    return written.replace(" ", source.choice([" ", " ", "-", "."])) if "(" not in written else written


def card(_: Faker, source: random.Random, __: str) -> str:
    prefix, length = source.choice(_CARDS)
    digits = prefix + "".join(source.choice("0123456789") for _ in range(length - len(prefix) - 1))
    total = sum(int(digit) for digit in digits[-2::-2]) + sum(
        sum(map(int, str(2 * int(digit)))) for digit in digits[-1::-2]
    )
    digits += str(-total % 10)
    groups = [4, 6, 5] if length == 15 else [4, 6, 4] if length == 14 else [4] * (length // 4) + [length % 4]
    separator = source.choice(["", " ", "-"])
    pieces, at = [], 0
    for size in groups:
        pieces.append(digits[at : at + size])
        at += size
    return separator.join(piece for piece in pieces if piece)


def _iban(_: Faker, source: random.Random, __: str) -> str:
    country, letters, digits = source.choice(_IBANS)
    account = "".join(source.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(letters))
    account += "".join(source.choice("0123456789") for _ in range(digits))
    rest = int("".join(str(int(char, 36)) for char in f"{account}{country}00")) % 97
    value = f"{country}{98 - rest:02}{account}"
    return " ".join(value[at : at + 4] for at in range(0, len(value), 4)) if source.randrange(2) else value


def ssn(_: Faker, source: random.Random, __: str) -> str:
    area = source.choice([number for number in range(1, 900) if number != 666])
    group, serial = source.randrange(1, 100), source.randrange(1, 10_000)
    return source.choice(["{:03}-{:02}-{:04}", "{:03} {:02} {:04}"]).format(area, group, serial)


def _itin(_: Faker, source: random.Random, __: str) -> str:
    return f"9{source.randrange(100):02}-{source.randrange(70, 89)}-{source.randrange(10_000):04}"


def _passport(_: Faker, source: random.Random, __: str) -> str:
    return f"{source.randrange(10**8, 10**9)}"


def nino(_: Faker, source: random.Random, __: str) -> str:
    letters = source.choice("ABCEGHJKLMNPRSTWXYZ") + source.choice("ABCEGHJKLMNPRSTWXYZ")
    letters = "AB" if letters in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") else letters
    digits = [f"{source.randrange(100):02}" for _ in range(3)]
    return source.choice(["", " "]).join([letters, *digits, source.choice("ABCD")])


def _ip(faker: Faker, source: random.Random, _: str) -> str:
    """Make an address of the public internet; a private one is no finding."""
    make = faker.ipv4_public if source.randrange(2) else faker.ipv6
    while (address := ip_address(str(make()))).is_private or address.is_multicast or address.is_link_local:
        pass
    return str(address)


def bitcoin(_: Faker, source: random.Random, __: str) -> str:
    """A base58check address of 20 random bytes."""
    data = bytes([source.choice([0, 5])]) + source.randbytes(20)
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _B58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


_Make = Callable[[Faker, random.Random, str], str]
_VALUES: dict[str, _Make] = {
    "EMAIL_ADDRESS": email,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": card,
    "IBAN_CODE": _iban,
    "US_SSN": ssn,
    "US_ITIN": _itin,
    "US_PASSPORT": _passport,
    "UK_NINO": nino,
    "IP_ADDRESS": _ip,
    "CRYPTO": bitcoin,
}
_NAMES: dict[str, _Make] = {
    "PERSON": lambda faker, _, __: str(faker.name()),
    "LOCATION": lambda faker, _, __: str(faker.city()),
}


def _secrets(source: random.Random, each: int) -> Iterator[Sample]:
    frames = ["the key is {} here", "TOKEN={}", '{{"key": "{}"}}', "{}", "curl -H 'X-Key: {}' https://x.test"]
    for make in secrets.API_KEYS.values():
        for _ in range(max(1, each // 10)):
            yield _sample("API_KEY", make(source), source.choice(frames))
    for frame, make in secrets.NAMED_KEYS.values():
        for _ in range(max(1, each // 10)):
            yield _sample("API_KEY", make(source), frame)
    for entity, make in (("JWT", secrets.jwt), ("PRIVATE_KEY", secrets.private_key)):
        for _ in range(each // 2):
            yield _sample(entity, make(source), source.choice(["see\n{}\n", "{}", "k: {}"]))
    for _ in range(each // 2):
        yield _sample("CONNECTION_STRING", secrets.connection_string(source).rstrip(";"), "url: {}")
        yield _sample("PASSWORD", secrets.password(source), source.choice(_PASSWORDS))


_PASSWORDS = ['password = "{}"', "DB_PASSWORD={}", "pwd: {}", "the password is {}", '{{"api_key": "{}"}}']
