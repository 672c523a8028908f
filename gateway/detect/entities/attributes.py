"""What may be told of found values without giving one away: domains, countries, issuers of cards.

Example: `dana@acme.example`, `eve@partner.example`, with `internal_domains: [acme.example]`, give the domains
`acme.example` and `partner.example`, of which `partner.example` is outside. `jane@janedoe.example` gives "":
that domain is a person's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase

import phonenumbers

from gateway.config import Detect
from gateway.contract import DETECTED
from gateway.detect.entities.regions import codes
from gateway.words import Attributes

_LOOKED_AT, _LISTED = 64, 32  # values of an entity, and what is told of them
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_LONGEST = 100  # characters of a domain that is shown
_MANY_DIGITS = re.compile(r"[0-9](?:[.-]?[0-9]){4}")  # a number of a customer, or an address of a network
# Before a domain that one person has: `me@janedoe.example`.
_ONE_PERSON = frozenset(
    {"me", "mail", "ich", "moi", "yo", "hello", "hi", "hey", "post", "privat", "private", "home"}
)
_WORD = re.compile(r"[a-z]{3,}")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_COUNTRY = re.compile(r"([A-Z]{2})_")
_ISO = re.compile(r"[A-Z]{2}")
_OTHER_CODES = {"UK": "GB"}
# The first digits of cards, by the longest that fits, and whose they are (ISO/IEC 7812).
_ISSUERS: tuple[tuple[str, tuple[range, ...]], ...] = (
    ("visa", (range(4, 5),)),
    ("mastercard", (range(51, 56), range(2221, 2721))),
    ("amex", (range(34, 35), range(37, 38))),
    ("diners", (range(300, 306), range(3095, 3096), range(36, 37), range(38, 40))),
    ("discover", (range(6011, 6012), range(644, 660))),
    ("jcb", (range(3528, 3590),)),
    ("unionpay", (range(62, 63),)),
    ("maestro", (range(5018, 5019), range(5020, 5021), range(5038, 5039), range(6304, 6305))),
    ("maestro", (range(6759, 6760), range(6761, 6764))),
    ("mir", (range(2200, 2205),)),
)


class Describer:
    """Tells the attributes of values. It has no state, and keeps no value."""

    def __init__(self, settings: Detect) -> None:
        self._internal = settings.internal_domains
        self._shown = settings.shown_domains
        regions = codes(settings.regions)
        plans = {phonenumbers.country_code_for_region(region) for region in regions}
        self._plan = regions[0] if len(plans) == 1 else None  # of all numbers without a country's code
        self._countries: dict[str, Callable[[str], str]] = {
            "IBAN_CODE": lambda value: value[:2].upper(),
            "PHONE_NUMBER": self._country_of_phone,
        }

    def describe(self, entity: str, values: Collection[str]) -> Attributes:
        """Return what may be told of these values of an entity: of some of them where there are many."""
        seen = sorted(values)[:_LOOKED_AT]
        more = len(values) > len(seen)
        if entity == "EMAIL_ADDRESS":
            return self._of_addresses(seen, more=more)
        if entity == "CREDIT_CARD":
            return Attributes(issuers=_listed(map(_issuer, seen)), more=more)
        if entity in self._countries:
            countries = {self._countries[entity](value) for value in seen}
            return Attributes(countries=_listed(countries), more=more or len(countries) > _LISTED)
        return Attributes(countries=_country_of_kind(entity))

    def _of_addresses(self, seen: Sequence[str], *, more: bool) -> Attributes:
        told = [(self._domain(value), self._is_internal(value)) for value in seen]
        domains = {domain for domain, _ in told}
        outside = {domain for domain, internal in told if not internal}
        return Attributes(
            domains=_listed(domains),
            outside=_listed(outside),
            internal=bool(told) and not outside and not more,
            more=more or len(domains) > _LISTED,
        )

    def _is_internal(self, address: str) -> bool:
        """Return whether the address is the company's own, or below its domain, spelled as the DNS does."""
        domain = address.rpartition("@")[2].lower()
        return any(domain == own or domain.endswith(f".{own}") for own in self._internal)

    def _domain(self, address: str) -> str:
        """Return the domain of an address as policy may see it, "" where it may say who has the address."""
        person, _, written = address.rpartition("@")
        domain = written.lower()
        if self._is_internal(address):
            return next(own for own in self._internal if domain == own or domain.endswith(f".{own}"))
        shown = any(fnmatchcase(domain, pattern) for pattern in self._shown)
        if not shown or len(domain) > _LONGEST or not _DOMAIN.fullmatch(domain):
            return ""
        return "" if _tells_who(person.lower(), domain) else domain

    def _country_of_phone(self, value: str) -> str:
        """Return the country that a number names; without a code, that of the one plan looked for."""
        written = value.lstrip("( ")
        if written.startswith("00"):
            written = "+" + written.removeprefix("00")
        if not written.startswith("+") and not self._plan:
            return ""
        try:
            number = phonenumbers.parse(written, self._plan)
        except phonenumbers.NumberParseException:
            return ""
        found = phonenumbers.region_code_for_number(number)
        return found if found and _ISO.fullmatch(found) else ""


def _tells_who(person: str, domain: str) -> bool:
    """Return whether the domain says who has the address: a person's, or one that each customer has.

    `jane@doe.name`, `jane.doe@doe.example`, `me@janedoe.example`, `x@c1234567.example`.
    """
    *names, top = domain.split(".")
    said = "".join(names)
    return (
        top == "name"
        or person in _ONE_PERSON
        or _MANY_DIGITS.search(domain) is not None
        or any(word in said for word in _WORD.findall(person))
        or any(word in person for word in _WORD.findall(".".join(names)))
    )


def _issuer(card: str) -> str:
    digits = _NOT_DIGITS.sub("", card)
    return next(
        (
            name
            for name, ranges in _ISSUERS
            for among in ranges
            if digits and int(digits[: len(str(among.start))]) in among
        ),
        "",
    )


def _country_of_kind(entity: str) -> tuple[str, ...]:
    """Return the country that an entity's own name says: US_SSN, UK_NHS."""
    named = _COUNTRY.match(entity) if entity in DETECTED else None
    return (_OTHER_CODES.get(named[1], named[1]),) if named else ()


def _listed(told: Collection[str] | map[str]) -> tuple[str, ...]:
    return tuple(sorted(set(told))[:_LISTED])
