"""Proof of single records: their place under a signed root, checked with the public key and nothing else.

A proof is a block of lines: the steps as JSON, the record, its writer's head, the root, and the rotations of
the evidence key; an empty line ends it. A file holds any number of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.audit.files import parquet, signed_log
from gateway.audit.files.folder import Folder, is_tombstone, split_segment
from gateway.audit.files.heads import is_root
from gateway.audit.files.key_ring import follow_keys
from gateway.audit.files.line import (
    BrokenLine,
    check_either,
    open_line,
    split_signature,
)
from gateway.audit.files.log_lines import HeadLine
from gateway.audit.files.merkle import Frontier, Range, root_from_path
from gateway.audit.files.signing import BadLine, Verifier
from gateway.audit.reading.sql import query
from gateway.audit.sealing.plan import End
from gateway.errors import RegateError

_PLACE = re.compile(r"([a-z0-9]+):([1-9][0-9]*)")


class ProofFailed(RegateError):
    """A record cannot be proved, or a proof does not hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A record that a proof holds for."""

    writer: str
    seq: int
    recorded_at: str
    signed_at: str
    body: bool


def find_records(root: Path, record_id: str) -> list[tuple[str, int]]:
    """Return the records of a `writer:seq`, a decision or an exchange. Raises ProofFailed without any."""
    if place := _PLACE.fullmatch(record_id):
        return [(place[1], int(place[2]))]
    select = "SELECT writer, seq FROM records WHERE exchange_id = ? OR decision_id = ? ORDER BY recorded_at"
    with query(root, select, [record_id, record_id]) as result:
        found = [(str(writer), int(seq)) for writer, seq in result.rows]
    if not found or not record_id:
        raise ProofFailed(f"no record of {record_id!r}; expected a decision, an exchange or WRITER:SEQ")
    return found


def prove(root: Path, writer: str, seq: int, *, trusted: Verifier | None = None, body: bool = True) -> bytes:
    """Prove one record, with its body or without; return the proof.

    Raises ProofFailed, also when the head over it is not signed by the trusted key or one tied to it: without
    a trusted key that is the reader's to find out.
    """
    folder = Folder(root)
    log = signed_log.lines(folder.checkpoints)
    index, head = _head(log, writer, seq)
    size = max((place for place, line in enumerate(log) if is_root(line)), default=0)
    if size <= index:
        raise ProofFailed(
            f"no root is signed over {writer}:{seq} yet: run regate audit seal, or wait a minute"
        )
    line, path = _in_chain(folder, writer, seq, head["seq"])
    line, _ = split_signature(line)  # the batch's: what a proof holds is what it proves
    steps = {
        "kind": "proof",
        "writer": writer,
        "seq": seq,
        "records": head["seq"],
        "path": path,
        "line": index,
        "lines": size,
        "log_path": [each.hex() for each in Range(Frontier(), log[:size]).path(index)],
    }
    rotations = [line for line in log if line.startswith(b'{"kind":"rotation"')]
    opened = open_line(line) if body else open_line(line).without_body()
    record = line if body and opened.whole else opened.proved().withheld()
    proof = b"\n".join([orjson.dumps(steps), record, log[index], log[size], *rotations, b"", b""])
    if trusted:
        check_proofs(proof, trusted)
    return proof


def check_proofs(data: bytes, trusted: Verifier) -> list[Proved]:
    """Return what a file of proofs proves under the trusted key. Raises ProofFailed over a bad one."""
    blocks = [block.split(b"\n") for block in data.split(b"\n\n") if block.strip()]
    if not blocks:
        raise ProofFailed("there is no proof in it")
    return [_check(block, trusted) for block in blocks]


def _head(log: Sequence[bytes], writer: str, seq: int) -> tuple[int, HeadLine]:
    """Return the writer's first head that covers the record, and its place in the log."""
    ours = b'{"kind":"head","writer":"%b",' % writer.encode()
    heads = [(place, orjson.loads(line)) for place, line in enumerate(log) if line.startswith(ours)]
    covering = [(head["seq"], place, head) for place, head in heads if head["seq"] >= seq]
    if not covering:
        raise ProofFailed(f"no head is signed over {writer}:{seq}: there is no such record, or it is too new")
    _, place, head = min(covering, key=lambda each: each[:2])
    return place, head


def _in_chain(folder: Folder, writer: str, seq: int, size: int) -> tuple[bytes, list[str]]:
    """Return the record's line, and its path in the tree over the chain's first `size` records."""
    before, segments = _reach(folder, writer, seq)
    line, hashes, number = b"", [], before.size
    for each in _records(folder, writer, segments):
        try:
            link = check_either(each)
        except BrokenLine as error:
            raise ProofFailed(f"behind {writer}:{number}: {error}; see regate audit verify") from error
        if link.seq <= before.size:
            continue  # of an earlier segment in the same file
        number += 1
        if link.seq != number:
            raise ProofFailed(f"record {writer}:{number} is missing; see regate audit verify")
        hashes.append(bytes.fromhex(link.hash))
        line = each if number == seq else line
        if number == size:
            return line, [each.hex() for each in Range(before, hashes).path(seq - 1)]
    raise ProofFailed(f"the chain of {writer} ends before its signed head; see regate audit verify")


def _reach(folder: Folder, writer: str, seq: int) -> tuple[Frontier, list[tuple[str, Path]]]:
    """Return the tree at the end of the last sealed segment before the record, and the segments behind it."""
    before = End()
    segments: dict[int, tuple[str, Path]] = {}
    for path in folder.live_files():
        place = split_segment(path.stem)
        if place and place[0] == writer and not is_tombstone(path):
            segments[place[1]] = path.stem, path
    for seal in map(orjson.loads, signed_log.lines(folder.seals)):
        for each in seal.get("segments", ()):
            if each["writer"] != writer:
                continue
            number = (split_segment(each["segment"]) or ("", 0))[1]
            segments[number] = each["segment"], folder.root / seal["path"]
            if before.seq < each["last_seq"] < seq:
                before = End.of(each)
                last = number
    behind = {number: segment for number, segment in segments.items() if not before.seq or number > last}
    return before.tree(), [segment for _, segment in sorted(behind.items())]


def _records(folder: Folder, writer: str, segments: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """Yield the writer's lines. A sealed file with several of its segments is read once."""
    ours, read = b'{"writer":"%b",' % writer.encode(), set()
    for segment, path in segments:
        if path in read:
            continue
        read.add(path)
        if path.suffix == ".parquet":
            yield from (line for line in parquet.lines(path) if line.startswith(ours))
        else:
            yield from folder.live(segment).read_bytes().split(b"\n")[:-1]


def _check(block: Sequence[bytes], trusted: Verifier) -> Proved:
    if len(block) < 4:
        raise ProofFailed("it is cut short: expected the steps, a record, a head and a root")
    try:
        steps, head, root = (orjson.loads(block[place]) for place in (0, 2, 3))
        record, link = open_line(block[1]), check_either(block[1])
        if link.signature or not (record.whole or block[1] in (record.proved().withheld(), record.bare())):
            raise ProofFailed(f"record {link.writer}:{link.seq}: it carries what proves nothing here")
        path, log_path = ([bytes.fromhex(each) for each in steps[name]] for name in ("path", "log_path"))
        if (head["kind"], root["kind"], head["writer"]) != ("head", "root", link.writer):
            raise ProofFailed(f"record {link.writer}:{link.seq}: its head or root is another's")
        tree = root_from_path(bytes.fromhex(link.hash), link.seq - 1, head["seq"], path)
        if tree is None or tree.hex() != head["tree"]:
            raise ProofFailed(f"record {link.writer}:{link.seq} is not under its writer's head")
        log = root_from_path(block[2], steps["line"], root["size"], log_path)
        if log is None or log.hex() != root["root"]:
            raise ProofFailed(f"record {link.writer}:{link.seq}: its head is not under the root")
        heads, roots = _signers(block[4:], trusted)
        heads.get(head["key"], trusted).read(block[2])
        signed = roots.get(root["key"], trusted).read(block[3])
    except BrokenLine as error:
        raise ProofFailed(f"the record does not hold: {error}") from error
    except BadLine as error:
        raise ProofFailed(f"its head or root does not hold: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofFailed("it is not a proof") from error
    return Proved(link.writer, link.seq, link.recorded_at, signed["signed_at"], bool(record.body))


def successors(rotations: Sequence[bytes], trusted: Verifier) -> dict[str, Verifier]:
    """Return the keys whose word holds now: the trusted key and its successors. Raises ProofFailed."""
    return _signers(rotations, trusted)[1]


def _signers(
    rotations: Sequence[bytes], trusted: Verifier
) -> tuple[dict[str, Verifier], dict[str, Verifier]]:
    """Return the keys whose heads hold, and those whose roots hold.

    Heads: of the trusted key and all keys that rotations tie to it. Roots: of the trusted key and its
    successors only, since a replaced key may have been stolen.
    """

    def refuse(reason: str, _: int) -> None:
        raise ProofFailed(f"the rotations do not hold: {reason}")

    ring = [key for _, key in follow_keys(rotations, trusted, refuse).checkpoints]
    start = next(place for place, key in enumerate(ring) if key.raw == trusted.raw)
    return {key.key_id: key for key in ring}, {key.key_id: key for key in ring[start:]}
