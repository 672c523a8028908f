"""Values that are encoded or hold markup, and keys without armor: found, and masked as they were written."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import time
import zlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import Detector
from gateway.masking import StreamScanner
from gateway.words import Part
from tests.support.values import INJECTION

Encode = Callable[[str], str]
MAIL = "mail jane.roe@acme.org now"
VALUES = {
    MAIL: "jane.roe@acme.org",
    "card 4111 1111 1111 1111": "4111 1111 1111 1111",
    "key AKIAQX4BLZ7PTWUVR2KD": "AKIAQX4BLZ7PTWUVR2KD",
    "DE89 3704 0044 0532 0130 00": "DE89 3704 0044 0532 0130 00",
}
BY_CHARACTER = {"percent", "HTML", "JSON"}
ENCODINGS: dict[str, Encode] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "0x": lambda text: "0x" + text.encode().hex(),
    "UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "UTF-16 big-endian": lambda text: base64.b64encode(text.encode("utf-16-be")).decode(),
    "UTF-16 in hex": lambda text: text.encode("utf-16-le").hex(),
    "bytes before the text": lambda text: base64.b64encode(b"\0\1" + text.encode() + b"\xff").decode(),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
    "zlib": lambda text: base64.b64encode(zlib.compress(text.encode())).decode(),
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "HTML": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "JSON": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
}


def _selector(byte: int) -> str:
    return chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16)


UNSEEN: dict[str, Encode] = {
    "tags": lambda text: "".join(chr(0xE0000 + ord(char)) for char in text),
    "selectors": lambda text: "".join(map(_selector, text.encode())),
}
KEYS = [
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
]


@pytest.fixture(scope="module")
def inspector() -> Detector:
    return Detector(Detect())


def without_findings(inspector: Detector, text: str) -> str:
    for span in reversed(inspector.inspect(text, seconds=60)):
        text = text[: span.start] + text[span.end :]
    return text


@pytest.mark.parametrize("outer", ENCODINGS)
@pytest.mark.parametrize("inner", ENCODINGS)
def test_two_encodings_do_not_hide_a_value(inspector: Detector, outer: str, inner: str) -> None:
    """An attacker encodes a value twice, in any two ways."""
    for text, value in VALUES.items():
        encoded = ENCODINGS[outer](ENCODINGS[inner](text))
        left = without_findings(inspector, f"run {encoded} now")
        if {outer, inner} <= BY_CHARACTER:  # then the value alone is masked, not the words beside it
            assert ENCODINGS[outer](ENCODINGS[inner](value)) not in left
        else:
            assert left == "run  now", value


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "frame", ["{}", "x={}", '{{"data": "{}"}}', "data:text/plain;base64,{}", "({})", "a, {}."]
)
def test_what_stands_around_an_encoded_value_does_not_hide_it(
    inspector: Detector, encoding: str, frame: str
) -> None:
    """An attacker puts the encoded value into a field, a query or a URL."""
    encoded = ENCODINGS[encoding](MAIL)
    assert encoded not in without_findings(inspector, frame.format(encoded))


def test_a_long_run_is_decoded_to_its_end(inspector: Detector) -> None:
    """An attacker puts 100 kB of harmless text before the value."""
    encoded = base64.b64encode(b"nothing to see. " * 6000 + MAIL.encode()).decode()
    assert without_findings(inspector, encoded) == ""


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize("password", [None, b"pw"])
def test_a_private_key_without_its_armor_is_found(
    inspector: Detector, key: rsa.RSAPrivateKey, encoding: str, password: bytes | None
) -> None:
    """An attacker pastes the base64 of a key without its first and last line."""
    formats = [serialization.PrivateFormat.PKCS8]
    formats += [] if password or key is KEYS[2] else [serialization.PrivateFormat.TraditionalOpenSSL]
    for form in formats:
        cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        data = key.private_bytes(getattr(serialization.Encoding, encoding), form, cipher)
        lines = "".join(data.decode().splitlines(True)[1:-1]) if encoding == "PEM" else data.hex()
        assert without_findings(inspector, f"here: {lines.strip()} (end)") == "here:  (end)"
        assert [one.entity for one in inspector.inspect(lines)] == ["PRIVATE_KEY"]


def _jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.private_numbers()
    names = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1}
    members = {"n": numbers.public_numbers.n, **names}
    encoded = {name: number.to_bytes((number.bit_length() + 7) // 8) for name, number in members.items()}
    return {"kty": "RSA", **{name: base64.urlsafe_b64encode(data).decode() for name, data in encoded.items()}}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("last", [True, False])
def test_the_private_members_of_a_jwk_are_found(inspector: Detector, indent: int | None, last: bool) -> None:
    """An attacker sends a key as JSON, in a text, in a string of JSON, and as members of the request."""
    assert isinstance(KEYS[0], rsa.RSAPrivateKey)
    jwk = _jwk(KEYS[0])
    jwk = jwk if last else dict(reversed(jwk.items()))
    text = json.dumps(jwk, indent=indent)
    for written in (text, json.dumps({"keys": text})):
        left = without_findings(inspector, written)
        assert not any(jwk[name] in left for name in ("d", "p", "q", "dp", "dq"))
        assert jwk["n"] in left
    members = [Part("", "field", f"/metadata/{name}", jwk[name]) for name in ("d", "n")]
    assert [[one.entity for one in found] for found in inspector.find(members)] == [["PRIVATE_KEY"], []]


PUTTY = (
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: eddsa-key\nPublic-Lines: 2\n"
    "AAAAC3NzaC1lZDI1NTE5AAAAIAx3hRQkJbG4kz0Fh8O2m1wS4r0yq0b2nGd7vTqN\nk1aB\nPrivate-Lines: 1\n"
    "AAAAIHc0Z9cWq1Yk2x7bT4m0Fh8O2m1wS4r0yq0b2nGd7vTq\n"
    "Private-MAC: 2c1a7f0e4b8d9c3a5e6f70812233445566778899aabbccddeeff001122334455"
)


@pytest.mark.parametrize("text", [PUTTY, PUTTY.replace("\n", "\r\n"), json.dumps(PUTTY)[1:-1]])
def test_a_putty_key_is_found_whole_and_cut_off(inspector: Detector, text: str) -> None:
    """An attacker sends a key in the format of PuTTY."""
    assert without_findings(inspector, f"key: {text} end") == "key:  end"
    assert "AAAAIHc0" not in without_findings(inspector, text[: text.index("Private-MAC")])


def test_a_putty_key_does_not_stream_out_line_by_line(inspector: Detector) -> None:
    """A model writes such a key piece by piece."""
    scanner = StreamScanner(inspector)
    text = f"here it is {PUTTY}\nthat was it"
    pieces = [piece for at in range(0, len(text), 7) for piece in scanner.feed(text[at : at + 7])]
    shown = "".join(piece.text for piece in [*pieces, *scanner.close()] if piece.finding is None)
    assert shown == "here it is \nthat was it"


@pytest.mark.parametrize(
    "text",
    [
        "jane<b>.roe</b>@acme.org",
        "jane.roe<!-- at -->@acme.org",
        "jane<x-y>.roe@acme.org",
        "jane.roe<wbr>@acme<wbr/>.org",
        "<i>jane</i><b>.roe</b>@acme.org",
        "jane.<span class='a b'>roe@acme</span>.org",
        "jane.roe&shy;@acme.org",
        "jane.roe\u00ad@acme.org",
        "jane.roe\u200b@acme\u2060.org",
        "jane.roe&ZeroWidthSpace;@acme.org",
        "jane.**roe**@acme.org",
        "jane.`roe`@acme.org",
        "jane.~~roe~~@acme.org",
        "4111<!-- -->1111<!-- -->1111<!---->1111",
        "4111 <b>1111</b> 1111 <i>1111</i>",
        "4111 **1111** 1111 **1111**",
        "4111<b>1111</b>1111<x>1111</x>",
        "AKIA<b>QX4BLZ7PT</b>WUVR2KD",
        "AKIAQX4B**LZ7PTWUVR2KD**",
        "&lt;b&gt;jane&lt;/b&gt;.roe@acme.org",
    ],
)
def test_markup_inside_a_value_does_not_hide_it(inspector: Detector, text: str) -> None:
    """An attacker puts tags, comments, emphasis or invisible characters into a value."""
    left = without_findings(inspector, f"see {text} there")
    assert not any(piece in left for piece in ("jane", "roe", "acme", "1111", "AKIA", "BLZ7", "WUVR"))
    scanner = StreamScanner(inspector)
    whole = f"see {text} there"
    pieces = [piece for char in whole for piece in scanner.feed(char)] + scanner.close()
    assert "".join(piece.text for piece in pieces if piece.finding is None) == left


@pytest.mark.parametrize(
    "text",
    [
        "<tr><td>4111</td><td>1111</td><td>1111</td><td>1111</td></tr>",
        "<id>4111111</id><count>111111111</count>",
        "area = 415*555*2671 and 2**10**6",
        "**4111** ways and **1111** more",
        "<p>call 415</p><p>555 2671 times</p>",
        "<a href='https://acme.org/x'>our site</a> has <b>bold</b> words, `code` and a__b names",
        hashlib.sha256(b"x").hexdigest(),
        hashlib.md5(b"x", usedforsecurity=False).hexdigest(),
        "d = 43; k = 'abc'; p: q",
        json.dumps({"kty": "RSA", "n": "x8Zk" * 80, "e": "AQAB", "kid": "2026-01"}),
        "import getElementByIdentifierAndClassName",
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    ],
)
def test_ordinary_markup_and_hashes_hold_no_value(inspector: Detector, text: str) -> None:
    """Honest work: tables, arithmetic, public keys and hashes stay as they are."""
    assert inspector.inspect(text) == ()


@settings(max_examples=60, deadline=None)
@given(size=st.integers(12, 3000), seed=st.integers(0, 2**32))
def test_random_bytes_hold_no_value_in_any_encoding(inspector: Detector, size: int, seed: int) -> None:
    """Honest work: images, hashes and ciphers in base64 and hex are not taken for text."""
    data = random.Random(seed).randbytes(size)
    texts = (data.hex(), base64.b64encode(data).decode(), base64.b32encode(data).decode())
    for text in texts:
        assert not {span.entity for span in inspector.inspect(f"x {text} y")} - {"CRYPTO"}


def test_what_expands_without_end_is_not_decoded_without_end(inspector: Detector) -> None:
    """An attacker sends many small archives that each hold megabytes."""
    bomb = base64.b64encode(gzip.compress(b"4111 " * 400_000)).decode()
    began = time.process_time()
    inspector.inspect(" ".join([bomb] * 20), seconds=60)
    assert time.process_time() - began < 30


@pytest.mark.parametrize("encoding", UNSEEN)
@pytest.mark.parametrize("inner", ENCODINGS)
def test_characters_that_show_nothing_do_not_hide_a_value(
    inspector: Detector, encoding: str, inner: str
) -> None:
    """An attacker writes a value, plain or encoded, in characters that only a machine reads."""
    for text in VALUES:
        for said in (text, ENCODINGS[inner](text)):
            assert without_findings(inspector, f"run{UNSEEN[encoding](said)} now") == "run now"


@pytest.mark.parametrize("encoding", UNSEEN)
def test_an_instruction_that_shows_nothing_is_found(inspector: Detector, encoding: str) -> None:
    """An attacker hides an instruction from those who are asked to approve the text."""
    text = "Hello!" + UNSEEN[encoding](INJECTION)
    assert "PROMPT_INJECTION" in {span.entity for span in inspector.inspect(text, seconds=60)}
    flag = "\U0001f3f4" + UNSEEN["tags"]("gbeng") + "\U000e007f"
    assert inspector.inspect(f"Come on {flag}!", seconds=60) == ()


@pytest.mark.parametrize("times", [1, 2])
def test_json_does_not_hide_what_is_beyond_its_escapes(inspector: Detector, times: int) -> None:
    """An attacker writes in characters that JSON escapes as two: bold letters, or tags."""
    bold = "".join(
        chr(0x1D41A + ord(char) - ord("a")) if char.isalpha() else char for char in "jane.roe@acme.org"
    )
    for text, entity in ((bold, "EMAIL_ADDRESS"), (UNSEEN["tags"](INJECTION), "PROMPT_INJECTION")):
        for _ in range(times):
            text = json.dumps({"text": text})
        assert "\\ud" in text
        assert entity in {span.entity for span in inspector.inspect(text, seconds=60)}
