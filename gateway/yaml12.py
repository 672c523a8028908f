"""YAML as OPA reads it: the core schema of YAML 1.2, where `no` is text and `22:30` is no number.

The settings reach OPA through this module, so a scalar must mean here what it means in a file that OPA
reads itself. OPA's reader adds a few spellings of numbers to the core schema: `1_000`, `0b101`, and `017` for
an octal number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable
from decimal import Decimal
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
    document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, see below
    _measure(document)
    return document


def compose(text: str) -> yaml.Node | None:
    """Return the document with the place of each value. Raises yaml.YAMLError."""
    node: yaml.Node | None = yaml.compose(text, _Loader)
    return node


def _measure(document: Any) -> None:
    """Raise on a few lines of aliases that stand for more than any memory holds, or for what they are in."""
    pending, values = [document], 1
    while pending:
        node = pending.pop()
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        values += len(inner)
        if values > _MOST_VALUES:
            raise yaml.YAMLError(f"its aliases stand for more than {_MOST_VALUES} values, or for themselves")
        pending.extend(inner)


class _Loader(yaml.CSafeLoader):
    """PyYAML's loader over libyaml, with the scalars of YAML 1.2 and without its tolerance."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._flat: set[int] = set()

    def descend_resolver(self, *_: object) -> None:
        """Count the levels, which PyYAML announces here."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"nested more than {_DEEPEST} deep")

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        """Return the tag of a node that has none. A plain scalar is what it spells, a quoted one is text."""
        if kind is not yaml.ScalarNode:
            return _TAG + ("seq" if kind is yaml.SequenceNode else "map")
        if value is None or not implicit[0]:
            return _TAG + "str"
        if value in _WORDS:
            return _TAG + ("null" if _WORDS[value] is None else "bool")
        if value == "<<":
            return _TAG + "merge"
        return _TAG + ("str" if _number(value) is None else "float")

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Apply merge keys. Raise on a key that is written twice, which PyYAML would take the last of."""
        if id(node) in self._flat:
            return
        self._flat.add(id(node))
        keys = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):  # refused by PyYAML, in words of its own
                continue
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is given twice", node.start_mark
                )
            keys.add(key)
        super().flatten_mapping(node)
        if len(node.value) > _MOST_VALUES:
            raise yaml.YAMLError(f"its merge keys stand for more than {_MOST_VALUES} values")


def _word(_: Any, node: yaml.ScalarNode) -> bool | None:
    if node.value not in _WORDS:
        raise yaml.constructor.ConstructorError(
            None, None, f"found {node.value!r}, no {node.tag}", node.start_mark
        )
    return _WORDS[node.value]


def _text(_: Any, node: yaml.ScalarNode) -> str:
    return str(node.value)


def _numeral(_: Any, node: yaml.ScalarNode) -> float:
    number = _number(node.value)
    if number is None:
        raise yaml.constructor.ConstructorError(
            None, None, f"found {node.value!r}, no number", node.start_mark
        )
    return number


_CONSTRUCTED: dict[str, Callable[[Any, Any], Any]] = {
    "bool": _word,
    "null": _word,
    "int": _numeral,
    "float": _numeral,
    "merge": _text,  # `a: <<`
}
for _name, _construct in _CONSTRUCTED.items():
    _Loader.add_constructor(_TAG + _name, _construct)


def _number(text: str) -> float | None:
    """Return the number that a plain scalar spells, None where it spells none.

    These are the steps of go.yaml.in/yaml/v3, `resolve`, which OPA reads YAML with.
    """
    if text[:1] not in tuple("+-.0123456789"):
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
