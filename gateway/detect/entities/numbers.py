"""Values with a check digit or a registry behind them: cards (Luhn), IBANs (mod 97) and e-mail domains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import regex
from stdnum import numdb
from stdnum.iso7064 import mod_97_10

from gateway.detect.matching.labels import Labels, Told, Vocabulary
from gateway.detect.matching.patterns import is_in_a_uuid
from gateway.detect.matching.wraps import BREAK
from gateway.words import Match

# All of these see a folded text (views.py): ASCII, no underscore beside a value.
# Patterns begin with the digit, what must not stand before it follows: `re` skips to the next digit then.
# What has to be there for any of what follows: a dozen digits, the longest separator between them.
CARD_SIGNAL = regex.compile(r"\d(?:[ \-./|:\t\r\n]{0,10}\d){11}")
IBAN_SIGNAL = regex.compile(r"[A-Za-z]{2}\d{2}(?:[ \-.\t\r\n=\\>|│]{0,12}[A-Za-z0-9]){11}")
_GROUPS = re.compile(
    r"\d(?<![A-Za-z0-9]\d)(?<!\d\.\d)\d{1,18}(?:[ \-]\d{3,19})*(?:[ \-]\d{2})?(?![A-Za-z0-9])"
)
# Rarer separators count only between exactly the groups that a card has, in no longer row: else the columns
# of a table and decimals would be read as cards.
_GAP = r"(?:[./|:\t]|[ \-]{2,3}|[ \t]{0,4}\r?\n[ \t]{0,4})"
_SPACED = re.compile(
    rf"\d(?<![A-Za-z0-9]\d)(?<!\d[./|:\s\-]\d)(?<!\d\s\s\d)\d{{3}}(?:(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{3}})?|{_GAP}\d{{6}}{_GAP}\d{{5}})"
    r"(?![A-Za-z0-9])(?![./|:\-]?\s{0,2}\d{2})"
)
_DIGITS = re.compile(r"\d+")
# What names other long numbers right before them, in their key or at the head of their column. One in ten of
# those has a card's check digit, and some have a card's length.
_CARD_WORDS = (
    r"cards?|karten?|\w*kreditkarten?\w*|cartes?|tarjetas?|cart[ãa]o|cart[ae]|kaart|karta|visa|mastercard|maestro|amex"
    r"|diners|discover|jcb|unionpay|rupay|verve|cc|credit|debit|.*(?:卡|カード|카드).*"
)
_PARCEL = Vocabulary(  # FedEx is read as two words
    own=r"imei|imeisv|fedex|ex|usps|ups|dhl|awb|tracking|parcel|sscc|sire[nt]",
    others=_CARD_WORDS,
)
_ID = Vocabulary(
    own=(
        r"ids?|[ug]uid|keys?|refs?|reference|referenz|orders?|pedido|commande|ordine|bestell\w*|isbn|ean|upc|gtin|serial"
        r"|sku|asin|article|snowflakes?|offset|seq|sequence|timestamp|ts|nonce|trace|span|run|job|rows?|bytes|range|product|code|licen[cs]e"
        r"|vouchers?|coupons?|gutschein\w*|accounts?|acct|konto\w*|cuenta|compte|conta|clabe|rib|cbu|arn|rrn|mid|aadhaa?r|aadhar|uidai"
        r"|.*(?:注文|订单|訂單|单号|伝票|주문|송장).*"
    ),
    others=_CARD_WORDS,
)
_LEAST, _USUAL, _MOST = 12, 16, 19  # digits
# Cards of fifteen and of fourteen digits are theirs; other lengths are rare.
_AMERICAN_EXPRESS, _DINERS = ("34", "37"), ("30", "36", "38", "39")
# ISO/IEC 7812 issuer ranges: (first, last) of the leading digits, and the lengths issued under them.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard, 2-series
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset(range(14, 20))),  # Diners Club
    ("3095", "3095", frozenset(range(14, 20))),
    ("36", "36", frozenset(range(14, 20))),
    ("38", "39", frozenset(range(14, 20))),
    ("3528", "3589", frozenset(range(16, 20))),  # JCB
    ("1800", "1800", frozenset({15})),
    ("2131", "2131", frozenset({15})),
    ("6011", "6011", frozenset(range(16, 20))),  # Discover
    ("644", "649", frozenset(range(16, 20))),
    ("65", "65", frozenset(range(16, 20))),
    ("60", "60", frozenset({16})),  # RuPay
    ("81", "82", frozenset(range(16, 20))),  # UnionPay, RuPay
    ("62", "62", frozenset(range(16, 20))),  # UnionPay
    ("2200", "2204", frozenset(range(16, 20))),  # Mir
    ("637", "639", frozenset({16})),  # InstaPayment
    ("9792", "9792", frozenset({16})),  # Troy
    ("5060", "5061", frozenset({16, 18, 19})),  # Verve
    ("50", "50", frozenset(range(12, 20))),  # Maestro
    ("5893", "5893", frozenset(range(12, 20))),
    ("6304", "6304", frozenset(range(12, 20))),
    ("6759", "6763", frozenset(range(12, 20))),
    ("56", "58", frozenset(range(12, 20))),
)


def _by_beginning() -> dict[str, set[int]]:
    """Return the lengths issued under each first four digits."""
    lengths: dict[str, set[int]] = {}
    for first, last, issued in _ISSUERS:
        for number in range(int(first.ljust(4, "0")), int(last.ljust(4, "9")) + 1):
            lengths.setdefault(f"{number:04}", set()).update(issued)
    return lengths


_LENGTHS = _by_beginning()
# What a doubled digit adds to the sum.
_DOUBLED = str.maketrans("0123456789", "0246813579")

# Between two characters of an IBAN, also where a line is broken; with all of them it is no longer than that.
_IBAN_GAP = rf"(?:[ \-.]{{0,2}}|[ \t]{{0,2}}{BREAK})"
_LONGEST_IBAN = 80
_IBAN_START = re.compile(  # a field of MT940 too: ?31DE89…
    r"\d\d(?:(?<=(?<![A-Za-z0-9])[A-Za-z]{2}\d\d)|(?<=\?\d\d[A-Za-z]{2}\d\d))"
)
_IBAN_SIGNS = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_IBAN_MORE = re.compile(rf"(?:{_IBAN_GAP}[A-Za-z0-9]){{11,30}}")
# One that the next word may go on with.
OPEN_IBAN = (
    rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}\d{{2}}(?:{_IBAN_GAP}[A-Za-z0-9]){{0,30}}+"
    rf"(?:[ \-.]{{0,2}}|[ \t]{{0,2}}[=\\]?\r?|[ \t]{{0,2}}{BREAK})$"
)

# The left side is matched backwards from the @, at most 128 characters, so the cost is linear.
_LOCAL_BACKWARDS = re.compile(r"[\w.+'’\-]{1,128}")
_QUOTED_BACKWARDS = re.compile(r"\"[!#-~]{1,64}\"")  # without spaces: a stream goes out word by word
_LATIN_BACKWARDS = regex.compile(r"[\p{Latin}\p{M}0-9_.+'’\-]++")
_DOMAIN = re.compile(r"\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+")
_LABEL = re.compile(r"\w+(?:-+\w+)*")
_REMOTES = frozenset({"git", "hg", "svn"})
# where the last label may end when more is glued to it: org_, org-Thanks, orgです
_LABEL_START = re.compile(r"[A-Za-z]{2,}+")


def find_cards(text: str, labels: Labels) -> Iterator[Match]:
    """Yield the cards in a folded text: 12 to 19 digits in an issuer's range, valid by ISO/IEC 7812."""
    for run in _GROUPS.finditer(text):
        if run.end() - run.start() >= _LEAST:
            yield from _cards_in(text, run, labels)
    for run in _SPACED.finditer(text):
        digits = "".join(_DIGITS.findall(run.group()))
        if _is_card(digits):
            yield Match("CREDIT_CARD", "pii", 1.0, *run.span())


def find_ibans(text: str) -> Iterator[Match]:
    """Yield every IBAN in a folded text that is as SWIFT registered its country's (ISO 13616), any case."""
    for check in _IBAN_START.finditer(text):
        start, more = check.start() - 2, _IBAN_MORE.match(text, check.end())
        length, structure = _registered(text[start : start + 2].upper())
        if not more or not length:
            continue
        end = _end_of(text, more.start(), more.end(), length)
        value = text[start:end]
        if len(value) > _LONGEST_IBAN or text[end : end + 1].isalnum():
            continue
        plain = "".join(filter(str.isalnum, value)).upper()
        if structure.fullmatch(plain, 4) and mod_97_10.is_valid(plain[4:] + plain[:4]):
            yield Match("IBAN_CODE", "pii", 1.0, start, end)


@cache
def _registered(country: str) -> tuple[int, re.Pattern[str]]:
    """Return the length of a country's account and its form, by its `4!n4!n11!n2!n`; 0 of no country."""
    form = numdb.get("iban").info(country)[0][1].get("bban", "")
    fields = [(int(count), _IBAN_SIGNS[sign]) for count, sign in re.findall(r"(\d+)!([nac])", form)]
    return sum(count for count, _ in fields), re.compile(
        "".join(f"{sign}{{{count}}}" for count, sign in fields)
    )


class Emails:
    """E-mail addresses under a known public suffix, from the list that tldextract carries."""

    def __init__(self) -> None:
        self._top = _top_level_domains()

    def find(self, text: str) -> Iterator[Match]:
        """Yield one match per @ with an address around it."""
        at = text.find("@")
        while at >= 0:
            span = self._around(text, at)
            if span:
                yield span
            at = text.find("@", at + 1)

    def _around(self, text: str, at: int) -> Match | None:
        local_part = _QUOTED_BACKWARDS if text[at - 1 : at] == '"' else _LOCAL_BACKWARDS
        left = local_part.match(text[max(0, at - 128) : at][::-1])
        right = _DOMAIN.match(text, at + 1, at + 256)
        if not left or not right:
            return None
        local = _in_one_script(left.group()).lstrip("_.+-'’")
        end = self._domain_end(text, right.start(), right.end())
        if local in _REMOTES and text[end : end + 1] in (":", "/"):
            return None  # git@github.com:acme/app is where a repository is
        return Match("EMAIL_ADDRESS", "pii", 1.0, at - len(local), end) if local and end else None

    def _domain_end(self, text: str, start: int, end: int) -> int:
        """Return the end of the longest domain under a known suffix, or 0 (`acme.org` of `acme.org.No`)."""
        labels = list(_LABEL.finditer(text, start, end))
        for label in reversed(labels[1:]):
            if label.group().lower() in self._top:
                return label.end()
            glued = _LABEL_START.match(label.group())
            if glued and glued.group().lower() in self._top:
                return label.start() + glued.end()
        return 0


@cache
def _top_level_domains() -> frozenset[str]:
    """Return the last labels of the public suffix list, from the file that tldextract carries.

    They are in Unicode and as the DNS has them: рф, xn--p1ai.

    The package itself is not loaded: it brings requests, and looks for a newer list on the network.
    """
    spec = find_spec("tldextract")
    assert spec is not None, "tldextract is not installed"
    (folder,) = spec.submodule_search_locations or [""]
    rules, _, _ = (
        Path(folder, ".tld_set_snapshot").read_text("utf-8").partition("===BEGIN PRIVATE DOMAINS===")
    )
    names = {
        rule.split()[0].rsplit(".", 1)[-1]
        for rule in rules.splitlines()
        if rule and not rule.startswith("//")
    }
    return frozenset(names) | {
        f"xn--{name.encode('punycode').decode()}" for name in names if not name.isascii()
    }


def _end_of(text: str, start: int, end: int, count: int) -> int:
    """Return where the `count`th letter or digit ends; 0 when there are fewer."""
    for at in range(start, end):
        count -= text[at].isalnum()
        if not count:
            return at + 1
    return 0


def _in_one_script(backwards: str) -> str:
    """Shorten a local part to one script, read from the @: at Latin behind another script it begins."""
    latin = _LATIN_BACKWARDS.match(backwards)
    own = latin.group() if latin and any(char.isalnum() for char in latin.group()) else backwards
    return own[::-1]


def _cards_in(text: str, run: re.Match[str], labels: Labels) -> Iterator[Match]:
    """Yield the cards in a row of groups of digits, the longest at each place."""
    groups = [group.span() for group in _DIGITS.finditer(text, *run.span())]
    count, first = sum(end - start for start, end in groups), 0
    while first < len(groups) and count >= _LEAST:
        digits, last = _card_from(text, groups, first)
        if digits:
            start, end = groups[first][0], groups[last][1]
            is_usual = _is_usual(digits, [last - begin for begin, last in groups[first : last + 1]])
            is_cut = "-" in (text[start - 1 : start], text[end : end + 1]) and len(groups) > last - first + 1
            if is_in_a_uuid(text, start, end) or (is_cut and not is_usual):
                pass
            elif not _is_another(is_usual and count == len(digits), count, start, labels):
                yield Match("CREDIT_CARD", "pii", 1.0, start, end)
        first = last + 1


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> tuple[str, int]:
    """Return the longest card number that begins with group `first`, and its last group."""
    digits, found = "", ("", first)
    for place in range(first, len(groups)):
        digits += text[slice(*groups[place])]
        if len(digits) > _MOST:
            break
        if len(digits) >= _LEAST and _is_card(digits):
            found = digits, place
    return found


def _is_usual(digits: str, groups: list[int]) -> bool:
    """Return whether it is as long as most cards of its issuer, and in their groups or in one."""
    usual = {_USUAL: [4, 4, 4, 4]}
    if digits.startswith(_AMERICAN_EXPRESS):
        usual[_USUAL - 1] = [4, 6, 5]
    if digits.startswith(_DINERS):
        usual[_USUAL - 2] = [4, 6, 4]
    return len(digits) in usual and groups in ([len(digits)], usual[len(digits)])


def _is_another(is_usual: bool, count: int, start: int, labels: Labels) -> bool:
    """Return whether its name says that a card's digits, in a row of `count`, are those of something else."""
    if count != _USUAL and labels.told(start, _PARCEL) is Told.NAMED:
        return True
    return not is_usual and labels.told(start, _ID) is Told.NAMED


def _is_card(digits: str) -> bool:
    return len(digits) in _LENGTHS.get(digits[:4], ()) and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0 and len(set(digits)) > 1
