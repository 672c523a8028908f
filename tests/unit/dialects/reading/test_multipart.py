"""How a form is split: as every server would, or not at all."""

from __future__ import annotations

import pytest

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.multipart import boundary_of, split, with_filename, with_length

FIELD = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
END = b"--b--\r\n"


def field(disposition: str, content: bytes = b"x", *more: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: {disposition}", *more]).encode()
    return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def named(name: str, content: bytes = b"x", *more: str) -> bytes:
    return field(f'form-data; name="{name}"', content, *more)


HOSTILE = {
    "nothing": b"",
    "no part": END,
    "no final boundary": FIELD,
    "a final boundary that is cut off": FIELD + b"--b-",
    "words before it": b"preamble\r\n" + FIELD + END,
    "an empty line before it": b"\r\n" + FIELD + END,
    "words behind it": FIELD + END + b"epilogue",
    "a second form behind it": FIELD + END + FIELD + END,
    "bare line feeds": (FIELD + END).replace(b"\r\n", b"\n"),
    "a bare line feed before a boundary": FIELD[:-2] + b"\n" + END,
    "white space behind a boundary": FIELD.replace(b"--b\r\n", b"--b \r\n") + END,
    "no empty line": b"--b\r\ncontent-disposition: form-data; name=a\r\nx\r\n" + END,
    "no headers": b"--b\r\n\r\nx\r\n" + END,
    "two dispositions": named("a", b"x", 'content-disposition: form-data; name="b"') + END,
    "two types": named("a", b"x", "content-type: text/plain", "content-type: text/html") + END,
    "no disposition": b"--b\r\ncontent-type: text/plain\r\n\r\nx\r\n" + END,
    "no name": field("form-data") + END,
    "an empty name": named("") + END,
    "two names": field("form-data; name=a; name=b") + END,
    "two names that differ by case": field("form-data; name=a; Name=b") + END,
    "another disposition": field('attachment; name="a"') + END,
    "an extended file name within another": field(
        "form-data; name=a; filename=\"x; filename*=utf-8''c\"; filename*=utf-8''c"
    )
    + END,
    "two file names": field("form-data; name=a; filename=b; filename*=utf-8''c") + END,
    "an extended file name twice": field("form-data; name=a; filename*=utf-8''c; FILENAME*=utf-8''c") + END,
    "an extended file name in another charset": field("form-data; name=a; filename*=iso-8859-1''%E9") + END,
    "an extended file name in quotes": field("form-data; name=a; filename*=utf-8''%22c%22") + END,
    "an extended file name of no text": field("form-data; name=a; filename*=utf-8''%ff") + END,
    "an extended file name with a line end": field("form-data; name=a; filename*=utf-8''c%0D%0Ad") + END,
    "an extended name": field("form-data; name*=utf-8''a") + END,
    "a file name in pieces": field('form-data; name=a; filename*0="b"') + END,
    "a quote in a name": field(r'form-data; name="a\"; filename=\"b"') + END,
    "an open quote": field('form-data; name="a') + END,
    "a parameter in a name": named("a; filename=b") + END,
    "a space in a name": named("a filename=b") + END,
    "words between parameters": field('form-data; name="a" x; filename="b"') + END,
    "base64": named("a", b"aGVsbG8=", "content-transfer-encoding: base64") + END,
    "quoted-printable": named("a", b"=61", "Content-Transfer-Encoding: quoted-printable") + END,
    "a header that is not read": named("a", b"x", "x-file-path: /etc/passwd") + END,
    "another length": named("a", b"xyz", "content-length: 2") + END,
    "a folded header": named("a", b"x", "content-type: text/plain;", " charset=utf-7") + END,
    "a space before a colon": named("a", b"x", "content-type : text/plain") + END,
    "a header of NULs": named("a\0") + END,
    "a header in another charset": b'--b\r\ncontent-disposition: form-data; name="\xe9"\r\n\r\nx\r\n' + END,
    "a long header": named("a", b"x", "content-type: " + "x" * 9000) + END,
    "many headers": named("a", b"x", *(f"content-type: {number}" for number in range(100))) + END,
    "many parts": named("a[]") * 1001 + END,
    "a boundary inside of a content": named("a", b"x\r\n--b y") + END,
    "a boundary that begins a content": named("a", b"--by") + END,
    "a boundary that goes on": named("a", b"x\r\n--bb\r\n") + END,
    "a boundary behind a line feed": named("a", b"x\n--b\n") + END,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_two_servers_could_read_differently_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        split(body, "b")


@pytest.mark.parametrize(
    "head",
    [
        'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain',
        "content-type: text/plain\r\ncontent-disposition: form-data; filename=a.txt; name=file",
        'CONTENT-DISPOSITION:form-data;name=file;filename="a.txt";\r\ncontent-type:  text/plain',
        'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Length: 5\r\n'
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary",
    ],
)
@pytest.mark.parametrize("end", [b"--b--", b"--b--\r\n"])
def test_headers_of_every_client_are_read(head: str, end: bytes) -> None:
    (part,) = split(b"--b\r\n" + head.encode() + b"\r\n\r\nhello\r\n" + end, "b")

    assert (part.name, part.filename, part.content_type) == ("file", "a.txt", "text/plain")
    assert (part.head, part.content) == (head.encode(), b"hello")


@pytest.mark.parametrize(
    ("said", "head"),
    [
        ("; name=a; filename*=UTF-8'en'%C3%BC.txt", '; name=a; filename="ü.txt"'),
        ("; filename*=utf-8''%C3%BC.txt; name=a", '; filename="ü.txt"; name=a'),
        ("; name=a; filename=a.txt; filename*=utf-8''a.txt", "; name=a; filename=a.txt"),
        ("; name=a; FileName*=utf-8''a.txt; filename=a.txt", "; name=a; filename=a.txt"),
    ],
)
def test_an_extended_file_name_goes_on_as_a_plain_one(said: str, head: str) -> None:
    (part,) = split(field(f"form-data{said}") + END, "b")
    assert part.head.decode().lower() == f"content-disposition: form-data{head}".lower()
    assert part.filename in ("ü.txt", "a.txt")
    (again,) = split(b"--b\r\n" + part.head + b"\r\n\r\n" + part.content + b"\r\n" + END, "b")
    assert (again.filename, again.name) == (part.filename, part.name)


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"\r\n\r\n", b"--", b"-b", b"\r\n-", b"a\r\n\r\nb", b"\0\xff"]
)
def test_a_content_is_what_stands_between_its_boundaries(content: bytes) -> None:
    parts = split(named("a", content) + named("c") + END, "b")

    assert [part.content for part in parts] == [content, b"x"]
    assert parts[0].filename is None


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (
            "multipart/form-data; boundary=----formdata-undici-012345678901",
            "----formdata-undici-012345678901",
        ),
        ('Multipart/Form-Data;boundary="a:b"', "a:b"),
        ("multipart/form-data; charset=UTF-8; boundary=x", "x"),
    ],
)
def test_a_boundary_is_read_from_the_content_type(content_type: str, boundary: str) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "parameters",
    [
        *("", "; boundary=", "; boundary=a; boundary=b", "; boundary=a; Boundary=b", "; boundary*=utf-8''a"),
        *('; boundary="a b"', '; boundary="<a>"', f"; boundary={'a' * 71}", "; boundary=a; charset=utf-7"),
        *("; boundary=a, text/plain", "; boundary=é", "; boundary=a; x=y", '; boundary="a', "; boundary=a b"),
    ],
)
def test_another_boundary_is_malformed(parameters: str) -> None:
    with pytest.raises(Malformed):
        boundary_of("multipart/form-data" + parameters)


@pytest.mark.parametrize(
    ("head", "after"),
    [
        (b'Content-Disposition: form-data; name="a"; filename="x.txt"', b'; name="a"; filename="<E>.txt"'),
        (b"content-disposition: form-data; filename=x.txt; name=a", b'; filename="<E>.txt"; name=a'),
        (
            b'content-type: text/x; filename="y"\r\ncontent-disposition: form-data; name=a; filename=""',
            b'text/x; filename="y"\r\ncontent-disposition: form-data; name=a; filename="<E>.txt"',
        ),
    ],
)
def test_a_file_name_is_replaced_where_it_stands(head: bytes, after: bytes) -> None:
    assert with_filename(head, "<E>.txt").endswith(after)
    assert with_filename(head, 'a"\r\nb').endswith(after.replace(b"<E>.txt", b"a%22%0D%0Ab"))


def test_a_length_is_renewed_where_there_is_one() -> None:
    assert (
        with_length(b"Content-Length: 5\r\ncontent-type: a", 71) == b"Content-Length: 71\r\ncontent-type: a"
    )
    assert with_length(b"content-type: a", 71) == b"content-type: a"
