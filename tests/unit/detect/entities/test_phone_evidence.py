"""A score says why a number counts as a phone number; ordinary numbers do not."""

import random

import pytest

from bench.accuracy.shapes import SHAPES, filled
from gateway.config import Detect
from gateway.detect import Detector


@pytest.fixture(scope="module")
def everything() -> Detector:
    """A detector that tells of weak findings too."""
    return Detector(Detect(threshold=0.1))


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("+1 415 552 2671", 0.75),
        ("tel 4155522671", 0.75),
        ("dial(4155522671)", 0.75),
        ('"phone": "555-0142"', 0.75),
        ("手机13812345678", 0.75),
        ("o el fijo 912 345 678", 0.75),
        ("mijn nummer is 06-12345678", 0.75),
        ("제 번호는 010-1234-5678이고", 0.75),
        ("name,phone\nNoah,4155522672", 0.75),
        ("ask for (415) 552-2671", 0.5),
        ("415-552-2671", 0.5),
        ("0171/2345678", 0.5),
        ("Ana 0049 151 12345678", 0.5),
        ("0044 20 7946 0958", 0.5),
        ("0043 664 1234567", 0.5),
        ("Anna Muster, 0171 2345678,12", 0.5),
        ("anna,030 1234567,34", 0.5),
        ("Ana,415-555-2671,7", 0.5),
        ("Conference 020 7946 0958", 0.5),
        ("San Diego, CA\n415-555-2671", 0.5),
        ("020 7946 0958", 0.5),
        ("11 91234-5678", 0.5),
        ("98765 43210", 0.5),
        ("мой телефон 8 (912) 345-67-89", 0.75),
        ("o meu telemóvel é 912 345 678", 0.75),
        ("contact no. 8123 4567", 0.75),
        ("mededeling +++526/6786/98198+++", 0.3),
        ("4155522671", 0.3),
        ("K = [1732584193]", 0.3),
        ("user_id: 415-552-2671", 0.3),
    ],
)
def test_a_number_scores_by_what_speaks_for_it(everything: Detector, text: str, score: float) -> None:
    scores = [one.score for one in everything.inspect(text) if one.entity == "PHONE_NUMBER"]
    assert scores == [score] or (score == 0.3 and scores == [])


def test_digits_alone_are_not_found_by_default(inspector: Detector) -> None:
    assert inspector.inspect("4155522671, 2125550142") == ()


@pytest.mark.parametrize("text", ["dial(4155522671)", "tel [4155522671]", "phone: (4155522671, 2125550142)"])
def test_a_finding_takes_no_half_of_a_pair_of_brackets(inspector: Detector, text: str) -> None:
    spans = inspector.inspect(text)
    assert spans
    for span in spans:
        found = text[span.start : span.end]
        assert found.count("(") == found.count(")")
        assert found.count("[") == found.count("]")


@pytest.mark.parametrize("number", ["8 (912) 345-67-89", "0 (212) 555 12 34", "1 (415) 552-2671"])
def test_what_is_dialed_before_an_area_is_part_of_the_number(inspector: Detector, number: str) -> None:
    text = f"tel {number}"
    assert [text[one.start : one.end] for one in inspector.inspect(text)] == [number]


def test_an_extension_stays(inspector: Detector) -> None:
    text = "work +48 22 621 03 70 ext. 204"
    assert [text[one.start : one.end] for one in inspector.inspect(text)] == ["+48 22 621 03 70"]


@pytest.mark.parametrize("shape", [shape for shapes in SHAPES.values() for shape in shapes])
def test_an_ordinary_number_is_no_finding(inspector: Detector, shape: str) -> None:
    """At most two of sixty: what has a card's check digit by chance is found."""
    source = random.Random(shape)
    texts = [filled(shape, source) for _ in range(60)]
    assert sum(bool(inspector.inspect(text)) for text in texts) <= 2
