"""Bodies that no other dialect knows are read as fields."""

from __future__ import annotations

from typing import Any

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


def _run(*calls: dict[str, Any]) -> dict[str, Any]:
    """Return a run of the Assistants API that waits for what its tools give."""
    return {"object": "thread.run", "required_action": {"submit_tool_outputs": {"tool_calls": [*calls]}}}


def _function(**more: Any) -> dict[str, Any]:
    said = {"name": "mail", "arguments": '{"to":"jane.roe@acme.org"}'}
    return {"id": "call_a", "type": "function", "function": said, **more}


def test_a_call_of_a_function_is_judged_wherever_it_stands() -> None:
    completion = read_completion("none", {"data": [_run(_function(), _function())]})
    (first, second) = completion.tool_calls
    at = "/data/0/required_action/submit_tool_outputs/tool_calls"
    assert (first.name, first.arguments, first.raw_json) == ("mail", {"to": "jane.roe@acme.org"}, True)
    assert (first.pointers, second.pointers) == (
        (f"{at}/0/function/arguments",),
        (f"{at}/1/function/arguments",),
    )
    kinds = {part.pointer: part.kind for part in completion.parts}
    assert kinds[f"{at}/0/function/arguments"] == "tool_call"
    assert kinds["/data/0/object"] == "field"


@pytest.mark.parametrize(
    "call",
    [
        _function(type="custom"),
        _function(custom={"name": "shell", "input": "rm"}),
        _function(arguments="{}"),
        _function(function={"name": "mail", "arguments": "{}", "input": {}}),
        _function(function={"name": "mail", "arguments": {"tool_calls": []}}),
        _function(function={"name": ["mail"], "arguments": "{}"}),
    ],
)
def test_a_call_that_could_be_read_in_two_ways_is_refused(call: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_completion("json", _run(_function(), call))


def test_each_part_is_read_once_where_there_are_calls() -> None:
    completion = read_completion("json", {**_run(_function()), "a/b": [{"tool_calls": [_function()]}]})
    pointers = [(part.pointer, part.place) for part in completion.parts]
    assert len(pointers) == len(set(pointers))
    assert completion.tool_calls[1].pointers == ("/a~1b/0/tool_calls/0/function/arguments",)


def test_a_step_of_a_run_holds_calls_with_what_came_of_them() -> None:
    done = {"name": "mail", "arguments": "{}", "output": "sent to jane.roe@acme.org"}
    waiting = {"name": "find", "arguments": "{}", "output": None}
    ran = {"id": "c", "type": "code_interpreter", "code_interpreter": {"outputs": [{"logs": "42"}]}}
    calls = [ran, *({"id": "a", "type": "function", "function": one} for one in (done, waiting))]
    step = {"object": "thread.run.step", "step_details": {"type": "tool_calls", "tool_calls": calls}}
    read = read_completion("none", step)
    assert [call.name for call in read.tool_calls] == ["mail", "find"]
    at = "/step_details/tool_calls"
    (result,) = [part for part in read.parts if part.kind == "tool_result"]
    assert (result.pointer, result.text) == (f"{at}/1/function/output", done["output"])
    assert f"{at}/0/code_interpreter/outputs/0/logs" in [part.pointer for part in read.parts]


@pytest.mark.parametrize("output", [{"name": "drop_database"}, 7, ["x"]])
def test_what_came_of_a_call_is_text(output: object) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}", "output": output}}
    with pytest.raises(Malformed):
        read_completion("none", {"tool_calls": [call]})
