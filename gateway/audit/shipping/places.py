"""Where a line is in its writer's chain, read off its two ends: what it says in between may be long."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from gateway.audit.files.line import split_signature

_HEAD = re.compile(rb'\{"writer":"([a-z0-9]+)","seq":(\d+),"recorded_at":"([^"]{27})"')
_TAIL = re.compile(rb',"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}')
_TAIL_BYTES = len(',"prev":"","hash":""}') + 2 * 64


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """The last record of a writer's that was shipped: its segment, its number, its hash."""

    segment: str
    seq: int
    hash: str


class LinePlace(NamedTuple):
    """What a line says of its place."""

    writer: str
    seq: int
    recorded_at: str
    prev: str
    hash: str


def place_of(line: bytes) -> LinePlace | None:
    """Return a line's place (without its newline), unproved; None where it is no record's line."""
    head = _HEAD.match(line)
    bare, _ = split_signature(line)
    tail = _TAIL.fullmatch(bare, max(0, len(bare) - _TAIL_BYTES))
    if head is None or tail is None:
        return None
    return LinePlace(head[1].decode(), int(head[2]), head[3].decode(), tail[1].decode(), tail[2].decode())
