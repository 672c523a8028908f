"""Values beside escapes, other scripts, glued letters, dates or foreign lines are found all the same."""

import json
import time

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import Detect
from gateway.detect import Detector
from gateway.detect.entities.phone import _plan_of, _Region, _shapes
from gateway.detect.matching.readings import Folding, unescaped

VALUES = [
    ("EMAIL_ADDRESS", "jane.roe@acme.org"),
    ("PHONE_NUMBER", "415-555-2671"),
    ("PHONE_NUMBER", "+14155552671"),
    ("PHONE_NUMBER", "4155552671"),
    ("CREDIT_CARD", "4111111111111111"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("US_SSN", "078-05-1121"),
    ("IBAN_CODE", "DE89370400440532013000"),
    ("API_KEY", "AKIAQYLPMN5HHHFPZAM2"),
    ("API_KEY", "sk-ant-api03-abcDEF1234567890abcDEF1234"),
    ("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("UK_NINO", "AB123456C"),
    ("IP_ADDRESS", "203.0.113.77"),
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
    "text",
    [
        "_jane.roe@acme.org_",
        "*jane.roe@acme.org*",
        "**jane.roe@acme.org**",
        "jane.roe@acme.org.Thanks",
        "jane.roe@acme.org.pdf",
        "jane.roe@acme.org-Thanks",
        "jane.roe@acme.org_old",
        "jane.roe@acme.org.a.b1.c2.d3",
    ],
)
def test_what_is_glued_to_an_address_is_left_off(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == [("EMAIL_ADDRESS", "jane.roe@acme.org")]


@pytest.mark.parametrize(
    "text", ["pip install foo@1.2.3", "@types/node.js", "checkout@v4", "user@host", "a@b.c"]
)
def test_what_has_no_known_suffix_is_no_address(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


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
    "before",
    ["tel", "tel_", "phone:", "phone_number_", "customer_phone_", "customerPhone", "fax", "_", "order_12 "],
)
def test_a_phone_number_behind_a_telling_word_is_found(inspector: Detector, before: str) -> None:
    assert found(inspector, f"{before}4155552671") == [("PHONE_NUMBER", "4155552671")]


@pytest.mark.parametrize(
    "text",
    [
        "call_9f8e7d6c5b4a3210",
        "id_1234567890",
        "id_4155552671",
        "user_id_4155552671",
        "chatcmpl_4155552671",
        "hotel4155552671",
        "4155552671_report",
        "lib_1.2.3.4",
        "v_10.2.3.4",
        "0.4155552671",
        "2024-01-15-4155552671",
        "2024-01-15 10:11:12",
        "1763802000 1763802000123",
    ],
)
def test_ids_versions_and_clock_readings_stay_ordinary(inspector: Detector, text: str) -> None:
    assert found(inspector, text) == []


@pytest.mark.parametrize(
    "before",
    ["2024-01-15", "20240115", "15.01.2024", "01/15/2024", "2024/01/15", "1763802000123", "10:11:12"],
)
@pytest.mark.parametrize("number", ["415-555-2671", "4155552671", "(415) 555-2671", "+1 415 555 2671"])
def test_a_date_before_or_behind_a_phone_number_does_not_hide_it(
    inspector: Detector, before: str, number: str
) -> None:
    assert ("PHONE_NUMBER", number) in found(inspector, f"Order {before} {number}")
    assert ("PHONE_NUMBER", number) in found(inspector, f"{number}, {before}")


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u2007", "\u3000"])
def test_a_space_of_any_kind_may_part_the_groups(inspector: Detector, space: str) -> None:
    for entity, value in [
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("US_SSN", "078 05 1121"),
        ("PHONE_NUMBER", "+1 415 555 2671"),
    ]:
        assert found(inspector, value.replace(" ", space)) == [(entity, value.replace(" ", space))]


@pytest.mark.parametrize("gap", ["  ", ".", "\n", "\t", "\u2011", "/"])
def test_a_card_may_have_rarer_gaps_between_its_groups(inspector: Detector, gap: str) -> None:
    for groups in (["4111", "1111", "1111", "1111"], ["3782", "822463", "10005"]):
        assert found(inspector, gap.join(groups)) == [("CREDIT_CARD", gap.join(groups))]


@pytest.mark.parametrize("gap", ["", "  ", ".", "-", "\n", "\r\n  ", " \n\t", "\\n"])
@pytest.mark.parametrize("written", ["DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"])
def test_an_iban_may_have_rarer_gaps_and_go_on_in_the_next_line(
    inspector: Detector, written: str, gap: str
) -> None:
    for value in (written.replace(" ", gap), written.replace(" ", gap, 2), gap.join(written.rsplit(" ", 2))):
        assert found(inspector, f"to {value}\nand 12") == [("IBAN_CODE", value)]


def test_an_iban_is_not_put_together_over_a_paragraph(inspector: Detector) -> None:
    for gap in ("\n\n", "\n - ", "   "):
        assert "IBAN_CODE" not in dict(found(inspector, f"GB29 NWBK 6016{gap}1331 9268 19"))


@pytest.mark.parametrize(
    "value", ["AB 12 34\n56 C", "AB\r\n 123456C", "ab12  34  56c", "AB-12-34-56-C", "AB.12.34.56.C"]
)
def test_a_national_insurance_number_may_have_rarer_gaps(inspector: Detector, value: str) -> None:
    assert found(inspector, f"It is {value}, yes") == [("UK_NINO", value)]


def test_a_date_between_short_words_is_no_national_insurance_number(inspector: Detector) -> None:
    assert found(inspector, "sent by 12.10.24 a day late, at 10-11-12 a.m., or AB\n\n12 34 56 C") == []


@pytest.mark.parametrize("frame", ["x_{}_y", "a/{}/b", "https://acme.org/hosts/{}/log", "id_{}"])
def test_an_address_like_no_version_is_found_behind_a_name(inspector: Detector, frame: str) -> None:
    assert found(inspector, frame.format("203.0.113.77")) == [("IP_ADDRESS", "203.0.113.77")]
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


def test_a_column_of_numbers_is_no_card(inspector: Detector) -> None:
    for column in (["9999", "4111", "1111", "1111", "1111"], ["4111", "1111", "1111", "1111", "9999"]):
        assert found(inspector, "\n".join(column)) == []
        assert found(inspector, "  ".join(column)) == []


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


@pytest.mark.parametrize(
    "frame",
    [
        "{n:6}\t{line}",
        "{n:6}→{line}",
        "{n}: {line}",
        "+{line}",
        "-{line}",
        "> {line}",
        "01-15 10:11 app[9]: {line}",
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_a_private_key_between_foreign_text_is_found_to_its_last_line(
    inspector: Detector, frame: str, ended: bool
) -> None:
    lines = [BEGIN, *LINES, *([END] if ended else [])]
    text = "\n".join(frame.format(n=n, line=line) for n, line in enumerate(lines, 1))
    ((entity, value),) = found(inspector, f"{text}\nand some prose")
    assert entity == "PRIVATE_KEY"
    assert value.startswith(BEGIN)
    assert value.endswith(lines[-1])
    ((_, escaped),) = found(inspector, json.dumps(text))
    assert LINES[-1] in escaped


@pytest.mark.parametrize("body", ["MIIE", "\nMIIE\n", "\\nMIIE\\n", "\n1: MIIEab==\n", " MIIEab12 "])
def test_any_body_before_an_end_line_is_a_key(inspector: Detector, body: str) -> None:
    assert found(inspector, f"a {BEGIN}{body}{END} b") == [("PRIVATE_KEY", f"{BEGIN}{body}{END}")]


@pytest.mark.parametrize("body", ["", " and ends with ", "...", "\nyour key here\n", "\n<redacted>\n"])
def test_talk_of_a_key_is_none(inspector: Detector, body: str) -> None:
    assert found(inspector, f"It starts with {BEGIN}{body}{END}.") == []


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


@settings(max_examples=300, deadline=None)
@given(
    region=st.sampled_from(["US", "GB", "DE", "FR", "IL", "IN", "BR", "IT", "AR", "MX", "RU", "JP"]),
    prefix=st.sampled_from(["", "0", "00", "1", "011", "44", "0044", "49"]),
    data=st.data(),
)
def test_what_the_library_calls_a_number_is_always_asked_about(
    region: str, prefix: str, data: st.DataObject
) -> None:
    kinds = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
    example = phonenumbers.example_number_for_type(region, data.draw(st.sampled_from(kinds)))
    assert example is not None
    tail = data.draw(st.from_regex(r"\d{4}", fullmatch=True))
    for piece in (
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL),
        prefix + str(example.national_number)[:-4] + tail,
        f"12 {prefix} {str(example.national_number)[:-4]}{tail}",
        f"{tail[0]} - {prefix}/{str(example.national_number)[:-4]} ({tail[:2]} - {tail[2:]}",
    ):
        one = _Region(region)
        stock = phonenumbers.PhoneNumberMatcher(piece, region, leniency=phonenumbers.Leniency.VALID)
        first = stock._extract_match(piece, 0)
        shapes = _shapes(piece)
        assert next(one.numbers(piece, ""), None) == (first and (first.start, first.end))
        assert first is None or shapes is None or one.has_room(shapes)


def test_regions_with_one_numbering_plan_are_asked_once() -> None:
    assert _plan_of("US") == _plan_of("CA")
    assert _plan_of("US") != _plan_of("GB")


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
        inspector.inspect(unit * (size // len(unit)), seconds=60)
        return time.process_time() - started

    few, many = took(12_500), took(100_000)
    assert many < 2 or many <= 20 * few  # eight times as much text; what is quadratic takes 64 times as long


def test_an_entity_that_is_off_stays_off_in_every_reading() -> None:
    assert Detector(Detect(off=("CREDIT_CARD", "PHONE_NUMBER"))).inspect("x\\n4111111111111111") == ()


def test_a_backslash_and_digits_behind_a_value_do_not_hide_it(inspector: Detector) -> None:
    [span] = inspector.inspect(r"D:\data\n4111 1111 1111 1111\101.txt")
    assert span.entity == "CREDIT_CARD"
