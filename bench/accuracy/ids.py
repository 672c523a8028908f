"""Made-up national ids that pass the checks of those who issue them, as people write them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from stdnum.au import abn, tfn
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer

Make = Callable[[random.Random], str]
_UPPER, _DIGITS = string.ascii_uppercase, string.digits
_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)


def _drawn(source: random.Random, letters: str, count: int) -> str:
    return "".join(source.choice(letters) for _ in range(count))


def _digits(source: random.Random, count: int) -> str:
    return source.choice("123456789") + _drawn(source, _DIGITS, count - 1)


def _until(is_valid: Callable[[str], bool], draw: Make) -> Make:
    """Return a maker that draws until the check digits are right."""

    def make(source: random.Random) -> str:
        while not is_valid(value := draw(source)):
            pass
        return value

    return make


def _date(source: random.Random, year: str) -> str:
    return f"{year}{source.randrange(1, 13):02}{source.randrange(1, 29):02}"


def _grouped(value: str, shape: str) -> str:
    """Put the characters of a value in the place of the # of a shape."""
    rest = iter(value)
    return "".join(next(rest) if char == "#" else char for char in shape)


def _written(make: Make, *shapes: str) -> Make:
    """Return a maker that writes a value in one of the shapes; an empty one is as it is."""

    def written(source: random.Random) -> str:
        value, shape = make(source), source.choice(shapes)
        return _grouped(value, shape) if shape else value

    return written


def _nir(source: random.Random) -> str:
    born = f"{source.choice('12')}{source.randrange(40, 100)}{source.randrange(1, 13):02}"
    body = f"{born}{source.randrange(1, 96):02}{source.randrange(1, 900):03}{source.randrange(1, 999):03}"
    return body + nir.calc_check_digits(body)


def _nif(source: random.Random) -> str:
    if source.randrange(4):
        digits = f"{source.randrange(10**8):08}"
        return digits + dni.calc_check_digit(digits)
    digits = source.choice("XYZ") + _drawn(source, _DIGITS, 7)
    return digits + nie.calc_check_digit(digits)


def _fiscal_code(source: random.Random) -> str:
    names = _drawn(source, "BCDFGLMNPRSTV", 6)
    born = f"{source.randrange(100):02}{source.choice('ABCDEHLMPRST')}{source.randrange(1, 29):02}"
    body = f"{names}{born}{source.choice('ADFHL')}{source.randrange(100, 999)}"
    return body + codicefiscale.calc_check_digit(body)


def _pesel(source: random.Random) -> str:
    body = _date(source, f"{source.randrange(40, 100)}") + _drawn(source, _DIGITS, 4)
    return body + pesel.calc_check_digit(body)


def _personnummer(source: random.Random) -> str:
    return _until(
        personnummer.is_valid,
        lambda drawn: f"{_date(drawn, f'{drawn.randrange(40, 100)}')}-{_drawn(drawn, _DIGITS, 4)}",
    )(source)


def _resident_id(source: random.Random) -> str:
    body = (
        source.choice(("110105", "310115", "440106"))
        + _date(source, f"19{source.randrange(50, 100)}")
        + _drawn(source, _DIGITS, 3)
    )
    return body + ric.calc_check_digit(body + "0")


def _rrn(source: random.Random) -> str:
    return (
        f"{_date(source, f'{source.randrange(50, 100)}')}-{source.choice('12')}{_drawn(source, _DIGITS, 6)}"
    )


def _medicare(source: random.Random) -> str:
    body = source.choice("23456") + _drawn(source, _DIGITS, 7)
    check = sum(weight * int(digit) for weight, digit in zip(_MEDICARE_WEIGHTS, body, strict=True)) % 10
    return f"{body[:4]} {body[4:]}{check} {source.randrange(1, 10)}"


IDS: dict[str, Make] = {
    "FR_NIR": _written(_nir, "", "# ## ## ## ### ### ##"),
    "ES_NIF": _nif,
    "IT_FISCAL_CODE": _fiscal_code,
    "NL_BSN": _written(_until(bsn.is_valid, lambda source: _digits(source, 9)), "", "####.##.###"),
    "DE_TAX_ID": _written(_until(idnr.is_valid, lambda source: _digits(source, 11)), "", "## ### ### ###"),
    "PL_PESEL": _pesel,
    "SE_PERSONNUMMER": _personnummer,
    "BR_CPF": _written(_until(cpf.is_valid, lambda source: _digits(source, 11)), "", "###.###.###-##"),
    "BR_CNPJ": _written(
        _until(cnpj.is_valid, lambda source: _digits(source, 8) + "0001" + _drawn(source, _DIGITS, 2)),
        "##.###.###/####-##",
    ),
    "IN_AADHAAR": _written(
        _until(aadhaar.is_valid, lambda source: source.choice("23456789") + _drawn(source, _DIGITS, 11)),
        "",
        "#### #### ####",
    ),
    "IN_PAN": _until(
        pan.is_valid,
        lambda source: (
            _drawn(source, _UPPER, 3)
            + "P"
            + source.choice(_UPPER)
            + _digits(source, 4)
            + source.choice(_UPPER)
        ),
    ),
    "CN_RESIDENT_ID": _resident_id,
    "KR_RRN": _rrn,
    "AU_TFN": _written(_until(tfn.is_valid, lambda source: _digits(source, 9)), "", "### ### ###"),
    "AU_ABN": _written(_until(abn.is_valid, lambda source: _digits(source, 11)), "## ### ### ###"),
    "AU_MEDICARE": _medicare,
    "CA_SIN": _written(
        _until(sin.is_valid, lambda source: _digits(source, 9)), "", "### ### ###", "###-###-###"
    ),
    "JP_MY_NUMBER": _written(
        _until(my_number.is_valid, lambda source: _digits(source, 12)), "", "#### #### ####"
    ),
    "UK_NHS": _written(_until(nhs.is_valid, lambda source: _digits(source, 10)), "### ### ####", ""),
}
# As people name them in their own language.
NAMED: dict[str, tuple[str, ...]] = {
    "FR_NIR": ("numéro de sécurité sociale {}", "NIR : {}", '{{"nir": "{}"}}'),
    "ES_NIF": ("mi DNI es {}", "NIF: {}", "NIE {}", '{{"documento_identidad": "{}"}}'),
    "IT_FISCAL_CODE": ("codice fiscale {}", "C.F. {}", '{{"codice_fiscale": "{}"}}'),
    "NL_BSN": ("mijn BSN is {}", "burgerservicenummer: {}", '{{"bsn": "{}"}}'),
    "DE_TAX_ID": ("Steuer-ID {}", "Steueridentifikationsnummer: {}", "IdNr. {}", '{{"steuer_id": "{}"}}'),
    "PL_PESEL": ("numer PESEL: {}", "PESEL {}", '{{"pesel": "{}"}}'),
    "SE_PERSONNUMMER": ("personnummer {}", "mitt personnr är {}", '{{"personnummer": "{}"}}'),
    "BR_CPF": ("CPF {}", "meu CPF é {}", '{{"cpf": "{}"}}'),
    "BR_CNPJ": ("CNPJ {}", "o CNPJ é {}", '{{"cnpj": "{}"}}'),
    "IN_AADHAAR": ("Aadhaar number {}", "आधार {}", '{{"aadhaar": "{}"}}'),
    "IN_PAN": ("PAN {}", "my PAN card number is {}", '{{"pan": "{}"}}'),
    "CN_RESIDENT_ID": ("身份证号:{}", "公民身份号码 {}", '{{"身份证": "{}"}}'),
    "KR_RRN": ("주민등록번호 {}", "주민번호: {}", '{{"rrn": "{}"}}'),
    "AU_TFN": ("TFN {}", "tax file number: {}", '{{"tfn": "{}"}}'),
    "AU_ABN": ("ABN {}", '{{"abn": "{}"}}'),
    "AU_MEDICARE": ("Medicare {}", "Medicare card no. {}", '{{"medicare_number": "{}"}}'),
    "CA_SIN": ("SIN {}", "social insurance number {}", "NAS : {}", '{{"sin": "{}"}}'),
    "JP_MY_NUMBER": ("マイナンバー:{}", "個人番号は{}です", '{{"my_number": "{}"}}'),
    "UK_NHS": ("NHS number {}", "NHS no: {}", '{{"nhs_number": "{}"}}'),
}
