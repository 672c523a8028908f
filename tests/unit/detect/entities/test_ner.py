"""The language model's names of people and places."""

import pytest

from gateway.detect.entities import ner

TEXT = "Please tell Jane Roe in Paris that John's sister called from New York City."


@pytest.fixture(scope="module")
def model() -> ner.NameModel:
    return ner.NameModel()


def read(model: ner.NameModel, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in model.find([text])[0]]


def test_people_and_places_are_found_exactly(model: ner.NameModel) -> None:
    assert read(model, TEXT) == [
        ("PERSON", "Jane Roe"),
        ("LOCATION", "Paris"),
        ("PERSON", "John"),
        ("LOCATION", "New York City"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def getUser(self): return UserService.Find(PaymentFactory)",
        "Mail <PERSON_k7f3q2> of <LOCATION_234567> and <EMAIL_ADDRESS_k7f3q2>.",
        "call_9f8e7d6c5b4a3210 550e8400-e29b-41d4-a716-446655440000",
        "",
        "\ud800",
    ],
)
def test_code_ids_and_placeholders_are_no_names(model: ner.NameModel, text: str) -> None:
    assert read(model, text) == []


def test_a_long_text_is_read_in_pieces_with_its_own_offsets(model: ner.NameModel) -> None:
    text = "Nothing to see here, move on. " * 700 + TEXT
    assert ("PERSON", "Jane Roe") in read(model, text)
    assert read(model, "x" * 25_000) == []
