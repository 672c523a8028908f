"""Files that go up, the batches that are made of them, and what the provider says of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.dialects.openai_files.requests import read_lines
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.form import FormBody, form_prompt
from gateway.dialects.reading.leaves import (
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    free,
    reference,
    structural,
    words,
)
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.toolless import toolless_completion, toolless_prompt
from gateway.words import Completion, Prompt


def read_form(form: FormBody) -> Prompt:
    """Return the prompt of a form with a file. Raises Malformed on a line of a batch that is no request."""
    is_batch = any(said.strip().lower() == "batch" for said in _purposes(form.document))
    if is_batch and "/file/content" not in dict(form.lines()):
        raise Malformed("expected a batch to be lines of JSON, each a request")
    return form_prompt(form, _FORM, lambda lines: read_lines(lines, is_batch=is_batch))


def _purposes(fields: dict[str, Any]) -> Iterator[str]:
    """Yield what a form says that its file is for, in each spelling that a server may take for `purpose`."""
    for name, value in fields.items():
        if name.partition("[")[0].casefold() == "purpose":
            for one in value if isinstance(value, list) else [value]:
                said = one.get("content") if isinstance(one, dict) else one
                yield said if isinstance(said, str) else ""


def read_piece(form: FormBody) -> Prompt:
    """Return the prompt of a form with a piece of a file. Raises Malformed."""
    return form_prompt(form, _PIECE, lambda lines: read_lines(lines, is_batch=False))


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body that is JSON."""
    return toolless_prompt(_REQUEST, document)


def read_batch(document: Any) -> Prompt:
    """Return the prompt of a request that starts a batch: its file is not in it."""
    walk = _REQUEST.walk(document)
    parts, attachments = walk.leaves()
    return Prompt(parts, attachments, models=named_models(document), unseen=walk.unseen())


def read_completion(document: Any) -> Completion:
    """Return the completion of what the provider says of files and batches. Raises Malformed."""
    return toolless_completion(RESPONSE, document)


def _filename(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read a file's name, which the caller gave: what was masked in it comes back."""
    walk.syntax(value, at, ("", "text"))


# Keys of the schema: https://platform.openai.com/docs/api-reference/files, /uploads, /batch
_STRUCTURAL = words(
    """
    purpose mime_type anchor part_ids md5 endpoint completion_window id object status type code param
    output_file_id error_file_id upload_id first_id last_id model input_file_id
    """
)
_SHARED: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    "metadata": free,
    "filename": _filename,
}
_REQUEST_READERS: dict[str, Reader] = {**_SHARED, "input_file_id": reference("input_file_id")}
_RESPONSE_READERS: dict[str, Reader] = {
    **_SHARED,
    **dict.fromkeys(
        words(
            """
            bytes created_at expires_at usage request_counts in_progress_at finalizing_at completed_at
            failed_at expired_at cancelling_at cancelled_at line
            """
        ),
        counted,
    ),
}
_FORM = Grammar(words("file expires_after seconds") | _SHARED.keys(), _SHARED)
_PIECE = Grammar(words("data"), {})
_REQUEST = Grammar(
    words("bytes expires_after output_expires_after seconds") | _REQUEST_READERS.keys(), _REQUEST_READERS
)
RESPONSE = Grammar(
    words(
        """
        data has_more deleted file status_details errors error message input_tokens output_tokens total_tokens
        input_tokens_details output_tokens_details cached_tokens reasoning_tokens total completed failed
        """
    )
    | _RESPONSE_READERS.keys(),
    _RESPONSE_READERS,
)
VOCABULARY = _REQUEST.words | RESPONSE.words
