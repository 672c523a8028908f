"""What a value is called: by the words before it, its key, and the head of its column."""

import re
import time

import pytest

from gateway.detect.matching.labels import Labels, Told, Vocabulary

WORDS = Vocabulary(own="tel|phones?", hints="call", others="order|id")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("tel. ", Told.NAMED),
        ('"phone_number": "', Told.NAMED),
        ("customerPhone=", Told.NAMED),
        ("tel 415 552 2671, ", Told.NAMED),
        ("phone of Jane Roe ", Told.NEAR),
        ("call ", Told.NEAR),
        ("phone one two three ", Told.NOTHING),
        ("phone 415-552-2671, total ", Told.NOTHING),
        ("It is a phone. Then ", Told.NOTHING),
        ('"phone": "x", "id": ', Told.OTHER),
        ("order no. ", Told.OTHER),
        ("order 2026-11-24 ", Told.NOTHING),
        ("", Told.NOTHING),
    ],
)
def test_the_nearest_word_that_says_something_counts(before: str, told: Told) -> None:
    assert Labels(f"{before}4155522671").told(len(before), WORDS) is told


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_cell_is_told_by_the_head_of_its_column(delimiter: str) -> None:
    table = "\n".join(
        ["text before", "", *(delimiter.join(row) for row in (["id", "phone"], ["4155522671", "4155522672"]))]
    )
    labels = Labels(table)
    assert labels.told(table.index("4155522671"), WORDS) is Told.OTHER
    assert labels.told(table.index("4155522672"), WORDS) is Told.NAMED


def test_a_delimiter_in_quotes_parts_no_cells() -> None:
    table = 'name,phone\n"Roe, Jane",4155522672'
    assert Labels(table).told(table.index("4155"), WORDS) is Told.NAMED


def test_the_key_of_a_text_names_its_value() -> None:
    assert Labels("4155522671", "homePhone").told(0, WORDS) is Told.NAMED
    assert Labels("4155522671", "phone_id").told(0, WORDS) is Told.OTHER


def test_a_long_table_is_read_in_time_that_grows_with_its_length() -> None:
    def took(rows: int) -> float:
        text = "id,note,phone\n" + "1,x,4155522671\n" * rows
        labels, started = Labels(text), time.process_time()
        for place in re.finditer("4155522671", text):
            assert labels.told(place.start(), WORDS) is Told.NAMED
        return time.process_time() - started

    few, many = took(500), took(4000)
    assert many < 1 or many < 20 * few
