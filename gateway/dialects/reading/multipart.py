"""`multipart/form-data` (RFC 7578), split strictly: what two servers could read differently is malformed.

The library finds the parts. Its reading has to agree with the plainest one: delimiter, header lines, an empty
line, content, delimiter, and nothing before, between or behind them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gateway.dialects.reading.document import Malformed

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")  # RFC 2046, without the space
_PARAMETER = re.compile(
    r";[ \t]*([A-Za-z*0-9_-]+)=(?:\"([^\"\\\r\n\0]*)\"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*"
)
_DISPOSITION = re.compile(r"form-data[ \t]*(?=;)", re.IGNORECASE)
_NAME = re.compile(r"[^\s;=\"]+")  # so that `filename=` in it is found nowhere but where it stands
_FILENAME = re.compile(
    rb"^content-disposition:[^\r\n]*?[; \t]filename=(\"[^\"\r\n]*\"|[^;\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_EXTENDED = re.compile(rb"[ \t]*;[ \t]*filename\*=[^;\r\n]*", re.IGNORECASE)
_UTF_8 = re.compile(r"(?i:utf-8)'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[A-Za-z0-9!#$&+.^_`|~-])+)")  # RFC 8187
_ENCODINGS = ("binary", "8bit", "7bit")  # those that leave the content as it is
_HEADERS = ("content-disposition", "content-type", "content-length", "content-transfer-encoding")
_MOST_PARTS = 1000
_MOST_HEADERS, _LONGEST_HEADER = 8, 4096


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part: its header lines as they stand, and what they say. `filename` is None in a field.

    A name in `filename*` goes on as a plain one: some servers take a part without that for a field.
    """

    head: bytes
    content: bytes
    name: str
    filename: str | None
    content_type: str


def boundary_of(content_type: str) -> str:
    """Return the boundary of a form's Content-Type. Raises Malformed."""
    _, semicolon, rest = content_type.partition(";")
    parameters = _parameters(semicolon + rest)
    if parameters.keys() - {"boundary", "charset"} or parameters.get("charset", "utf-8").lower() != "utf-8":
        raise Malformed("a form's content type has a parameter other than its boundary")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("expected a form to have a plain boundary of at most 70 characters")
    return boundary


def split(raw: bytes, boundary: str) -> list[FormPart]:
    """Return the parts of a form. Raises Malformed."""
    delimiter = b"--" + boundary.encode()
    pieces = raw.split(delimiter, _MOST_PARTS + 2)
    if len(pieces) > _MOST_PARTS + 2:
        raise Malformed(f"a form has over {_MOST_PARTS} parts")
    if len(pieces) < 3 or pieces[0] or pieces[-1] not in (b"--", b"--\r\n"):
        raise Malformed("expected a form to begin and to end with its boundary")
    heads, contents = [], []
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        if not (head.startswith(b"\r\n") and blank and content.endswith(b"\r\n")):
            raise Malformed("expected lines of headers, an empty one, and a content that ends with its line")
        heads.append(head[2:])
        contents.append(content[:-2])
    seen = _as_the_library_reads(raw, boundary)
    if [content for _, content in seen] != contents:
        raise Malformed("a boundary stands inside of a content")
    return [_part(head, headers, content) for head, (headers, content) in zip(heads, seen, strict=True)]


def with_filename(head: bytes, filename: str) -> bytes:
    """Return the header lines of a file with another file name, written as browsers do."""
    found = _FILENAME.search(head)
    assert found is not None
    plain = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\\", "/")
    return head[: found.start(1)] + b'"' + plain.encode() + b'"' + head[found.end(1) :]


def with_length(head: bytes, length: int) -> bytes:
    """Return header lines that say, where they say one, this length."""
    return re.sub(rb"(?im)^(content-length:[ \t]*)\d+", rb"\g<1>%d" % length, head)


def _as_the_library_reads(raw: bytes, boundary: str) -> list[tuple[list[tuple[bytes, bytes]], bytes]]:
    """Return the headers and the content of each part. Raises Malformed."""
    parts: list[tuple[list[tuple[bytes, bytes]], list[bytes]]] = []
    ended: list[bool] = []

    def begin() -> None:
        parts.append(([], []))

    def header_begin() -> None:
        parts[-1][0].append((b"", b""))

    def name(data: bytes, start: int, end: int) -> None:
        before, value = parts[-1][0][-1]
        parts[-1][0][-1] = before + data[start:end], value

    def value(data: bytes, start: int, end: int) -> None:
        known, before = parts[-1][0][-1]
        parts[-1][0][-1] = known, before + data[start:end]

    def content(data: bytes, start: int, end: int) -> None:
        parts[-1][1].append(data[start:end])

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_begin": header_begin,
                "on_header_field": name,
                "on_header_value": value,
                "on_part_data": content,
                "on_end": lambda: ended.append(True),
            },
            max_header_count=_MOST_HEADERS,
            max_header_size=_LONGEST_HEADER,
        )
        parser.write(raw)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise Malformed("the form cannot be split into parts") from error
    if not ended:
        raise Malformed("expected a form to end with its boundary")
    return [(headers, b"".join(pieces)) for headers, pieces in parts]


def _part(head: bytes, lines: list[tuple[bytes, bytes]], content: bytes) -> FormPart:
    headers: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name = raw_name.decode("ascii").lower()
        if name in headers:
            raise Malformed("a part of a form has a header twice")
        if name not in _HEADERS:
            raise Malformed("a part of a form has a header that is not read")
        try:
            headers[name] = raw_value.decode().strip()
        except UnicodeDecodeError as error:
            raise Malformed("a header of a part is not valid UTF-8") from error
    encoding = headers.get("content-transfer-encoding", "binary").lower()
    if encoding not in _ENCODINGS:
        raise Malformed("a part of a form has an encoding of its own")
    if headers.get("content-length", str(len(content))) != str(len(content)):
        raise Malformed("a part of a form has another length than it says")
    parameters = _named(headers.get("content-disposition", ""))
    filename = parameters.get("filename")
    if extended := parameters.get("filename*"):
        known, filename = filename, _plain_name(extended)
        if known not in (None, filename):
            raise Malformed("a part of a form has two file names")
        plain = b"" if known else f'; filename="{filename}"'.encode()
        head, count = _EXTENDED.subn(plain, head)
        if count != 1:  # within a name, or in another header
            raise Malformed("the parameters of a header can be read in more than one way")
    if len(lines) != head.count(b"\n") + 1 or not all(map(str.isprintable, headers.values())):
        raise Malformed("a header of a part is not text")
    return FormPart(head, content, parameters["name"], filename, headers.get("content-type", ""))


def _named(disposition: str) -> Mapping[str, str]:
    """Return the parameters of a part's Content-Disposition. Raises Malformed."""
    found = _DISPOSITION.match(disposition)
    parameters = _parameters(disposition[found.end() :]) if found else {}
    known = {"name", "filename", "filename*"}
    if not _NAME.fullmatch(parameters.get("name", "")) or parameters.keys() - known:
        raise Malformed(
            "expected a part of a form to have a plain name, and no parameter but `filename` beside it"
        )
    return parameters


def _plain_name(extended: str) -> str:
    """Return a file name that was written as RFC 8187 has it. Raises Malformed."""
    found = _UTF_8.fullmatch(extended)
    try:
        name = unquote_to_bytes(found[1]).decode() if found else ""
    except UnicodeDecodeError:
        name = ""
    if not name or not name.isprintable() or set(name) & set('"\\;'):
        raise Malformed("expected an extended file name to be percent-encoded UTF-8, without quotes")
    return name


def _parameters(text: str) -> dict[str, str]:
    """Return the parameters behind a header's value. Raises Malformed on one that stands there twice."""
    parameters: dict[str, str] = {}
    at = 0
    text = text.rstrip("; \t")
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None or found[1].lower() in parameters:
            raise Malformed("the parameters of a header can be read in more than one way")
        parameters[found[1].lower()] = found[3] if found[2] is None else found[2]
        at = found.end()
    return parameters
