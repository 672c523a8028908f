"""A corpus of both sides: answers that are given their values back, and places where a renderer would act."""

import json
from pathlib import Path

import pytest

from tests.unit.masking.test_restore import EMAIL, PH, restorer, streamed

CORPUS = Path(__file__).parents[2] / "corpus"
OPEN = json.loads((CORPUS / "open.json").read_text())
INERT = json.loads((CORPUS / "inert.json").read_text())


@pytest.mark.parametrize("template", OPEN)
def test_no_value_comes_back_where_something_is_open(template: str) -> None:
    text = template.replace("PH", PH)
    assert restorer().whole(text) == text
    assert streamed(restorer(), list(text)) == text


@pytest.mark.parametrize("template", INERT)
def test_everyday_answers_get_every_value_back(template: str) -> None:
    text, expected = template.replace("PH", PH), template.replace("PH", EMAIL)
    assert restorer().whole(text) == expected
    assert streamed(restorer(), list(text)) == expected


@pytest.mark.parametrize("template", OPEN)
def test_no_border_between_two_texts_hides_what_is_open(template: str) -> None:
    text = template.replace("PH", PH)
    for at in range(1, len(text)):
        parts = {"0": text[:at], "1": text[at:]}
        assert restorer().row(parts) == parts, at


@pytest.mark.parametrize("template", OPEN)
def test_no_text_in_between_makes_an_open_place_of_the_first_forgotten(template: str) -> None:
    before, _, after = template.replace("PH", PH, 1).partition(PH)
    run = restorer().run()
    fed = (before, "0"), ("\n\n'\">) ", "1"), (PH + after, "0")
    pieces = [one for text, owner in fed for one in run.feed(text, owner)] + run.close()
    assert EMAIL not in "".join(text for _, text in pieces)
