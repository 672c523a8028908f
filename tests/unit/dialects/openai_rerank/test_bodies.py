"""What is ranked is said by a user; the scores are no numbers of a person."""

from __future__ import annotations

from gateway.dialects.registry import read_completion, read_prompt


def test_queries_and_documents_are_said_by_a_user() -> None:
    asked = {"model": "m", "query": "who?", "documents": ["Ana", {"text": "Bob"}], "top_n": 1}
    said = {
        part.pointer: part.text for part in read_prompt("openai.rerank", asked).parts if part.kind == "text"
    }
    assert said == {"/query": "who?", "/documents/0": "Ana", "/documents/1/text": "Bob"}


def test_documents_come_back_as_text_and_scores_are_exempt() -> None:
    ranked = {"index": 0, "document": {"text": "Ana"}, "relevance_score": 0.1234567891}
    answer = {"id": "r", "model": "m", "results": [ranked], "usage": {"total_tokens": 12345678}}
    completion = read_completion("openai.rerank", answer)
    texts = [part.text for part in completion.parts if part.kind == "text"]
    assert (texts, completion.usage.input_tokens) == (["Ana"], 12345678)
    assert all("score" not in part.pointer for part in completion.parts)
