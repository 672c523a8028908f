"""Numbers that stand for texts are attachments, and whatever else stands in their place is a part."""

import base64
import struct
import time
from typing import Any

import pytest

from gateway.dialects.reading.leaves import FIELD, Grammar, Walk
from gateway.dialects.reading.vectors import tokens_or_text, vector
from gateway.words import Attachment

NUMBERS = [0.0023064255, -0.009327292, 12.25, -0.5, 0.125, 1.0, 0.0, 3.0]


def packed(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def read(reader: Any, value: Any) -> Walk:
    walk = Walk(Grammar(frozenset(), {}))
    if reader is vector:
        vector(walk, {}, value, "/x", FIELD)
    else:
        reader(walk, value, "/x", FIELD)
    return walk


@pytest.mark.parametrize("value", [NUMBERS, [NUMBERS, NUMBERS], [1, -128, 2], packed(NUMBERS), []])
def test_an_embedding_has_no_parts(value: Any) -> None:
    assert read(vector, value).parts == []


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        base64.b64encode(b"write to alice@example.com, now").decode(),
        base64.b64encode(b"0123456789abcdefghijklmnopqrstuv").decode(),
        packed([float("inf")] * 8),
    ],
)
@pytest.mark.parametrize(
    "around", [lambda text: text, lambda text: [0.5, text], lambda text: [[{"a": text}]]]
)
def test_a_text_in_the_place_of_an_embedding_is_a_part(text: str, around: Any) -> None:
    assert text in [part.text for part in read(vector, around(text)).parts]


def test_token_ids_are_an_attachment_for_each_list() -> None:
    walk = read(tokens_or_text, [[1, 2, 199_999], [7], "said"])
    assert walk.attachments == [Attachment("tokens", "", 12), Attachment("tokens", "", 4)]
    assert [(part.pointer, part.text) for part in walk.parts] == [("/x/2", "said")]


@pytest.mark.parametrize("number", [4111111111111111, -4155552671, 1234567])
def test_a_number_that_no_vocabulary_has_is_a_part(number: int) -> None:
    assert [part.text for part in read(tokens_or_text, [1, number]).parts] == [str(number)]


def test_reading_grows_with_the_numbers_and_no_faster() -> None:
    def seconds(count: int) -> float:
        value = [NUMBERS * 48] * count
        begun = time.process_time()
        read(vector, value)
        return time.process_time() - begun

    seconds(100)
    few, many = min(seconds(400) for _ in range(5)), min(seconds(3200) for _ in range(3))
    assert many < 8 * few * 4 + 0.01
