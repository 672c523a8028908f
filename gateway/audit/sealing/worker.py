"""The sealer's child process: turns closed segments into proved Parquet files, one line of output each.

    python worker.py < request

The request is a JSON object on standard input: the audit folder, the sealed ends of the chains, and which
segments go into which file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec

from gateway.audit.files import parquet
from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder, segment_name, split_segment
from gateway.audit.files.heads import head_message
from gateway.audit.files.line import BrokenLine, Link, check
from gateway.audit.files.log_lines import SealedSegment
from gateway.audit.files.signing import Verifier
from gateway.audit.sealing.plan import End, SealReport, SealRequest, Voucher


def write_files(
    folder: Folder,
    ends: Mapping[str, End],
    files: Iterable[Sequence[str]],
    writers: Mapping[str, Voucher],
) -> Iterator[SealReport]:
    """Write each list of segments to `sealed/<the first>.aside` and say what the file holds.

    `refused` names the segments that are broken, with the reason: they stay as they are, and so does what
    follows them in their chain. `failed` says why a file could not be written this time. `writers` says
    what vouches for each writer's records.
    """
    known = dict(ends)
    stuck: set[str] = set()
    for segments in files:
        reached = dict(known)
        report = _write(folder, [name for name in segments if _writer(name) not in stuck], reached, writers)
        if report.segments:
            known = reached
        else:
            stuck |= {_writer(name) for name in segments}
        stuck |= {_writer(name) for name in report.refused}
        yield report


def _write(
    folder: Folder,
    segments: Sequence[str],
    reached: dict[str, End],
    writers: Mapping[str, Voucher],
) -> SealReport:
    proved: list[SealedSegment] = []
    refused: dict[str, str] = {}
    try:
        for segment in segments:
            if _writer(segment) in map(_writer, refused):
                continue
            try:
                proved.append(_prove(folder, segment, reached, writers[_writer(segment)]))
            except BrokenLine as error:
                refused[segment] = str(error)
        if not proved:
            return SealReport(refused=refused)
        file = proved[0]["segment"]
        sha256 = _write_parquet(folder, folder.draft(file), [folder.live(each["segment"]) for each in proved])
    except BrokenLine as error:
        return SealReport(refused=dict.fromkeys(segments, str(error)))
    except (duckdb.Error, OSError) as error:
        return SealReport(refused=refused, failed=str(error))
    return SealReport(file, proved, refused, "", proved[0]["first_at"][:10], sha256)


def _prove(folder: Folder, segment: str, reached: dict[str, End], voucher: Voucher) -> SealedSegment:
    """Prove a segment to follow the end of its chain, and say what it has. Raises BrokenLine and OSError."""
    writer, live = _writer(segment), folder.live(segment)
    end = reached.get(writer, End())
    tree = end.tree()
    first: Link | None = None
    last = Link(writer, end.seq, "", end.hash, "")
    for link in _links(live, last):
        tree.add(bytes.fromhex(link.hash))
        first, last = first or link, link
    if first is None:
        raise BrokenLine("it holds no record")
    if voucher.birth:
        _check_signed(segment, last, voucher)
    elif not _is_under(folder, segment, end, last, voucher):
        raise BrokenLine("its writer has no signed birth, and no signed head covers it")
    reached[writer] = End(last.seq, last.hash, tuple(peak.hex() for peak in tree.peaks))
    return {
        "segment": segment,
        "writer": last.writer,
        "first_seq": first.seq,
        "last_seq": last.seq,
        "first_at": first.recorded_at,
        "last_at": last.recorded_at,
        "hash": last.hash,
        "peaks": reached[writer].peaks,
        "live_sha256": file_sha256(live),
    }


def _links(live: Path, last: Link) -> Iterator[Link]:
    """Yield each record, proved in itself and to follow the one before. Raises BrokenLine and OSError."""
    for number, line in enumerate(_lines(live), start=1):
        try:
            link = check(line)
        except BrokenLine as error:
            raise BrokenLine(f"line {number}: {error}") from error
        if (link.seq, link.prev, link.writer) != (last.seq + 1, last.hash, last.writer):
            raise BrokenLine(f"line {number}: it does not follow the record before it")
        yield link
        last = link


def _check_signed(segment: str, last: Link, voucher: Voucher) -> None:
    """Raise BrokenLine unless the writer signed its segment's last record, which vouches for all before."""
    message = head_message(voucher.birth, segment, last.seq, last.hash)
    signature = bytes.fromhex(last.signature)
    if not any(Verifier.from_raw(bytes.fromhex(key)).signed(message, signature) for key in voucher.keys):
        raise BrokenLine(f"its last record {last.seq} is not signed by its writer")


def _is_under(folder: Folder, segment: str, end: End, last: Link, head: Voucher) -> bool:
    """Return whether a chain from before births leads from `end` over the segment to its last signed head."""
    before, (writer, number) = Link(last.writer, end.seq, "", end.hash, ""), split_segment(segment) or ("", 0)
    while (live := folder.live(segment_name(writer, number))).exists():
        for link in _links(live, before):
            if link.seq == head.seq:
                return link.hash == head.hash and last.seq <= link.seq
            before = link
        number += 1
    return False


def _lines(live: Path) -> Iterator[bytes]:
    with live.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                raise BrokenLine(f"line {number}: it is torn")
            yield line[:-1]


def _write_parquet(folder: Folder, path: Path, live: Sequence[Path]) -> str:
    path.unlink(missing_ok=True)
    parquet.write_segments(live, path, folder.disk)
    if _sha256(parquet.lines(path)) != _sha256(line for each in live for line in _lines(each)):
        raise BrokenLine("the Parquet file does not hold what the segments hold")
    if parquet.has_gaps(path):
        raise BrokenLine("a column cannot hold what its line says")
    return file_sha256(path)


def _writer(segment: str) -> str:
    place = split_segment(segment)
    return place[0] if place else ""


def _sha256(lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=SealRequest)
    for report in write_files(Folder(Path(request.root)), request.ends, request.files, request.writers):
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    os.umask(0o077)
    main()
