"""Bodies of every format as documents: what pointers lead into, and how it becomes bytes again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from gateway.dialects.dialect import Dialect
from gateway.dialects.reading.document import Malformed, parse, serialize
from gateway.dialects.reading.encoded import as_text, has_other_charset, read_file
from gateway.dialects.reading.form import FormBody
from gateway.dialects.reading.joining import below, completion_below, joined, joined_completions
from gateway.dialects.reading.lines import Lines, begins_as_lines, is_lines
from gateway.dialects.reading.spelling import Spelling
from gateway.dialects.registry import (
    answers_media,
    find,
    is_form,
    is_json,
    media_type_of,
    read_error,
    read_media,
    read_prompt,
    rpc_of,
)
from gateway.words import Attachment, Completion, Part, PartPlace, Prompt

_BODILESS = (202, 204)  # accepted, and done: there may be nothing to say
# What names a file. Messages come in binary, too (frames of events, protobuf, CBOR): no brace shows there.
_FILE_TYPE = re.compile(
    r"(?:audio|font|image|video)/.*|application/(?:octet-stream|binary|pdf|ogg|mp4|rtf|msword|(?:.*[+-])?zip"
    r"|(?:x-)?(?:bzip2?|gzip|tar|gtar|7z-compressed|zip-compressed|tar\+gzip|rar-compressed)"
    r"|vnd\.(?:ms-|openxmlformats-|oasis\.opendocument\.).*)"
)
# The types in which a file may come that begins as one of this kind. What holds sound may hold pictures.
_TYPES_OF = {"image": ("image",), "audio": ("audio", "video"), "video": ("audio", "video", "image")}


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request as it was read.

    `encode` makes bytes of a document. `bound` is what approvals are bound to: the body as it came. `dialect`
    is the one that it speaks.
    """

    document: Any
    prompt: Prompt
    encode: Callable[[Any], bytes] = serialize
    bound: bytes = b""
    dialect: str = ""


@dataclass(frozen=True, slots=True)
class AnswerBody:
    """The body of an answer as it was read; `media_type` is what it goes down as, "" for none.

    It never goes down as a page: a browser would run it beside the console.
    """

    document: Any
    completion: Completion
    encode: Callable[[Any], bytes]
    media_type: str


def open_body(dialect: str, raw: bytes, content_type: str, path: str, *, depth: int) -> Body:
    """Return a request's body, with its prompt. Raises Malformed."""
    types = _type_parts(content_type)
    if is_form(content_type):
        form = FormBody(raw, content_type, depth=depth)
        read = find(dialect).read_form
        assert read is not None  # a form has a dialect that reads it
        prompt = read(form)
        prompt = replace(prompt, parts=(*types, *prompt.parts))
        return Body(form.document, prompt, form.encode, form.bound)
    if is_lines(media_type_of(content_type)) and not has_other_charset(content_type):
        lines = Lines(raw, depth=depth)
        said = (below(read_prompt(dialect, item), f"/{index}") for index, item in lines.items())
        return Body(lines.document, joined(Prompt(types), said), lines.encode, raw)
    if is_json(content_type):
        document = parse(raw, depth=depth)
        found, rpc = find(dialect), rpc_of(dialect)
        spoken = dialect if found.speaks is None or found.speaks(document) else "json"
        if spoken != dialect and fnmatchcase(path, found.streams):
            raise Malformed(f"expected a body of {dialect}: no other has a stream here that can be read")
        prompt = read_prompt(spoken, document, path)  # it may take something out of the document
        bound = serialize(rpc.bound(document) if rpc else document)
        return Body(document, prompt, bound=bound, dialect=spoken)
    text = as_text(raw, content_type)
    if text is None:
        unread = Attachment("opaque", media_type_of(content_type), len(raw))
        return Body(raw, Prompt(types, (unread,)), bytes, raw)
    return Body(text, Prompt((*types, Part("", "field", "", text))), str.encode, raw)


def open_answer(
    dialect: str, request: str, status: int, raw: bytes, media_type: str, *, depth: int
) -> AnswerBody:
    """Return the body of an answer to a request (`GET /v1/files/f/content`). Raises Malformed."""
    found = find(dialect)
    if answers_media(dialect, media_type):
        return AnswerBody(raw, read_media(raw, media_type), bytes, media_type)
    if status < 400 and found.hands_out(request):
        return _open_file(found, raw, media_type, depth)
    if status < 400 and found.read_line and is_lines(media_type):
        return _open_lines(found, raw, media_type, depth)
    if not raw and (not media_type or status in _BODILESS or request.startswith("DELETE ")):
        return AnswerBody(raw, Completion(), bytes, "")
    try:  # whatever it is called: some providers give no type, or text's
        document = parse(raw, depth=depth)
        spelling = Spelling(raw, document)
        is_list = status >= 400 and not isinstance(document, dict)  # Gemini's errors come in one
        completion = (find("json") if is_list else found).read_completion(document)
    except Malformed:
        text = as_text(raw, "") if status < 400 and found.answers_text(media_type) else None
        if text is None and is_json(media_type):
            raise
        if text is None:
            return _open_unknown(found, status, raw, media_type)
        return AnswerBody(text, _said(text), str.encode, media_type)
    named = media_type if is_json(media_type) else "application/json"
    if status < 400:
        return AnswerBody(document, completion, spelling.encode, named)
    if completion.tool_calls:
        raise Malformed("an error holds tool calls")
    return AnswerBody(document, read_error(document), spelling.encode, named)


def _type_parts(content_type: str) -> tuple[Part, ...]:
    """Return the content type of a body that goes up under its own: as syntax, for it says how it is read."""
    if is_json(content_type):
        return ()
    media_type, _, parameters = (piece.strip() for piece in content_type.partition(";"))
    named = {"content-type": media_type, "content-type;": parameters}
    return tuple(Part("", "field", name, text, "structural") for name, text in named.items() if text)


def _open_file(found: Dialect, raw: bytes, media_type: str, depth: int) -> AnswerBody:
    """Return a stored file: JSON lines, a text, or what is none."""
    file = read_file(raw, media_type)
    if file.text is None:
        kept = Completion((), (Attachment(file.kind, file.media_type, len(raw)),))
        return AnswerBody(raw, kept, bytes, media_type)
    if file.codec == "utf-8" and (is_lines(media_type) or _holds_lines(file.text)):
        return _open_lines(found, raw, media_type, depth)
    place: PartPlace = "structural" if file.kind else "value"
    return AnswerBody(
        file.text, _said(file.text, place), lambda text: str.encode(text, file.codec), media_type
    )


def _open_unknown(found: Dialect, status: int, raw: bytes, media_type: str) -> AnswerBody:
    """Return a file from an endpoint of no dialect. Raises Malformed where it may be something else.

    No call is without a brace. Text in a file is inspected, and cannot be masked: its reader is not known.
    """
    file = read_file(raw, media_type)
    is_file = not is_json(media_type) and _is_file(file.kind, file.media_type)
    if found.family or status >= 400 or not is_file or _shows_brace(raw):
        raise Malformed("expected JSON, or a file")
    parts = () if file.text is None else _said(file.text, "structural").parts
    kept = Attachment(file.kind or "file", file.media_type, len(raw))
    return AnswerBody(raw, Completion(parts, (kept,)), bytes, media_type)


def _is_file(kind: str, media_type: str) -> bool:
    """Return whether a media type names a file, and one that may begin as this one does."""
    if kind == "opaque" or not _FILE_TYPE.fullmatch(media_type):
        return False
    top = media_type.partition("/")[0]
    return top == "application" or not kind or top in _TYPES_OF.get(kind, (top,))


def _shows_brace(raw: bytes) -> bool:
    """Return whether some reader sees a brace: parsers of JSON look for UTF-16 and UTF-32 themselves."""
    for codec in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        with contextlib.suppress(UnicodeDecodeError):
            if "{" in raw.decode(codec):
                return True
    return False


def _holds_lines(text: str) -> bool:
    """Return whether a line is an object. Some client may read it, whatever stands before it."""
    return any(begins_as_lines(line) for line in text.split("\n") if line.lstrip().startswith("{"))


def _open_lines(found: Dialect, raw: bytes, media_type: str, depth: int) -> AnswerBody:
    assert found.read_line is not None
    lines = Lines(raw, depth=depth)
    said = [
        completion_below(
            _said(item) if lines.is_text(index) else found.read_line(item),
            f"/{index}",
        )
        for index, item in lines.items()
    ]
    return AnswerBody(lines.document, joined_completions(said), lines.encode, media_type)


def _said(text: str, place: PartPlace = "value") -> Completion:
    return Completion((Part("assistant", "text", "", text, place),))
