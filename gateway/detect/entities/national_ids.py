"""National ids with check digits, by python-stdnum, and passports: what they are called decides, in any language.

One of ten to one of a hundred ordinary numbers has a right check digit by chance. So a bare number scores 0.2 unless
a word, a key or a column names it; what only such an id looks like scores more.
"""

# ruff: noqa: E501 - lists of words read best in long lines

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]  # typeshed does not carry it
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex
from stdnum.au import abn, tfn
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.exceptions import ValidationError
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer

from gateway.detect.matching.labels import Labels, Told, Vocabulary
from gateway.detect.matching.patterns import Deadline, is_in_a_uuid
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Match

_NAMED, _BARE = 0.85, 0.2
_LONGEST = 24  # characters of any of them
_NUMBERS = regex.compile(
    r"(?<![A-Za-z0-9])(?<!\d[.,\-/])(?:\d{9,17}[0-9Xx]?|\d{8}-?[A-Za-z]|\d\d[A-Z]{2}\d{5}|\d{1,8}(?:[ .\-/]\d{1,8}){1,6})(?![A-Za-z0-9])(?![.,\-/]\d)"
)
_LETTERED = regex.compile(
    r"(?<![A-Za-z0-9])(?:[XYZxyz]-?\d{7}-?[A-Za-z]|[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]"
    r"|[A-Z]{5}\d{4}[A-Z]|[A-Z]{1,3}\d[A-Z0-9]{5,7})(?![A-Za-z0-9])"
)
_PASSPORT = re.compile(r"(?=\d*[A-Z])(?=(?:\D*\d){4})[A-Z0-9]{7,9}")  # nine digits are a US_PASSPORT
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"  # of China (GB/T 2260)
_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)


def _is_medicare(value: str) -> bool:
    """Check the ninth digit of an Australian Medicare number."""
    digits = [int(char) for char in value if char.isdigit()]
    return sum(map(int.__mul__, _MEDICARE_WEIGHTS, digits)) % 10 == digits[8]


def _is_spanish(value: str) -> bool:
    return dni.is_valid(value) or nie.is_valid(value)


def _is_chinese(value: str) -> bool:
    """Check the date of birth and the check digit (GB 11643).

    Not the place of birth: python-stdnum's list of them takes 0.3 s to read, and it fails on provinces without a county.
    """
    try:
        ric.get_birth_date(value)
    except ValidationError:
        return False
    return value[-1].upper() == ric.calc_check_digit(value)


def _is_person(value: str) -> bool:
    """Return whether it is the id of a Korean: a date of birth, and a digit for sex and century.

    Those given since 2020 have no check digit.
    """
    month, day = int(value[2:4]), int(value[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31


@dataclass(frozen=True, slots=True)
class _Id:
    """How an id is written, whether it is valid, the words for it, its score without them, and its lengths."""

    entity: str
    written: re.Pattern[str]
    is_valid: Callable[[str], bool]
    words: Vocabulary
    score: float
    widths: range


def _id(
    entity: str,
    written: str,
    is_valid: Callable[[str], bool],
    words: str,
    score: float = _BARE,
    pairs: tuple[tuple[str, str], ...] = (),
) -> _Id:
    least, most = sre.parse(written).getwidth()
    vocabulary = Vocabulary(words, pairs=pairs)
    return _Id(entity, re.compile(written), is_valid, vocabulary, score, range(least, most + 1))


_ALL = (
    _id("FR_NIR", r"[1-478](?: \d\d){2} (?:\d\d|2[AB])(?: \d{3}){2} \d\d", nir.is_valid, r"nir|insee|sécu\w*|secu\w*|sociale", 0.6),
    _id("FR_NIR", r"[1-478]\d{14}", nir.is_valid, r"nir|insee|sécu\w*|secu\w*|sociale"),
    _id("ES_NIF", r"\d{8}-?[A-Za-z]|[XYZxyz]-?\d{7}-?[A-Za-z]", _is_spanish, r"dni|nif|nie|documento|identidad|identificación|identificacion"),
    _id("IT_FISCAL_CODE", r"[A-Za-z]{6}[0-9A-Za-z]{9}[A-Za-z]", codicefiscale.is_valid, r"fiscale|cf", 0.85),
    _id("NL_BSN", r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}", bsn.is_valid, r"bsn|burgerservicenummer|sofi\w*|burger"),
    _id("DE_TAX_ID", r"\d{11}|\d\d \d{3} \d{3} \d{3}", idnr.is_valid, r"steuer\w*|idnr|identifikationsnummer|tin", pairs=(("id", "nr"),)),
    _id("PL_PESEL", r"\d{11}", pesel.is_valid, r"pesel\w*"),
    _id("SE_PERSONNUMMER", r"(?:19|20)?\d{6}[\-+]?\d{4}", personnummer.is_valid, r"personnummer\w*|personnr|pnr|samordningsnummer"),
    _id("BR_CPF", r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid, r"cpf", 0.6),
    _id("BR_CPF", r"\d{11}", cpf.is_valid, r"cpf"),
    _id("BR_CNPJ", r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", cnpj.is_valid, r"cnpj", 0.6),
    _id("BR_CNPJ", r"\d{14}", cnpj.is_valid, r"cnpj"),
    _id("IN_AADHAAR", r"\d{4}([ \-]?)\d{4}\1\d{4}", aadhaar.is_valid, r"aadhaar?|aadhar|adhaar|uidai?|uid|आधार"),
    _id("IN_PAN", r"[A-Z]{5}\d{4}[A-Z]", pan.is_valid, r"pan|permanent"),
    _id("CN_RESIDENT_ID", rf"{_PROVINCE}\d{{4}}(?:19|20)\d{{9}}[\dXx]", _is_chinese, r".*(?:身份证|身分證|公民身份).*", 0.85),
    _id("KR_RRN", r"\d{6}-[1-8]\d{6}", _is_person, r"rrn|.*주민.*", 0.5),
    _id("KR_RRN", r"\d{6}[1-8]\d{6}", _is_person, r"rrn|.*주민.*"),
    _id("AU_TFN", r"\d{9}|\d{3} \d{3} \d{3}", tfn.is_valid, r"tfn", pairs=(("tax", "file"),)),
    _id("AU_ABN", r"\d{11}|\d\d \d{3} \d{3} \d{3}", abn.is_valid, r"abn"),
    _id("AU_MEDICARE", r"[2-6]\d{9,10}|[2-6]\d{3} \d{5} \d(?:[ /\-]\d)?", _is_medicare, r"medicare"),
    _id("CA_SIN", r"\d{9}|\d{3}([ \-])\d{3}\1\d{3}", sin.is_valid, r"sin|nas|social|sociale"),
    _id("JP_MY_NUMBER", r"\d{12}|\d{4}([ \-])\d{4}\1\d{4}", my_number.is_valid, r"mynumber|.*(?:マイナンバー|個人番号).*", pairs=(("my", "number"), ("individual", "number"))),
    _id("UK_NHS", r"\d{3}([ \-]?)\d{3}\1\d{4}", nhs.is_valid, r"nhs"),
    _id("PASSPORT", _PASSPORT.pattern, bool, r"passports?|passnummer|reisepass\w*|reisepaß|passeport|pasaporte|passaporto|paspoort\w*|passaporte|paszport\w*|.*(?:护照|護照|パスポート|旅券|여권).*", 0.1),
)  # fmt: skip
NATIONAL_IDS = frozenset(one.entity for one in _ALL)


class NationalIds:
    """The ids that are switched on."""

    patterns = (_NUMBERS, _LETTERED)

    def __init__(self, off: frozenset[str]) -> None:
        ids = [one for one in _ALL if one.entity not in off]
        self._by_length = {
            length: tuple(one for one in ids if length in one.widths) for length in range(_LONGEST + 1)
        }

    def find(self, text: str, folded: Candidates, labels: Labels, deadline: Deadline) -> Iterator[Match]:
        """Yield every valid id; `text` is as it was written, where the words before an id can be read."""
        for match in (*folded.matches(_NUMBERS, deadline), *folded.matches(_LETTERED, deadline)):
            value = match.group()
            for one in self._by_length.get(len(value), ()):
                is_one = one.written.fullmatch(value) and one.is_valid(value)
                if is_one and not is_in_a_uuid(text, *match.span()):
                    told = labels.told(match.start(), one.words)
                    yield Match(
                        one.entity, "pii", _NAMED if told > Told.NOTHING else one.score, *match.span()
                    )
