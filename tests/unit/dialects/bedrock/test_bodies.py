"""What Converse's prompts and completions are read as: roles and kinds are those of the other dialects."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from gateway.dialects import Malformed, read_completion, read_prompt
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Attachment, Parameters, Tool, Usage

NOISE = random.Random(7).randbytes(504)
MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + NOISE).decode()
SEALED = base64.b64encode(NOISE).decode()


def said(role: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": [*blocks]}], **more}


def labels(document: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    parts = read_prompt("bedrock.converse", document).parts
    return {part.pointer: (part.role, part.kind, part.place) for part in parts if part.place != "key"}


def answer(*blocks: Any, reason: str = "end_turn", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": [*blocks]}
    usage = {"inputTokens": 4155552, "outputTokens": 5, "totalTokens": 9, "cacheReadInputTokens": 3}
    return {"output": {"message": message}, "stopReason": reason, "usage": usage, **more}


def call(name: str = "read", **more: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": "t1", "name": name, "input": {"path": "a.txt"}, **more}}


def test_roles_give_parts_their_kinds() -> None:
    document: dict[str, Any] = {
        "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "u"},
                    {"document": {"name": "n", "format": "txt", "source": {"text": "d"}}},
                    {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "t", "signature": SEALED}}},
                    {"reasoningContent": {"reasoningText": {"text": "h"}}},
                    {"toolUse": {"toolUseId": "i", "name": "f", "input": {"q": "x"}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "i", "content": [{"json": {"r": "42"}}, {"text": "r"}]}}
                ],
            },
        ],
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"title": "x"}}}}
            ]
        },
        "promptVariables": {"who": {"text": "w"}},
        "requestMetadata": {"team": "m"},
    }
    found = labels(document)
    assert found["/system/0/text"] == ("system", "system", "value")
    at = "/messages/0/content"
    assert found[f"{at}/0/text"] == ("user", "text", "value")
    assert found[f"{at}/1/document/name"] == ("user", "tool_result", "value")
    assert found[f"{at}/1/document/source/text"] == ("user", "tool_result", "value")
    assert found[f"{at}/2/guardContent/text/text"] == ("user", "text", "value")
    at = "/messages/1/content"
    assert found[f"{at}/0/reasoningContent/reasoningText/text"] == ("assistant", "signed", "value")
    assert found[f"{at}/1/reasoningContent/reasoningText/text"] == ("assistant", "text", "value")
    assert found[f"{at}/2/toolUse/name"] == ("assistant", "tool_call", "structural")
    assert found[f"{at}/2/toolUse/input/q"] == ("assistant", "tool_call", "value")
    at = "/messages/2/content/0/toolResult"
    assert found[f"{at}/content/0/json/r"] == ("tool", "tool_result", "value")
    assert found[f"{at}/content/1/text"] == ("tool", "tool_result", "value")
    at = "/toolConfig/tools/0/toolSpec"
    assert found[f"{at}/description"] == ("", "tool_definition", "value")
    assert found[f"{at}/inputSchema/json/title"] == ("", "tool_definition", "value")
    assert found["/promptVariables/who/text"] == ("user", "text", "value")
    assert found["/requestMetadata/team"] == ("", "field", "value")
    assert read_prompt("bedrock.converse", document).unseen == ("prompt",)


def test_tools_and_parameters_are_read() -> None:
    document = said(
        "user",
        {"text": "u"},
        toolConfig={
            "tools": [
                {"toolSpec": {"name": "f", "description": "d"}},
                {"systemTool": {"name": "nova_grounding"}},
                {"cachePoint": {"type": "default"}},
            ]
        },
        inferenceConfig={"maxTokens": 9, "temperature": 0.5},
        additionalModelRequestFields={"tools": [{"type": "computer_20251124", "name": "computer"}]},
    )
    prompt = read_prompt("bedrock.converse", document)
    hosted = Tool("nova_grounding", "", hosted="nova_grounding")
    assert prompt.tools == (Tool("f", "d"), hosted, Tool("computer", ""))
    assert prompt.parameters == Parameters(max_tokens=9, temperature=0.5)
    assert read_prompt("bedrock.count_tokens", {"input": {"converse": document}}).tools == prompt.tools


@pytest.mark.parametrize(
    ("block", "attachment"),
    [
        ({"image": {"format": "png", "source": {"bytes": MEDIA}}}, Attachment("image", "image/png", 512)),
        ({"audio": {"format": "mp3", "source": {"bytes": MEDIA}}}, Attachment("audio", "audio/mp3", 512)),
        ({"video": {"format": "mp4", "source": {"bytes": MEDIA}}}, Attachment("file", "video/mp4", 512)),
        (
            {"document": {"name": "a", "format": "pdf", "source": {"bytes": MEDIA}}},
            Attachment("file", "application/pdf", 512),
        ),
    ],
)
def test_media_are_attachments(block: dict[str, Any], attachment: Attachment) -> None:
    prompt = read_prompt("bedrock.converse", said("user", block))
    assert prompt.attachments == (attachment,)
    assert not any(part.text == MEDIA for part in prompt.parts)


def test_a_document_that_is_text_is_read() -> None:
    encoded = base64.b64encode(b"Write to ana@example.com.").decode()
    block = {"document": {"name": "a", "format": "txt", "source": {"bytes": encoded}}}
    parts = read_prompt("bedrock.converse", said("user", block)).parts
    assert ("Write to ana@example.com.", "structural") in [(part.text, part.place) for part in parts]


def test_what_the_provider_keeps_is_named() -> None:
    block = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k"}}}}
    assert read_prompt("bedrock.converse", said("user", block)).unseen == ("s3Location",)


def test_a_thought_that_was_withheld_does_not_go_up_again() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "t", "signature": WITHHELD}}}
    document = said("assistant", thought, {"text": "a"})
    document["messages"].append({"role": "assistant", "content": [thought]})
    read_prompt("bedrock.converse", document)
    assert document["messages"] == [{"role": "assistant", "content": [{"text": "a"}]}]


def test_a_completion_is_read() -> None:
    read = read_completion("bedrock.converse", answer({"text": "Hello"}, call(), reason="tool_use"))
    assert [(one.name, one.arguments) for one in read.tool_calls] == [("read", {"path": "a.txt"})]
    assert read.tool_calls[0].pointers == ("/output/message/content/1/toolUse/input/path",)
    assert read.usage == Usage(4155555, 5, 3)
    assert read.finish_reason == "tool_use"
    spoken = {part.pointer: (part.role, part.kind) for part in read.parts if part.place == "value"}
    assert spoken["/output/message/content/0/text"] == ("assistant", "text")
    assert spoken["/output/message/content/1/toolUse/input/path"] == ("assistant", "tool_call")


@pytest.mark.parametrize("reason", ["max_tokens", "guardrail_intervened", "malformed_tool_use"])
def test_a_call_that_was_cut_off_is_left_out(reason: str) -> None:
    document = answer({"text": "Hello"}, call(input={}), reason=reason)
    read = read_completion("bedrock.converse", document)
    assert (read.withheld_calls, read.tool_calls) == (1, ())
    assert document["output"]["message"]["content"] == [{"text": "Hello"}]


def test_an_addition_passes_by_its_name() -> None:
    read = read_completion("bedrock.converse", answer({"hologram": {"caption": "sea"}}, {"text": "Hello"}))
    assert read.unknown == ("hologram",)
    assert "sea" in [part.text for part in read.parts]


HIDDEN = {"name": "drop_database", "input": {"table": "users"}}


@pytest.mark.parametrize(
    "document",
    [
        answer({"toolUse": HIDDEN, "text": "Hello"}),
        answer({"toolUse": [HIDDEN]}),
        answer({"toolUse": {"input": {}}}),
        answer({"toolUse": {**HIDDEN, "arguments": "{}"}}),
        answer({"toolUse": {**HIDDEN, "args": {}}}),
        answer({"toolUse": {**HIDDEN, "function": {"name": "f", "arguments": "{}"}}}),
        answer({"toolUse": {**HIDDEN, "about": [{"toolUse": HIDDEN}]}}),
        answer({"text": "a", "toolUse2": HIDDEN}),
        answer({"hologram": {"type": "tool_call", **HIDDEN}}),
        answer({"citationsContent": {"content": [{"toolUse": HIDDEN}]}}),
        answer({"text": "a"}, toolUse=HIDDEN),
        answer({"text": "a"}, additionalModelResponseFields={"tool_calls": [HIDDEN]}),
        {"output": {"toolUse": HIDDEN, "message": {"role": "assistant", "content": []}}},
        {"output": {"message": {"role": "assistant", "content": {"toolUse": HIDDEN}}}},
        {"output": {"content": [{"toolUse": HIDDEN}], "message": {"content": []}}},
        {"output": {"messages": [{"content": [{"toolUse": HIDDEN}]}]}},
        {"output": [{"message": {"content": [{"toolUse": HIDDEN}]}}]},
        {"output": {"message": [{"content": [{"toolUse": HIDDEN}]}]}},
        {"output": {"message": {"content": [], "parts": [{"toolUse": HIDDEN}]}}},
        {"content": [{"type": "tool_use", **HIDDEN}]},
        [],
    ],
)
def test_no_call_hides(document: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("bedrock.converse", document)


def test_the_body_that_is_counted_names_no_model() -> None:
    body = base64.b64encode(b'{"messages": [{"role": "user", "content": "Hi ana@example.com"}]}').decode()
    counted = {"input": {"invokeModel": {"body": body}}}
    assert read_prompt("bedrock.count_tokens", counted).models == ()
    routed = {"input": {"invokeModel": {"body": body, "model": "b"}, "fallbacks": ["a"]}, "modelId": "c"}
    assert set(read_prompt("bedrock.count_tokens", routed).models) == {"a", "b", "c"}


def test_a_count_is_no_usage() -> None:
    read = read_completion("bedrock.count_tokens", {"inputTokens": 4155552671})
    assert read.usage == Usage()
    assert read.parts == ()
