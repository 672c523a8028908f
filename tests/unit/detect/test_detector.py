"""What the inspector finds, what it leaves alone, and that it fails rather than misses."""

import threading

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import CustomEntity, Detect
from gateway.detect import Detector
from gateway.detect.matching.patterns import Deadline, matches
from gateway.errors import ConfigError, InspectionFailed
from gateway.words import Part

KEY_BODY = "\n".join(
    "MIIEpAIBAAKCAQEA7bq5w0Gm3FhXkz6Lw0D9sKcMZ1e2vR5aT8uYpQ4xN7jB6hWf"[i:] + "A" * i for i in range(12)
)
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----"
RANDOM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1z"
JWT = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{RANDOM[:43]}"
FOUND = [
    ("EMAIL_ADDRESS", "jane.doe+work@mail.example.com"),
    ("EMAIL_ADDRESS", "o'brien@example.co.uk"),
    ("PHONE_NUMBER", "+1 (415) 555-2671"),
    ("PHONE_NUMBER", "415-555-2671"),
    ("PHONE_NUMBER", "020 7946 0958"),
    ("PHONE_NUMBER", "+49 30 901820"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "4111-1111-1111-1111"),
    ("CREDIT_CARD", "5555555555554444"),
    ("CREDIT_CARD", "2223003122003222"),
    ("CREDIT_CARD", "378282246310005"),
    ("CREDIT_CARD", "3782 822463 10005"),
    ("CREDIT_CARD", "6011111111111117"),
    ("CREDIT_CARD", "3530111333300000"),
    ("CREDIT_CARD", "4000000000000000006"),
    ("US_SSN", "536-90-4399"),
    ("US_SSN", "123-45-6789"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("IBAN_CODE", "GB29NWBK60161331926819"),
    ("IP_ADDRESS", "93.184.216.34"),
    ("IP_ADDRESS", "2a02:8388::8a2e:370:7334"),
    ("CRYPTO", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("API_KEY", f"sk-proj-{RANDOM[:48]}"),
    ("API_KEY", f"sk-{RANDOM[:48]}"),
    ("API_KEY", f"sk-ant-api03-{RANDOM}"),
    ("API_KEY", "AKIAQYLPMN5HFIQR7XYA"),
    ("API_KEY", f"ghp_{RANDOM[:36]}"),
    ("API_KEY", f"github_pat_11ABCDEFG0{RANDOM}"),
    ("API_KEY", f"xoxb-123456789012-1234567890123-{RANDOM[:24]}"),
    ("API_KEY", f"AIzaSy{RANDOM[:33]}"),
    ("API_KEY", f"sk_live_{RANDOM[:24]}"),
    ("JWT", JWT),
    ("CONNECTION_STRING", "postgres://admin:s3cr3t@db.example.com:5432/prod"),
    ("CONNECTION_STRING", "mysql+pymysql://root:p@ssw0rd@10.0.0.5/app"),
    ("CONNECTION_STRING", "mongodb+srv://user:pw0rd@cluster0.abcde.mongodb.net/test"),
    ("CONNECTION_STRING", "redis://:hunter2hunter2@redis.internal:6379/0"),
    ("CONNECTION_STRING", "Server=tcp:db,1433;Database=prod;User ID=sa;Password=Sup3rS3cret!x"),
    ("PRIVATE_KEY", PEM),
    ("PRIVATE_KEY", PEM.replace("\n", "\\n")),
    ("PRIVATE_KEY", PEM.replace("RSA ", "EC ")),
    ("PRIVATE_KEY", PEM[:400]),
]
ORDINARY = [
    "call_9f8e7d6c5b4a3210",
    "chatcmpl-9xYzAbCdEfGhIjKlMnOpQrStUvWxY",
    "toolu_01A09q90qw90lq917835lq9",
    "msg_01XFDUDYJgAACzvnptvVoYEL",
    "req_011CSHoEeqs5C35K2UUqR7Fy",
    "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b",
    "fp_44709d6fcb",
    "file-abc123DEF456ghi789",
    "org-9aBcDeFgHiJkLmNoPqRsTuVw",
    "550e8400-e29b-41d4-a716-446655440000",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "9fceb02",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "2026-11-22T08:00:00.000000Z",
    "2026-11-22 08:00:00+01:00",
    "20250929",
    "gpt-4o-2024-11-20",
    "claude-sonnet-4-5-20250929",
    "o3-mini-2025-01-31",
    "1763802000",
    "1763802000123",
    "1763802000.123456",
    "1.2.3",
    "v1.2.3.4",
    "version 10.2.3.4",
    "Chrome/120.0.0.0",
    "127.0.0.1:8700",
    "0.4532015112830366",
    "<EMAIL_ADDRESS_k7f3q2>",
    "<US_SSN_234567>",
    "<CREDIT_CARD_234567>",
    "sk-fading-circle-container-wide",
    "postgres://admin:${DB_PASSWORD}@db.example.com/prod",
    "A key starts with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----",
    "the 4111 1111 1111 1112 of a wrong check digit",
]


@pytest.mark.parametrize(("entity", "value"), FOUND)
@pytest.mark.parametrize("frame", ["{}", "please use {} for this", '{{"v": "{}"}}', "ключ: {}\n"])
def test_it_finds_the_whole_value_wherever_it_stands(
    inspector: Detector, entity: str, value: str, frame: str
) -> None:
    text = frame.format(value)
    spans = [span for span in inspector.inspect(text) if span.entity == entity]
    assert [text[span.start : span.end] for span in spans] == [value]


@pytest.mark.parametrize("value", ORDINARY)
@pytest.mark.parametrize("frame", ["{}", "see {} please", '{{"id": "{}"}}'])
def test_it_leaves_ordinary_traffic_alone(inspector: Detector, value: str, frame: str) -> None:
    assert inspector.inspect(frame.format(value)) == ()


@given(
    entity=st.sampled_from(["EMAIL_ADDRESS", "PHONE_NUMBER", "API_KEY", "JWT"]),
    code=st.from_regex("[a-z2-7]{6}", fullmatch=True),
)
def test_a_placeholder_is_never_a_finding(inspector: Detector, entity: str, code: str) -> None:
    assert inspector.inspect(f"mail <{entity}_{code}>, please") == ()


@pytest.mark.parametrize("number", ["+1 (415) 555-2671", "(415) 555-2671", "+44 20 7946 0958"])
@pytest.mark.parametrize("more", ["7 days a week", "24/7", "2 3 times", "2024", "(2) pieces"])
def test_a_number_behind_a_phone_number_does_not_hide_it(inspector: Detector, number: str, more: str) -> None:
    (span,) = inspector.inspect(f"call {number} {more}")
    assert (span.entity, span.start, span.end) == ("PHONE_NUMBER", 5, 5 + len(number))


@pytest.mark.parametrize("after", ["12 34", "and", "AB 12"])
def test_an_iban_ends_where_its_country_s_ibans_do(inspector: Detector, after: str) -> None:
    for iban in (
        "ES5085024061223077374689",
        "FR4480154788523302813766714",
        "TR54 5011 2957 7039 2455 5484 54",
    ):
        (span,) = inspector.inspect(f"to {iban} {after}")
        assert (span.entity, span.start, span.end) == ("IBAN_CODE", 3, 3 + len(iban))


def test_the_secret_key_beside_an_aws_key_id_is_found_too(inspector: Detector) -> None:
    secret = "wJalrXUtnFEMI7K9MDENGbPxRfiCYzQ3rT6uW9xA"
    for text in (f"AKIAQYLPMN5HFIQR7XYA / {secret}", f'aws_secret_access_key = "{secret}"'):
        assert secret in [text[span.start : span.end] for span in inspector.inspect(text)]


def test_a_cut_off_private_key_is_found_to_its_last_character(inspector: Detector) -> None:
    for length in range(100, 800, 7):
        (span,) = inspector.inspect(f"key: {PEM[:length]}")
        assert (span.entity, span.start, span.end) == (
            "PRIVATE_KEY",
            5,
            5 + length - _trailing_space(PEM[:length]),
        )


def _trailing_space(text: str) -> int:
    return len(text) - len(text.rstrip())


def test_a_secret_wins_over_the_personal_data_inside_it(inspector: Detector) -> None:
    (span,) = inspector.inspect("postgres://jane:pw12345@10.0.0.9:5432/db")
    assert (span.entity, span.category) == ("CONNECTION_STRING", "secret")


def test_a_bare_number_counts_as_an_ssn_under_a_key_that_says_so(inspector: Detector) -> None:
    assert [span.entity for span in inspector.inspect("536904399", key="customerSsn")] == ["US_SSN"]
    assert "US_SSN" not in [span.entity for span in inspector.inspect("536904399", key="order")]


def test_findings_stand_beside_their_parts_and_know_their_pointer(inspector: Detector) -> None:
    parts = [Part("user", "text", "/a", "nothing"), Part("user", "field", "/b", "mail a@example.com")]
    none, (finding,) = inspector.find(parts)
    assert none == ()
    assert (finding.pointer, finding.start, finding.end) == ("/b", 5, 18)
    assert inspector.find(parts) == ((), (finding,))


def test_a_value_inside_an_injected_phrase_is_a_finding_of_its_own() -> None:
    found = Detector(
        Detect(custom=(CustomEntity("RULE", category="injection", patterns=(r"send it to \S+ now",)),))
    ).inspect("send it to eve@example.com now")
    assert [span.entity for span in found] == ["RULE", "EMAIL_ADDRESS", "RULE"]
    assert [(span.start, span.end) for span in found] == [(0, 11), (11, 26), (26, 30)]


def test_marks_of_proprietary_code_are_found(inspector: Detector) -> None:
    assert [
        span.entity for span in inspector.inspect("# Proprietary and confidential. All rights reserved.")
    ] == [
        "CODE_MARKER",
        "CODE_MARKER",
    ]


def test_configured_words_and_patterns_are_found_and_off_entities_are_not() -> None:
    inspector = Detector(
        Detect(
            off=("EMAIL_ADDRESS", "URL"),
            custom=(CustomEntity("PROJECT", words=("Blue Falcon",), patterns=(r"FX-\d{4}",)),),
        )
    )
    text = "the blue\nfalcon FX-1234 of a@example.com, bluefalcon"
    assert [text[span.start : span.end] for span in inspector.inspect(text)] == ["blue\nfalcon", "FX-1234"]


def test_an_unknown_phone_region_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="regions: XX"):
        Detector(Detect(regions=("US", "XX")))


def test_an_inspection_that_is_late_fails() -> None:
    with pytest.raises(InspectionFailed):
        Detector(Detect(), seconds=1e-6).inspect("mail a@example.com 415-555-2671")


def test_a_pattern_that_runs_out_of_time_fails_rather_than_being_skipped() -> None:
    slow = regex.compile(r".*a.*a.*a.*[bc]d\b")
    with pytest.raises(InspectionFailed):  # a run over all of it would take hours
        list(matches(slow, "a" * 60_000 + "bdx", Deadline(0.05)))


@pytest.mark.parametrize("size", [20_000, 200_000])
@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a.a.",
            "a.a@",
            "1 ",
            "a:",
            "DE89 ",
            "13",
            "1::",
            "%41",
            "&amp;",
            "\\",
            "eyJabcdefgh.",
            "password=",
        ),
        *(
            "-----BEGIN RSA PRIVATE KEY-----\n",
            "ignore all the ",
            "Server=a;",
            "+1 415 555 26",
            " +44 20 7946 09 5 24",
        ),
        '{"id": 94031187, "v": [0.48261, 73310.5, 12], "t": 1700000000123}, ',
    ],
)
def test_inputs_that_stall_stock_patterns_are_inspected_before_the_deadline(
    inspector: Detector, unit: str, size: int
) -> None:
    for text in (unit * (size // len(unit)), "QUJDREVGR0g5" * (size // 24) + unit + "@"):
        inspector.inspect(text, seconds=55)  # raises when it is late; a shared machine may be slow


@given(before=st.text(max_size=40), after=st.text(max_size=20))
def test_text_around_a_secret_never_hides_or_shifts_it(inspector: Detector, before: str, after: str) -> None:
    key = f"ghp_{RANDOM[:36]}"
    text = f"{before} {key} {after}"
    at = len(before) + 1
    assert any(span.start <= at and at + len(key) <= span.end for span in inspector.inspect(text))


@given(text=st.text(max_size=200))
def test_any_text_gives_disjoint_spans_in_order(inspector: Detector, text: str) -> None:
    at = 0
    for span in inspector.inspect(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end


def test_several_threads_may_inspect_at_once(inspector: Detector) -> None:
    text = f"a@example.com, 415-555-2671, ghp_{RANDOM[:36]}"
    expected, results = inspector.inspect(text), []

    def work() -> None:
        results.extend(inspector.inspect(text) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 120


def test_the_version_names_what_could_change_a_result(inspector: Detector) -> None:
    assert "presidio/" in inspector.version
    assert inspector.version != Detector(Detect(threshold=0.9)).version
