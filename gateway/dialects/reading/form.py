"""A form (`multipart/form-data`) as a document: its fields and files by name, like the members of an object.

    {"model": "whisper-1", "include[]": ["logprobs"], "file": {"filename": "a.txt", "content": "Hello"}}

A text file is one text, or the lines of it where those are JSON. Everything else is an attachment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from gateway.dialects.reading.document import Malformed, at, escape
from gateway.dialects.reading.encoded import read_file
from gateway.dialects.reading.joining import below, joined
from gateway.dialects.reading.leaves import FIELD, Grammar, Label, Walk
from gateway.dialects.reading.lines import Lines, begins_as_lines, is_lines
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.multipart import FormPart, boundary_of, split, with_filename, with_length
from gateway.dialects.reading.scalars import string
from gateway.words import Attachment, PartPlace, Prompt

PASSED_ON: Label = ("user", "tool_result")  # what a file says is no user's own word
_FALSE = ("", "false", "0", "no", "off")
_FILE = Grammar(frozenset(), {})


class FormBody:
    """A form in its own bytes and as a document. A part that did not change goes on in its own bytes.

    `bound` is a digest of what it says, whatever its boundary is: that differs with each sending.
    """

    def __init__(self, raw: bytes, content_type: str, *, depth: int = 100) -> None:
        """Read a form. Raises Malformed where two servers could read it differently."""
        self.boundary = boundary_of(content_type)
        self.document: dict[str, Any] = {}
        self._end = b"--\r\n" if raw.endswith(b"\r\n") else b"--"
        self._pieces: dict[str, _Piece] = {}  # by pointer
        for part in split(raw, self.boundary):
            self._add(_Piece(part, depth))
        names = [name.removesuffix("[]").casefold() for name in self.document]
        if len(set(names)) < len(names) or "_charset_" in names:
            raise Malformed("a form has names that can be read in more than one way")
        said = hashlib.sha256()
        for part in (piece.part for piece in self._pieces.values()):
            said.update(b"%d %d " % (len(part.head), len(part.content)) + part.head)
            said.update(part.content)
        self.bound = said.digest()

    def read(self, grammar: Grammar) -> Walk:
        """Return a walk over all but JSON lines; the fields are those of a grammar. Raises Malformed."""
        walk = Walk(grammar)
        words = {word.casefold() for word in grammar.words}
        for name in self.document:
            base = name.partition("[")[0]
            if base not in grammar.words and base.casefold() in words:
                raise Malformed("a name differs from a word of the schema by its case only")
            if name.removesuffix("[]") not in grammar.words:
                walk.text(name, f"/{escape(name)}", FIELD, "structural")
        for pointer, piece in self._pieces.items():
            if piece.is_file:
                piece.read(walk, pointer)
            else:
                self._field(walk, grammar, piece, pointer)
        return walk

    def lines(self) -> Iterator[tuple[str, Lines]]:
        """Yield the files of JSON lines, and where they stand."""
        for pointer, piece in self._pieces.items():
            if piece.lines:
                yield f"{pointer}/content", piece.lines

    def encode(self, document: dict[str, Any]) -> bytes:
        """Return the form as `document` has it now. Raises Malformed when its boundary came into it."""
        delimiter = b"--" + self.boundary.encode()
        out = []
        for pointer, piece in self._pieces.items():
            head, content = piece.encode(at(document, pointer))
            if content is not piece.part.content and delimiter in content:
                raise Malformed("the boundary of the form came into a content of it")
            out += [delimiter, b"\r\n", head, b"\r\n\r\n", content, b"\r\n"]
        return b"".join([*out, delimiter, self._end])

    def _add(self, piece: _Piece) -> None:
        name = piece.part.name
        pointer = f"/{escape(name)}"
        if name.endswith("[]"):
            values = self.document.setdefault(name, [])
            pointer = f"{pointer}/{len(values)}"
            values.append(piece.value)
        elif name in self.document:
            raise Malformed("a form has the same name twice")
        else:
            self.document[name] = piece.value
        self._pieces[pointer] = piece

    def _field(self, walk: Walk, grammar: Grammar, piece: _Piece, at: str) -> None:
        word, value = piece.part.name.partition("[")[0], piece.value
        if piece.part.content_type:
            walk.text(piece.part.content_type, at, FIELD, "structural")
        if reader := grammar.readers.get(word):
            reader(walk, self.document, value, at, FIELD)
        elif word in grammar.words and value.lstrip("-").replace(".", "", 1).isdigit():
            walk.text(value, at, FIELD, "structural")  # a number of the schema
        else:
            walk.text(value, at, FIELD)


def free_line(item: Any) -> Prompt:
    """Return the prompt of a line of which nothing is known but that it is a file's."""
    walk = Walk(_FILE)
    walk.free(item, "", PASSED_ON)
    return Prompt(tuple(walk.parts))


def free_lines(lines: Lines) -> Prompt:
    """Return the prompt of lines of which nothing is known but that they are a file's."""
    return joined(Prompt(), (below(free_line(item), f"/{index}") for index, item in lines.items()))


def form_prompt(
    form: FormBody, grammar: Grammar, read_lines: Callable[[Lines], Prompt] = free_lines
) -> Prompt:
    """Return the prompt of a form whose JSON lines are read by `read_lines`. Raises Malformed."""
    walk = form.read(grammar)
    parts, attachments = walk.leaves()
    fields = {name: value for name, value in form.document.items() if isinstance(value, str)}
    own = Prompt(
        parts,
        attachments,
        model=string(fields, "model"),
        models=named_models(fields),
        stream=string(fields, "stream").lower() not in _FALSE,
        unseen=walk.unseen(),
    )
    return joined(own, (below(read_lines(lines), pointer) for pointer, lines in form.lines()))


class _Piece:
    """One part of a form, and what stands for it in the document."""

    __slots__ = ("_content", "is_file", "lines", "part", "value")

    def __init__(self, part: FormPart, depth: int) -> None:
        content = self._content = read_file(part.content, part.content_type)
        self.part = part
        self.lines: Lines | None = None
        self.is_file = part.filename is not None or content.codec != "utf-8"
        self.value: Any = content.text
        if not self.is_file:
            return
        media_type = part.content_type.partition(";")[0].strip().lower()
        if content.codec == "utf-8" and (
            is_lines(media_type, part.filename or "") or begins_as_lines(content.text or "")
        ):
            self.lines = Lines(part.content, depth=depth)
        said = {"filename": part.filename, "content-type": part.content_type}
        self.value = {name: text for name, text in said.items() if text}
        if content.text is not None:
            self.value["content"] = self.lines.document if self.lines else content.text

    def read(self, walk: Walk, at: str) -> None:
        """Read a file: its name, its type, and its text, or what it is instead."""
        content = self._content
        if self.part.filename:
            walk.text(self.part.filename, f"{at}/filename", FIELD)
        if self.part.content_type:
            walk.text(self.part.content_type, f"{at}/content-type", FIELD, "structural")
        if content.kind:
            walk.attachments.append(Attachment(content.kind, content.media_type, len(self.part.content)))
        if content.text is not None and not self.lines:
            place: PartPlace = (
                "structural" if content.kind else "value"
            )  # a format that no mask may be put into
            walk.text(content.text, f"{at}/content", PASSED_ON, place)
            if content.codec.startswith("utf-16"):  # behind its mark may stand what is plain in other codes
                walk.text(self.part.content.decode("latin-1"), f"{at}/content", PASSED_ON, "structural")

    def encode(self, value: Any) -> tuple[bytes, bytes]:
        """Return the header lines and the content of what stands for the part now."""
        part, head, text = self.part, self.part.head, value
        if self.is_file:
            text = value.get("content")
            if value.get("filename", part.filename) != part.filename:
                head = with_filename(head, value["filename"])
        if text is None:
            return head, part.content
        if self.lines:
            content = self.lines.encode(text)
        else:
            content = part.content if text == self._content.text else text.encode(self._content.codec)
        if content == part.content:
            return head, part.content
        return with_length(head, len(content)), content
