"""The grammar of `openai.chat`: the words of its schema, and how the value of each is read."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_chat.media import audio, file, image, recording
from gateway.dialects.reading.document import escape
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    Label,
    Reader,
    Walk,
    call_arguments,
    counted,
    free,
    grammars,
    labeled,
    messages,
    reference,
    schema,
    signed,
    structural,
    url,
    words,
)
from gateway.dialects.reading.tokens import read_tokens

THOUGHTS = "reasoning_details"
"""The list of what a model thought, of which each item may be signed."""

_LABELS: dict[str, Label] = {
    **{role: (role, "system") for role in ("system", "developer")},
    **{role: (role, "text") for role in ("user", "assistant")},
    **{role: (role, "tool_result") for role in ("tool", "function")},
}


def _message(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Label the message or delta of a choice as the assistant's; other objects have such keys too."""
    speaks = isinstance(value, dict) and at.startswith("/choices/") and at.count("/") == 3  # /choices/0/delta
    walk.syntax(value, at, ASSISTANT if speaks else label)


def _named(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a tool's name as syntax, and the name of a message's author as text."""
    authored = label[1] in ("text", "system") and "role" in parent
    if authored:
        walk.syntax(value, at, (label[0], "field"))
    else:
        walk.structural(value, at, label)


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the tokens of each list in it joined."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, tokens in value.items():
        here = f"{at}/{escape(key)}"
        if key not in ("content", "refusal"):
            walk.text(key, here, label, "key")
        read_tokens(walk, tokens, here, label)


def _signed(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what models thought: a list of objects that may be signed or encrypted, and go back to them."""
    if not isinstance(value, list):
        walk.free(value, at, label)
        return
    for index, item in enumerate(value):
        walk.free(item, f"{at}/{index}", signed(label) if isinstance(item, dict) else label)


_STRUCTURAL = words(
    """
    model type id role tool_call_id object finish_reason service_tier system_fingerprint format detail
    syntax mode ttl voice modalities reasoning_effort verbosity effort summary tool_choice code
    param prompt_cache_retention search_context_size
    """
)

_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("metadata", "logit_bias"), free),
    **dict.fromkeys(("parameters", "schema"), schema),
    THOUGHTS: _signed,
    **dict.fromkeys(("tool_calls", "function_call"), labeled("tool_call")),
    **dict.fromkeys(("tools", "functions", "response_format"), labeled("tool_definition")),
    "url": url,
    "image_url": image,
    "input_audio": audio,
    "file": file,
    "messages": messages(_LABELS),
    "file_id": reference("file_id"),
    "name": _named,
    "arguments": call_arguments,
}

_COMMON = words(
    """
    n stream messages content refusal reasoning_content reasoning text function custom input
    audio data file_data filename transcript annotations index
    """
)

# Keys of the schema: https://platform.openai.com/docs/api-reference/chat (request)
_REQUEST_WORDS = words(
    """
    max_tokens max_completion_tokens temperature top_p seed stop stream_options include_usage
    include_obfuscation frequency_penalty presence_penalty logprobs top_logprobs parallel_tool_calls
    prediction user safety_identifier prompt_cache_key prompt_cache_options prompt_cache_breakpoint
    store web_search_options moderation description strict json_schema grammar definition allowed_tools
    """
)

# Keys of the schema: https://platform.openai.com/docs/api-reference/chat/object, /streaming and its errors
_RESPONSE_WORDS = words(
    """
    choices message delta url_citation title start_index end_index images error obfuscation created
    expires_at usage prompt_tokens completion_tokens total_tokens prompt_tokens_details
    completion_tokens_details cached_tokens cache_write_tokens audio_tokens image_tokens text_tokens
    reasoning_tokens accepted_prediction_tokens rejected_prediction_tokens logprobs top_logprobs token
    bytes logprob
    """
)

REQUEST, RESPONSE = grammars(
    _COMMON,
    _READERS,
    request=_REQUEST_WORDS,
    response=_RESPONSE_WORDS,
    response_readers={
        **dict.fromkeys(("created", "expires_at", "usage"), counted),
        **dict.fromkeys(("message", "delta"), _message),
        "audio": recording,
        "logprobs": _logprobs,
    },
)
VOCABULARY = REQUEST.words | RESPONSE.words
