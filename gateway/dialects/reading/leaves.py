"""The one walk over a document: every string, key and long number is a part, or an attachment if exempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.dialects.reading.calls import plain_arguments
from gateway.dialects.reading.document import Malformed, escape
from gateway.dialects.reading.encoded import Encoded, read_sealed
from gateway.words import Attachment, Kind, Part, PartPlace

Label = tuple[str, Kind]  # who speaks, and what it is
Reader = Callable[
    ["Walk", dict[str, Any], Any, str, Label], None
]  # walk, the object, the value, its pointer, label

Leaves = tuple[tuple[Part, ...], tuple[Attachment, ...]]
_Labels = Callable[[Mapping[str, Any], Label], Label]

FIELD: Label = ("", "field")
ASSISTANT: Label = ("assistant", "text")
_NAMING = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
_FIXED = frozenset(("const", "default", "enum", "examples"))
_LONG = 10**6  # the first integer of seven digits
_LONG_DIGITS = 7
_LONGEST_POINTER = 8192  # characters: every value below a long key carries it in its own pointer


def _same(_: Mapping[str, Any], label: Label) -> Label:
    return label


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a dialect knows of its documents.

    `words` are the keys of its schema: they are syntax where it expects them. `readers` say how the value of
    a key is read; a key without one is read on as syntax. `label` says who speaks in an object.
    """

    words: frozenset[str]
    readers: Mapping[str, Reader]
    label: _Labels = _same

    def read(self, document: Any, at: str = "", label: Label = FIELD) -> Leaves:
        """Return the parts and attachments of a document, or of what stands at `at` in one."""
        return self.walk(document, at, label).leaves()

    def walk(self, document: Any, at: str = "", label: Label = FIELD) -> Walk:
        """Return a walk that has been over a document, or over what stands at `at` in one."""
        walk = Walk(self)
        if isinstance(document, dict):
            walk.members(document, at, label)
        else:
            walk.free(document, at, label)
        return walk


def grammars(
    common: frozenset[str],
    readers: Mapping[str, Reader],
    label: _Labels = _same,
    *,
    request: frozenset[str],
    response: frozenset[str],
    response_readers: Mapping[str, Reader],
) -> tuple[Grammar, Grammar]:
    """Return a dialect's grammars for requests and responses, each of what is common and its own."""
    both = common | readers.keys()
    return (
        Grammar(both | request, readers, label),
        Grammar(both | response, {**readers, **response_readers}, label),
    )


class Walk:
    """Collects the parts and attachments of one document; nothing that it is given falls through.

    `references` are the keys whose value stands for text that is kept elsewhere: no part holds it. `block` is
    the pointer of the signed block that the walk is in, where it is more than the object around a leaf.
    """

    __slots__ = ("_grammar", "attachments", "block", "parts", "references")

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self.parts: list[Part] = []
        self.attachments: list[Attachment] = []
        self.references: list[str] = []
        self.block = ""

    def leaves(self) -> Leaves:
        return tuple(self.parts), tuple(self.attachments)

    def unseen(self) -> tuple[str, ...]:
        """Return the names of what the document refers to, each once."""
        return tuple(sorted(set(self.references)))

    def syntax(self, value: Any, at: str, label: Label) -> None:
        """Read what the schema describes: its words are not parts, its numbers are structural."""
        if isinstance(value, str):
            self.text(value, at, label)
        elif isinstance(value, dict):
            self.members(value, at, self._grammar.label(value, label))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.syntax(item, f"{at}/{index}", label)
        else:
            self.number(value, at, label, "structural")

    def members(self, members: dict[str, Any], at: str, label: Label) -> None:
        """Read an object of the schema; a key it does not know is a part, and all below it is free.

        Raises Malformed on a key that is a word of the schema but for its case: some parsers (Go's) take it
        for the word.
        """
        words, readers = self._grammar.words, self._grammar.readers
        for key, value in members.items():
            here = _below(at, key)
            if key not in words:
                if key.casefold() in words:
                    raise Malformed("a key differs from a word of the schema by its case only")
                self.text(key, here, label, "key")
                self.free(value, here, label)
            elif reader := readers.get(key):
                reader(self, members, value, here, label)
            else:
                self.syntax(value, here, label)

    def free(self, value: Any, at: str, label: Label) -> None:
        """Read what no schema describes: every key and value is a part."""
        if isinstance(value, str):
            self.text(value, at, label)
        elif isinstance(value, dict):
            for key, item in value.items():
                here = _below(at, key)
                self.text(key, here, label, "key")
                self.free(item, here, label)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.free(item, f"{at}/{index}", label)
        else:
            self.number(value, at, label, "number")

    def schema(self, value: Any, at: str, label: Label) -> None:
        """Read a JSON Schema: its numbers are bounds, and what `const`, `enum` or `default` say is fixed."""
        if isinstance(value, dict):
            for key, item in value.items():
                here = _below(at, key)
                self.text(key, here, label, "key")
                if key in _NAMING and isinstance(item, dict):
                    for name, below in item.items():
                        self.text(name, _below(here, name), label, "key")
                        self.schema(below, _below(here, name), label)
                elif key in _FIXED:
                    self.constant(item, here, label)
                else:
                    self.schema(item, here, label)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.schema(item, f"{at}/{index}", label)
        elif isinstance(value, str):
            self.text(value, at, label)
        else:
            self.number(value, at, label, "structural")

    def constant(self, value: Any, at: str, label: Label) -> None:
        """Read what a schema fixes."""
        if isinstance(value, str):
            self.text(value, at, label, "constant")
        elif isinstance(value, dict):
            for key, item in value.items():
                self.text(key, _below(at, key), label, "key")
                self.constant(item, _below(at, key), label)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.constant(item, f"{at}/{index}", label)
        else:
            self.number(value, at, label, "structural")

    def fetched(self, value: Any, at: str, label: Label) -> None:
        """Read an address that the provider fetches from: with a placeholder in it, it leads nowhere."""
        if isinstance(value, str):
            self.text(value, at, (label[0], "field"), "structural")
        else:
            self.syntax(value, at, label)

    def text(self, text: str, at: str, label: Label, place: PartPlace = "value") -> None:
        block = self.block if label[1] == "signed" else ""
        self.parts.append(Part(label[0], label[1], at, text, place, block))

    def tokens(self, text: str, at: str, columns: str = "") -> None:
        """Read what tokens of a completion say; `columns`: the object whose lists tell of them."""
        self.parts.append(Part(*ASSISTANT, at, text, "tokens", columns))

    def number(self, value: int | float | bool | None, at: str, label: Label, place: PartPlace) -> None:
        """Read a number: it is a part from seven digits on; true, false and null never are."""
        if value is None or value is True or value is False:
            return
        if isinstance(value, int) and -_LONG < value < _LONG:
            return
        text = digits(value)
        if sum(map(str.isdigit, text)) >= _LONG_DIGITS:
            self.text(text, at, label, place)

    def counted(self, value: Any, at: str, label: Label) -> None:
        """Read what a provider counts or dates: numbers are exempt, strings structural, odd keys parts."""
        if isinstance(value, dict):
            for key, item in value.items():
                here = _below(at, key)
                if key not in self._grammar.words:
                    self.text(key, here, label, "key")
                self.counted(item, here, label)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.counted(item, f"{at}/{index}", label)
        elif isinstance(value, str):
            self.structural(value, at, label)

    def structural(self, value: Any, at: str, label: Label) -> None:
        """Read a scalar that is syntax. It has the kind `field`, unless it names a tool."""
        named: Label = label if label[1] in ("tool_call", "tool_definition") else (label[0], "field")
        if isinstance(value, str):
            self.text(value, at, named, "structural")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.structural(item, f"{at}/{index}", label)
        else:
            self.syntax(value, at, label)

    def encoded(self, leaf: Any, at: str, label: Label, kind: str, found: Encoded | None) -> None:
        """Read a leaf that is exempt as far as its content is what it should be; None: a part like others.

        What it decodes to cannot be masked where it stands: a finding in it is refused.
        """
        if found is None:
            self.syntax(leaf, at, label)
            return
        self.attachments.append(Attachment(kind, found.media_type, found.size))
        if found.text is not None:
            self.text(found.text, at, label, "structural")
        if not found.opaque:
            self.text(leaf, at, label)


def _below(at: str, key: str) -> str:
    """Return the pointer of a member. Raises Malformed when the keys on the way are too long."""
    if len(at) + len(key) > _LONGEST_POINTER:
        raise Malformed(f"the keys that lead to one value have over {_LONGEST_POINTER} characters together")
    return f"{at}/{escape(key)}"


def words(text: str) -> frozenset[str]:
    """Return the words of a vocabulary, written one after another."""
    return frozenset(text.split())


def _reader(read: Callable[[Walk, Any, str, Label], None]) -> Reader:
    return lambda walk, _, value, at, label: read(walk, value, at, label)


# Readers of keys whose value is syntax, is whatever callers write, is counted or dated by a provider, is a
# JSON Schema, or is fetched from.
structural, free, counted = map(_reader, (Walk.structural, Walk.free, Walk.counted))
schema, fetched = map(_reader, (Walk.schema, Walk.fetched))


def labeled(kind: Kind) -> Reader:
    """Return a reader that gives everything under its key one kind."""

    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
        walk.syntax(value, at, (label[0], kind))

    return read


def call_arguments(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read OpenAI's arguments of a call: JSON in a string is one part, spelt plainly."""
    if isinstance(value, str):
        walk.text(plain_arguments(value), at, label)
    else:
        walk.free(value, at, label)


def reference(name: str) -> Reader:
    """Return a reader for what stands for text that is kept elsewhere; policy learns its name."""

    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
        if value:
            walk.references.append(name)
        walk.structural(value, at, label)

    return read


def messages(labels: Mapping[str, Label]) -> Reader:
    """Return a reader that labels each message by its own role; a `role` deeper inside is a field."""

    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
        if not isinstance(value, list):
            walk.syntax(value, at, label)
            return
        for index, message in enumerate(value):
            if isinstance(message, dict):
                role = message.get("role")
                known = labels.get(role, FIELD) if isinstance(role, str) else FIELD
                walk.members(message, f"{at}/{index}", known)
            else:
                walk.syntax(message, f"{at}/{index}", label)

    return read


def address(label: Label) -> Label:
    """Label a URL as a field: clients follow it, so values are not restored in it."""
    return (label[0], "field") if label[1] == "text" else label


def signed(label: Label) -> Label:
    """Label what its provider signed or sealed; those who write prompts sign nothing."""
    return label if label[0] in ("user", "system", "developer") else (label[0], "signed")


def url(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a URL."""
    walk.syntax(value, at, address(label))


def sealed(kind: str, *types: str) -> Reader:
    """Return a reader for values that only their provider can open or check, in objects of these types."""

    def read(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
        found = read_sealed(value) if parent.get("type") in types else None
        walk.encoded(value, at, signed(label) if found else label, kind, found)

    return read


def digits(number: int | float) -> str:
    """Return a number in plain decimal notation, so that 4.111111111111111e15 shows its digits."""
    if isinstance(number, int):
        return str(number)
    shortest = repr(number)
    if "e" in shortest:
        shortest = format(Decimal(shortest), "f")
    return shortest.removesuffix(".0")
