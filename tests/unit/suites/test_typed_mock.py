"""A mock made of an SDK's types answers what the SDK itself takes for an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from pydantic import TypeAdapter

from suites.typed_mock import Answers, answer_of, example, read_answers


@pytest.fixture(scope="module")
def answers() -> Answers:
    return read_answers("anthropic")


def test_every_answer_is_of_its_type(answers: Answers) -> None:
    assert ("POST", "/v1/messages") in answers
    for kind in answers.values():
        if hasattr(kind, "model_fields"):
            TypeAdapter(kind).validate_json(json.dumps(example(kind)))


def test_an_endpoint_is_found_by_its_path(answers: Answers) -> None:
    def told(method: str, target: str) -> Any:
        found = answer_of(answers, method, target)
        return found and json.loads(found[1])

    assert Message.model_validate(told("POST", "/v1/messages")).role == "assistant"
    assert told("GET", "/v1/models?limit=3")["data"]
    assert told("GET", "/v1/models/m?beta=true")["id"] == "string"
    assert told("GET", "/v1/no-such-path") is None
    assert told("PUT", "/v1/messages") is None


def test_a_file_is_answered_as_bytes(answers: Answers) -> None:
    found = answer_of(answers, "GET", "/v1/files/file_1/content?beta=true")
    assert found is not None
    assert found[0] == "application/binary"
