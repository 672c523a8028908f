"""Proves the two signed logs: each line's signature by the key in force, its place, and the roots."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from gateway.audit.files.key_ring import KeysInForce, Tell
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import Document
from gateway.audit.files.merkle import Frontier
from gateway.audit.files.notes import Checkpoint, NoteKey
from gateway.audit.files.signing import BadLine, Verifier
from gateway.audit.verifying.pool import TaskPool

_CHUNK = 2000  # signatures a task


@dataclass(slots=True)
class Heads:
    """What the checkpoints vouch for: by writer and record, the record's hash and the tree's root there.

    `births` holds each registered writer's digest, and the public keys that may have signed since.
    """

    births: dict[str, tuple[str, tuple[bytes, ...]]] = field(default_factory=dict)
    heads: dict[str, dict[int, tuple[str, str]]] = field(default_factory=lambda: defaultdict(dict))
    roots: dict[int, bytes] = field(default_factory=dict)
    lines: int = 0


def signed_lines(
    lines: Sequence[bytes], keys: Sequence[tuple[int, Verifier]], tell: Tell, pool: TaskPool
) -> list[Document | None]:
    """Return the lines' documents. Tell each bad signature, which gives None, and the first broken `prev`."""
    tasks = []
    ends = [start for start, _ in keys[1:]] + [len(lines)]
    for (start, key), end in zip(keys, ends, strict=True):
        for first in range(start, min(end, len(lines)), _CHUNK):
            tasks.append((first, lines[first : min(first + _CHUNK, end)], key.raw))
    bad: dict[int, str] = {}
    for found in pool.map(_bad_signatures, tasks):
        bad |= found
    for number, reason in sorted(bad.items()):
        tell(reason, number + 1)
    documents = [None if number in bad else orjson.loads(line) for number, line in enumerate(lines)]
    _follow_prev(lines, documents, tell)
    return documents


def read_heads(
    lines: Sequence[bytes],
    documents: Sequence[Document | None],
    keys: Sequence[tuple[int, Verifier]],
    tell: Tell,
) -> Heads:
    """Return births, heads, and roots proved by the lines before them; tell the first that does not fit."""
    found, tree, fits = Heads(lines=len(lines)), Frontier(), None not in documents
    for number, (line, document) in enumerate(zip(lines, documents, strict=True), start=1):
        if document and document["kind"] == "root":
            if fits and (document["size"], document["root"]) != (tree.size, tree.root().hex()):
                tell("it is a root over other lines than those before it", number)
                fits = False
            found.roots[document["size"]] = line
        elif document and document["kind"] == "birth":
            born = hashlib.sha256(line).hexdigest(), _in_force(keys, number)
            if found.births.setdefault(document["writer"], born) != born:
                tell(f"the writer {document['writer']} was born before", number)
        elif document and document["kind"] == "head":
            end = (document["hash"], document["tree"])
            if found.heads[document["writer"]].setdefault(document["seq"], end) != end:
                tell(f"another record {document['writer']}:{document['seq']} was signed before: "
                     "two processes wrote as one writer", number)  # fmt: skip
        tree.add(line)
    return found


def _in_force(keys: Sequence[tuple[int, Verifier]], number: int) -> tuple[bytes, ...]:
    """Return the keys that sign from a line (from 1) on."""
    ends = [start for start, _ in keys[1:]] + [number]
    return tuple(key.raw for (_, key), end in zip(keys, ends, strict=True) if end >= number)


def check_anchor(anchored: Sequence[bytes], heads: Heads, keys: KeysInForce, tell: Tell) -> int:
    """Count the anchored roots that are in the log; tell the first that is not."""
    known = {key.key_id: key for _, key in keys.checkpoints}
    count = 0
    for number, line in enumerate(anchored, start=1):
        try:
            key = known.get(orjson.loads(line)["key"])
            root = key.read(line) if key else None
        except (BadLine, ValueError, KeyError, TypeError):
            root = None
        if root is None:
            tell("it is not a root that our key signed", number)
        elif heads.roots.get(root["size"]) == line:
            count += 1
        elif root["size"] >= heads.lines:
            tell(f"a root over {root['size']} lines was anchored, and the log has {heads.lines}: "
                 "the folder was rolled back", number)  # fmt: skip
            break
        else:
            tell("this root was anchored, and the log has another one or none in its place", number)
            break
    return count


def check_witnessed(note: str, witnesses: Sequence[NoteKey], heads: Heads, tell: Tell) -> int:
    """Count the witnesses that cosigned the kept checkpoint; tell when its root is not in the log."""
    try:
        said = Checkpoint.read(note)
    except ValueError:
        tell("it is no checkpoint", -1)
        return 0
    root = heads.roots.get(said.size)
    if root is None or orjson.loads(root)["root"] != said.root:
        tell(f"a root over {said.size} lines was cosigned, and the log has another one or none", -1)
        return 0
    return sum(key.signed(note) for key in witnesses)


def _bad_signatures(task: tuple[int, Sequence[bytes], bytes]) -> dict[int, str]:
    first, lines, raw = task
    verifier, bad = Verifier.from_raw(raw), {}
    for number, line in enumerate(lines, start=first):
        try:
            verifier.read(line)
        except BadLine as error:
            bad[number] = str(error)
    return bad


def _follow_prev(lines: Sequence[bytes], documents: Sequence[Document | None], tell: Tell) -> None:
    first = documents[0] if documents else None
    if first and first["prev"] != GENESIS:
        tell("the lines before it were removed", 1)
        return
    for number, (line, document) in enumerate(zip(lines, documents[1:], strict=False), start=2):
        if documents[number - 2] and document and document["prev"] != hashlib.sha256(line).hexdigest():
            tell("it does not follow the line before it", number)
            return
