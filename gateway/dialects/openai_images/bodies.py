"""Prompts and completions of `openai.images`: a user's text goes in, pictures come out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.reading.encoded import read_media, read_recording
from gateway.dialects.reading.form import FormBody, form_prompt
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    FIELD,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    reference,
    structural,
    url,
    words,
)
from gateway.dialects.reading.scalars import integer, mapping
from gateway.dialects.reading.toolless import members_of, toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body, with the pictures that it brings or names."""
    walk = _REQUEST.walk(document)
    walk.leaves()
    return replace(toolless_prompt(_REQUEST, document), unseen=walk.unseen())


def read_form(form: FormBody) -> Prompt:
    """Return the prompt of a form with pictures. Raises Malformed."""
    return form_prompt(form, _FORM)


def read_completion(document: Any) -> Completion:
    """Return the completion of a body, of an event of a stream, or of an error's body. Raises Malformed."""
    usage = mapping(members_of(document), "usage")
    counts = Usage(integer(usage, "input_tokens"), integer(usage, "output_tokens"))
    return toolless_completion(RESPONSE, document, counts)


def _prompt(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("user", "text"))


def _source(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read where a picture is that shall be edited; a `data:` URL is the picture itself."""
    is_data = isinstance(value, str) and value[:5].lower() == "data:"
    found = read_media(value) if is_data else None
    if found is None:
        walk.fetched(value, at, FIELD)
    else:
        walk.encoded(value, at, FIELD, "image", found)


def _revised(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ASSISTANT)


def _picture(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "image", read_recording(value))


# Keys of the schema: https://platform.openai.com/docs/api-reference/images/create, /images-streaming
_STRUCTURAL = words(
    "model size quality response_format style background output_format moderation type code param"
)
_SHARED: dict[str, Reader] = dict.fromkeys(_STRUCTURAL, structural)
_REQUEST_READERS: dict[str, Reader] = {
    **_SHARED,
    "prompt": _prompt,
    "image_url": _source,
    "file_id": reference("file_id"),
    "input_fidelity": structural,
}
_RESPONSE_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(("created", "created_at", "usage"), counted),
    "b64_json": _picture,
    "url": url,
    "revised_prompt": _revised,
}
_REQUEST = Grammar(
    words("n user stream partial_images output_compression image images mask") | _REQUEST_READERS.keys(),
    _REQUEST_READERS,
)
_FORM = Grammar(
    _REQUEST.words | words("markup complexity frame_count frame_duration_ms"),
    {**_REQUEST_READERS, "complexity": structural},
)
RESPONSE = Grammar(
    words(
        """
        data error message partial_image_index input_tokens output_tokens total_tokens
        input_tokens_details output_tokens_details image_tokens text_tokens
        """
    )
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
