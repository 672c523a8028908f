"""Every entity in every spelling: encoded, escaped, veiled, styled, in base64; and what stays ordinary."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detect import Detector
from gateway.detect.matching.encodings import RUN_BEGIN, encoded_runs
from gateway.detect.matching.markup import unmarked
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Prefilter
from gateway.detect.matching.readings import unescaped, unveiled

RANDOM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"
VALUES = [
    ("EMAIL_ADDRESS", "jane.roe@acme.org"),
    ("PHONE_NUMBER", "+1 415-555-2671"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("US_SSN", "078-05-1121"),
    ("US_ITIN", "912-70-1234"),
    ("UK_NINO", "AB123456C"),
    ("IP_ADDRESS", "93.184.216.34"),
    ("CRYPTO", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("API_KEY", "AKIAQYLPMN5HHHFPZAM2"),
    ("API_KEY", f"ghp_{RANDOM}"),
    ("API_KEY", "sk-ant-api03-abcDEF1234567890abcDEF1234"),
    ("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("CONNECTION_STRING", "postgres://admin:s3cr3tpw@db.acme.org:5432/prod"),
]
_ALIKE = str.maketrans("aeopcxAEOPCXBHKMTy", "аеорсхАЕОРСХВНКМТу")


def _each(form: str) -> Callable[[str], str]:
    return lambda value: "".join(char if char.isalnum() else form.format(ord(char)) for char in value)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "percent": _each("%{:02X}"),
    "quoted": quote,
    "quoted twice": lambda value: quote(quote(value)),
    "HTML decimal": _each("&#{};"),
    "HTML hex": _each("&#x{:x};"),
    "HTML names": lambda value: html.escape(value.replace("@", "&commat;")).replace(".", "&period;"),
    "JavaScript": _each("%u{:04x}"),
    "JSON": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "JSON and percent": lambda value: "".join(f"\\u0025{ord(char):02x}" for char in value),
    "zero width": "\u200b".join,
    "word joiner": "\u2060".join,
    "soft hyphen": lambda value: f"{value[:3]}\u00ad{value[3:]}",
    "struck out": "\u0336".join,
    "zero width, escaped": "\\u200b".join,
    "zero width, coded": "%E2%80%8B".join,
    "look-alikes": lambda value: value.translate(_ALIKE),
    "full width": lambda value: "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in value),
    "bold": lambda value: "".join(chr(ord(c) + 0x1D7CE - 0x30) if c.isdigit() else c for c in value),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("entity", "value"), VALUES)
def test_a_value_is_found_whole_in_every_spelling(
    inspector: Detector, entity: str, value: str, spelling: str
) -> None:
    written = SPELLINGS[spelling](value)
    text = f"see {written} please"
    assert [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)] == [
        (entity, written)
    ]


@pytest.mark.parametrize(("entity", "value"), VALUES)
def test_a_value_in_a_form_is_found_where_a_plus_is_a_space(
    inspector: Detector, entity: str, value: str
) -> None:
    text = f"https://x.test/?a=1&who={quote_plus(value)}&b=2"
    assert any(
        span.entity == entity and quote_plus(value) in text[span.start : span.end]
        for span in inspector.inspect(text)
    )
    assert inspector.inspect("total=415+5552671;") == ()


@pytest.mark.parametrize(
    "encode", [base64.b64encode, base64.urlsafe_b64encode, lambda data: base64.b64encode(data).rstrip(b"=")]
)
@pytest.mark.parametrize(("entity", "value"), VALUES)
def test_a_base64_block_that_holds_a_value_is_a_finding_as_a_whole(
    inspector: Detector, entity: str, value: str, encode: Callable[[bytes], bytes]
) -> None:
    block = encode(f"user: {value} über\n".encode()).decode()
    text = f"data:text/plain;base64,{block} end"
    spans = inspector.inspect(text)
    assert min(span.start for span in spans) <= text.index(block)
    assert max(span.end for span in spans) >= text.index(block) + len(block)
    assert entity in {span.entity for span in spans}


def test_the_beginning_of_a_long_base64_block_is_read(inspector: Detector) -> None:
    block = base64.b64encode("ü jane.roe@acme.org ".encode() + "üx".encode() * 30_000).decode()
    (span,) = inspector.inspect(f"x {block} y")
    assert (span.entity, span.start, span.end) == ("EMAIL_ADDRESS", 2, 2 + len(block))


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n"])
def test_a_base64_block_on_several_lines_is_one(inspector: Detector, width: int, end: str) -> None:
    block = base64.b64encode(b"word " * 30 + b"jane.roe@acme.org" + b" word" * 30).decode()
    lines = end.join(block[at : at + width] for at in range(0, len(block), width))
    (span,) = inspector.inspect(f"x {lines} y")
    assert (span.entity, span.start, span.end) == ("EMAIL_ADDRESS", 2, 2 + len(lines))


def test_a_stream_waits_for_the_rest_of_a_base64_block_on_several_lines(inspector: Detector) -> None:
    block = base64.b64encode(b"word " * 60).decode()
    assert inspector.open_at(f"see {block[:76]}\n") == 4
    assert inspector.open_at(f"see {block[:76]}\n{block[76:100]}") == 4
    assert inspector.open_at(f"see {block[:20]}\n") == 25


@pytest.mark.parametrize(
    "text",
    [
        "100% of 25% and 7%20 of it",
        "AT&T, R&D; x &lt; y &amp;&amp; y &gt; z",
        "/static/css%2Fmain.4f3a2b1c.css?v=1763802000",
        "Straße, naïve café, 90° ①②③ ½ m²",
        "в 2024 году; номер 1234567; Ελλάδα 2024",
        "می‌خواهم کتاب‌ها 1234",
        "aHR0cHM6Ly9leGFtcGxlLnRlc3QvcGF0aA==",
        "gateway/detect/inspector/readings",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
    ],
)
def test_ordinary_escapes_scripts_and_base64_are_left_alone(inspector: Detector, text: str) -> None:
    assert inspector.inspect(text) == ()


@given(text=st.text(alphabet="a1%25u0040E2&#x;amp\u200b\u0301аА＠４é \\+=?<b>/!-*~`", max_size=60))
def test_every_reading_knows_where_its_characters_came_from(text: str) -> None:
    for read in (unescaped, unveiled, unmarked):
        reading = read(text)
        if reading:
            size = len(reading.text)
            starts = [reading.source(offset) for offset in range(size)]
            ends = [reading.source_end(offset) for offset in range(1, size + 1)]
            assert all(start < end for start, end in zip(starts, ends, strict=True))
            assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
            assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))


@given(data=st.binary(min_size=12, max_size=200))
def test_only_text_is_read_from_base64(data: bytes) -> None:
    for decoded in _decoded(f"x {base64.b64encode(data).decode()} y"):
        assert all(char >= " " or char in "\n\r\t" for char in decoded)
    text = f"{data.hex()} of old"
    assert _decoded(base64.b64encode(text.encode()).decode()) == [text]
    assert _decoded(f"one\n{base64.encodebytes(text.encode() * 3).decode()}") == [text * 3]


def _decoded(text: str) -> list[str]:
    runs = encoded_runs(Prefilter([RUN_BEGIN]).scan(text), Deadline(10))
    return [decoded for run in runs for decoded in run.texts]


@given(value=st.sampled_from([value for _, value in VALUES]), text=st.text(max_size=20))
def test_json_in_json_hides_no_spelling(inspector: Detector, value: str, text: str) -> None:
    written = json.dumps({"q": json.dumps({"a": f"{text} {quote(value)} ."})})
    spans = inspector.inspect(written)
    at = written.index(quote(value))
    assert any(span.start <= at and at + len(quote(value)) <= span.end for span in spans)
