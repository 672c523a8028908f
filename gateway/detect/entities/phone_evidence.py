"""Why a number may be a phone number: what it is called, its country code, its grouping; and what speaks against.

A score says which: 0.75 by a country code or a name (`tel`, `phone`, 手机), 0.5 by the grouping of its country, 0.3
for digits alone, of which most are ids, sizes and amounts.
"""

# ruff: noqa: E501 - lists of words read best in long lines

from __future__ import annotations

import re

import phonenumbers

from gateway.detect.matching.labels import Labels, Told, Vocabulary

NAMED, GROUPED, BARE = 0.75, 0.5, 0.3

WORDS = Vocabulary(
    own=(
        r"tel|tels|tél|tlf|telf|tele|telef\w*|telem[óo]v\w*|telepon\w*|ponsel|tālr\w*|sími\w*|farsími\w*|telép\w*|teleph\w*|téléph\w*|telefax|telno|phones?|fon|fono|fone|mob"
        r"|mobil\w*|m[óo]vil\w*|cel|cells?|cellular\w*|celular\w*|cellulare|cellphone|handy\w*|fax|faxes|gsm"
        r"|whatsapp|sms|viber|hotline|helpline|landline|voicemail|msisdn|rufnummer|durchwahl|festnetz|portable"
        r"|fijo|mobiel|toestel|puh|puhelin\w*|telefo\w*|komórk\w*|тел|телеф\w*|моб|мобил\w*|τηλ\w*|κιν\w*"
        r"|טל|טלפון|נייד|פלאפון|هاتف|الهاتف|هاتفي|تلفون|جوال|موبايل|फ़ोन|फोन|मोबाइल|โทร.*|điện|thoại|sđt"
        r"|.*(?:電話|电话|手机|手機|携帯|联系方式|聯絡|전화|휴대|핸드폰|연락처).*"
    ),
    hints=(
        r"call|calls|callback|caller|called|dial|dialed|dialled|ring|contact|contacts|reach|rufen|ruf|anruf\w*"
        r"|rückruf\w*|appele[rz]?|llam\w*|llám\w*|ligue|ligar|chiam\w*|bellen|bel|dzwoni\w*|zadzwo\w*|звон\w*|позвон\w*"
        r"|.*(?:拨打|致电).*|번호\w?"
    ),
    others=(
        r"ids?|[ug]uid|key|refs?|reference|referenz|orders?|bons?|angebot\w*|quotes?|offers?|bestell\w*|pedido|commande|ordine|zamówieni\w*"
        r"|invoices?|inv|rechnung\w*|facture|factura|fatura|fattura|cases?|tickets?|issues?|jira|dossier|expediente|docket|vorgang|sendung\w*|colis|bilhete|billet|biglietto|billete"
        r"|specimen|samples?|lockers?|badges?|members?|membership|loyalty|vouchers?|coupons?|webinar|meeting"
        r"|control|org|orgnr|charts?|votes?|views|blocks?|bldg|po|pr|isbn|issn|upc|ean"
        r"|gtin|npi|ndc|hs|hts|sku|asin|parts?|items?|serial|batch|lot|model|track\w*|parcel|shipment|awb|fedex|ups"
        r"|usps|dhl|accounts?|acct|konto\w*|cuenta|compte|conta|rekening\w*|routing|aba|blz|iban|bic|swift|tax|vat|ust"
        r"|steuer\w*|st|ein|tin|abn|acn|tfn|siren|siret|hr[ab]|cusip|isin|wkn|lei|sections?|chapter|pages?|lines?"
        r"|rows?|versions?|ver|build|release|size|bytes?|count|total|sum|amount|price|offset|seed|timestamp|port|pid"
        r"|zip|postcode|postal|plz|cep|population|doi|pmid|rfc|cve|imei|vin|mrn|licen[cs]e|zähler\w*|meter|run|runs|job"
        r"|commit|hash|checksum|mask|netmask|subnet|vendor|supplier|policy|claim|contract|vertrag\w*|kunden\w*"
        r"|.*(?:注文|订单|訂單|주문|송장|접수|등록|사업자|单号|編號|编号|伝票|郵便|邮编|우편|계좌|口座).*|.+nummer(?<!telefonnummer)(?<!handynummer)(?<!rufnummer)(?<!mobilnummer)(?<!faxnummer)|.+zeichen"
    ),
)
# `my number is …` in the words of some languages: a number of a person, if it has the form of one.
_MINE = re.compile(
    r"(?:\b(?:my|his|her|our|contact|callback|mijn|meine?|mon|mi|meu|il mio|mój|min|mitt)\s+(?:number|nummer|numéro|número|numero|numer|no\b\.?)"
    r"|(?:제|내)\s?번호|(?:我的|私の)(?:号码|號碼|番号))\D{0,12}\Z",
    re.IGNORECASE,
)
# INV-2026-004512, ISO/IEC: what hangs on letters by a dash or a number sign is the rest of a name.
_NAME_BEFORE = re.compile(r"(?:[^\W\d_][\-–]|#)\Z")
# EIN 08-5798658, SIREN 085 256 782: an abbreviation that names no telephone.
_ABBREVIATION = re.compile(
    r"(?<![^\W_])(?:[A-Z]{2,6}(?:-\d{1,2})?[ :.]{0,2}|(?:[A-Z]-){2,6}[A-Z][ :.]{0,2}|[A-Z]{2}[ \t][ \t#*>/]{0,12})\Z"
)
_NAME_WIDTH = 20  # characters before a number that these look at
_DOTTED = re.compile(r"\d+(?:\.\d+){2,}")
_ADDRESS = re.compile(r"(?:(?:0|1\d{0,2}|2[0-4]?\d?|25[0-5]|[3-9]\d?)(?:\.(?!\Z)|\Z)){4}")
_SPACED_DASH = re.compile(r"\s[\-/.]|[\-/.]\s")
_AMERICAN = re.compile(r"\([2-9]\d\d\)[ \xa0]?\d{3}[\-. ]\d{4}|[2-9]\d\d([\-.])[2-9]\d\d\1\d{4}")
# 60000-64999: from one number to another one.
_RANGE = re.compile(r"(\d{4,6})[\-–](\d{4,6})")
# What stands behind an amount.
_UNIT_BEHIND = re.compile(
    r"[ \xa0]?(?:bytes?|octets?|[KMGT]i?B|kWh|rows?|lines?|people|units?|items?|times|EUR|USD|GBP|CHF|PLN|z[łl]|k[rč]|[€$£¥₹%])(?!\w)"
)
_CENTS_BEHIND = re.compile(r",\d\d(?!\d)")
_SUM = re.compile(r"[1-9]\d*|[1-9]\d{0,2}(?:[ .\xa0]\d{3})+")
_PRICE_BEHIND = re.compile(r",\d\d[ \xa0]?(?:EUR|USD|GBP|CHF|PLN|z[łl]|k[rč]|[€$£¥₹])(?!\w)")
# Boston, MA⏎02111-1234
_STATE, _ZIP = re.compile(r"(?<![^\W_])[A-Z]{2}\s[\s#*>/]{0,12}\Z"), re.compile(r"\d{5}-\d{4}(?!\d)")
_AREA = re.compile(r"\(0?\d{2,5}\)[ \xa0]?\d")
_DIGITS = re.compile(r"\d+")
_LEAST, _MOST = 7, 15  # digits of a number that has a name (E.164)
_MOST_GROUPS = 5
_NO_PHONE = ([3, 2, 4], [4, 4, 4])  # groups of a US social security number, and of parcels
_LEAST_WITH_PREFIX, _MOST_WITH_PREFIX = 9, 13  # digits


def told(text: str, start: int, labels: Labels) -> Told:
    """Return what the words around the number at `start` say of it."""
    before = text[max(0, start - 48) : start]
    if _NAME_BEFORE.search(before[-_NAME_WIDTH:]):
        return Told.OTHER
    found = labels.told(start, WORDS)
    if Told.OTHER < found < Told.NAMED and _MINE.search(before):
        return Told.NAMED
    name = before[-_NAME_WIDTH:]
    is_zip = _ZIP.match(text, start) is not None and _STATE.search(name) is not None
    if found is Told.NOTHING and (is_zip or _ABBREVIATION.search(name)):
        return Told.OTHER
    return found


def is_amount(text: str, start: int, piece: str) -> bool:
    """Return whether it is a range, or an amount by what stands behind it."""
    ends = _RANGE.fullmatch(piece)
    if ends and len(ends[1]) == len(ends[2]) and ends[1][0] == ends[2][0] and ends[1] < ends[2]:
        return True
    behind = start + len(piece)
    has_cents = _SUM.fullmatch(piece) and _CENTS_BEHIND.match(text, behind)
    return bool(has_cents or _PRICE_BEHIND.match(text, behind) or _UNIT_BEHIND.match(text, behind))


def has_country_code(text: str, start: int, piece: str) -> bool:
    """Return whether it begins with one plus that is no sum's: not that of `a+4155552671` or `+++090/9337/55493+++`."""
    opened = piece.lstrip("([")
    at = start + len(piece) - len(opened)
    before = text[max(0, at - 1) : at]
    is_one = opened[1:2] not in ("+", "＋") and before != "+"
    return opened[0] in "+＋" and is_one and not (before.isascii() and before.isalnum())


def may_be_grouped(piece: str, told: Told) -> bool:
    """Return whether it may have the groups of a number that people write down; (415) 555-2671 has them."""
    if told is Told.OTHER:
        return _AREA.search(piece) is not None
    return len(_DIGITS.findall(piece)) > 1


def is_of_any_country(piece: str) -> bool:
    """Return whether it has the form of a phone number anywhere; a version or an address has not."""
    return _LEAST <= sum(map(len, _DIGITS.findall(piece))) <= _MOST and not _DOTTED.fullmatch(piece)


def is_address(piece: str) -> bool:
    """Return whether it is written as an IPv4 address or a netmask is."""
    return _ADDRESS.fullmatch(piece) is not None


def has_form(number: str) -> bool:
    """Return whether it has a form that tells it in any region: its prefix and area, or (415) 555-2671."""
    groups = _DIGITS.findall(number)
    if len(groups) == 1 or _SPACED_DASH.search(number):
        return False
    return _AMERICAN.fullmatch(number) is not None or _has_prefix(number, groups)


def is_grouped(number: str, region: str) -> bool:
    """Return whether it is valid in this region and written in the groups that are usual there."""
    groups = _DIGITS.findall(number)
    if len(groups) == 1 or _SPACED_DASH.search(number):
        return False
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    here = _groups(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    there = _groups(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    is_usual = groups == there[1:] and (len(groups) > 2 or [*map(len, groups)] == [5, 5])
    return (is_usual or groups in (here, there)) and phonenumbers.is_valid_number(parsed)


def _groups(number: phonenumbers.PhoneNumber, form: int) -> list[str]:
    return _DIGITS.findall(phonenumbers.format_number(number, form))


def _has_prefix(piece: str, groups: list[str]) -> bool:
    """Recognize 0171/2345678 and 020 7946 0958: an area in one group, at most one slash, no lone dot."""
    first = groups[0]
    if first[0] != "0" or not 2 <= len(first) <= 6 or (first[:2] == "00" and len(groups) < 3):
        return False
    marks = re.sub(r"[\d()\[\]]", "", piece)
    is_decimal = marks == "."
    slash = piece.find("/")
    is_number = slash < 0 or (marks.count("/") == 1 and piece[:slash].strip(" ()[]") == first)
    if (
        is_decimal
        or not is_number
        or [*map(len, groups)] in _NO_PHONE
        or not _LEAST_WITH_PREFIX <= sum(map(len, groups)) <= _MOST_WITH_PREFIX + 4 * (first[:2] == "00")
    ):
        return False
    return len(groups) <= _MOST_GROUPS and all(len(one) > 1 for one in groups)
