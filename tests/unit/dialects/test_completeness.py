"""Every string, key and long number of a document is a part, whatever the document looks like."""

from __future__ import annotations

import base64
import copy
import functools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.anthropic_batches import bodies as anthropic_batches
from gateway.dialects.anthropic_count_tokens import bodies as anthropic_count_tokens
from gateway.dialects.anthropic_files import bodies as anthropic_files
from gateway.dialects.anthropic_messages import bodies as anthropic_messages
from gateway.dialects.bedrock import bodies as bedrock
from gateway.dialects.bedrock import claude
from gateway.dialects.bedrock import grammar as bedrock_grammar
from gateway.dialects.gemini import bodies as gemini
from gateway.dialects.gemini import grammar as gemini_grammar
from gateway.dialects.mcp import bodies as mcp
from gateway.dialects.mcp import grammar as mcp_grammar
from gateway.dialects.ollama import bodies as ollama
from gateway.dialects.openai_audio import bodies as openai_audio
from gateway.dialects.openai_chat import bodies as openai_chat
from gateway.dialects.openai_chat import grammar
from gateway.dialects.openai_completions import bodies as openai_completions
from gateway.dialects.openai_embeddings import bodies as openai_embeddings
from gateway.dialects.openai_files import bodies as openai_files
from gateway.dialects.openai_files import results as openai_results
from gateway.dialects.openai_images import bodies as openai_images
from gateway.dialects.openai_moderations import bodies as openai_moderations
from gateway.dialects.openai_rerank import bodies as openai_rerank
from gateway.dialects.openai_responses import bodies as openai_responses
from gateway.dialects.openai_responses import grammar as responses_grammar
from gateway.dialects.plain import bodies as plain
from gateway.dialects.reading.document import Malformed, escape, put
from gateway.words import Attachment, Part
from tests.support.pointers import at

NOISE = random.Random(7).randbytes(504)
MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + NOISE).decode()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        [
            *("user", "tool", "base64", "tool_use", "thinking", "reasoning", "input_image", "function_call"),
            *(MEDIA, f"data:image/png;base64,{MEDIA}"),
        ]
    )
)

Reading = tuple[tuple[Part, ...], tuple[Attachment, ...]]


@functools.cache  # Hypothesis takes longer to look at a new strategy than to draw from it
def documents(words: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects full of a dialect's own words in places right and wrong."""
    others = TEXT.filter(lambda key: key in words or key.casefold() not in words)
    keys = st.sampled_from([*sorted(words), "a/b~c", "", "x"]) | others
    inner = st.recursive(
        SCALARS,
        lambda value: st.lists(value, max_size=4) | st.dictionaries(keys, value, max_size=5),
        max_leaves=12,
    )
    return st.dictionaries(keys, inner, max_size=6)


def prompt_of(read: Callable[[Any], Any]) -> Callable[[Any], Reading]:
    def reading(document: Any) -> Reading:
        prompt = read(document)
        return prompt.parts, prompt.attachments

    return reading


CASES = {
    "openai prompt": (grammar.VOCABULARY, prompt_of(openai_chat.read_prompt), False),
    "openai completion": (grammar.VOCABULARY, grammar.RESPONSE.read, True),
    "responses prompt": (responses_grammar.VOCABULARY, prompt_of(openai_responses.read_prompt), False),
    "responses completion": (responses_grammar.VOCABULARY, responses_grammar.RESPONSE.read, True),
    "completions prompt": (
        openai_completions.VOCABULARY,
        prompt_of(openai_completions.read_prompt),
        False,
    ),
    "completions completion": (openai_completions.VOCABULARY, openai_completions.RESPONSE.read, True),
    "gemini prompt": (gemini_grammar.VOCABULARY, prompt_of(gemini.read_prompt), False),
    "gemini completion": (gemini_grammar.VOCABULARY, gemini_grammar.RESPONSE.read, True),
    "embeddings prompt": (
        openai_embeddings.VOCABULARY,
        prompt_of(openai_embeddings.read_prompt),
        False,
    ),
    "embeddings completion": (openai_embeddings.VOCABULARY, openai_embeddings.RESPONSE.read, True),
    "moderations prompt": (
        openai_moderations.VOCABULARY,
        prompt_of(openai_moderations.read_prompt),
        False,
    ),
    "moderations completion": (openai_moderations.VOCABULARY, openai_moderations.RESPONSE.read, True),
    "rerank prompt": (openai_rerank.VOCABULARY, prompt_of(openai_rerank.read_prompt), False),
    "rerank completion": (openai_rerank.VOCABULARY, openai_rerank.RESPONSE.read, True),
    "images prompt": (openai_images.VOCABULARY, prompt_of(openai_images.read_prompt), False),
    "images completion": (openai_images.VOCABULARY, openai_images.RESPONSE.read, True),
    "speech prompt": (openai_audio.VOCABULARY, prompt_of(openai_audio.read_prompt), False),
    "speech completion": (openai_audio.VOCABULARY, openai_audio.RESPONSE.read, True),
    "files prompt": (openai_files.VOCABULARY, prompt_of(openai_files.read_batch), False),
    "files completion": (openai_files.VOCABULARY, openai_files.RESPONSE.read, True),
    "batches completion": (anthropic_batches.VOCABULARY, anthropic_batches.RESPONSE.read, True),
    "claude's files": (anthropic_files.RESPONSE.words, anthropic_files.RESPONSE.read, True),
    "ollama prompt": (ollama.VOCABULARY, prompt_of(ollama.read_prompt), False),
    "ollama completion": (ollama.VOCABULARY, ollama.RESPONSE.read, True),
    "token counts": (anthropic_count_tokens.RESPONSE.words, anthropic_count_tokens.RESPONSE.read, True),
    "anthropic prompt": (anthropic_messages.VOCABULARY, prompt_of(anthropic_messages.read_prompt), False),
    "anthropic completion": (anthropic_messages.VOCABULARY, anthropic_messages.read_parts, True),
    "converse prompt": (bedrock_grammar.VOCABULARY, prompt_of(bedrock.read_prompt), False),
    "converse completion": (bedrock_grammar.VOCABULARY, bedrock_grammar.RESPONSE.read, True),
    "mcp request": (mcp_grammar.VOCABULARY, mcp_grammar.REQUEST.read, False),
    "mcp answer": (mcp_grammar.VOCABULARY, mcp_grammar.RESPONSE.read, True),
    "json prompt": (frozenset({"model", "stream"}), plain.REQUEST.read, False),
    "json completion": (frozenset[str](), prompt_of(plain.read_fields), False),
}


def strings(value: Any, here: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield here, value
    for pointer, child in children(value, here):
        yield from strings(child, pointer)


def keys(value: Any, here: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((f"{here}/{escape(key)}", key) for key in value)
    for pointer, child in children(value, here):
        yield from keys(child, pointer)


def long_numbers(value: Any, here: str = "") -> Iterator[str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        digits = format(Decimal(repr(value)), "f").removesuffix(".0")
        if sum(digit.isdigit() for digit in digits) >= 7:
            yield here
    for pointer, child in children(value, here):
        yield from long_numbers(child, pointer)


def children(value: Any, here: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{here}/{escape(key)}", child) for key, child in value.items()]
    return (
        [(f"{here}/{index}", child) for index, child in enumerate(value)] if isinstance(value, list) else []
    )


def as_they_stand(document: Any, parts: tuple[Part, ...]) -> list[Part]:
    """Return the parts without what base64 decodes to: that is a second part of its leaf."""
    values = {p.pointer for p in parts if p.place == "value" and at(document, p.pointer) == p.text}
    return [part for part in parts if part.place != "structural" or part.pointer not in values]


def by_words() -> dict[str, list[str]]:
    """The cases whose documents are made of the same words, under the names of them all."""
    groups: dict[frozenset[str], list[str]] = {}
    for name, (words, _, _) in CASES.items():
        groups.setdefault(frozenset(words), []).append(name)
    return {", ".join(names): names for names in groups.values()}


@pytest.mark.parametrize("cases", by_words().values(), ids=by_words())
@settings(max_examples=60)
@given(st.data())
def test_every_leaf_is_covered_once_and_replaced_at_its_pointer(
    cases: list[str], data: st.DataObject
) -> None:
    """All of each document: Hypothesis takes longer to draw one than the rest takes."""
    document = data.draw(documents(frozenset(CASES[cases[0]][0])))
    for case in cases:
        check_covered(case, copy.deepcopy(document))


def check_covered(case: str, document: Any) -> None:
    """Every leaf of the document is one part, and every part is replaced at its pointer."""
    words, read, is_response = CASES[case]
    every, attachments = read(document)
    parts = as_they_stand(document, every)
    joined = {
        p.pointer: p.text for p in parts if p.place != "key" and isinstance(at(document, p.pointer), list)
    }
    leaves = Counter(part.pointer for part in parts if part.place != "key")
    exempt = 0
    for pointer, text in strings(document):
        above = pointer.removesuffix("/token").rpartition("/")[0]
        if pointer.endswith("/token") and above in joined:
            assert text in joined[above], case
        elif leaves[pointer] == 0:
            assert MEDIA in text, case
            exempt += 1
        else:
            assert leaves[pointer] == 1, case
    assert exempt <= len(attachments), case
    named = Counter(part.pointer for part in parts if part.place == "key")
    for pointer, key in keys(document):
        assert named[pointer] == 1 if key not in words else named[pointer] <= 1, case
    if not is_response:
        assert all(leaves[pointer] == 1 for pointer in long_numbers(document)), case
    check_replaceable(document, every)


def check_replaceable(document: Any, parts: tuple[Part, ...]) -> None:
    """Every part can be read and replaced at its pointer; the document is spoilt by it."""
    for part in as_they_stand(document, parts):
        found = at(document, part.pointer)
        if part.place == "key":
            assert part.pointer.endswith(escape(part.text))
        elif isinstance(found, str) and "\\" not in found:
            assert found == part.text
        elif isinstance(found, (int, float)):
            assert type(found)(part.text) == found
    for part in parts:
        if part.place in ("value", "number"):
            assert at(put(document, part.pointer, "MASK"), part.pointer) == "MASK"


RESPONSES: list[Callable[[Any], Any]] = [
    openai_chat.read_completion,
    openai_completions.read_completion,
    openai_responses.read_completion,
    openai_embeddings.read_completion,
    openai_images.read_completion,
    openai_audio.read_completion,
    gemini.read_completion,
    ollama.read_completion,
    mcp.read_completion,
    openai_moderations.read_completion,
    openai_rerank.read_completion,
    anthropic_messages.read_completion,
    anthropic_count_tokens.read_completion,
    anthropic_batches.read_completion,
    anthropic_batches.read_line,
    openai_files.read_completion,
    openai_results.read_line,
    bedrock.read_completion,
    bedrock.read_count,
    claude.read_message_completion,
]


@given(st.data())
def test_any_response_is_read_or_malformed(data: st.DataObject) -> None:
    words = grammar.VOCABULARY | anthropic_messages.VOCABULARY | gemini_grammar.VOCABULARY
    words |= responses_grammar.VOCABULARY | mcp_grammar.VOCABULARY
    document = data.draw(documents(frozenset(words)) | SCALARS)
    for read in RESPONSES:
        with suppress(Malformed):
            read(copy.deepcopy(document))


@pytest.mark.parametrize("case", CASES)
def test_a_secret_survives_in_no_place_of_a_real_document_without_being_a_part(case: str) -> None:
    _, read, _ = CASES[case]
    for document in REAL:
        for pointer, _ in [*strings(document)]:
            spoilt = put(json.loads(json.dumps(document)), pointer, "alice@example.com AKIAIOSFODNN7EXAMPLE")
            assert any("alice@example.com" in part.text for part in read(spoilt)[0]), pointer


REAL: list[dict[str, Any]] = [
    {
        "model": "gpt-4o",
        "messages": [
            {"role": "developer", "content": "Be brief.", "name": "ops"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hello"},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": MEDIA, "format": "wav"}},
                    {"type": "file", "file": {"file_data": MEDIA, "filename": "a.pdf"}},
                ],
            },
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "42"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "d",
                    "parameters": {"type": "object", "properties": {"q": {"enum": ["x"]}}},
                },
            }
        ],
        "metadata": {"ticket": "T-1"},
        "user": "u-1",
        "prediction": {"type": "content", "content": [{"type": "text", "text": "guess"}]},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": "T"}}},
    },
    {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "plain"},
                    },
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MEDIA}},
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "42"}]},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": MEDIA},
                    {"type": "redacted_thinking", "data": MEDIA},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"q": ["x"]}},
                ],
            },
        ],
        "metadata": {"user_id": "u"},
        "mcp_servers": [{"type": "url", "url": "https://m.example", "name": "m", "authorization_token": "t"}],
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
    },
    {
        "model": "gpt-5",
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Hello"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{MEDIA}", "detail": "low"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": MEDIA},
                ],
            },
            {
                "type": "reasoning",
                "id": "r",
                "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": MEDIA,
            },
            {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [{"type": "input_text", "text": "42"}],
            },
            {"type": "custom_tool_call", "call_id": "d", "name": "sh", "input": "ls"},
            {"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "weather"}},
            {
                "type": "mcp_list_tools",
                "server_label": "s",
                "tools": [{"name": "t", "input_schema": {"a": "b"}}],
            },
            {"type": "image_generation_call", "id": "i", "result": MEDIA},
        ],
        "prompt": {"id": "pmpt_1", "variables": {"city": "Oslo"}},
        "tools": [
            {"type": "function", "name": "f", "parameters": {"properties": {"q": {"enum": ["x"]}}}},
            {"type": "mcp", "server_label": "s", "server_url": "https://m.example", "headers": {"x": "y"}},
        ],
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"title": "T"}}},
        "metadata": {"ticket": "T-1"},
    },
    {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "Hello"},
                    {"inlineData": {"mimeType": "image/png", "data": MEDIA}},
                    {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/files/a"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"id": "c", "name": "f", "args": {"q": ["x"]}}},
                    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                    {"text": "", "thoughtSignature": MEDIA},
                ],
            },
            {
                "role": "user",
                "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"r": "42"}}}],
            },
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d"}]}, {"googleSearch": {}}],
        "cachedContent": "cachedContents/c",
    },
]
