"""Each line of a file is read as the request that it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects import Malformed
from gateway.dialects.openai_files.requests import read_lines
from gateway.dialects.reading.lines import Lines
from gateway.errors import InvalidRequest
from gateway.words import Prompt

MESSAGES = [{"role": "user", "content": "hello"}]


def asked(url: str, **body: Any) -> dict[str, Any]:
    return {"custom_id": "r-1", "method": "POST", "url": url, "body": body}


def read(*lines: Any, is_batch: bool = True) -> Prompt:
    raw = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_lines(Lines(raw.encode()), is_batch=is_batch)


def test_a_line_has_the_dialect_of_its_address() -> None:
    prompt = read(
        asked("/v1/chat/completions", model="m", messages=MESSAGES),
        "",
        asked("/v1/responses", model="n", input="hi", tools=[{"type": "function", "name": "f"}]),
        asked("/v1/embeddings", model="e", input=["a", "b"]),
    )

    said = {part.pointer: part.text for part in prompt.parts if (part.role, part.kind) == ("user", "text")}
    assert said["/0/body/messages/0/content"] == "hello"
    assert said["/2/body/input"] == "hi"
    assert {"/3/body/input/0", "/3/body/input/1"} <= {part.pointer for part in prompt.parts}
    assert prompt.models == ("m", "n", "e")
    assert [tool.name for tool in prompt.tools] == ["f"]
    places = {part.pointer: part.place for part in prompt.parts}
    assert places["/0/custom_id"] == places["/0/url"] == "structural"


@pytest.mark.parametrize(
    "line",
    [
        *("words", "[]", "{}", {"messages": MESSAGES}, asked("/v1/videos", prompt="x"), asked("/v1/batches")),
        {**asked("/v1/chat/completions", messages=MESSAGES), "method": "GET"},
        {**asked("/v1/chat/completions"), "body": "{}"},
        {**asked("/v1/chat/completions", messages=MESSAGES), "Body": {"model": "other"}},
    ],
)
def test_a_line_of_a_batch_that_asks_no_dialect_is_malformed(line: Any) -> None:
    with pytest.raises(Malformed):
        read(asked("/v1/chat/completions", messages=MESSAGES), line)


@pytest.mark.parametrize("url", ["/v1/../admin", "https://x.example/v1/chat/completions"])
def test_an_address_that_can_be_read_otherwise_is_refused(url: str) -> None:
    with pytest.raises((InvalidRequest, Malformed)):
        read(asked(url, messages=MESSAGES))


def test_a_body_is_left_to_its_dialect_where_it_stands_and_nowhere_else() -> None:
    line = {
        **asked("/v1/chat/completions", messages=MESSAGES),
        "x": {"body": "a"},
        "custom_id": {"body": "b"},
    }
    assert {"a", "b"} <= {part.text for part in read(line).parts}


def test_lines_to_train_with_are_conversations_and_others_what_a_file_says() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    prompt = read(
        {"messages": [*MESSAGES, {"role": "assistant", "tool_calls": [call]}]},
        {"item": {"tool_calls": [call], "note": "x"}},
        asked("/v1/unknown", note="y"),
        "words",
        is_batch=False,
    )

    labels = {part.pointer: (part.role, part.kind) for part in prompt.parts if part.place == "value"}
    assert labels["/0/messages/0/content"] == ("user", "text")
    assert labels["/1/item/note"] == labels["/2/body/note"] == labels["/3"] == ("user", "tool_result")
