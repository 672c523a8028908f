"""What the lines of the two signed logs say, as types; `Verifier.read` proves that a line is one of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

Document = dict[str, Any]
"""A line's JSON object, its signature checked and taken off."""


class SealedSegment(TypedDict):
    """One segment in a sealed file: which records of its writer's chain it is, and the chain's end there."""

    segment: str
    writer: str
    first_seq: int
    last_seq: int
    first_at: str
    last_at: str
    hash: str
    peaks: Sequence[str]
    live_sha256: str


class Seal(TypedDict):
    """A line of `seals.ndjson`: a sealed file, and from when on readers read it."""

    kind: Literal["seal"]
    file: str
    path: str
    parquet_sha256: str
    segments: Sequence[SealedSegment]
    visible_at: str


class ErasureOrder(TypedDict):
    """A line of `seals.ndjson`: whose bodies go, or what goes of which records: `targets`."""

    kind: Literal["order"]
    session: str
    agent: str
    before: str
    id: NotRequired[str]
    key_id: NotRequired[str]
    targets: NotRequired[Sequence[Sequence[object]]]


class Erasure(TypedDict):
    """A line of `seals.ndjson`: a sealed file was written anew without some bodies and names."""

    kind: Literal["erasure"]
    path: str
    parquet_sha256: str
    bodies: int
    names: NotRequired[int]
    erased_at: str


class Drop(TypedDict):
    """A line of `seals.ndjson`: a sealed file went whole."""

    kind: Literal["dropped"]
    path: str
    dropped_at: str


class HoldLine(TypedDict):
    """A line of `seals.ndjson`: a legal hold began, or ended."""

    kind: Literal["hold", "release"]
    id: str
    session: str
    agent: str
    targets: NotRequired[list[tuple[str, int]]]  # the records that it is on, by writer and number
    at: str


SealLine = Seal | ErasureOrder | Erasure | Drop | HoldLine


class HeadLine(TypedDict):
    """A line of `checkpoints.ndjson`: how far a writer's chain goes."""

    kind: Literal["head"]
    writer: str
    segment: str
    seq: int
    hash: str
    tree: str
    signed_at: str


class RootLine(TypedDict):
    """A line of `checkpoints.ndjson`: the root of the tree over all lines before it."""

    kind: Literal["root"]
    size: int
    root: str
    signed_at: str


class BirthLine(TypedDict):
    """A line of `checkpoints.ndjson`: a writer exists from here on, and is this process."""

    kind: Literal["birth"]
    writer: str
    host: str
    boot: str
    namespace: int
    pid: int
    started: int
    signed_at: str


class EndLine(TypedDict):
    """A line of `checkpoints.ndjson`: nothing more is written into a segment."""

    kind: Literal["end"]
    segment: str
    signed_at: str


class RotationLine(TypedDict):
    """A line of `checkpoints.ndjson`: a new key signs from here on; `from` and `to` name both, in hex."""

    kind: Literal["rotation"]
    to: str
    accepted: str
    seals: int
    signed_at: str


Checkpoint = HeadLine | RootLine | BirthLine | EndLine | RotationLine
Signable = Mapping[str, object]
