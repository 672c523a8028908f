"""A file goes up as a document that the user passes on; what is said of it is syntax, but for its name."""

from __future__ import annotations

import pytest

from gateway.dialects import Malformed, open_answer, open_body, read_completion
from gateway.words import Attachment

FORM = "multipart/form-data; boundary=b"
ABOUT = {
    "id": "file_011CNha8iCJcU1wXNR6q4V8w",
    "type": "file",
    "filename": "to Jane.txt",
    "mime_type": "text/plain",
    "size_bytes": 1024000,
    "created_at": "2026-11-28T06:00:00Z",
    "downloadable": False,
}
CONTENT = "GET /v1/files/f/content"


def form(content: bytes, name: str = "a.txt") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"


def test_a_text_is_what_the_user_passes_on() -> None:
    body = open_body("anthropic.files", form(b"to Jane"), FORM, "/v1/files", depth=9)
    said = {part.pointer: (part.role, part.kind, part.text) for part in body.prompt.parts}
    assert said["/file/content"] == ("user", "tool_result", "to Jane")


def test_a_picture_is_an_attachment() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)
    body = open_body("anthropic.files", form(picture), FORM, "/v1/files", depth=9)
    assert body.prompt.attachments == (Attachment("image", "", len(picture)),)
    assert body.encode(body.document) == form(picture)


def test_a_name_is_a_text_and_all_else_is_syntax() -> None:
    parts = {
        part.pointer: (part.place, part.kind) for part in read_completion("anthropic.files", ABOUT).parts
    }
    assert parts["/filename"] == ("value", "text")
    assert parts["/id"] == parts["/mime_type"] == ("structural", "field")
    assert "/size_bytes" not in parts


def test_a_file_comes_down_as_it_was_stored() -> None:
    body = open_answer("anthropic.files", CONTENT, 200, b"to Jane", "text/plain", depth=9)
    assert [part.text for part in body.completion.parts] == ["to Jane"]
    lines = b'{"id":  "x"}\n'
    assert open_answer("anthropic.files", CONTENT, 200, lines, "text/plain", depth=9).document[0] == {
        "id": "x"
    }
    call = b'{"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}\n'
    with pytest.raises(Malformed):
        open_answer("anthropic.files", CONTENT, 200, call, "text/plain", depth=9)
