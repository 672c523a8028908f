"""The grammar of `openai.responses`: the words of its schema, and how the value of each is read."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.dialects.openai_responses.items import (
    CALL,
    RESULT,
    RESULTS,
    SEALED_TYPES,
    SYSTEM,
    THOUGHT,
    USER,
    is_sealed,
    label_of,
)
from gateway.dialects.openai_responses.media import audio, image, media, recording
from gateway.dialects.reading.document import escape
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    FIELD,
    Label,
    Reader,
    Walk,
    call_arguments,
    counted,
    free,
    grammars,
    reference,
    sealed,
    structural,
    url,
    words,
)
from gateway.dialects.reading.tokens import read_tokens

_PARTIAL_AUDIO = "response.audio.delta"
# Where items stand: in prompts, completions, lists of stored items and the events of a stream.
_ITEMS = ("/input", "/output", "/data", "/instructions", "/response/output", "/response/instructions")


def _items(answers: bool, walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read items, each as whom it speaks; further inside, the same keys hold a call's input and output."""
    if at not in _ITEMS:
        _result(walk, parent, value, at, label)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _item(answers, walk, parent, item, f"{at}/{index}", label)
    else:
        walk.syntax(value, at, USER if at == "/input" else label)


def _item(answers: bool, walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read one item, of a prompt or of what `answers` it.

    There one of a type that is not known counts as a call, and what a model thought as signed. Callers sign
    nothing: in a prompt it is text unless it brings the provider's seal.
    """
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    if value.get("type") == "item_reference" or value.keys() == {"id"}:
        walk.references.append("item_reference")
    label = label_of(value, CALL if answers else FIELD)
    if label == THOUGHT and not (answers or is_sealed(value)):
        label = ASSISTANT
    walk.block = at
    walk.members(value, at, label)
    walk.block = ""


def _instructions(walk: Walk, parent: dict[str, Any], value: Any, at: str, _: Label) -> None:
    if isinstance(value, list):
        _items(False, walk, parent, value, at, SYSTEM)
    else:
        walk.syntax(value, at, SYSTEM)


def _result(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what a call gave, which some items hold beside what was asked."""
    gave = label == CALL and at.rpartition("/")[2] in RESULTS
    label = RESULT if gave else label
    if parent.get("type") == "image_generation_call":
        media("image", "image_generation_call")(walk, parent, value, at, label)
    else:
        walk.syntax(value, at, label)


def is_thought(kind: str) -> bool:
    """Return whether an event of a stream writes what a model thought."""
    return kind.startswith("response.reasoning")


def _spoken(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what an event of a stream says: the assistant's text, or the output of a tool."""
    kind = parent.get("type")
    if at.count("/") != 1 or not isinstance(kind, str) or "." not in kind:
        walk.syntax(value, at, label)
    elif kind == _PARTIAL_AUDIO and isinstance(value, str):
        recording(walk, value, at, label)
    elif is_thought(kind) or (isinstance(value, dict) and value.get("type") == "reasoning_text"):
        walk.syntax(value, at, THOUGHT)
    else:
        walk.syntax(value, at, RESULT if "output_content" in kind else ASSISTANT)


def _text(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a text; at the top of a body `text` says which form the answer should have."""
    if isinstance(value, dict):
        walk.syntax(value, at, (label[0], "tool_definition"))
    else:
        _spoken(walk, parent, value, at, label)


def _tools(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read tools; those that a tool server names are what the server says."""
    walk.syntax(value, at, label if label == RESULT else (label[0], "tool_definition"))


def _code(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the program of a call; elsewhere it is the code of an error."""
    if label == CALL:
        walk.syntax(value, at, label)
    else:
        walk.structural(value, at, label)


def _variables(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what is put into a stored prompt: the names are keys, the values are the user's."""
    if not isinstance(value, dict):
        walk.syntax(value, at, USER)
        return
    for key, item in value.items():
        here = f"{at}/{escape(key)}"
        walk.text(key, here, label, "key")
        walk.syntax(item, here, USER)


def _prompt(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a stored prompt, whose text is not in the request."""
    if isinstance(value, dict) and value.get("id"):
        walk.references.append("prompt.id")
    walk.syntax(value, at, label)


def _container(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the container of a tool: one that is named may hold files."""
    if isinstance(value, str):
        reference("container")(walk, parent, value, at, label)
    else:
        walk.syntax(value, at, label)


def _data(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a list of stored items, or an archive in base64."""
    if at == "/data":
        _items(False, walk, parent, value, at, label)
    else:
        media("file", "base64")(walk, parent, value, at, label)


_STRUCTURAL = words(
    """
    model type id role name status object call_id item_id caller_id approval_request_id server_label
    connector_id tunnel_id namespace phase detail syntax mode ttl effort summary verbosity truncation
    service_tier tool_choice include param execution version media_type format generate_summary quality
    size background output_format input_fidelity complexity action environment ranker memory_limit cyber
    completion_window context_compression search_context_size search_content_types allowed_callers
    prompt_cache_retention stream_id error_type moderation_stage first_id last_id button require_approval
    personality
    """
)
# What stands for text that is kept elsewhere.
_REFERENCES = words(
    """
    previous_response_id conversation file_id file_ids file_url vector_store_ids container_id skill_id
    """
)

_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **{name: reference(name) for name in _REFERENCES},
    **dict.fromkeys(("metadata", "parameters", "schema", "input_schema", "output_schema"), free),
    **dict.fromkeys(("attributes", "headers", "env"), free),
    **dict.fromkeys(("input", "output"), partial(_items, False)),
    **dict.fromkeys(("outputs", "results", "result", "error"), _result),
    **dict.fromkeys(("url", "server_url"), url),
    "data": _data,
    "item": partial(_item, False),
    "instructions": _instructions,
    "text": _text,
    "tools": _tools,
    "code": _code,
    "arguments": call_arguments,
    "variables": _variables,
    "prompt": _prompt,
    "container": _container,
    "image_url": image,
    "input_audio": audio,
    "file_data": media("file", "input_file"),
    "encrypted_content": sealed("encrypted", *SEALED_TYPES),
}

# Keys of the schema: https://platform.openai.com/docs/api-reference/responses (items and tools)
_COMMON = words(
    """
    access_programs acknowledged_safety_checks actions allowed_domains allowed_tools always annotations
    approve async authorization caller categories city command commands content context context_management
    country created_by defer_loading description diff display_height display_width domain domain_secrets
    embedding_weight end_index exit_code external_web_access filename filters fingerprint frame_count
    frame_duration_ms generate hybrid_search image index input_image_mask key keys logs max_num_results
    max_output_length max_output_tokens max_tool_calls message moderation moderation_details network_policy
    never operation outcome output_compression parallel_tool_calls partial_images path pattern
    pending_safety_checks policy prompt_cache_breakpoint prompt_cache_key prompt_cache_options queries
    query ranking_options read_only reason reasoning refusal region revised_prompt safety_identifier score
    score_threshold scroll_x scroll_y server_description skills source sources start_index stderr stdout
    stream strict svg svg_usage temperature text_weight timeout_ms timezone title tool_names top_logprobs
    top_p user user_location value working_directory x y input_tokens output_tokens reasoning_tokens
    total_tokens comparison_response_id
    """
)

# https://platform.openai.com/docs/api-reference/responses/create
_REQUEST_WORDS = words(
    """
    background_options compact_threshold continuation_id include_obfuscation prewarm store stream_options
    token logprob logprobs bytes definition definitions
    """
)

# https://platform.openai.com/docs/api-reference/responses/object, /responses-streaming
_RESPONSE_WORDS = words(
    """
    annotation annotation_index cache_missed_tokens cache_write_tokens cache_write_tokens_details
    cached_image_tokens cached_text_tokens cached_tokens cached_tokens_details category_applied_input_types
    category_scores command_index comparison_reusable_tokens completed_at content_index created_at delta
    detailed_explanation flagged has_more image_gen image_tokens incomplete_details input_tokens_details
    input_transformations misalignment num_requests obfuscation output_index output_tokens_details parsed
    parsed_arguments part partial_image_b64 partial_image_index prompt_cache_diagnostics required_input
    response review_target sequence_number steer store summary_index text_tokens tool_usage transcript
    ttl_12h_tokens ttl_30m_tokens usage web_search token logprob logprobs bytes deleted
    """
)


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    read_tokens(walk, value, at, label)


REQUEST, RESPONSE = grammars(
    _COMMON,
    _READERS,
    request=_REQUEST_WORDS,
    response=_RESPONSE_WORDS,
    response_readers={
        **dict.fromkeys(("created_at", "completed_at", "usage", "tool_usage", "sequence_number"), counted),
        **dict.fromkeys(("part", "delta", "refusal", "transcript", "annotation"), _spoken),
        **dict.fromkeys(("input", "output"), partial(_items, True)),
        "item": partial(_item, True),
        "partial_image_b64": media("image", "response.image_generation_call.partial_image"),
        "logprobs": _logprobs,
    },
)
VOCABULARY = REQUEST.words | RESPONSE.words
