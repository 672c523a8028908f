"""Check digits by their scheme. Each takes a value as written; only letters and digits count."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.config import Checksum

_IGNORED = re.compile(r"[^0-9A-Za-z]")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# Verhoeff's dihedral group of order ten, and its permutation.
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870",
    "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def luhn(value: str) -> bool:
    """Check by ISO/IEC 7812-1: cards, IMEI, the Canadian SIN, French SIREN and SIRET."""
    digits = _digits(value)
    return len(digits) > 1 and sum(digits[-1::-2] + [_DOUBLED[one] for one in digits[-2::-2]]) % 10 == 0


def mod97(value: str) -> bool:
    """ISO 7064 MOD 97-10, the two check digits at the end: LEI; an IBAN with its first four moved there."""
    text = _IGNORED.sub("", value).upper()
    return len(text) > 2 and int("".join(str(int(char, 36)) for char in text)) % 97 == 1


def mod11(value: str) -> bool:
    """Check by weights 1, 2, 3 … from the right, X for ten at the end: ISBN-10, the NHS number, ISSN."""
    text = _IGNORED.sub("", value).upper()
    if len(text) < 2 or not (text[:-1] + text[-1].replace("X", "0")).isdigit():
        return False
    numbers = [*map(int, text[:-1]), 10 if text[-1] == "X" else int(text[-1])]
    return sum(weight * number for weight, number in enumerate(reversed(numbers), 1)) % 11 == 0


def mod11_10(value: str) -> bool:
    """ISO 7064 MOD 11,10: the German tax id, the Croatian OIB."""
    digits, product = _digits(value), 10
    for digit in digits[:-1]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return len(digits) > 1 and (digits[-1] + product) % 10 == 1


def verhoeff(value: str) -> bool:
    """Check by Verhoeff's scheme: India's Aadhaar."""
    digits, check = _digits(value), 0
    for index, digit in enumerate(reversed(digits)):
        check = int(_TIMES[check][int(_PERMUTED[index % 8][digit])])
    return len(digits) > 1 and check == 0


CHECKSUMS: Mapping[Checksum, Callable[[str], bool]] = MappingProxyType(
    {"": bool, "luhn": luhn, "mod97": mod97, "mod11": mod11, "mod11_10": mod11_10, "verhoeff": verhoeff}
)


def _digits(value: str) -> list[int]:
    """Return the digits; none when the value holds letters."""
    text = _IGNORED.sub("", value)
    return [int(char) for char in text] if text.isdigit() else []
