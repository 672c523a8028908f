"""What policy may know of a value never gives the value away, and says when it is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.entities.attributes import Describer
from gateway.detect.entities.samples import SAMPLES
from gateway.words import Attributes

DESCRIBER = Describer(Detect(internal_domains=("acme.example",)))


def of_addresses(*addresses: str, describer: Describer = DESCRIBER) -> Attributes:
    return describer.describe("EMAIL_ADDRESS", addresses)


def test_addresses_have_domains_and_those_outside() -> None:
    told = of_addresses("dana@acme.example", "eve@Partner.example", "bo@eu.acme.example")
    assert told == Attributes(("acme.example", "partner.example"), outside=("partner.example",))


@pytest.mark.parametrize("address", ["dana@acme.example", "dana@EU.ACME.example", "a@b@acme.example"])
def test_the_companys_own_are_internal(address: str) -> None:
    assert of_addresses(address) == Attributes(("acme.example",), internal=True)


@pytest.mark.parametrize(
    "address",
    [
        "dana@acme.example.evil.example",
        "dana@notacme.example",
        "dana@acme.example@evil.example",
        "dana@acme。example",
        "dana@аcme.example",  # a Cyrillic letter
        "dana@acme.example.",
        "dana",
        "",
    ],
)
def test_nothing_else_is_internal(address: str) -> None:
    assert not of_addresses(address).internal
    assert len(of_addresses(address).outside) == 1


@pytest.mark.parametrize(
    "address",
    [
        "jane@doe.name",
        "jane.doe@doe.example",
        "janedoe@jane.example",
        "Me@anna-schmidt.example",
        "x@jane-c1234567.example",
        "x@203.0.113.7",
        "x@" + "a" * 60 + "." + "b" * 60 + ".example",
        "zZGFuYUBhY21lLmV4YW1wbGU=",
    ],
)
def test_a_domain_that_may_say_who_has_the_address_is_not_shown(address: str) -> None:
    assert of_addresses(address).domains == ("",)


def test_domains_may_be_shown_by_name_only_where_settings_say() -> None:
    describer = Describer(Detect(internal_domains=("acme.example",), shown_domains=("*.partner.example",)))
    told = of_addresses("x@eu.partner.example", "x@other.example", "x@acme.example", describer=describer)
    assert told.domains == ("", "acme.example", "eu.partner.example")


@pytest.mark.parametrize(
    ("entity", "value", "country"),
    [
        ("PHONE_NUMBER", "+49 30 901820", "DE"),
        ("PHONE_NUMBER", "0044 20 7946 0018", "GB"),
        ("PHONE_NUMBER", "+1 (613) 555-0134", "CA"),
        ("PHONE_NUMBER", "030 901820", ""),
        ("PHONE_NUMBER", "+800 1234 5678", ""),
        ("PHONE_NUMBER", "12", ""),
        ("PHONE_NUMBER", "no number", ""),
        ("IBAN_CODE", "de89 3704 0044 0532 0130 00", "DE"),
        ("US_SSN", "536-90-4399", "US"),
        ("UK_NHS", "943 476 5919", "GB"),
    ],
)
def test_numbers_have_countries(entity: str, value: str, country: str) -> None:
    assert DESCRIBER.describe(entity, [value]) == Attributes(countries=(country,))


@pytest.mark.parametrize(
    ("regions", "value", "country"),
    [
        (("DE",), "030 901820", "DE"),
        (("US", "CA"), "(613) 555-0134", "CA"),
        (("DE", "GB"), "030 901820", ""),
    ],
)
def test_a_number_without_a_code_is_of_the_one_plan_looked_for(
    regions: tuple[str, ...], value: str, country: str
) -> None:
    told = Describer(Detect(regions=regions)).describe("PHONE_NUMBER", [value])
    assert told.countries == (country,)


@pytest.mark.parametrize(
    ("card", "issuer"),
    [
        ("4111 1111 1111 1111", "visa"),
        ("5555-5555-5555-4444", "mastercard"),
        ("2221000000000009", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3530111333300000", "jcb"),
        ("30569309025904", "diners"),
        ("6200000000000005", "unionpay"),
        ("2201382000000013", "mir"),
        ("9111111111111111", ""),
        ("", ""),
    ],
)
def test_cards_have_issuers(card: str, issuer: str) -> None:
    assert DESCRIBER.describe("CREDIT_CARD", [card]).issuers == (issuer,)


def test_a_name_of_ones_own_says_no_country() -> None:
    assert DESCRIBER.describe("IT_DEPARTMENT", ["x"]) == Attributes()


def test_of_many_values_some_are_looked_at_and_more_says_so() -> None:
    told = of_addresses(*(f"x@d{number}.example" for number in range(100)))
    assert len(told.domains) == 32
    assert told.more
    assert not of_addresses(*(f"x{number}@acme.example" for number in range(100))).internal


def test_detectors_describe_by_their_settings() -> None:
    detector = Detector(Detect(internal_domains=("acme.example",)))
    assert detector.describe("EMAIL_ADDRESS", ["dana@acme.example"]).internal


@given(st.sampled_from(sorted(SAMPLES)), st.text(max_size=40))
def test_no_attribute_holds_the_value(entity: str, text: str) -> None:
    for value in (SAMPLES[entity], text):
        told = DESCRIBER.describe(entity, [value])
        listed = (*told.domains, *told.countries, *told.issuers)
        assert not any(len(one) > 3 and value.casefold() in one.casefold() for one in listed if value)
