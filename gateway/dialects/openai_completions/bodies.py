"""Prompts and completions of `openai.completions`: a text goes in, and what follows it comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.openai_chat.bodies import read_usage
from gateway.dialects.reading.document import Malformed, escape
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    free,
    labeled,
    structural,
    words,
)
from gateway.dialects.reading.scalars import integer, mappings, number, string
from gateway.dialects.reading.tokens import read_beside, read_tokens
from gateway.dialects.reading.toolless import members_of, toolless_completion, toolless_prompt
from gateway.dialects.reading.vectors import tokens_or_text
from gateway.words import Completion, Parameters, Prompt


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body."""
    prompt = toolless_prompt(_REQUEST, document)
    if not isinstance(document, dict):
        return prompt
    count = max(integer(document, "n"), 1) if "n" in document else 1
    prompts = document.get("prompt")
    batch = len(prompts) if isinstance(prompts, list) and not _is_tokens(prompts) else 1
    parameters = Parameters(
        max_tokens=integer(document, "max_tokens"),
        temperature=number(document, "temperature"),
        n=count * max(batch, 1),
    )
    return replace(prompt, parameters=parameters)


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body. Raises Malformed."""
    choices = members_of(document).get("choices")
    if choices is not None and (not isinstance(choices, list) or not all(map(_is_choice, choices))):
        raise Malformed("expected choices with a text")
    completion = toolless_completion(RESPONSE, document, read_usage(document))
    finish = next((string(choice, "finish_reason") for _, choice in mappings(choices)), "")
    return replace(completion, finish_reason=finish)


def _is_choice(choice: Any) -> bool:
    told = isinstance(choice, dict) and not choice.get("message") and not choice.get("delta")
    return told and isinstance(choice.get("text", ""), str)


def _is_tokens(prompts: list[Any]) -> bool:
    return bool(prompts) and isinstance(prompts[0], int)


def _prompt(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    tokens_or_text(walk, value, at, ("user", "text"))


def _said(label: Label) -> Reader:
    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
        walk.syntax(value, at, label)

    return read


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what columns tell of tokens."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, item in value.items():
        here = f"{at}/{escape(key)}"
        if key not in RESPONSE.words:
            walk.text(key, here, label, "key")
        if key == "tokens":
            read_tokens(walk, item, here, label, at)
        elif key == "top_logprobs":
            read_beside(walk, item, here, at)
        else:
            walk.counted(item, here, label)


# Keys of the schema: https://platform.openai.com/docs/api-reference/completions, and what vLLM adds to it
_STRUCTURAL = words(
    "model object id finish_reason stop_reason system_fingerprint service_tier type code param"
)
_SHARED: dict[str, Reader] = dict.fromkeys(_STRUCTURAL, structural)
_REQUEST_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(("logit_bias", "metadata"), free),
    **dict.fromkeys(("response_format", "structured_outputs", "guided_json"), labeled("tool_definition")),
    "prompt": _prompt,
    "suffix": _said(("user", "text")),
}
_RESPONSE_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(("created", "usage"), counted),
    "text": _said(ASSISTANT),
    "logprobs": _logprobs,
}
_REQUEST = Grammar(
    words(
        """
        stream stream_options include_usage include_obfuscation best_of echo frequency_penalty logprobs
        max_tokens n presence_penalty seed stop temperature top_p user min_p top_k repetition_penalty
        length_penalty ignore_eos min_tokens skip_special_tokens truncate_prompt_tokens priority
        """
    )
    | _REQUEST_READERS.keys(),
    _REQUEST_READERS,
)
RESPONSE = Grammar(
    words(
        """
        choices index error message tokens token_logprobs top_logprobs text_offset prompt_tokens
        completion_tokens total_tokens prompt_tokens_details completion_tokens_details cached_tokens
        audio_tokens reasoning_tokens accepted_prediction_tokens rejected_prediction_tokens obfuscation
        """
    )
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
