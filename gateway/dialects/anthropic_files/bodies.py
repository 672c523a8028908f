"""Files that go up to Anthropic, and what it says of them."""

from __future__ import annotations

from typing import Any

from gateway.dialects.plain.bodies import read_completion as read_plain
from gateway.dialects.reading.form import FormBody, form_prompt
from gateway.dialects.reading.leaves import Grammar, Label, Reader, Walk, counted, structural, words
from gateway.dialects.reading.toolless import toolless_completion
from gateway.words import Completion, Prompt


def read_form(form: FormBody) -> Prompt:
    """Return the prompt of a form with a file: a document that the user passes on. Raises Malformed."""
    return form_prompt(form, _FORM)


def read_completion(document: Any) -> Completion:
    """Return the completion of what the provider says of a file. Raises Malformed."""
    return toolless_completion(RESPONSE, document)


def read_line(item: Any) -> Completion:
    """Return the completion of a line of a file. Raises Malformed when a tool call stands in it."""
    return read_plain(item)


def _filename(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read a file's name, which the caller gave: what was masked in it comes back."""
    walk.syntax(value, at, ("", "text"))


# Keys of the schema: https://platform.claude.com/docs/en/api/files-create
_READERS: dict[str, Reader] = {
    **dict.fromkeys(words("id type mime_type scope request_id"), structural),
    **dict.fromkeys(words("size_bytes created_at"), counted),
    "filename": _filename,
}
_FORM = Grammar(words("file"), {})
RESPONSE = Grammar(words("downloadable error message") | _READERS.keys(), _READERS)
