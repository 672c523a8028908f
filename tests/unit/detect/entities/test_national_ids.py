"""National ids: found by their names in their own languages, and not by a check digit alone."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.au import tfn
from stdnum.ca import sin
from stdnum.de import idnr
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.nl import bsn
from stdnum.pl import pesel

from gateway.detect import Detector
from gateway.detect.entities import national_ids


def entities(inspector: Detector, text: str) -> list[str]:
    return [one.entity for one in inspector.inspect(text)]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("ES_NIF", "mi DNI es 12345678Z"),
        ("ES_NIF", "NIE: X-1234567-L"),
        ("NL_BSN", "Hoi, mijn BSN is 111222333"),
        ("BR_CPF", "123.456.789-09"),
        ("BR_CPF", '{"cpf": "12345678909"}'),
        ("BR_CNPJ", "57.880.248/4593-68"),
        ("KR_RRN", "주민등록번호는 850709-1234567입니다"),
        ("DE_TAX_ID", "Steuer-ID 47 285 761 396"),
        ("FR_NIR", "numéro de sécurité sociale 185052187816527"),
        ("IT_FISCAL_CODE", "RSSMRA85T10A562S"),
        ("PL_PESEL", "PESEL 85070996659"),
        ("SE_PERSONNUMMER", "personnummer 19850709-6421"),
        ("IN_AADHAAR", "name,aadhaar\nAsha,4630 8687 1698"),
        ("IN_PAN", "PAN ACUPA7085R"),
        ("CN_RESIDENT_ID", "110105194912316886"),
        ("AU_TFN", "TFN 947 442 445"),
        ("AU_ABN", "ABN: 71 624 154 359"),
        ("AU_MEDICARE", "Medicare 2123 45670 1"),
        ("CA_SIN", "social insurance number 164-200-768"),
        ("JP_MY_NUMBER", "マイナンバーは634040412947です"),
        ("UK_NHS", "NHS number 943 476 5919"),
        ("PASSPORT", "passport C01X00T47"),
    ],
)
def test_an_id_is_found_by_its_name_or_its_form(inspector: Detector, entity: str, text: str) -> None:
    assert entities(inspector, text) == [entity]


@pytest.mark.parametrize(
    "text", ["BSN 111222334", "PESEL 85070996650", "aadhaar 4630 8687 1699", "DNI 12345678A"]
)
def test_a_wrong_check_digit_is_no_id(inspector: Detector, text: str) -> None:
    assert entities(inspector, text) == []


@pytest.mark.parametrize(
    ("module", "length"), [(bsn, 9), (tfn, 9), (sin, 9), (nhs, 10), (idnr, 11), (pesel, 11), (aadhaar, 12)]
)
def test_a_right_check_digit_alone_is_not_enough(inspector: Detector, module: object, length: int) -> None:
    source, tried = random.Random(length), 0
    while tried < 20:
        number = str(source.randrange(2 * 10 ** (length - 1), 10**length))
        if module.is_valid(number):  # type: ignore[attr-defined]  # one of the modules above
            tried += 1
            assert not {one.entity for one in inspector.inspect(f"row {number} of it")} - {"CREDIT_CARD"}


@pytest.mark.parametrize(
    "one", [one for one in national_ids._ALL if one.is_valid is not bool], ids=lambda one: one.entity
)
@settings(max_examples=60)
@given(data=st.data())
def test_no_number_in_the_form_of_an_id_makes_its_validator_fail(
    one: national_ids._Id, data: st.DataObject
) -> None:
    """With each last character, so that check digits come out right, and what follows them is looked at."""
    form = re.compile(one.written.pattern, re.ASCII)
    value = data.draw(st.from_regex(form, fullmatch=True))
    assert len(value) in one.widths
    for last in "0123456789XABCDEFGHIJKLMNOPQRSTUVWYZ":
        if one.written.fullmatch(value[:-1] + last):
            assert isinstance(one.is_valid(value[:-1] + last), bool)


def test_a_chinese_id_of_a_province_without_counties_is_judged_by_its_date_and_check_digit(
    inspector: Detector,
) -> None:
    """python-stdnum's list has no county for it, and its validator raises KeyError."""
    for body in ("71000019900307123", "81000019900307123"):
        ids = [body + last for last in "0123456789X"]
        assert sum(entities(inspector, value) == ["CN_RESIDENT_ID"] for value in ids) == 1
