"""The language model's names of people and places."""

from pathlib import Path

import pytest

from bench.accuracy import people
from gateway.detect.entities import ner
from gateway.errors import ConfigError

TEXT = "Please tell Jane Roe that John's sister moved to 12 Main Street, Springfield, Ohio."
NAMES = [("PERSON", "Jane Roe"), ("PERSON", "John"), ("LOCATION", "Springfield"), ("LOCATION", "Ohio")]
# The least F1, a little below what was seen: kernels differ from one processor to the next.
F1 = {"en": 0.79, "de": 0.78, "fr": 0.73, "es": 0.74}


@pytest.fixture(scope="module")
def model() -> ner.NameModel:
    return ner.NameModel()


def read(model: ner.NameModel, text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in model.find([text])[0]]


def test_people_and_places_are_found_exactly(model: ner.NameModel) -> None:
    assert read(model, TEXT) == NAMES


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The claimant, Susan B. Whitaker, slipped.", "Susan B. Whitaker"),
        ("Present: H. Sato and others.", "H. Sato"),
        ("I met Ben O'Connor yesterday.", "Ben O'Connor"),
        ("Anwesend: Jan-Philipp Sommer.", "Jan-Philipp Sommer"),
        ("Please call Anneke de Vries back.", "Anneke de Vries"),
        ("my name is amelia stone and i want to cancel", "amelia stone"),
        ("Hallo Frau Müller, Jürgen Weiß hat das Ticket übernommen.", "Jürgen Weiß"),
    ],
)
def test_a_name_is_found_whole_with_initials_particles_and_hyphens(
    model: ner.NameModel, text: str, name: str
) -> None:
    assert ("PERSON", name) in read(model, text)


def test_a_name_does_not_reach_into_the_next_sentence(model: ner.NameModel) -> None:
    assert read(model, "I will ask Jane. John knows more.") == [("PERSON", "Jane"), ("PERSON", "John")]


@pytest.mark.parametrize(
    "text",
    [
        "def getUser(self): return UserService.Find(PaymentFactory)",
        "Mail <PERSON_k7f3q2> of <LOCATION_234567> and <EMAIL_ADDRESS_k7f3q2>.",
        "call_9f8e7d6c5b4a3210 550e8400-e29b-41d4-a716-446655440000",
        "@jane_roe and jane.roe@example.org",
        "",
        "\ud800",
        "한국어 이름 김철수 " * 200,
    ],
)
def test_code_ids_and_placeholders_are_no_names(model: ner.NameModel, text: str) -> None:
    assert read(model, text) == []


def test_a_long_text_is_read_in_pieces_with_its_own_offsets(model: ner.NameModel) -> None:
    for filler in ("Nothing to see here, move on. ", "nothing\n", "x" * 999 + " ", "\U0001f600 ", "“…” "):
        assert read(model, filler * (3_000 // len(filler)) + TEXT)[-len(NAMES) :] == NAMES


@pytest.mark.parametrize("letters", range(440, 500, 4))
def test_a_name_is_whole_wherever_a_piece_ends(model: ner.NameModel, letters: int) -> None:
    filler = ("and then we went on " * 30)[:letters].rpartition(" ")[0]
    text = f"{filler} with Maria Delgado and Tom Whitfield"
    assert read(model, text) == [("PERSON", "Maria Delgado"), ("PERSON", "Tom Whitfield")]


def test_the_pieces_hold_the_whole_text() -> None:
    for text in ("a " * 1500, "a" * 1500, "One. " * 400, "one\n" * 400, "x" * 700 + " y" * 400):
        end = 0
        for at, piece in ner.cut(text):
            assert at <= end < at + len(piece) <= len(text)
            assert text[at : at + len(piece)] == piece
            end = at + len(piece)
        assert end == len(text)


@pytest.mark.parametrize("language", people.LANGUAGES)
def test_people_are_found_in_texts_of_daily_work(model: ner.NameModel, language: str) -> None:
    samples = list(people.texts(language))
    assert len(samples) > 60
    assert sum(not sample.labels for sample in samples) > 20
    assert people.found(samples, lambda text: model.find([text])[0]).f1 >= F1[language]


def test_a_model_that_finds_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ner, "_ENTITIES", {"PERSON": ("NAME",), "LOCATION": ("CITY",)})
    with pytest.raises(ConfigError, match="finds no name in a sample"):
        ner.NameModel()


def test_an_extra_without_its_weights_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ner, "_folder", lambda: tmp_path)
    with pytest.raises(
        ConfigError, match=r"model_q4\.onnx cannot be found; expected the extra `regate\[ner\]`"
    ):
        ner.check_installed()
