"""The demo provider embeds as the SDK expects it."""

import base64
import struct

import pytest

from gateway.dialects import read_completion
from gateway.dialects.openai_embeddings.demo import demo


@pytest.mark.parametrize(("given", "count"), [("a", 1), (["a", "b"], 2), ([1, 2], 1), ([[1], [2]], 2)])
def test_each_input_has_a_vector(given: object, count: int) -> None:
    answer = demo({"model": "m", "input": given, "dimensions": 16}, 1)
    assert [len(one["embedding"]) for one in answer["data"]] == [16] * count
    assert all(part.place == "structural" for part in read_completion("openai.embeddings", answer).parts)


def test_base64_holds_the_same_numbers() -> None:
    plain = demo({"input": "a"}, 1)["data"][0]["embedding"]
    packed = demo({"input": "a", "encoding_format": "base64"}, 1)["data"][0]["embedding"]
    assert struct.unpack("<8f", base64.b64decode(packed)) == pytest.approx(plain)
