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


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t (id, name, phone) VALUES (1, 'Roe, Jane', '4155522671')",
        "insert into app.t(phone, id)\nvalues\n(NULL, 7), ('4155522671', 8);",
        "COPY t (id, phone) FROM stdin;\n7\t\\N\n8\t4155522671\n",
    ],
)
def test_a_value_of_a_statement_is_told_by_its_column(text: str) -> None:
    assert Labels(text).told(text.index("4155522671"), WORDS) is Told.NAMED
    other = text.replace("phone", "total")
    assert Labels(other).told(other.index("4155522671"), WORDS) is Told.NOTHING


def test_a_value_behind_a_statement_has_no_column() -> None:
    text = "INSERT INTO t (phone, id) VALUES ('x', 1); SELECT (4155522671"
    assert Labels(text).told(text.index("4155522671"), WORDS) < Told.NAMED


def test_two_words_may_tell_together_what_neither_tells() -> None:
    words = Vocabulary(own="tfn", pairs=[("tax", "file")])
    assert Labels("tax file number: 8").told(17, words) is Told.NEAR
    assert Labels("tax number: 8").told(12, words) is Told.NOTHING


def test_a_sentence_is_no_head_of_a_table() -> None:
    text = "Hi, my phone is 415-552-2671; do not call.\nZIP 60614, total 05618522"
    assert Labels(text).told(text.index("05618522"), WORDS) is Told.NOTHING


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


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO x (id) VALUES (1)\n\nThe numbers:\n(4155522671)",
        "INSERT INTO x (id) VALUES (1), ('a'); (4155522671)",
        "INSERT INTO x (id) VALUES\n(now()), (2)\nON CONFLICT DO NOTHING (4155522671)",
        "COPY x (id) FROM stdin;\n1\n\\.\n4155522671",
        "COPY x (id) FROM stdin;\n1\n\n4155522671",
        "INSERT INTO x (id) VALUES " + "(" * 5000 + "4155522671",
    ],
)
def test_the_columns_of_a_statement_name_nothing_behind_its_rows(text: str) -> None:
    assert Labels(text).told(text.index("4155522671"), WORDS) is not Told.OTHER


@pytest.mark.parametrize(
    "head", ["name,phone,since 2024", "name,phone,2023,2024", '"name","phone","total_2024"']
)
def test_years_in_a_head_leave_its_columns_their_names(head: str) -> None:
    text = f"{head}\nNoah,4155522671,1"
    assert Labels(text).told(text.index("4155522671"), WORDS) is Told.NAMED


@pytest.mark.parametrize("head", ["Order,phone,1234", "phone,12.5.1999 77"])
def test_a_line_of_values_is_no_head(head: str) -> None:
    text = f"{head}\nNoah,4155522671,1"
    assert Labels(text).told(text.index("4155522671"), WORDS) is Told.NOTHING


@pytest.mark.parametrize(
    "unit",
    [
        "COPY x (a) FROM stdin;\n",
        "COPY x (a) FROM stdin\n1\n",
        "INSERT INTO x (a) VALUES (1),",
        "INSERT INTO x (a) VALUES ((",
        "INSERT INTO x (a) VALUES ('",
    ],
)
def test_many_statements_are_read_in_time_that_grows_with_their_length(unit: str) -> None:
    def took(count: int) -> float:
        text, started = unit * count, time.process_time()
        Labels(text).told(len(text) - 1, WORDS)
        return time.process_time() - started

    few, many = took(500), took(4000)
    assert many < 1 or many < 20 * few
