"""`python -m bench.scale`: how big evidence gets, how fast it answers, and what asking costs the gateway.

Writes `BENCH_EXCHANGES` (1,000,000) exchanges, two records each, through the journal's own lines and chains,
but without a sync per batch, and has the sealer seal them. `BENCH_COPIES` (1) multiplies the sealed files,
each copy with ids of its own, for questions over more than there is time to record; copies are in no chain.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson

from bench.__main__ import gateway, server
from bench.load import run
from gateway.audit import Record, Sealer
from gateway.audit.files.folder import Folder, segment_name
from gateway.audit.files.heads import head_message
from gateway.audit.files.line import GENESIS, chain, with_signature
from gateway.audit.files.record import draft
from gateway.audit.files.rotation import open_signer
from gateway.audit.journal.writers import sign_birth, sign_end
from gateway.audit.reading.sql import query
from gateway.audit.reading.views import create_views
from gateway.audit.verifying.verification import verify

_EXCHANGES = int(os.environ.get("BENCH_EXCHANGES", "1000000"))
_COPIES = int(os.environ.get("BENCH_COPIES", "1"))
_SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
_SEGMENT_BYTES = 64 * 1024 * 1024
_SESSION = 10  # exchanges
_AGENTS = [f"agent-{number:02}" for number in range(40)]
_ACTIONS = ["allow"] * 6 + ["mask"] * 3 + ["deny"]
_WORDS = Path(__file__).with_name("README.md").read_text("utf-8").split()
_QUESTIONS = {
    "count": "SELECT count(*) FROM records",
    "group by agent and action": "SELECT agent, action, count(*) FROM decisions GROUP BY 1, 2",
    "group by day and state": "SELECT started_at::DATE, state, count(*) FROM exchanges GROUP BY 1, 2",
    "PII by provider and week": """SELECT date_trunc('week', recorded_at), entity, sum(count) FROM findings
        WHERE category = 'pii' GROUP BY 1, 2""",
    "five exchanges": "SELECT * FROM exchanges LIMIT 5",
    "one exchange": "SELECT * FROM exchanges WHERE exchange_id = '{e}'",
    "one exchange, its content": "SELECT * FROM contents WHERE exchange_id = '{e}'",
    "one session": "SELECT * FROM exchanges WHERE session_id = '{s}'",
    "one session, its content": "SELECT * FROM contents WHERE session_id = '{s}'",
}


def main(folder: Path) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; one DuckDB thread\n")
    root, key = folder / "audit", folder / "state" / "evidence.key"
    raw = _timed("written", lambda: _write(Folder(root), key))
    sealer = Sealer(root, key=key, settle_seconds=0, bury_seconds=0, gather_seconds=0)
    sealer.start()
    _timed("sealed", lambda: sealer.seal(everything=True))
    _timed("buried", lambda: sealer.seal(everything=True))
    size = _sealed_bytes(root)
    each = size / _EXCHANGES
    print(f"{_EXCHANGES:,} exchanges: {raw / 1e9:.2f} GB of lines, {each:.0f} bytes an exchange sealed")
    report = _timed("verified", lambda: verify(root, key.with_suffix(".pub")))
    if not report.intact or report.records != 2 * _EXCHANGES:
        raise SystemExit(f"the evidence is broken: {report.breaks[:1]}")
    _ask(root, 1)
    _beside_a_gateway(root)
    if _COPIES > 1:
        _timed("copied", lambda: _copy(Folder(root)))
        _ask(root, _COPIES)


def _ask(root: Path, copies: int) -> None:
    print(f"\n| question over {_EXCHANGES * copies:,} exchanges | in DuckDB | `regate audit sql` |")
    print("|---|---|---|")
    with duckdb.connect(config={"threads": 1}) as connection:
        create_views(connection, Folder(root))
        for name, select in _QUESTIONS.items():
            sql = select.replace("{s}", f"se_{_EXCHANGES // _SESSION // 2}").replace(
                "{e}", f"ex_{_EXCHANGES // 2}"
            )
            inside = _median(lambda sql=sql: connection.execute(sql).fetchall())
            outside = _median(lambda sql=sql: _through_sandbox(root, sql))
            print(f"| {name} | {inside * 1000:.0f} ms | {outside * 1000:.0f} ms |", flush=True)


def _beside_a_gateway(root: Path) -> None:
    """The latency of governed traffic, alone and while somebody asks without a pause."""
    print("\n| gateway at one connection | p50 | p99 |\n|---|---|---|")
    with server("bench.provider") as provider, gateway("embedded", provider) as (port, key, config):
        shutil.copytree(root / "sealed", config.parent / "audit" / "sealed", dirs_exist_ok=True)
        with (config.parent / "audit" / "seals.ndjson").open("ab") as seals:
            seals.write((root / "seals.ndjson").read_bytes())
        path = "/bench/v1/chat/completions"
        for name, asking in (("alone", False), ("with queries", True), ("alone again", False)):
            with _asking(config.parent / "audit") if asking else nullcontext():
                found = asyncio.run(run(port, path, key, connections=1, seconds=_SECONDS, fresh=True))
            print(f"| {name} | {found.p50:.2f} ms | {found.p99:.2f} ms |", flush=True)


@contextmanager
def _asking(root: Path) -> Iterator[None]:
    """Group-bys through the sandbox, one after the other, in a thread that only waits for children."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            _through_sandbox(root, _QUESTIONS["group by agent and action"])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _write(folder: Folder, key: Path) -> int:
    """One writer's chain in segments, each signed at its end; returns its bytes."""
    folder.prepare()
    signer = open_signer(key, folder)
    birth = sign_birth(folder, signer, "bench")
    chance = random.Random(7)
    prev, total, number, seq = GENESIS, 0, 0, 0
    lines: list[bytes] = []
    pending = 0

    def close() -> None:
        segment = segment_name("bench", number + 1)
        head = signer.sign(head_message(birth, segment, seq, prev))
        lines[-1] = with_signature(lines[-1], head)
        folder.live(segment).write_bytes(b"".join(lines))
        sign_end(folder, signer, segment)

    for record, at in _records(chance):
        if pending >= _SEGMENT_BYTES:
            close()
            number, total, pending = number + 1, total + pending, 0
            lines.clear()
        seq += 1
        line, prev = chain(draft(record, at), "bench", seq, prev)
        lines.append(line)
        pending += len(line)
    close()
    return total + pending


def _records(chance: random.Random) -> Iterator[tuple[Record, datetime]]:
    start = datetime.now(UTC) - timedelta(days=90)
    step = timedelta(days=89) / _EXCHANGES
    for number in range(_EXCHANGES):
        at, session = start + step * number, number // _SESSION
        who = {
            "exchange_id": f"ex_{number}",
            "session_id": f"se_{session}",
            "agent": _AGENTS[session % len(_AGENTS)],
            "owner": f"owner-{session % 12}",
            "provider": "openai",
            "dialect": "openai.chat",
            "model": "gpt-4o",
            "method": "POST",
            "path": "/v1/chat/completions",
            "revision": "0f3c" * 8,
            "duration_ms": 3.1,
        }
        yield _decision(chance, number, who), at
        answer = {
            "parts": [_part("assistant", _text(chance, 120))],
            "finish_reason": "stop",
            "model": "gpt-4o",
        }
        tokens = {"input_tokens": 120, "output_tokens": 160, "cost": 0.002}
        yield Record("completion", status=200, body=answer, **tokens, **who), at + timedelta(seconds=1)


def _decision(chance: random.Random, number: int, who: dict[str, Any]) -> Record:
    action = chance.choice(_ACTIONS)
    findings: tuple[dict[str, Any], ...] = ()
    reasons: tuple[dict[str, Any], ...] = ()
    if action != "allow":
        counts = {"count": 2, "distinct": 2, "new": 1, "max_score": 1.0}
        where = {"roles": ["user"], "kinds": ["text"]}
        findings = ({"entity": "EMAIL_ADDRESS", "category": "pii", **counts, **where},)
        said = {"title": "Personal data", "message": "EMAIL_ADDRESS in the prompt", "severity": "medium"}
        reasons = ({"rule": f"pii.{action}", **said, "controls": ["SOC2:CC6.7", "GDPR:Art.5"]},)
    parts = [_part("user", _text(chance, 90)), {**_part("system", ""), "new": False}]
    for part in parts[1:]:
        part.pop("text")
    asked = {
        "version": 1,
        "phase": "request",
        "agent": {"groups": ["support"]},
        "prompt": {"characters": 600},
    }
    body = {"input": asked, "parts": parts, "decision": {"action": action, "record": "masked"}}
    return Record(
        "decision",
        decision_id=f"de_{number}",
        phase="request",
        action=action,
        findings=findings,
        reasons=reasons,
        body=body,
        **who,
    )


def _part(role: str, text: str) -> dict[str, Any]:
    digest = f"{hash((role, text)) & (2**128 - 1):032x}"
    return {
        "role": role,
        "kind": "text",
        "pointer": "/messages/1/content",
        "digest": digest,
        "new": True,
        "text": text,
    }


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def _copy(folder: Folder) -> None:
    """More of the same under other ids. Each copy is a sealed file of its own that a seal names."""
    with folder.seals.open("ab") as seals:
        for path, copy in itertools.product(folder.sealed_files(), range(1, _COPIES)):
            made = path.with_name(f"copy{copy}-{path.stem.rpartition('-')[2]}.parquet")
            renamed = ", ".join(
                f"{name} || '_{copy}' AS {name}" for name in ("exchange_id", "session_id", "writer")
            )
            with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
                connection.execute(
                    f"COPY (SELECT * REPLACE ({renamed}) FROM '{path}') TO '{made}' "
                    "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)"
                )
            seal = {"kind": "seal", "file": made.stem, "segments": [], "visible_at": "2026-01-01T00:00:00Z"}
            seals.write(orjson.dumps(seal) + b"\n")


def _sealed_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in Folder(root).sealed_files())


def _through_sandbox(root: Path, sql: str) -> None:
    with query(root, sql) as result:
        for _ in result.rows:
            pass


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _timed(what: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    done = work()
    print(f"{what} in {time.perf_counter() - began:.0f} s", flush=True)
    return done


if __name__ == "__main__":
    subprocess.run(["sync"], check=True)  # what others wrote before is not ours to wait for
    with tempfile.TemporaryDirectory(prefix="regate-bench-", dir=next(iter(sys.argv[1:]), None)) as place:
        main(Path(place))
