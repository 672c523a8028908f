"""What Gemini's prompts and completions are read as: roles and kinds are those of the other dialects."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from gateway.dialects import Malformed, read_completion, read_prompt
from gateway.words import Attachment, Parameters, Usage

MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(504)).decode()


def labels(document: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    parts = read_prompt("gemini.generate", document).parts
    return {part.pointer: (part.role, part.kind, part.place) for part in parts if part.place != "key"}


def answer(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0, **candidate}],
        "usageMetadata": {
            "promptTokenCount": 4155552,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 7,
            "cachedContentTokenCount": 4000000,
            "totalTokenCount": 4155564,
        },
        "modelVersion": "gemini-3-flash",
        "responseId": "r1",
    }


def test_roles_give_parts_their_kinds() -> None:
    found = labels(
        {
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "u"}]},
                {
                    "role": "model",
                    "parts": [{"text": "a"}, {"functionCall": {"name": "f", "args": {"q": "x"}}}],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": "42"}}}]},
                {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}]},
                {
                    "role": "model",
                    "parts": [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}],
                },
                {"parts": [{"text": "u"}]},
                {"role": "wizard", "parts": [{"text": "w"}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "f", "description": "d"}]}],
        }
    )
    assert found["/systemInstruction/parts/0/text"] == ("system", "system", "value")
    assert found["/contents/0/parts/0/text"] == ("user", "text", "value")
    assert found["/contents/1/parts/0/text"] == ("assistant", "text", "value")
    assert found["/contents/1/parts/1/functionCall/args/q"] == ("assistant", "tool_call", "value")
    assert found["/contents/2/parts/0/functionResponse/response/r"] == ("tool", "tool_result", "value")
    assert found["/contents/3/parts/0/executableCode/code"] == ("assistant", "tool_call", "value")
    assert found["/contents/4/parts/0/codeExecutionResult/output"] == ("tool", "tool_result", "value")
    assert found["/contents/5/parts/0/text"] == ("user", "text", "value")
    assert found["/contents/6/parts/0/text"] == ("", "field", "value")
    assert found["/tools/0/functionDeclarations/0/description"] == ("", "tool_definition", "value")


@pytest.mark.parametrize("contents", ["said", {"parts": [{"text": "said"}]}, {"parts": {"text": "said"}}])
def test_one_message_alone_is_said_by_the_user(contents: Any) -> None:
    (part,) = read_prompt("gemini.generate", {"contents": contents}).parts
    assert (part.role, part.kind, part.text) == ("user", "text", "said")


def test_tools_and_parameters_are_read() -> None:
    functions = [{"name": "f", "description": "d", "parameters": {"type": "OBJECT"}}]
    tools = [{"functionDeclarations": functions}, {"googleSearch": {}}, {"code_execution": {}}]
    config = {"maxOutputTokens": 9, "temperature": 0.5, "candidateCount": 2}
    prompt = read_prompt("gemini.generate", {"contents": [], "tools": tools, "generationConfig": config})
    assert [(tool.name, tool.description, tool.hosted) for tool in prompt.tools] == [
        ("f", "d", ""),
        ("googleSearch", "", "googleSearch"),
        ("codeExecution", "", "code_execution"),
    ]
    assert prompt.parameters == Parameters(max_tokens=9, temperature=0.5, n=2)
    counted = read_prompt(
        "gemini.count_tokens", {"generateContentRequest": {"model": "models/g", "tools": tools}}
    )
    assert (counted.tools, counted.models) == (prompt.tools, ("g",))


def test_a_path_that_streams_makes_a_stream() -> None:
    path = "/v1beta/models/g:{}"
    assert read_prompt("gemini.generate", {}, path.format("streamGenerateContent")).stream
    assert not read_prompt("gemini.generate", {"stream": True}, path.format("generateContent")).stream


def test_media_and_signatures_are_attachments() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": MEDIA}},
        {"text": "x", "thoughtSignature": MEDIA},
        {"fileData": {"fileUri": "https://x.example/a"}},
    ]
    prompt = read_prompt("gemini.generate", {"contents": [{"parts": parts}]})
    assert prompt.attachments == (Attachment("image", "image/png", 512), Attachment("signature", "", 512))
    assert MEDIA not in [part.text for part in prompt.parts]
    assert prompt.parts[-1].kind == "field"


def test_an_embedded_text_is_said_by_the_user_of_the_model_that_is_named() -> None:
    requests = [
        {"model": "models/e", "content": {"parts": [{"text": "said"}]}, "taskType": "RETRIEVAL_QUERY"}
    ]
    prompt = read_prompt("gemini.embeddings", {"requests": requests})
    assert prompt.models == ("e",)
    assert [(p.role, p.kind) for p in prompt.parts if p.text == "said"] == [("user", "text")]
    completion = read_completion("gemini.embeddings", {"embeddings": [{"values": [0.0023064255] * 4}]})
    assert completion.parts == ()


def test_a_completion_has_its_calls_and_usage() -> None:
    completion = read_completion(
        "gemini.generate",
        answer(
            {"text": "hm", "thought": True},
            {"text": "said"},
            {"functionCall": {"name": "send", "args": {"to": "a@b.example"}}, "thoughtSignature": MEDIA},
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        ),
    )
    called = [(call.name, call.arguments, call.pointers) for call in completion.tool_calls]
    at = "/candidates/0/content/parts"
    assert called == [
        ("send", {"to": "a@b.example"}, (f"{at}/2/functionCall/args/to",)),
        (
            "code_execution",
            {"language": "PYTHON", "code": "print(1)"},
            (f"{at}/3/executableCode/language", f"{at}/3/executableCode/code"),
        ),
    ]
    assert (completion.model, completion.finish_reason) == ("gemini-3-flash", "STOP")
    assert completion.usage == Usage(4155552, 12, 4000000, -1, 7)
    said = {part.pointer: (part.role, part.kind) for part in completion.parts if part.place == "value"}
    assert said[f"{at}/1/text"] == ("assistant", "text")
    assert said[f"{at}/4/codeExecutionResult/output"] == ("tool", "tool_result")


@pytest.mark.parametrize(
    "part",
    [
        "text",
        {"functionCall": {"args": {}}},
        {"functionCall": "f"},
        {"functionCall": {"name": "f", "willContinue": True}},
        {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.q", "stringValue": "x"}]}},
        {"functionCall": {"name": "f"}, "text": "x"},
        {"newCall": {"name": "f"}},
        {"mcpCall": {"name": "f"}},
    ],
)
def test_a_part_in_which_a_call_may_hide_is_malformed(part: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("gemini.generate", answer(part))


@pytest.mark.parametrize("change", [{"tool_calls": [{}]}, {"content": ["x"]}, {"content": {"parts": "x"}}])
def test_a_candidate_of_another_shape_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_completion("gemini.generate", answer(**change))


def test_token_probabilities_are_joined() -> None:
    tokens = [{"token": one, "tokenId": 1, "logProbability": -0.123456789} for one in ("ali", "ce@x.example")]
    document = answer({"text": "x"}, logprobsResult={"chosenCandidates": tokens})
    assert "alice@x.example" in [part.text for part in read_completion("gemini.generate", document).parts]


def test_a_blocked_prompt_has_a_reason() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g"}
    assert read_completion("gemini.generate", blocked).finish_reason == "SAFETY"


def test_what_the_gateway_did_not_see_is_named() -> None:
    stored = {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/files/a"}}
    body = {"contents": [{"role": "user", "parts": [stored]}], "cachedContent": "cachedContents/c"}
    assert read_prompt("gemini.generate", body).unseen == ("cachedContent", "fileUri")
    assert (
        read_prompt("gemini.generate", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).unseen
        == ()
    )
