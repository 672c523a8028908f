"""Bodies of every format, as documents that become the same bytes again."""

from __future__ import annotations

import pytest

from gateway.dialects import Malformed, find, json_event, open_answer, open_body
from gateway.dialects.bedrock.frames import FRAMES
from gateway.dialects.registry import DIALECTS

FORM = "multipart/form-data; boundary=b"


def test_lines_are_read_one_by_one() -> None:
    raw = b'{"model": "m", "note": "x"}\nno JSON\n'
    body = open_body("lines", raw, "application/x-ndjson; charset=utf-8", "/v1/x", depth=9)

    values = {part.pointer: part.text for part in body.prompt.parts if part.place == "value"}
    assert values == {"/0/note": "x", "/1": "no JSON\n"}
    assert body.prompt.models == ("m",)
    assert {part.text for part in body.prompt.parts if part.place == "structural"} >= {
        "application/x-ndjson",
        "charset=utf-8",
    }
    assert body.encode(body.document) == body.bound == raw


@pytest.mark.parametrize(
    ("dialect", "raw", "content_type"),
    [
        ("lines", b'{"a": 1}\n{"tool_calls": [{"name": "f"}]}', "application/jsonl"),
        ("form", b"--b\r\n", FORM),
        ("openai.chat", b'{"messages": []', "application/json"),
    ],
)
def test_what_cannot_be_read_is_malformed(dialect: str, raw: bytes, content_type: str) -> None:
    with pytest.raises(Malformed):
        open_body(dialect, raw, content_type, "/", depth=9)


@pytest.mark.parametrize("content_type", ["application/x-ndjson; charset=utf-7", "text/plain", "audio/mpeg"])
def test_what_is_no_text_is_an_attachment(content_type: str) -> None:
    raw = b"hello" if "utf-7" in content_type else b"\xff\0"
    body = open_body("opaque", raw, content_type, "/", depth=9)

    assert [(one.kind, one.bytes) for one in body.prompt.attachments] == [("opaque", len(raw))]
    assert body.encode(body.document) == raw


def test_a_boundary_is_syntax() -> None:
    raw = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--'
    body = open_body("form", raw, FORM, "/", depth=9)

    assert ("content-type;", "boundary=b", "structural") in {
        (part.pointer, part.text, part.place) for part in body.prompt.parts
    }
    assert (body.prompt.model, body.prompt.models) == ("m", ("m",))
    assert body.encode(body.document) == raw


def test_an_answer_of_lines_is_read_where_no_dialect_knows_better() -> None:
    raw = b'{"id": "x"}\r\nto Jane\n'
    body = open_answer("none", "GET /v1/x", 200, raw, "application/jsonl", depth=9)

    assert [(part.pointer, part.text) for part in body.completion.parts if part.place == "value"] == [
        ("/0/id", "x"),
        ("/1", "to Jane\n"),
    ]
    assert (body.encode(body.document), body.media_type) == (raw, "application/jsonl")


def test_a_call_in_an_answer_of_lines_is_malformed() -> None:
    with pytest.raises(Malformed):
        open_answer(
            "none", "GET /v1/x", 200, b'{"tool_calls": [{"name": "f"}]}\n', "application/jsonl", depth=9
        )


@pytest.mark.parametrize("dialect", ["json", "none"])
def test_a_file_from_an_endpoint_of_no_dialect_is_an_attachment(dialect: str) -> None:
    for raw, media_type in ((b"PK\x03\x04\xff\xfe", "application/zip"), (b"\xff\xd8\xff\xe0", "image/jpeg")):
        body = open_answer(dialect, "GET /v1/skills/s/content", 200, raw, media_type, depth=9)
        (kept,) = body.completion.attachments
        assert (kept.media_type, kept.bytes, body.completion.parts) == (media_type, len(raw), ())
        assert (body.encode(body.document), body.media_type) == (raw, media_type)


def test_text_in_the_place_of_a_file_is_inspected() -> None:
    raw = b"Call +1 415-555-2671"
    (part,) = open_answer("none", "GET /v1/x", 200, raw, "application/zip", depth=9).completion.parts
    assert (part.text, part.place) == (raw.decode(), "structural")


@pytest.mark.parametrize(
    ("dialect", "status", "raw", "media_type"),
    [
        ("none", 200, b'{"tool_calls": [{"name": "f", "arguments": "{}"}]}', "application/zip"),
        ("none", 200, '\ufeff{"tool_calls": [{"name": "f"}]}'.encode("utf-16-le"), "application/zip"),
        ("none", 200, b'data: {"tool_calls": [{"name": "f"}]}', "application/octet-stream"),
        *(
            ("none", 200, '{"tool_calls": [{"name": "f"}]}'.encode(codec), media_type)
            for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
            for media_type in ("application/json", "application/octet-stream")
        ),
        ("none", 200, b"PK\x03\x04\xff", "application/json"),
        ("none", 200, b"\0\0\0\x10\x80frames of events", "application/vnd.amazon.eventstream"),
        ("none", 200, b"\0SSN 078-05-1120", "application/octet-stream"),
        ("none", 200, b"<html></html>", "text/html"),
        ("none", 200, b"PK\x03\x04\xff", ""),
        ("none", 404, b"PK\x03\x04\xff", "application/zip"),
        ("openai.chat", 200, b"PK\x03\x04\xff", "application/zip"),
    ],
)
def test_what_may_be_something_else_than_a_file_is_malformed(
    dialect: str, status: int, raw: bytes, media_type: str
) -> None:
    with pytest.raises(Malformed):
        open_answer(dialect, "GET /v1/x", status, raw, media_type, depth=9)


@pytest.mark.parametrize(
    "media_type",
    [f"application/{name}" for name in ("vnd.amazon.eventstream", "octet-stream", "binary", "zip")]
    + ["image/x-icon"],
)
def test_frames_of_events_are_no_file_however_long_the_first_is(media_type: str) -> None:
    def frame(padding: int) -> bytes:
        said = {"bytes": "eyJnZW5lcmF0aW9uIjogImNhcmQgNDExMSAxMTExIn0=", "p": "a" * padding}
        return FRAMES.encoder().encode(json_event(said, "chunk"))

    lengths = {len(frame(padding)) for padding in range(200)}
    assert 256 in lengths  # as which an icon begins
    for padding in range(200):
        with pytest.raises(Malformed):
            open_answer("json", "POST /model/x/invoke", 200, frame(padding) * 2, media_type, depth=9)


ICON = b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\xff\xfe"


@pytest.mark.parametrize(
    ("raw", "media_type", "passes"),
    [
        (ICON, "image/x-icon", True),
        (ICON, "application/octet-stream", True),
        (ICON, "application/binary", True),
        (b"OggS\0\xff", "video/ogg", True),
        (b"\0\0\0\x18ftypisom\xff", "audio/mp4", True),
        (b"\xff\xd8\xff\xe0", "audio/mpeg", False),
        (b"ID3\x03\0\xff", "image/png", False),
        *(
            (raw, f"application/{name}", False)
            for raw in (ICON, b"PK\x03\x04\xff", b"BM\0\xff")
            for name in ("vnd.amazon.eventstream", "grpc", "x-protobuf", "cbor", "msgpack", "vnd.new.stream")
        ),
    ],
)
def test_a_file_is_what_its_type_and_its_beginning_say(raw: bytes, media_type: str, passes: bool) -> None:
    if passes:
        kept = open_answer("json", "GET /x", 200, raw, media_type, depth=9)
        assert (kept.encode(kept.document), kept.media_type) == (raw, media_type)
    else:
        with pytest.raises(Malformed):
            open_answer("json", "GET /x", 200, raw, media_type, depth=9)


@pytest.mark.parametrize("dialect", [one.name for one in DIALECTS if one.speaks and one.streams])
def test_a_body_of_another_api_is_refused_where_its_stream_could_not_be_read(dialect: str) -> None:
    asked = b'{"prompt": "Hello"}'
    path = find(dialect).streams.replace("*", "/x")
    with pytest.raises(Malformed, match=f"expected a body of {dialect}"):
        open_body(dialect, asked, "application/json", path, depth=9)
    assert open_body(dialect, asked, "application/json", "/whole", depth=9).dialect == "json"


@pytest.mark.parametrize("status", [200, 400])
def test_json_that_cannot_be_read_says_why(status: int) -> None:
    raw = b'{"output": {"message": {"content": [{"toolUse": {"name": "f", "input": {}}}]}}}'
    with pytest.raises(Malformed, match="tool call"):
        open_answer("json", "POST /x", status, raw, "application/json", depth=20)
