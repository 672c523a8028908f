"""JSON as it travels: parsed strictly, written back exactly, and addressed by JSON pointer (RFC 6901)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from gateway.dialects.reading.strict import DuplicateKey, unique_members

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
MANY_FLOATS = 10_000
_INDEX = re.compile(r"0|[1-9][0-9]*")


class Malformed(ValueError):
    """Bytes that are not what their format asks for. The message never holds content."""


def parse(body: bytes, *, depth: int = 100) -> Any:
    """Parse one JSON text (RFC 8259), refusing whatever two parsers could read differently.

    Integers are exact at any size that Python converts, floats are the nearest double, key order is kept.
    Raises Malformed on duplicate keys, NaN and infinities (1e400 too), lone surrogates, invalid UTF-8, a BOM,
    trailing bytes and nesting over `depth`.
    """
    try:
        document = _decoder(body).decode(body.decode())
    except UnicodeDecodeError as error:
        raise Malformed(f"not valid UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"not valid JSON: {error.msg} at character {error.pos}") from error
    except DuplicateKey as error:
        raise Malformed("an object has the same key twice") from error
    except RecursionError as error:
        raise Malformed(f"nested deeper than {depth} levels") from error
    if body.count(b"[") + body.count(b"{") > depth and _deeper(document, depth):
        raise Malformed(f"nested deeper than {depth} levels")
    if _SURROGATE_ESCAPE.search(body):
        _refuse_lone_surrogates(document)
    return document


def serialize(value: Any) -> bytes:
    """Return a parsed value as compact UTF-8: integers exact, floats to the same double, keys in order.

    Raises Malformed on what JSON cannot say.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer over 64 bits, or something that is not JSON
        pass
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed("a value that JSON cannot say") from error


def put(document: Any, pointer: str, value: Any) -> Any:
    """Replace what stands at `pointer`, in place, and return the document (`value` itself at the root).

    Raises LookupError when nothing stands there.
    """
    tokens = _tokens(pointer)
    if not tokens:
        return value
    holder = at(document, pointer[: pointer.rindex("/")])
    holder[_step(holder, tokens[-1], pointer)] = value
    return document


def rename_keys(document: Any, names: Mapping[str, str], *, kept: Collection[str] = ()) -> None:
    """Give keys, by the pointers of their members, other names, in place; the members keep their order.

    Of two that would have one name the second gets an underscore behind it; one of `kept` stays as it is.
    Raises LookupError when nothing stands at a pointer.
    """
    renamed: dict[str, dict[str, str]] = {}
    for pointer, name in names.items():
        above, _, token = pointer.rpartition("/")
        renamed.setdefault(above, {})[token.replace("~1", "/").replace("~0", "~")] = name
    for pointer in sorted(renamed, key=lambda above: above.count("/"), reverse=True):
        holder = at(document, pointer)
        taken, members = set(holder), [*holder.items()]
        holder.clear()
        for key, value in members:
            name = renamed[pointer].get(key, key)
            if name in taken and f"{pointer}/{escape(key)}" in kept:
                name = key
            while name != key and name in taken:
                name += "_"
            taken.add(name)
            holder[name] = value


def drop(document: Any, pointers: Iterable[str]) -> None:
    """Take out of lists what stands at these pointers, in place."""
    indexes: dict[str, set[int]] = {}
    for pointer in pointers:
        above, _, index = pointer.rpartition("/")
        indexes.setdefault(above, set()).add(int(index))
    for pointer in sorted(indexes, key=lambda above: above.count("/"), reverse=True):
        holder = at(document, pointer)
        holder[:] = [item for index, item in enumerate(holder) if index not in indexes[pointer]]


def at(document: Any, pointer: str) -> Any:
    """Return what stands at `pointer`. Raises LookupError when nothing does."""
    for token in _tokens(pointer):
        document = document[_step(document, token, pointer)]
    return document


def escape(key: str) -> str:
    """Return an object key as a pointer token."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def _constant(name: str) -> None:
    raise Malformed(f"{name} is not JSON")


def _float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise Malformed("a number is too large for a double")
    return number


def _int(literal: str) -> int:
    try:
        return int(literal)
    except ValueError as error:  # over sys.get_int_max_str_digits(): conversion is quadratic
        raise Malformed("an integer has too many digits") from error


# A decoder holds no state between calls; making one costs more than a small parse.
_DECODER = json.JSONDecoder(
    object_pairs_hook=unique_members, parse_constant=_constant, parse_float=_float, parse_int=_int
)
_OF_FINITE_FLOATS = json.JSONDecoder(
    object_pairs_hook=unique_members, parse_constant=_constant, parse_int=_int
)


def _decoder(body: bytes) -> json.JSONDecoder:
    """Return the decoder for a body: calling `_float` for every number of an embedding takes seconds."""
    if body.count(b".") < MANY_FLOATS:
        return _DECODER
    try:
        orjson.loads(body)  # refuses a number that is too large for a double
    except orjson.JSONDecodeError:
        return _DECODER
    return _OF_FINITE_FLOATS


def _deeper(document: Any, depth: int) -> bool:
    level = [document]
    for _ in range(depth + 1):
        level = [item for item in level if isinstance(item, (dict, list))]
        if not level:
            return False
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return True


def _refuse_lone_surrogates(document: Any) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Malformed("a string holds half of a surrogate pair") from error


def _tokens(pointer: str) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise LookupError("a JSON pointer starts with /")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def _step(holder: Any, token: str, pointer: str) -> Any:
    """Return the key or index that `token` means in `holder`."""
    if isinstance(holder, dict) and token in holder:
        return token
    if isinstance(holder, list) and _INDEX.fullmatch(token) and int(token) < len(holder):
        return int(token)
    raise LookupError(f"nothing stands at {pointer}")
