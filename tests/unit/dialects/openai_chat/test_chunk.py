"""One chunk: its choices are checked, and its end is split off."""

import json
from typing import Any

import pytest

from gateway.dialects.openai_chat.chunk import checked, envelope_of, says, says_more, split_end, tokens_event
from gateway.dialects.reading.document import Malformed


def test_a_choice_gives_its_index_and_delta_without_probabilities() -> None:
    choice: dict[str, Any] = {"index": 1, "delta": None, "logprobs": {"content": []}}
    assert checked(choice) == (1, {})
    assert choice == {"index": 1, "delta": {}, "logprobs": None}


def test_a_chunk_tells_of_tokens_and_says_nothing() -> None:
    told = json.loads(tokens_event({"id": "x"}, 1, "refusal", [{"token": "no"}]).data)
    logprobs = {"content": None, "refusal": [{"token": "no"}]}
    assert told == {
        "id": "x",
        "choices": [{"index": 1, "delta": {}, "logprobs": logprobs, "finish_reason": None}],
    }


@pytest.mark.parametrize(
    "choice",
    ["x", {"index": -1}, {"index": True}, {"delta": []}, {"finish_reason": 1}, {"message": {}}, {"text": ""}],
)
def test_a_choice_of_another_shape_is_malformed(choice: Any) -> None:
    with pytest.raises(Malformed):
        checked(choice)


def test_what_ends_a_choice_goes_into_a_chunk_of_its_own() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    document: dict[str, Any] = {"id": "x", "choices": [choice], "usage": {"total_tokens": 1}}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert split_end(document, envelope_of(document)) == {
        "id": "x",
        "choices": [end],
        "usage": {"total_tokens": 1},
    }
    assert choice["finish_reason"] is None
    assert split_end(document, {}) is None


def test_a_role_says_nothing_and_an_odd_member_does() -> None:
    assert not says({"role": "assistant", "content": ""})
    assert says_more({"choices": [], "odd": 1}, {})
    assert not says_more({"id": "x", "choices": [{"index": 0, "delta": {}}]}, {"id": "x"})
