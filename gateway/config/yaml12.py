"""YAML as OPA reads it: the core schema of YAML 1.2, where `no` is text and `22:30` is no number.

The settings reach OPA through this module, so a scalar must mean here what it means in a file that OPA
reads itself. OPA's reader adds a few spellings of numbers to the core schema: `1_000`, `0b101`, and `017` for
an octal number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from types import NoneType
from typing import Any

import yaml

_MOST_VALUES = 1_000_000  # in one file, those that aliases and merge keys repeat included
_DEEPEST = 100  # nested collections; the parser in C overflows its stack on some ten thousand

_TAG = "tag:yaml.org,2002:"
_WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    spelling: word == "true" for word in ("true", "false") for spelling in (word, word.title(), word.upper())
}
_INTEGER = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)|0b[-+][01]+|0o[-+][0-7]+"
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FRACTION = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?")  # underscores as Go takes them
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_INTEGER = 80  # characters; 64 bits fit into 67
_LARGEST_WRITTEN_OUT = 1e21  # OPA writes whole numbers below it without a decimal point


def strict_yaml(text: str) -> Any:
    """Return the document as plain data.

    Raises yaml.YAMLError, also on a key that is given twice, on nesting that is too deep, and on aliases that
    multiply without measure.
    """
    return _Document(text).read()


def compose(text: str) -> yaml.Node | None:
    """Return the document with the place of each value. Raises yaml.YAMLError."""
    node: yaml.Node | None = yaml.compose(text, _Composer)
    return node


def _measure(document: Any) -> None:
    """Raise on a few lines of aliases that stand for more than any memory holds."""
    pending, values = [document], 1
    while pending:
        node = pending.pop()
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        values += len(inner)
        if values > _MOST_VALUES:
            raise yaml.YAMLError(f"its aliases stand for more than {_MOST_VALUES} values")
        pending.extend(inner)


class _Composer(yaml.CSafeLoader):
    """libyaml's composer, which recurses in C, with a bound on its depth."""

    _depth = 0

    def descend_resolver(self, *_: object) -> None:
        """Count a level, which PyYAML announces here."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"nested more than {_DEEPEST} deep")

    def ascend_resolver(self) -> None:
        """Count it off."""
        self._depth -= 1


class _Document:
    """One pass over libyaml's events: PyYAML's own constructor needs five times as long."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, yaml.CSafeLoader)
        self._anchors: dict[str, Any] = {}

    def read(self) -> Any:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        document = self._value(next(self._events), 1)
        next(self._events)  # the end of the document
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise _fault(more, "found another document, expected one")
        if self._anchors:
            _measure(document)
        return document

    def _value(self, event: Any, depth: int) -> Any:
        value: Any
        if depth > _DEEPEST:
            raise _fault(event, f"nested more than {_DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:  # an anchor counts from the end of its value
                raise _fault(event, f"the alias {event.anchor} stands for nothing, or for what it is in")
            return self._anchors[event.anchor]
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(_untagged(event, "map"), depth)
        else:
            value = self._sequence(_untagged(event, "seq"), depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _sequence(self, _: Any, depth: int) -> list[Any]:
        values = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, start: Any, depth: int) -> dict[Any, Any]:
        own: dict[Any, Any] = {}
        merged: list[Any] | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            value = self._value(next(self._events), depth + 1)
            if isinstance(key, dict | list):
                raise _fault(event, "found a collection as a key, expected text")
            if key == "<<" and _is_plain(event) and merged is None:
                merged = value if isinstance(value, list) else [value]
            elif key in own or (key == "<<" and _is_plain(event)):
                raise _fault(event, f"{key!r} is given twice")
            else:
                own[key] = value
        if not all(isinstance(each, dict) for each in merged or ()):
            raise _fault(start, "a merge key has a value that is no mapping")
        inherited = {key: value for each in reversed(merged or ()) for key, value in each.items()}
        return {**inherited, **own}


def _scalar(event: Any) -> Any:
    """Return what a scalar means: a plain one is what it spells, a quoted one is text."""
    text, tag = str(event.value), event.tag
    if tag == _TAG + "str" or (tag in (None, "!") and not _is_plain(event)):
        return text
    if tag in (None, "!"):
        return _plain(text)
    value = _plain(text)
    if (
        tag not in _KINDS
        or not isinstance(value, _KINDS[tag])
        or isinstance(value, bool) > (tag == _TAG + "bool")
    ):
        raise _fault(event, f"found {text!r} with the tag {tag}, expected plain data")
    return value


_KINDS: dict[str, Any] = {
    _TAG + "bool": bool,
    _TAG + "null": NoneType,
    _TAG + "int": int,
    _TAG + "float": int | float,
}


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    number = _number(text)
    return text if number is None else number


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style


def _untagged(event: Any, kind: str) -> Any:
    if event.tag not in (None, "!", _TAG + kind):
        raise _fault(event, f"found the tag {event.tag}, expected plain data")
    return event


def _fault(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, event.start_mark)


def _number(text: str) -> float | None:
    """Return the number that a plain scalar spells, None where it spells none.

    These are the steps of go.yaml.in/yaml/v3, `resolve`, which OPA reads YAML with.
    """
    if text[0] not in "+-.0123456789":
        return None
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    plain = text.replace("_", "")
    if text.startswith(".") and not _FRACTION.fullmatch(text):
        return None
    if len(plain) <= _LONGEST_INTEGER and _INTEGER.fullmatch(plain):
        integer = _integer(plain)
        if -(2**63) <= integer < (2**63 if plain.startswith("+") else 2**64):
            return integer
    if not _FLOAT.fullmatch(plain):
        return None
    number = float(plain)
    if math.isinf(number):  # out of range: OPA takes it for text
        return None
    if number.is_integer() and abs(number) < _LARGEST_WRITTEN_OUT:
        return int(Decimal(repr(number)))  # the shortest digits that stand for it, as in OPA
    return number


def _integer(plain: str) -> int:
    signed = re.sub(r"0([bo])([-+])", r"\g<2>0\1", plain)  # Go takes a sign behind these prefixes too
    return int(re.sub(r"^([-+]?)0(?=[0-7])", r"\g<1>0o", signed), 0)
