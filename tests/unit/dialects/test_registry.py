"""Which dialect a request speaks, and what a refusal looks like in it."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from gateway.dialects import (
    dialect_of,
    error_document,
    error_event,
    stream_reader,
)
from gateway.dialects.reading.sse import encode

JSON = "application/json; charset=utf-8"
FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("family", "method", "path", "content_type", "has_body", "dialect"),
    [
        ("openai", "POST", "/v1/chat/completions", JSON, True, "openai.chat"),
        ("openai", "POST", "/openai/deployments/x/chat/completions", "Application/JSON", True, "openai.chat"),
        ("anthropic", "POST", "/v1/messages", JSON, True, "anthropic.messages"),
        ("anthropic", "POST", "/base/v1/messages", JSON, True, "anthropic.messages"),
        ("openai", "POST", "/v1/messages", JSON, True, "json"),
        ("anthropic", "POST", "/v1/chat/completions", JSON, True, "json"),
        ("anthropic", "POST", "/v1/messages/count_tokens", JSON, True, "anthropic.count_tokens"),
        ("ollama", "POST", "/api/chat", JSON, True, "ollama.chat"),
        ("ollama", "POST", "/api/generate", JSON, True, "ollama.generate"),
        ("ollama", "POST", "/api/embed", JSON, True, "ollama.embeddings"),
        ("ollama", "POST", "/api/pull", JSON, True, "json"),
        ("openai", "POST", "/v1/images/generations", JSON, True, "openai.images"),
        ("openai", "POST", "/v1/audio/speech", JSON, True, "openai.audio"),
        ("openai", "POST", "/v1/completions", JSON, True, "openai.completions"),
        ("openai", "POST", "/completions", JSON, True, "openai.completions"),
        ("openai", "POST", "/openai/deployments/x/completions", JSON, True, "openai.completions"),
        ("openai", "POST", "/openai/v1/chat/completions", JSON, True, "openai.chat"),
        ("openai", "POST", "/openai/v1/embeddings", JSON, True, "openai.embeddings"),
        ("gemini", "POST", "/v1beta/models/g:generateContent", JSON, True, "gemini.generate"),
        ("gemini", "POST", "/v1/models/g:streamGenerateContent", JSON, True, "gemini.generate"),
        ("gemini", "POST", "/v1/projects/p/models/g:generateContent", JSON, True, "gemini.generate"),
        ("gemini", "POST", "/v1beta/models/g:countTokens", JSON, True, "gemini.count_tokens"),
        ("gemini", "POST", "/v1beta/models/g:embedContent", JSON, True, "gemini.embeddings"),
        ("gemini", "POST", "/v1beta/models/g:batchEmbedContents", JSON, True, "gemini.embeddings"),
        ("gemini", "POST", "/v1beta/models/g:predict", JSON, True, "json"),
        ("openai", "POST", "/v1beta/models/g:generateContent", JSON, True, "json"),
        ("openai", "POST", "/v1/embeddings", JSON, True, "openai.embeddings"),
        ("openai", "POST", "/openai/deployments/x/embeddings", JSON, True, "openai.embeddings"),
        ("openai", "POST", "/v1/moderations", JSON, True, "openai.moderations"),
        ("openai", "POST", "/v1/fim/completions", JSON, True, "openai.fim"),
        ("openai", "POST", "/rerank", JSON, True, "openai.rerank"),
        ("openai", "POST", "/v1/score", JSON, True, "openai.rerank"),
        ("openai", "POST", "/tokenize", JSON, True, "json"),
        ("anthropic", "POST", "/v1/threads/t/messages", JSON, True, "json"),
        ("openai", "POST", "/v1/xchat/completions", JSON, True, "json"),
        ("openai", "PUT", "/v1/chat/completions", JSON, True, "json"),
        ("openai", "POST", "/v1/x", "application/vnd.api+json", True, "json"),
        ("openai", "GET", "/v1/models", "", False, "none"),
        ("openai", "POST", "/v1/chat/completions", JSON, False, "none"),
        ("openai", "POST", "/v1/audio/speech", FORM, True, "form"),
        ("openai", "POST", "/v1/audio/transcriptions", FORM, True, "openai.audio"),
        ("openai", "POST", "/openai/deployments/x/audio/translations", FORM, True, "openai.audio"),
        ("openai", "POST", "/v1/images/edits", FORM, True, "openai.images"),
        ("openai", "POST", "/v1/files", FORM, True, "openai.files"),
        ("openai", "POST", "/v1/uploads/u/parts", FORM, True, "openai.uploads"),
        ("openai", "POST", "/v1/uploads", JSON, True, "openai.uploads"),
        ("openai", "POST", "/v1/batches", JSON, True, "openai.batches"),
        ("openai", "GET", "/v1/files", "", False, "none"),
        ("openai", "GET", "/v1/files/f", "", False, "openai.files"),
        ("openai", "GET", "/v1/files/f/content", "", False, "openai.files"),
        ("openai", "POST", "/v1/batches/b/cancel", "", False, "openai.batches"),
        ("anthropic", "POST", "/v1/messages/batches", JSON, True, "anthropic.batches"),
        ("anthropic", "GET", "/v1/messages/batches/b/results", "", False, "anthropic.batches"),
        ("anthropic", "POST", "/v1/files", FORM, True, "anthropic.files"),
        ("anthropic", "POST", "/v1/skills", FORM, True, "form"),
        ("anthropic", "GET", "/v1/files", "", False, "none"),
        ("anthropic", "GET", "/v1/files/f", "", False, "anthropic.files"),
        ("anthropic", "GET", "/v1/files/f/content", "", False, "anthropic.files"),
        ("anthropic", "DELETE", "/v1/files/f", "", False, "anthropic.files"),
        ("openai", "POST", "/v1/images/edits", JSON, True, "openai.images"),
        ("openai", "POST", "/v1/images/variations", JSON, True, "json"),
        ("openai", "POST", "/v1/chat/completions/", JSON, True, "openai.chat"),
        ("openai", "PUT", "/v1/files", "Multipart/Form-Data; boundary=x", True, "form"),
        ("openai", "POST", "/v1/files", "multipart/mixed; boundary=x", True, "opaque"),
        ("openai", "POST", "/v1/chat/completions", "application/x-ndjson", True, "lines"),
        ("openai", "POST", "/v1/chat/completions", "", True, "opaque"),
        ("openai", "POST", "/v1/chat/completions", "text/plain; a=application/json", True, "opaque"),
    ],
)
def test_the_dialect_comes_from_family_path_and_content_type(
    family, method, path, content_type, has_body, dialect
) -> None:
    assert dialect_of(family, method, path, content_type, has_body) == dialect


def test_only_known_streams_have_a_reader() -> None:
    assert stream_reader("json") is stream_reader("none") is stream_reader("opaque") is None


EXTRA = {"decision_id": "d1", "reasons": [{"rule": "r"}], "approval_id": "a1"}


def test_openai_clients_raise_a_refusal_with_its_code() -> None:
    document = error_document("openai", "policy_denied", "no", EXTRA)
    response = httpx.Response(403, json=document, request=httpx.Request("POST", "http://x"))
    client = openai.OpenAI(
        api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(lambda _: response))
    )
    with client, pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(model="m", messages=[])
    assert caught.value.code == "policy_denied"
    assert caught.value.body == {
        **EXTRA,
        "message": "no",
        "type": "permission_error",
        "code": "policy_denied",
        "param": None,
    }


def test_anthropic_clients_raise_a_refusal_with_its_code() -> None:
    document = error_document("anthropic", "approval_required", "wait", EXTRA)
    response = httpx2.Response(403, json=document, request=httpx2.Request("POST", "http://x"))
    client = anthropic.Anthropic(
        api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _: response))
    )
    with client, pytest.raises(anthropic.PermissionDeniedError) as caught:
        client.messages.create(model="m", messages=[], max_tokens=1)
    assert caught.value.body == json.loads(json.dumps(document))
    assert document["error"]["approval_id"] == "a1"


def test_extra_cannot_replace_the_code() -> None:
    assert error_document("openai", "policy_denied", "no", {"code": "x", "message": "y"})["error"][
        "code"
    ] == ("policy_denied")


def test_both_sdks_raise_the_error_event() -> None:
    def answer(http: Any, family: str) -> Any:
        body = encode(error_event(family, error_document(family, "policy_denied", "no", EXTRA)))
        headers = {"content-type": "text/event-stream"}
        response = http.Response(200, headers=headers, content=body, request=http.Request("POST", "http://x"))
        return http.Client(transport=http.MockTransport(lambda _: response))

    with openai.OpenAI(api_key="k", http_client=answer(httpx, "openai")) as client:
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        with pytest.raises(openai.APIError) as refused:
            next(iter(stream))
        assert refused.value.code == "policy_denied"
    with anthropic.Anthropic(api_key="k", http_client=answer(httpx2, "anthropic")) as client:
        stream = client.messages.create(model="m", messages=[], max_tokens=1, stream=True)
        with pytest.raises(anthropic.APIStatusError) as denied:
            next(iter(stream))
        assert denied.value.body["error"]["code"] == "policy_denied"
