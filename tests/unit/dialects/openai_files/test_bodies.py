"""What is said of files and batches, beside what is in them."""

from __future__ import annotations

import pytest

from gateway.dialects import Malformed, read_completion, read_prompt
from gateway.dialects.openai_files.bodies import read_form, read_piece
from gateway.dialects.reading.form import FormBody


def form(purpose: str, content: bytes, name: str = "file") -> FormBody:
    raw = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%s\r\n'
        b'--b\r\nContent-Disposition: form-data; name="expires_after[seconds]"\r\n\r\n2592000\r\n'
        b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.txt"\r\n\r\n%s\r\n--b--'
    )
    return FormBody(raw % (purpose.encode(), name.encode(), content), "multipart/form-data; boundary=b")


def test_a_file_is_what_the_user_passes_on() -> None:
    parts = {part.pointer: part for part in read_form(form("user_data", b"to Jane")).parts}

    assert (parts["/file/content"].role, parts["/file/content"].kind) == ("user", "tool_result")
    assert parts["/expires_after[seconds]"].place == "structural"
    assert parts["/purpose"].place == "structural"


@pytest.mark.parametrize("content", [b"", b"words", b"\xff\0", b'{"custom_id": "1"}'])
@pytest.mark.parametrize("purpose", ["batch", " Batch"])
def test_a_batch_is_lines_that_ask(purpose: str, content: bytes) -> None:
    with pytest.raises(Malformed):
        read_form(form(purpose, content))


@pytest.mark.parametrize(
    "named", ['name="purpose[]"', 'name="purpose[0]"', 'name="purpose"; filename="p.txt"', "name=purpose"]
)
def test_a_purpose_is_read_in_each_spelling(named: str) -> None:
    raw = (
        b"--b\r\nContent-Disposition: form-data; %s\r\n\r\nbatch\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords\r\n--b--'
    )
    with pytest.raises(Malformed):
        read_form(FormBody(raw % named.encode(), "multipart/form-data; boundary=b"))


def test_the_lines_of_another_file_are_no_batch() -> None:
    asked = b'{"custom_id": "1", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}}'
    raw = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--b\r\nContent-Disposition: form-data; name="other"; filename="b.jsonl"\r\n\r\n%s\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--b--'
    )
    for mark in (b"", b"\xef\xbb\xbf"):  # with a byte order mark it is a text
        twice = FormBody(raw % (asked, mark + asked), "multipart/form-data; boundary=b")
        if mark:
            with pytest.raises(Malformed):
                read_form(twice)
        else:
            assert read_form(twice).models == ("m",)


def test_a_piece_of_a_file_is_read_as_far_as_it_goes() -> None:
    prompt = read_piece(form("x", b'{"a": "b"}\n{"a": "c', "data"))
    assert {part.text for part in prompt.parts if part.pointer.startswith("/data/content/")} == {
        *("a", "b", '{"a": "c')
    }


def test_a_batch_refers_to_a_file_that_is_not_in_it() -> None:
    body = {"input_file_id": "file-1", "endpoint": "/v1/responses", "metadata": {"to": "Jane"}}
    prompt = read_prompt("openai.batches", body)

    assert prompt.unseen == ("input_file_id",)
    assert ("/metadata/to", "Jane") in {(part.pointer, part.text) for part in prompt.parts}


def test_dates_and_counts_are_no_numbers_of_persons() -> None:
    answer = {
        "id": "b",
        "created_at": 1711471533,
        "output_file_id": "file-2",
        "errors": {"object": "list", "data": [{"message": "line 3", "line": 3000000}]},
        "request_counts": {"total": 1000000},
        "filename": "a.txt",
    }
    parts = {part.pointer: part for part in read_completion("openai.files", answer).parts}

    assert "/created_at" not in parts
    assert "/errors/data/0/line" not in parts
    assert parts["/output_file_id"].place == "structural"
    assert parts["/filename"].kind == "text"
