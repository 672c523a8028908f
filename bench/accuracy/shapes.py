"""Ordinary numbers as everyday work writes them: ids, codes, sizes, versions and dates, none of them personal.

A shape has fields in braces: `{5d}` is five digits, `{20-99}` a number, `{x8}` eight hexadecimal characters, and
`{isbn10}`, `{ean13}` and their like a code with its check digit. Each stands with the words that it has in life.
"""

# ruff: noqa: E501 - lists of words read best in long lines

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from stdnum.au import abn

_FIELD = re.compile(r"\{(?:(\d+)d|(\d+)-(\d+)|x(\d+)|([a-z]+\d*[a-z]*))\}")

SHAPES: dict[str, tuple[str, ...]] = {
    "document numbers": (
        "Invoice INV-{2020-2027}-{6d} is overdue", "Rechnung RE-{2020-2027}-{6d} vom 3. Mai", "PO 45{8d} approved",
        "purchase order no. {10d}", "see case {2020-2027}-{4d}-{2d} please", "Ticket #{8d} was closed",
        "order {2020-2027}-{3d}-{6d} is late", "Pedido ES-{2020-2027}-{6d} enviado", "Bestelling {2020-2027}{6d}",
        "Order 30{1d}-{7d}-{7d} arrived", "ref {2020-2027}-{4d}-{2d} | open", "contract C{2d}-{4d}-{4d} signed",
        "Geschäftszeichen {2d}-{4d}-{6d}", "numéro de dossier {3d}-{3d}-{4d}", "Angebot Nr. {4d}-{5d}-{2d}",
        "webinar {3d}-{3d}-{3d}", "locker {3d}-{3d}-{4d}", "badge {5d}-{5d}", "loyalty {4d} {3d} {3d}", "org nr {6d}-{4d}",
        "송장번호 {12d}", "注文番号 {3d}-{7d}-{7d}", "Kundennummer {4d}-{2d}-{2d}", "facture n° {4d} {3d} {3d}", "claim {3d}-{3d}-{4d} was filed",
    ),
    "codes of books and goods": (
        "ISBN {isbn10} paperback", "ISBN {isbn10dashed} paperback", "ISBN-10 {isbn10dashed}, used", "ISBN {ean13}",
        "UPC {upc} scanned", "EAN {ean13} on the box", "SKU-{7d},{upc},{1-99},{2-999}.{2d}", "HS {4d}.{2d}.{4d} machinery",
        "HTS code {4d}.{2d}.{2d}.{2d}", "GTIN 0{ean13}", "part number {4d}-{3d}-{4d}", "CUSIP {9d} bond",
        "item {3d}-{2d}-{4d}", "DPCI {3d}-{2d}-{4d}", "product code {12d}", "gift card 0{3d}-{4d}-{4d}-{3d}",
        "CAS {4d}-{2d}-{1d}", "LOT {8d} EXP 2027-03",
    ),
    "health care": (
        "NDC {4d}-{4d}-{2d} tablets", "NDC {5d}-{3d}-{2d}", "NPI {npi} verified", "MRN {8d} admitted", "CPT {5d}; dose {2d} mg",
        "Accession S26-{7d}", "ICD-10 E11.{2d}",
    ),
    "business registers and banks": (
        "ABN {notabn} registered", "EIN {2d}-{7d} employer", "SIREN {3d} {3d} {3d} actif", "SIRET {3d} {3d} {3d} {5d}",
        "HRB {6d} Amtsgericht, St.-Nr. {3d}/{3d}/{5d}", "routing {9d} for wires",
        "account no {11d}", "CLABE {18d}", "D-U-N-S {2d}-{3d}-{4d}", "Saldo 084.{3d}.{3d},{2d} zł", "Konto {10d} BLZ {8d}",
        "VAT DE{9d}", "LEI 5493001KJTIIGC8Y1R12", "BIC COBADEFF{3d}",
    ),
    "parcels": (
        "FedEx {4d} {4d} {4d}", "USPS 94{2d} {4d} {4d} {4d} {4d} {2d}", "UPS 1Z999AA1{10d}", "DHL JD{18d}",
        "tracking {12d} left the hub", "AWB {3d}-{8d}", "container MSCU{7d}",
    ),
    "versions": (
        'version = "{1-30}.{0-30}.{0-30}.{0-30}"', "-VERSION = '{1-30}.{0-30}.{0-30}.{0-30}'", "<Version>{1-30}.{0-30}.{0-30}.{0-30}</Version>",
        '[assembly: AssemblyVersion("{1-30}.{0-30}.{0-30}.{0-30}")]', "app-{1-30}.{0-30}.{0-30}.{0-30}.jar", "package=={1-30}.{0-30}.{0-30}.{0-30}",
        "Chrome/{90-140}.0.{1000-7000}.{10-250} Safari/537.36", "Firefox/{90-140}.0", "firmware {1-30}.{0-30}.{0-30}.{0-30} is out",
        "upgrade from {1-9}.{0-30}.{0-30}.{0-30} to {1-9}.{0-30}.{0-30}.{0-30}", '"left-pad": "{1-9}.{0-30}.{0-30}.{0-30}",',
        "  some-lib {1-9}.{0-30}.{0-30}.{0-30}", "FROM node:{18-24}.{0-30}.{0-9}", "see section {1-9}.{1-9}.{1-9}.{1-9} below",
        "chapter {1-9}.{1-9}.{1-9}.{1-9}", "OID 1.3.6.1.4.1.{5d}",
    ),
    "networks": (
        'cidr_block = "10.{0-255}.0.0/16"', "allow {11-99}.{0-255}.{0-255}.0/24", "netmask 255.255.{netmask}.0",
        "ip address 10.{0-255}.{0-255}.{1-254} 255.255.255.{netmask}", "wildcard 0.0.0.{netmask}", "bed::c0de()", "fe::c0de(); a::b",
        "std::vector<int> v({5d});", "mac {x2}:{x2}:{x2}:{x2}:{x2}:{x2}", "host = 192.168.{0-255}.{1-254}", "nameserver 8.8.8.8",
        "EUI {x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}", "The docs use 192.0.2.0/24 and 198.51.100.{1-254} as examples", "port {1024-65535} pid {5d}",
    ),
    "identifiers": (
        '"id": {10d},', '"id": {11d},', '"id": {12d},', '"id": {18d},', "id: {8d}", "user_id={9d} logged in", '{{"order_id": {10d}}}',
        "key={10d}", "offset={8d} partition=3 key=555{7d}", "call_{x16}", "trace_id={x32}", "https://ci.test/acme/app/actions/runs/{10d}",
        "https://github.test/acme/app/actions/runs/{11d}/job/{11d}", "{x8}-{x4}-{x4}-{x4}-{x12}", "K = [{10d}, {10d}, {10d}]", "ids = ({10d}, {10d})",
        "MAGIC = [1732584193, 4023233417, 2562383102, 271733878]", "IMEI {15d}", "VIN 1HGCM82633A{6d}", "employee no. E-{6d}",
        "table_{10d}_backup", "#{10d}", "pod web-{x10}-{x5}",
    ),
    "sizes and counts": (
        "allocated bytes={10d} of heap", "wrote {8d} bytes in 12 ms", "population {9d} people", "{1-9},{3d},{3d},{3d} rows",
        "lines {4d}-{4d}, {4d}-{4d}", "uids 60000-6{4d}",
        "Range: bytes={8d}-{8d}", "[0{4d}.{6d}] usb 3-2: new device", "Boston, MA\n 02111-{4d}", "{3d} - {3d} - {4d} =", "({3d}) + {3d} * {4d}", "total {1-9} {3d} {3d},{2d} EUR", "$ {3d}{3d}{4d}",
        "Zählerstand {8d} kWh", "TIMEOUT_MS = {8d}", "2^31 - 1 = 2147483647", "vol {2d},{3d},{3d}", "seed = {10d}", "scores 21-14 and 11-{1-9}",
    ),
    "times": (
        "17{8d}", "17{11d}", "17{8d}.{6d}", "2026-11-24T10:15:{10-59}Z", "20261124-10{10-59}00", "20261124101500", "24.11.2026 10:15", "24-11-2026",
        "11/24/2026 10:15", "00:{10-59}:{10-59},{3d} --> 00:{10-59}:{10-59},{3d}", "10:{10-59}:{10-59}:{10-24}",
    ),
}  # fmt: skip


def shapes(source: random.Random, each: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield every shape with its kind and `each` texts of it."""
    for kind, written in SHAPES.items():
        for shape in written:
            yield kind, shape, [filled(shape, source) for _ in range(each)]


def filled(shape: str, source: random.Random) -> str:
    """Return the shape with its fields made up."""
    return _FIELD.sub(lambda field: _field(field, source), shape).replace("{{", "{").replace("}}", "}")


def _field(field: re.Match[str], source: random.Random) -> str:
    digits, low, high, hexadecimal, code = field.groups()
    if digits:
        return _digits(source, int(digits))
    if low:
        return str(source.randrange(int(low), int(high) + 1))
    if hexadecimal:
        return "".join(source.choice("0123456789abcdef") for _ in range(int(hexadecimal)))
    return _CODES[code](source)


def _digits(source: random.Random, count: int) -> str:
    """Return digits, the first of which is no zero where it would be lost."""
    return "".join(source.choice("0123456789") for _ in range(count))


def _isbn10(source: random.Random) -> str:
    digits = _digits(source, 9)
    rest = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
    return digits + "0123456789X"[-rest % 11]


def _isbn10_dashed(source: random.Random) -> str:
    isbn, first = _isbn10(source), source.randrange(2, 7)
    return f"{isbn[0]}-{isbn[1 : 1 + first]}-{isbn[1 + first : 9]}-{isbn[9]}"


def _gtin(source: random.Random, start: str, length: int) -> str:
    digits = start + _digits(source, length - len(start) - 1)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _npi(source: random.Random) -> str:
    """Return a provider's number: Luhn's check digit over 80840 and nine digits."""
    digits = source.choice("12") + _digits(source, 8)
    whole = "80840" + digits
    total = sum(sum(map(int, str(2 * int(digit)))) for digit in whole[::-2]) + sum(map(int, whole[-2::-2]))
    return digits + str(-total % 10)


def _not_abn(source: random.Random) -> str:
    """Return what is written as an Australian business number and is none: a real one is found on purpose."""
    while abn.is_valid(digits := _digits(source, 11)):
        pass
    return f"{digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]}"


_CODES: dict[str, Callable[[random.Random], str]] = {
    "isbn10": _isbn10,
    "isbn10dashed": _isbn10_dashed,
    "ean13": lambda source: _gtin(source, "978", 13),
    "upc": lambda source: _gtin(source, "0", 12),
    "npi": _npi,
    "notabn": _not_abn,
    "netmask": lambda source: source.choice(["0", "128", "192", "224", "240", "248", "252", "254", "255"]),
}
