"""Prompts and completions of `anthropic.batches`: each request is read as the message that it asks for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from gateway.dialects.anthropic_messages import bodies as messages
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.joining import below, completion_below, joined
from gateway.dialects.reading.leaves import Grammar, counted, structural, words
from gateway.dialects.reading.scalars import mapping
from gateway.dialects.reading.toolless import members_of, toolless_completion
from gateway.words import Completion, Prompt

_HOST = re.compile(r"https?://[^/]+(?=/)")


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request that starts a batch. Raises Malformed when a request in it is none."""
    requests = members_of(document).get("requests")
    if not isinstance(requests, list):
        raise Malformed("expected a list of requests")
    prompts, around = [], []
    for index, request in enumerate(requests):
        if not isinstance(request, dict) or not isinstance(request.get("params"), dict):
            raise Malformed("expected each request of a batch to have parameters")
        prompts.append(below(messages.read_prompt(request["params"]), f"/requests/{index}/params"))
        around.append({key: value for key, value in request.items() if key != "params"})
    return joined(Prompt(*_REQUEST.read({**document, "requests": around})), prompts)


def read_completion(document: Any) -> Completion:
    """Return the completion of what the provider says of batches. Raises Malformed.

    Where results are fetched, the provider's own host is taken out: clients would go there past the gateway,
    and with its key.
    """
    for batch in (document, *(_list(document))):
        if isinstance(batch, dict) and isinstance(batch.get("results_url"), str):
            batch["results_url"] = _HOST.sub("", batch["results_url"], count=1)
    return toolless_completion(RESPONSE, document)


def read_line(item: Any) -> Completion:
    """Return the completion of one result. Raises Malformed."""
    result = mapping(members_of(item), "result")
    around = {**item, "result": {key: value for key, value in result.items() if key != "message"}}
    if "message" not in result:
        return toolless_completion(_RESULT, item)
    said = completion_below(messages.read_completion(result["message"]), "/result/message")
    return replace(said, parts=(*toolless_completion(_RESULT, around).parts, *said.parts))


def _list(document: Any) -> list[Any]:
    data = document.get("data") if isinstance(document, dict) else None
    return data if isinstance(data, list) else []


# Keys of the schema: https://platform.claude.com/docs/en/api/creating-message-batches
_STRUCTURAL = words("custom_id id type processing_status results_url first_id last_id request_id")
_SHARED = dict.fromkeys(_STRUCTURAL, structural)
_REQUEST = Grammar(words("requests params") | _STRUCTURAL, _SHARED)
_COUNTED = words("request_counts created_at ended_at expires_at archived_at cancel_initiated_at")
RESPONSE = Grammar(
    words("data has_more error message processing succeeded errored canceled expired")
    | _STRUCTURAL
    | _COUNTED,
    {**_SHARED, **dict.fromkeys(_COUNTED, counted)},
)
_RESULT = Grammar(words("result error message") | _STRUCTURAL, _SHARED)
VOCABULARY = RESPONSE.words
