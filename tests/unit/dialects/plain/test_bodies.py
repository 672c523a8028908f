"""Bodies that no other dialect knows are read as fields."""

from __future__ import annotations

import pytest

from gateway.dialects import (
    Malformed,
    read_completion,
    read_error,
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


def test_a_tool_call_in_a_body_of_no_dialect_is_refused() -> None:
    call = {"output": [{"type": "function_call", "name": "drop_database", "arguments": "{}"}]}
    for dialect in ("json", "none", "opaque"):
        with pytest.raises(Malformed):
            read_completion(dialect, call)
    with pytest.raises(Malformed):
        read_prompt("json", {"method": "tools/call", "params": {"name": "drop_database"}})


def test_an_error_may_repeat_the_request_that_it_refuses() -> None:
    error = {"detail": [{"input": {"tool_calls": [{"name": "f"}]}, "msg": "bad"}]}
    assert read_error(error).parts[-1].text == "bad"
