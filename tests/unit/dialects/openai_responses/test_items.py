"""Which items are tool calls, what they call, and that no item or event of the SDK is unknown."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, is_typeddict

import openai.types.responses as sdk
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

from gateway.dialects import Malformed
from gateway.dialects.openai_responses.bodies import read_completion, read_prompt
from gateway.dialects.openai_responses.event import TERMINAL, TEXTS, stem
from gateway.dialects.openai_responses.grammar import VOCABULARY
from gateway.dialects.openai_responses.items import CALL_TYPES, OTHER_TYPES, RESULT_TYPES, label_of
from gateway.words import ToolCall

KNOWN = {"message", *CALL_TYPES, *RESULT_TYPES, *OTHER_TYPES}
# Types of events beside texts, whose meaning does not matter: what they hold is read like any event's.
OTHERS = {
    *("error", "response.created", "response.in_progress", "response.queued", *TERMINAL),
    *("response.audio.delta", "response.audio.done", "response.output_text.annotation.added"),
    *("response.output_item.added", "response.output_item.done", "response.compaction.compacting"),
    *("response.content_part.added", "response.content_part.done"),
    *("response.reasoning_summary_part.added", "response.reasoning_summary_part.done"),
    *("response.shell_call_output_content.delta", "response.shell_call_output_content.done"),
}
# What the SDK's classes say of requests over WebSocket, and of what it works out itself.
NOT_ON_THE_WIRE = {"parsed", "parsed_arguments"}


def members(annotation: Any) -> Iterator[Any]:
    """The classes that a type of the SDK's allows, through unions and lists."""
    if get_origin(annotation) is Annotated or (
        get_args(annotation) and get_origin(annotation) is not Literal
    ):
        for one in get_args(annotation):
            yield from members(one)
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation


def types_of(annotation: Any) -> set[str]:
    found: set[str] = set()
    for one in members(annotation):
        for literal in [one.model_fields["type"].annotation]:
            found |= {name for name in flat(literal) if isinstance(name, str)}
    return found


def flat(annotation: Any) -> Iterator[Any]:
    for one in get_args(annotation):
        yield from flat(one) if get_args(one) else [one]


def test_every_item_of_the_sdk_is_a_call_a_result_or_something_else_that_is_known() -> None:
    found: set[str] = set()
    for union in (sdk.ResponseOutputItem, sdk.ResponseItem, sdk.ResponseInputItem):
        found |= types_of(union)
    assert len(found) > 25
    assert found <= KNOWN


def test_every_event_of_the_sdk_is_known() -> None:
    writes_calls = {
        one
        for one in types_of(ResponseStreamEvent)
        if ("_call" in one and "_call_output" not in one) or ".mcp_list_tools" in one
    }
    assert len(types_of(ResponseStreamEvent)) > 50
    texts = {f"{grows}.{what}" for grows in TEXTS for what in ("delta", "done")}
    assert types_of(ResponseStreamEvent) - OTHERS - writes_calls == texts & types_of(ResponseStreamEvent)
    assert {stem(one) for one in types_of(ResponseStreamEvent)} >= TEXTS.keys()


def test_every_key_of_the_sdk_is_a_word_of_the_grammar() -> None:
    found: set[str] = set()
    for module in pkgutil.iter_modules(sdk.__path__):
        for one in vars(importlib.import_module(f"{sdk.__name__}.{module.name}")).values():
            if inspect.isclass(one) and issubclass(one, BaseModel):
                found |= {field.alias or name for name, field in one.model_fields.items()}
            elif is_typeddict(one):
                found |= set(one.__annotations__)
    assert len(found) > 200
    assert found - VOCABULARY - NOT_ON_THE_WIRE == set()


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ({"role": "user"}, ("user", "text")),
        ({"type": "message", "role": "developer"}, ("developer", "system")),
        ({"role": "narrator"}, ("", "field")),
        ({"type": "reasoning", "encrypted_content": "gAAAAA=="}, ("assistant", "signed")),
        ({"type": "function_call"}, ("assistant", "tool_call")),
        ({"type": "hyperspace_call"}, ("assistant", "tool_call")),
        ({"type": "shell_call_output"}, ("tool", "tool_result")),
        ({"type": "hyperspace_output"}, ("tool", "tool_result")),
        ({"type": "mcp_list_tools"}, ("tool", "tool_result")),
        ({"type": "mcp_approval_response"}, ("user", "text")),
        ({"type": "hyperspace"}, ("", "field")),
        ({"type": 1}, ("", "field")),
    ],
)
def test_an_item_speaks_by_its_type_and_role(item: dict[str, Any], label: tuple[str, str]) -> None:
    assert label_of(item) == label
    prompt = read_prompt({"input": [{**item, "said": "x"}]})
    (part,) = [part for part in prompt.parts if part.text == "x"]
    assert (part.role, part.kind) == label


def calls(*items: Any) -> list[ToolCall]:
    return list(read_completion({"output": [*items]}).tool_calls)


@pytest.mark.parametrize(
    ("item", "name", "arguments"),
    [
        ({"type": "function_call", "name": "f", "arguments": '{"a": 1}'}, "f", {"a": 1}),
        ({"type": "function_call", "name": "f", "arguments": ""}, "f", {}),
        ({"type": "function_call", "name": "f", "arguments": "{"}, "f", None),
        ({"type": "function_call", "name": "f", "arguments": {"a": 1}}, "f", {"a": 1}),
        ({"type": "custom_tool_call", "name": "sh", "input": "ls"}, "sh", {"input": "ls"}),
        (
            {"type": "mcp_call", "name": "f", "server_label": "s", "arguments": "{}", "output": "x"},
            "f",
            {},
        ),
        ({"type": "mcp_approval_request", "name": "f", "arguments": '{"a": 1}'}, "f", {"a": 1}),
        (
            {"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "q"}},
            "web_search",
            {"type": "search", "query": "q"},
        ),
        (
            {"type": "file_search_call", "queries": ["q"], "results": [{"text": "t"}]},
            "file_search",
            {"queries": ["q"]},
        ),
        ({"type": "code_interpreter_call", "code": "1", "outputs": []}, "code_interpreter", {"code": "1"}),
        (
            {"type": "image_generation_call", "result": "x", "revised_prompt": "p"},
            "image_generation",
            {"revised_prompt": "p"},
        ),
        (
            {"type": "local_shell_call", "action": {"type": "exec", "command": ["rm", "-rf", "/"]}},
            "local_shell",
            {"type": "exec", "command": ["rm", "-rf", "/"]},
        ),
        ({"type": "shell_call", "action": {"commands": ["ls"]}}, "shell", {"commands": ["ls"]}),
        (
            {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}},
            "apply_patch",
            {"type": "delete_file", "path": "a"},
        ),
        (
            {"type": "computer_call", "actions": [{"type": "click"}]},
            "computer",
            {"actions": [{"type": "click"}]},
        ),
        ({"type": "tool_search_call", "arguments": {"q": "x"}}, "tool_search", {"q": "x"}),
        ({"type": "program", "code": "1", "fingerprint": "f"}, "program", {"code": "1"}),
        (
            {"type": "odd_call", "path": "a", "action": {"path": "b"}},
            "odd",
            {"path": "a", "action": {"path": "b"}},
        ),
        ({"type": "odd", "arguments": '{"a": 1}'}, "odd", {"arguments": '{"a": 1}'}),
    ],
)
def test_every_call_has_a_name_and_all_that_was_asked(
    item: dict[str, Any], name: str, arguments: dict[str, Any] | None
) -> None:
    (call,) = calls(item)
    assert (call.name, call.arguments) == (name, arguments)
    (stored,) = read_completion({"object": "list", "data": [item]}).tool_calls
    assert (stored.name, stored.arguments) == (name, arguments)


def test_pointers_are_those_of_what_was_asked() -> None:
    asked = {"type": "mcp_call", "name": "f", "arguments": '{"a": 1}', "output": "o"}
    shell = {"type": "shell_call", "id": "s", "action": {"commands": ["ls", "pwd"]}}
    first, second = calls(asked, shell)
    assert (first.pointers, first.raw_json) == (("/output/0/arguments",), True)
    assert second.pointers == ("/output/1/action/commands/0", "/output/1/action/commands/1")


@pytest.mark.parametrize(
    "item",
    [
        "text",
        {"type": None},
        {"type": "function_call", "arguments": "{}"},
        {"type": "function_call", "name": "f", "arguments": "{}", "input": "rm"},
        {"type": "custom_tool_call", "name": "f", "input": {}},
        {"type": "message", "role": "assistant", "content": [], "arguments": "{}"},
        {"type": "message", "role": "assistant", "tool_calls": [{"id": 1}]},
        {"type": "message", "content": [{"type": "tool_use", "text": "x"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "input": {}}]},
        {"type": "function_call_output", "action": {"type": "exec"}},
    ],
)
def test_what_may_hide_a_call_is_malformed(item: Any) -> None:
    with pytest.raises(Malformed):
        calls(item)
