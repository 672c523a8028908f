"""The typed values of API requests: numbers that an API reads as numbers, and the ids that it gave itself."""

from __future__ import annotations

import re

SURE = 0.85  # a card, an IBAN or an id that its own name tells is a finding even there
# Of OpenAI's and Anthropic's requests, and of JSON Schema, in the spelling of both.
_NUMBERS = frozenset(
    """
    seed n max_tokens max_completion_tokens max_output_tokens budget_tokens temperature top_p top_k
    top_logprobs logprobs frequency_penalty presence_penalty timeout index created created_at dimensions
    minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems
    minProperties maxProperties const default enum examples
    """.split()  # noqa: SIM905 - read more easily than a list
)
_IDS = frozenset(
    """
    id call_id item_id tool_call_id tool_use_id previous_response_id response_id message_id file_id batch_id
    conversation thread_id run_id assistant_id vector_store_id request_id container
    """.split()  # noqa: SIM905 - read more easily than a list
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+\-]?\d+)?")
_ISSUED = re.compile(r"[A-Za-z]{1,16}(?:[_\-][a-z]{1,16}){0,2}[_\-][A-Za-z0-9_\-]{6,128}")


def is_scalar(key: str, text: str) -> bool:
    """Return whether the whole text is such a value under its key."""
    pattern = _NUMBER if key in _NUMBERS else _ISSUED if key in _IDS else None
    return pattern is not None and pattern.fullmatch(text) is not None
