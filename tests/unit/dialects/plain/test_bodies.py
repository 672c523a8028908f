"""Bodies that no other dialect knows are read as fields."""

from __future__ import annotations

import pytest

from gateway.dialects import (
    Malformed,
    read_completion,
    read_prompt,
)


def test_other_json_is_read_as_fields_with_its_model() -> None:
    prompt = read_prompt("json", {"model": "text-embedding-3-small", "input": ["a", "b"], "stream": True})
    assert (prompt.model, prompt.stream) == ("text-embedding-3-small", True)
    assert [(part.pointer, part.place) for part in prompt.parts] == [
        ("/model", "structural"),
        ("/input", "key"),
        ("/input/0", "value"),
        ("/input/1", "value"),
    ]
    assert read_completion("none", {"data": [{"id": "gpt-4o"}]}).parts[-1].text == "gpt-4o"


def test_the_model_of_other_json_has_one_spelling() -> None:
    with pytest.raises(Malformed):
        read_prompt("json", {"model": "permitted", "Model": "forbidden"})
    assert read_completion("json", {"Model": "x"}).parts[-1].text == "x"


def test_a_body_that_is_not_json_has_no_parts() -> None:
    assert read_prompt("none", None).parts == read_prompt("opaque", None).parts == ()
