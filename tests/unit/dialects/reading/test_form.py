"""Forms of every client: read part by part, and sent on in their own bytes but for what was masked."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.plain.bodies import REQUEST, read_form
from gateway.dialects.reading.document import Malformed, put
from gateway.dialects.reading.form import FormBody
from gateway.dialects.reading.multipart import split

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff"
VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAME = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
FILENAME = st.from_regex(r"[A-Za-z0-9 ._@-]{1,12}", fullmatch=True)
CONTENT = st.one_of(
    VALUE.map(str.encode),
    st.binary(max_size=40),
    st.just(PNG),
    st.lists(VALUE.map(lambda text: json.dumps({"a": text}))).map(lambda lines: "\n".join(lines).encode()),
)
FIELDS = st.dictionaries(NAME, VALUE, min_size=1, max_size=4)
FILES = st.dictionaries(NAME.map("f_{}".format), st.tuples(FILENAME, CONTENT), max_size=3)

Sent = tuple[bytes, str]


def by_httpx(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Sent:
    parts: dict[str, Any] = files or {"f_": ("x", b"")}
    request = httpx.Request("POST", "http://x", data=fields, files=parts)
    return request.read(), request.headers["content-type"]


def by_requests(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Sent:
    parts: dict[str, Any] = files or {"f_": ("x", b"")}
    request = requests.Request("POST", "http://x", data=fields, files=parts).prepare()
    return bytes(request.body or b""), str(request.headers["content-type"])


def by_hand(
    fields: dict[str, str],
    files: dict[str, tuple[str, bytes]],
    boundary: str = "----formdata-undici-0123",
    end: bytes = b"\r\n",
) -> Sent:
    out = io.BytesIO()
    for name, text in fields.items():
        out.write(f"--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\r\n{text}\r\n".encode())
    for name, (filename, content) in files.items():
        out.write(
            f"--{boundary}\r\ncontent-length: {len(content)}\r\ncontent-type: a/b\r\n"
            f'Content-Disposition: form-data; filename="{filename}";name="{name}"\r\n\r\n'.encode()
        )
        out.write(content + b"\r\n")
    out.write(f"--{boundary}--".encode() + end)
    return out.getvalue(), f'multipart/form-data; boundary="{boundary}"'


def by_hand_with_other_boundaries(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Sent:
    return by_hand(fields, files, "=_Part(1)'+,./:?=", b"")


@pytest.mark.parametrize("encode", [by_httpx, by_requests, by_hand, by_hand_with_other_boundaries])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_form_goes_on_in_its_bytes_but_for_what_is_masked(encode: Any, data: st.DataObject) -> None:
    fields, files = data.draw(FIELDS), data.draw(FILES)
    raw, content_type = encode(fields, files)
    form = FormBody(raw, content_type)
    assert form.encode(form.document) == raw

    parts = [part for part in read_form(form).parts if part.place == "value"]
    chosen = data.draw(st.sets(st.sampled_from(range(len(parts)))) if parts else st.just(set()))
    expected = {part.name: part.content for part in split(raw, form.boundary)}
    names = {part.name: part.filename for part in split(raw, form.boundary)}
    for index in chosen:
        pointer = parts[index].pointer
        put(form.document, pointer, "<MASK_a1>")
        name, _, below = pointer[1:].partition("/")
        if below == "filename":
            names[name] = "<MASK_a1>"
        elif not below.startswith("content/"):
            expected[name] = b"<MASK_a1>"
    changed = FormBody(form.encode(form.document), content_type)
    after = split(changed.encode(changed.document), changed.boundary)
    assert [part.name for part in after] == list(names)
    assert {part.name: part.filename for part in after} == names
    for part in after:
        if f"{part.name}" in expected and not any(
            f"/{part.name}/content/" in parts[i].pointer for i in chosen
        ):
            assert part.content == expected[part.name]
    assert b"<MASK_a1>" in changed.encode(changed.document) or not chosen


def test_fields_and_files_are_parts_and_what_is_no_text_is_an_attachment() -> None:
    form = FormBody(
        *by_hand(
            {"prompt": "to Jane"},
            {
                "image": ("jane.png", PNG),
                "notes": ("a.txt", b"hello\r\nthere"),
                "old": ("b.csv", "Zoë".encode("latin-1")),
                "batch": ("c.bin", b'{"a": "x"}\nno JSON\n'),
                "odd": ("d", b"\x01\x02\xff"),
            },
        )
    )
    prompt = read_form(form)

    values = {part.pointer: part.text for part in prompt.parts if part.place == "value"}
    assert values == {
        "/prompt": "to Jane",
        "/image/filename": "jane.png",
        "/notes/filename": "a.txt",
        "/notes/content": "hello\r\nthere",
        "/old/filename": "b.csv",
        "/old/content": "Zoë",
        "/batch/filename": "c.bin",
        "/batch/content/0/a": "x",
        "/batch/content/1": "no JSON\n",
        "/odd/filename": "d",
    }
    assert [(one.kind, one.bytes) for one in prompt.attachments] == [("image", len(PNG)), ("opaque", 3)]
    assert {part.text for part in prompt.parts if part.pointer == "/image/content-type"} == {"a/b"}
    said = next(part for part in prompt.parts if part.pointer == "/notes/content")
    assert (said.role, said.kind) == ("user", "tool_result")


def test_a_masked_text_keeps_its_encoding_and_its_length_is_renewed() -> None:
    files = {"a": ("a.txt", "Zoë Roe".encode("utf-16")), "b": ("b.txt", "Zoë".encode("latin-1") + b" Roe")}
    form = FormBody(*by_hand({}, files))
    form.document["a"]["content"] = form.document["a"]["content"].replace("Roe", "<P>")
    form.document["b"]["content"] = form.document["b"]["content"].replace("Roe", "<P>")

    first, second = split(form.encode(form.document), form.boundary)
    assert first.content.decode("utf-16") == "Zoë <P>"
    assert second.content == "Zoë <P>".encode("latin-1")
    assert f"content-length: {len(first.content)}".encode() in first.head


def test_values_of_a_list_have_places_of_their_own() -> None:
    raw = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="a[]"\r\n\r\n%d\r\n' % number for number in (1, 2)
    )
    form = FormBody(raw + b"--b--", "multipart/form-data; boundary=b")
    form.document["a[]"][1] = "<P>"

    assert form.encode(form.document) == raw.replace(b"\r\n2\r\n", b"\r\n<P>\r\n") + b"--b--"


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "A"), ("a[]", "a"), ("_charset_",), ("Model",), ("model", "MODEL")]
)
def test_names_that_can_be_read_in_more_than_one_way_are_malformed(names: tuple[str, ...]) -> None:
    raw = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nx\r\n' for name in names)
    with pytest.raises(Malformed):
        FormBody(f"{raw}--b--".encode(), "multipart/form-data; boundary=b").read(REQUEST)


def test_a_name_that_no_schema_has_is_syntax() -> None:
    raw = b'--b\r\nContent-Disposition: form-data; name="jane@acme.org"\r\n\r\nx\r\n--b--'
    parts = read_form(FormBody(raw, "multipart/form-data; boundary=b")).parts

    assert [(part.place, part.text) for part in parts] == [("structural", "jane@acme.org"), ("value", "x")]


def test_the_same_form_is_bound_under_any_boundary() -> None:
    given = {"a": "x"}, {"f": ("a.txt", b"y")}
    one, other = FormBody(*by_hand(*given)), FormBody(*by_hand_with_other_boundaries(*given))
    assert one.bound == other.bound
    assert one.bound != FormBody(*by_hand({"a": "xx"}, given[1])).bound


def test_a_mask_that_holds_the_boundary_is_malformed() -> None:
    form = FormBody(*by_hand({"a": "x"}, {}, "b"))
    with pytest.raises(Malformed):
        form.encode({"a": "--b"})


def test_what_is_marked_as_utf_16_is_read_as_ascii_too() -> None:
    said = "to 4111111111111111!"
    for data in (b"\xff\xfe" + said.encode(), said.encode("utf-16")):
        for name in (b'"a"', b'"a"; filename="a"'):
            raw = b"--b\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n--b--" % (name, data)
            walk = FormBody(raw, "multipart/form-data; boundary=b").read(REQUEST)
            assert any(said in part.text for part in walk.parts)
