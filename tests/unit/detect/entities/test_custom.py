"""The entities that a configuration adds."""

import re

import pytest

from gateway.config import CustomEntity, Detect
from gateway.detect import Detector
from gateway.detect.entities.custom import Custom
from gateway.detect.matching.context import Context
from gateway.detect.matching.patterns import Deadline
from gateway.errors import ConfigError, InspectionFailed


def found(text: str, *entities: CustomEntity) -> list[str]:
    spans = Custom(entities, ()).find(text, Context(text), Deadline(10))
    return [text[span.start : span.end] for span in spans if span.score >= 0.4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blue Falcon", ["Blue Falcon"]),
        ("the blue\n  falcon's wing", ["blue\n  falcon"]),
        ("ÉBlue Falcon, Blue Falconé, a_Blue Falcon", []),
        ("日本語 Blue Falcon 日本語falcon xです", ["Blue Falcon", "falcon x"]),
        ("1blue Falcon X!", ["Falcon X"]),
        ("Falcon X Pro and falcon x", ["Falcon X Pro", "falcon x"]),
        ("C++ 20%", ["C++"]),
    ],
)
def test_words_are_found_whole_in_any_case(text: str, expected: list[str]) -> None:
    entity = CustomEntity("PRODUCT", words=("Blue Falcon", "Falcon X", "Falcon X Pro", "C++"))
    assert found(text, entity) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"FX-\d{4}", "é FX-1234, FX-12", ["FX-1234"]),
        (r"(?i)case\s+\d+", "Case  17 and ＣＡＳＥ 1", ["Case  17"]),
        (r"(?:\d{4} ){3}\d{4}", "x 1234 1234 1234 1234 y", ["1234 1234 1234 1234"]),
        (r"[^\s,]+@corp", "żółć@corp, a@corp", ["żółć@corp", "a@corp"]),
        (r"\bACME-(?:A|BC)\b", "ACME-A XACME-A ACME-BC ACME-BCD", ["ACME-A", "ACME-BC"]),
        (r"\w+-ключ-[\W\d]{2}", "мой-ключ-1!", ["мой-ключ-1!"]),
        (r"\d{3}", "١٢٣", ["١٢٣"]),
        (r"(a+)+b", "a" * 50 + "b", ["a" * 50 + "b"]),
    ],
)
def test_patterns_are_found_by_character(pattern: str, text: str, expected: list[str]) -> None:
    assert found(text, CustomEntity("PAT", patterns=(pattern,))) == expected


def test_a_pattern_with_a_checksum_finds_only_what_it_accepts() -> None:
    entity = CustomEntity("BOOK", patterns=(r"[\d-]{9,12}-[\dX]",), checksum="mod11")
    assert found("0-306-40615-2 and 0-306-40615-3", entity) == ["0-306-40615-2"]


def test_a_match_with_context_words_counts_only_behind_one_of_them() -> None:
    entity = CustomEntity("STAFF_ID", patterns=(r"\b\d{6}\b",), context=("employee", "Personal"))
    assert found("Employee no. 123456; order 123456", entity) == ["123456", "123456"]
    assert found(f"order 654321, {'and ' * 10}then employees: 123456", entity) == ["123456"]
    assert found("personalnummer 123456", entity) == ["123456"]
    assert found("order 123456", entity) == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "a back reference"),
        (r"(?P<x>a)(?(x)b|c)", "a condition"),
        (r"(?=a)b", "a look-around"),
        (r"(?<!a)b", "a look-around"),
        (r"[^\W]+", r"\\W"),
        (r"(", "not a regular expression"),
        (r"a{2000}", "not a regular expression"),
        (r"((a{100}){100}){100}", "not a regular expression"),
        (r"a*", "matches nothing"),
        (r"(?i)x?", "matches nothing"),
        (r"$", "matches nothing"),
    ],
)
def test_a_pattern_that_cannot_run_in_linear_time_or_matches_nothing_is_refused(
    pattern: str, why: str
) -> None:
    entities = (CustomEntity("ONE", words=("x",)), CustomEntity("TWO", patterns=("y", pattern)))
    with pytest.raises(ConfigError, match=re.escape("detect.custom[1].patterns[1]: TWO: ")) as error:
        Detector(Detect(custom=entities))
    assert why in str(error.value)


@pytest.mark.parametrize(
    "entity",
    [
        CustomEntity("BAD", words=("  ",)),
        CustomEntity("BAD", words=("x",), checksum="luhn"),
        CustomEntity("BAD", words=("x",), context=("two words",)),
        CustomEntity("BAD", words=("x",), context=("",)),
    ],
)
def test_settings_that_could_never_have_an_effect_are_refused(entity: CustomEntity) -> None:
    with pytest.raises(ConfigError, match=r"detect\.custom\[0\]"):
        Custom((entity,), ())


def test_an_explosive_pattern_is_quick_and_a_late_one_fails() -> None:
    entity = CustomEntity("SLOW", patterns=(r"(?:a|aa)+$", r"(?:.*a){12}b"))
    assert found("a" * 50_000 + "c", entity) == []
    many = CustomEntity("MANY", patterns=(r"[a-z ]{9,}",), checksum="luhn")
    text = "a " * 50_000  # no digits: none is valid
    with pytest.raises(InspectionFailed):
        list(Custom((many,), ()).find(text, Context(text), Deadline(0.05)))


def test_a_stream_waits_for_the_rest_of_a_word_or_pattern() -> None:
    custom = Custom((CustomEntity("P", words=("Blue Falcon",), patterns=(r"FX-\d \d",)),), ())
    for text, at in [("see blue ", 4), ("see FX-1 ", 4), ("see eblue ", 10), ("see blue fox ", 13), ("", 0)]:
        assert custom.open_at(text, Deadline(1)) == at
