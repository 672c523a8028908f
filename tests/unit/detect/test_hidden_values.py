"""Values beside escapes, other scripts, glued letters, dates or foreign lines are found all the same."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.matching.readings import Folding, unescaped

VALUES = [
    ("EMAIL_ADDRESS", "jane.roe@acme.org"),
    ("PHONE_NUMBER", "415-555-2671"),
    ("PHONE_NUMBER", "+14155552671"),
    ("PHONE_NUMBER", "(415) 555-2671"),
    ("CREDIT_CARD", "4111111111111111"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("US_SSN", "078-05-1121"),
    ("IBAN_CODE", "DE89370400440532013000"),
    ("API_KEY", "AKIAQYLPMN5HHHFPZAM2"),
    ("API_KEY", "sk-ant-api03-abcDEF1234567890abcDEF1234"),
    ("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("UK_NINO", "AB123456C"),
    ("IP_ADDRESS", "93.184.216.34"),
]
LINES = [
    "MIIEpAIBAAKCAQEA7bq5w0Gm3FhXkz6Lw0D9sKcMZ1e2vR5aT8uYpQ4xN7jB6hWf"[i:] + "aB3" * i for i in range(12)
]
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"


def found(inspector: Detector, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in inspector.inspect(text)]


@pytest.mark.parametrize(("entity", "value"), VALUES)
@pytest.mark.parametrize(
    "escape",
    [
        "\\n",
        "\\t",
        "\\r\\n",
        '\\"',
        "\\/",
        "\\\\n",
        "\\\\\\\\n",
        "\\u000a",
        "\\x0a",
        "\x1b[31m",
        "\\u001b[1m",
        "\\u{a}",
        "\\U0000000a",
        "\\u{1b}[1m",
    ],
)
def test_a_value_behind_an_escape_is_found_exactly(
    inspector: Detector, entity: str, value: str, escape: str
) -> None:
    # a slash may be a part of a token
    after = " " if escape == "\\/" and entity == "JWT" else escape
    assert found(inspector, f"x{escape}{value}{after}y") == [(entity, value)]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_values_in_json_in_json_are_found(inspector: Detector, levels: int) -> None:
    text = "Card:\n4111111111111111\nIBAN\tDE89370400440532013000\nphone\n+14155552671\nAKIAQYLPMN5HHHFPZAM2"
    for _ in range(levels):
        text = json.dumps({"body": text})
    assert [entity for entity, _ in found(inspector, text)] == [
        "CREDIT_CARD",
        "IBAN_CODE",
        "PHONE_NUMBER",
        "API_KEY",
    ]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("EMAIL_ADDRESS", r"jane\u0040acme.org"),
        ("EMAIL_ADDRESS", r"\u{6a}ane\u{000040}acme.org"),
        ("EMAIL_ADDRESS", r"\U0000006aane\U00000040acme.org"),
        ("EMAIL_ADDRESS", r"jane\_roe@acme.org"),
        ("CONNECTION_STRING", r"postgres:\/\/bob:s3cretpw@db.acme.org\/app"),
        ("PHONE_NUMBER", r"+1\-415\-555\-2671"),
    ],
)
def test_a_value_with_escapes_inside_is_found_whole(inspector: Detector, entity: str, text: str) -> None:
    assert found(inspector, f'"{text}"') == [(entity, text)]


def test_an_escape_that_could_be_a_name_hides_neither_reading(inspector: Detector) -> None:
    assert found(inspector, "C:\\new\\table\\report.txt and \\d{3}-\\d{2}") == []
    ((_, value),) = found(inspector, "ACME\\nancy@acme.org")
    assert value.endswith("ancy@acme.org")


@pytest.mark.parametrize(("entity", "value"), VALUES)
@pytest.mark.parametrize("frame", ["メールは{}です", "ที่{}ครับ", "номер{}это", "번호{}입니다", "رقم{}هو"])
def test_letters_of_other_scripts_are_no_part_of_a_value(
    inspector: Detector, entity: str, value: str, frame: str
) -> None:
    assert found(inspector, frame.format(value)) == [(entity, value)]


@pytest.mark.parametrize("address", ["jané@münchen.de", "иван@почта.рф", "jane@xn--e1afmkfd.xn--p1ai"])
def test_an_address_in_another_script_is_found_whole(inspector: Detector, address: str) -> None:
    assert found(inspector, f"an {address}, bitte") == [("EMAIL_ADDRESS", address)]


@pytest.mark.parametrize(
    ("entity", "value"),
    [one for one in VALUES if one[0] not in ("PHONE_NUMBER", "IP_ADDRESS", "EMAIL_ADDRESS")],
)
@pytest.mark.parametrize("frame", ["_{}_", "name_number_{}", "{}_old"])
def test_an_underscore_beside_a_value_does_not_hide_it(
    inspector: Detector, entity: str, value: str, frame: str
) -> None:
    text = frame.format(value)
    if not (frame == "{}_old" and value.startswith(("sk-", "eyJ"))):  # there it may be a part of the secret
        assert found(inspector, text) in ([(entity, value)], [(entity, f"{value}_")])


@pytest.mark.parametrize(
    "value", ["AB 12 34\n56 C", "AB\r\n 123456C", "ab12  34  56c", "AB-12-34-56-C", "AB.12.34.56.C"]
)
def test_a_national_insurance_number_may_have_rarer_gaps(inspector: Detector, value: str) -> None:
    assert found(inspector, f"It is {value}, yes") == [("UK_NINO", value)]


def test_a_date_between_short_words_is_no_national_insurance_number(inspector: Detector) -> None:
    assert found(inspector, "sent by 12.10.24 a day late, at 10-11-12 a.m., or AB\n\n12 34 56 C") == []


@pytest.mark.parametrize("frame", ["x_{}_y", "a/{}/b", "https://acme.org/hosts/{}/log", "id_{}"])
def test_an_address_like_no_version_is_found_behind_a_name(inspector: Detector, frame: str) -> None:
    assert found(inspector, frame.format("93.184.216.34")) == [("IP_ADDRESS", "93.184.216.34")]
    for number in ("1.2.3.4", "120.0.0.0", "10.15.7.101"):
        assert found(inspector, frame.format(number)) == []


def test_an_address_in_quotes_is_found_whole(inspector: Detector) -> None:
    assert found(inspector, 'to "jane:roe"@acme.org now') == [("EMAIL_ADDRESS", '"jane:roe"@acme.org')]
    assert found(inspector, '"chat"@en.\n""@acme.org') == []


def test_digits_of_every_script_are_digits(inspector: Detector) -> None:
    assert found(inspector, "４１１１１１１１１１１１１１１１") == [
        ("CREDIT_CARD", "４１１１１１１１１１１１１１１１")
    ]
    assert found(inspector, "078\u201205\u20121121") == [("US_SSN", "078\u201205\u20121121")]


@pytest.mark.parametrize(
    "text",
    [
        "Server=db;User Id=sa;Password='Correct horse'",
        'Server=db;User Id=sa;Password="Correct; horse"',
        "user=sa;password={Correct horse}",
        'Server=db;User Id=sa;Password=\\"Correct horse\\"',
    ],
)
def test_a_quoted_password_in_a_connection_string_is_found_whole(inspector: Detector, text: str) -> None:
    assert found(inspector, f"x {text};") == [("CONNECTION_STRING", text)]


def test_a_template_in_a_connection_string_is_no_password(inspector: Detector) -> None:
    assert found(inspector, "Server=db;User Id=sa;Password={password};") == []


@given(text=st.text(alphabet='ab1\\nrtu0_"/@é メ\x1b[m', max_size=60))
def test_every_reading_keeps_its_offsets(text: str) -> None:
    assert len(Folding().folded(text)) == len(text)
    reading = unescaped(text)
    if reading:
        places = [reading.source(offset) for offset in range(len(reading.text) + 1)]
        assert places == sorted(set(places))
        assert (places[0], places[-1]) == (0, len(text))
        for offset, char in enumerate(reading.text):
            written = text[places[offset] : places[offset + 1]]
            assert written == char or written[0] in "\\\x1b"


@pytest.mark.parametrize(
    "unit",
    [
        "4155552671 ",
        "415-555-2671 ",
        '{"id": 1234567, "ts": 1763802001, "v": 0.7134}, ',
        "4111 ",
        "(415) ",
        "\\",
        "\\n1",
        "番号4155552671 ",
        "x@a.b.c.d.e.",
        f"{BEGIN}\n 1: {LINES[0]}\n",
        "server=a;",
        "DE89\n",
        "ab12 \n ",
        "AB-12-34-56-",
        "mysql -p1 ",
        '"a1"@b.org',
        "jdbc:oracle:thin:a1/",
        "\\u{6a}",
        "2024-01-15 415 ",
        "1 - 4",
    ],
)
def test_a_large_input_costs_what_it_is(inspector: Detector, unit: str) -> None:
    def took(size: int) -> float:
        started = time.process_time()
        inspector.inspect(unit * (size // len(unit)), seconds=600)
        return time.process_time() - started

    few, many = took(12_500), took(100_000)
    assert many < 2 or many <= 20 * few  # eight times as much text; what is quadratic takes 64 times as long


def test_an_entity_that_is_off_stays_off_in_every_reading() -> None:
    assert Detector(Detect(off=("CREDIT_CARD", "PHONE_NUMBER"))).inspect("x\\n4111111111111111") == ()


def test_a_backslash_and_digits_behind_a_value_do_not_hide_it(inspector: Detector) -> None:
    [span] = inspector.inspect(r"D:\data\n4111 1111 1111 1111\101.txt")
    assert span.entity == "CREDIT_CARD"
