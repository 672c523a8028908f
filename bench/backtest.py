"""`python -m bench.backtest`: how long a backtest takes over recorded exchanges.

The load writes `BENCH_EXCHANGES` (100,000) exchanges into a journal: real inputs decided by the library and
recorded by the gateway's own ledger with fsync, rotated and sealed; only detection and HTTP are left out.
Then `regate policy backtest` replays them against a candidate with one rule more, and against the library
itself, which must give every decision again. A smaller run does the same with what a real gateway recorded.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bench.__main__ import gateway, server
from bench.load import run
from gateway.audit import Journal, Sealer, new_writer
from gateway.audit.sealing.content import ContentKey
from gateway.config import ServerKey
from gateway.contract.decision import Decision
from gateway.contract.input import InputFacts, build_input, finding_rows
from gateway.exchange.exchange import Exchange
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Call, Decided, Envelope, Inspected, Received
from gateway.policy import load_source
from gateway.policy.engine.lanes import Lane, open_lanes
from gateway.sessions import Sessions
from gateway.upstream import Transport, Upstream
from gateway.words import (
    Agent,
    ApprovalFacts,
    Completion,
    Finding,
    InspectedPart,
    Part,
    Phase,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    Usage,
    UsageFacts,
)

_ROOT = Path(__file__).parent.parent
_LIBRARY = _ROOT / "policies" / "rego"
_EXCHANGES = int(os.environ.get("BENCH_EXCHANGES", "100000"))
_SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
_BATCH = 64
_CONFIG = """
providers:
  bench: {family: openai, base_url: "builtin:demo"}
"""
_RULE = """package regate.rules.ssn

verdicts contains {
	"action": "deny",
	"rule": "ssn",
	"title": "Social security numbers",
	"message": "A social security number may not leave.",
	"severity": "high",
	"controls": [],
} if {
	input.phase == "request"
	some row in input.findings
	row.entity == "US_SSN"
}
"""
_ENTITIES = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "JWT", "IBAN_CODE")
_SESSIONS = Sessions(ServerKey(b"k" * 32))
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")


def main() -> None:
    """Load, replay, print."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| recorded by | decisions | evidence | candidate | replayed in | CPU | a decision | differences |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="regate-bench-") as name:
        folder = Path(name)
        candidate = folder / "candidate"
        shutil.copytree(_LIBRARY, candidate)
        (candidate / "rules" / "ssn.rego").write_text(_RULE)
        _ledger_rows(folder, candidate)
        _gateway_rows(candidate)


def _ledger_rows(folder: Path, candidate: Path) -> None:
    (folder / "regate.yaml").write_text(_CONFIG)
    asyncio.run(_record(folder))
    _rows("the ledger", folder / "regate.yaml", candidate)


def _gateway_rows(candidate: Path) -> None:
    """The same over what a gateway recorded of requests over a socket."""
    with server("bench.provider") as provider, gateway("embedded", provider) as (port, key, config):
        path = "/bench/v1/chat/completions"
        asyncio.run(run(port, path, key, connections=4, seconds=_SECONDS, fresh=True))
        _rows("a gateway", config, candidate)


def _rows(by: str, config: Path, candidate: Path) -> None:
    size = sum(path.stat().st_size for path in (config.parent / "audit").rglob("*") if path.is_file())
    for policy, name in ((candidate, "one rule more"), (_LIBRARY, "the library itself")):
        report, cpu = _backtest(config, policy)
        if report["lost"] or report["untrue"]["count"] or report["replayed"] != report["recorded"]:
            raise RuntimeError(f"the replay is not whole or not exact: {report}")
        print(
            f"| {by} | {report['replayed']:,} | {size / 1e6:.0f} MB | {name} | {report['seconds']:.1f} s "
            f"| {cpu:.1f} s | {cpu / report['replayed'] * 1e6:.0f} µs | {report['different']:,} |"
        )
        sys.stdout.flush()


def _backtest(config: Path, candidate: Path) -> tuple[dict[str, Any], float]:
    """The report, and the CPU seconds of the command and its engines."""
    command = [sys.executable, "-m", "cli.main", "policy", "backtest", "--json", "--limit", "1"]
    before = os.times()
    done = subprocess.run(
        [*command, "--candidate", str(candidate), "--since", "all"],
        env={**os.environ, "REGATE_CONFIG": str(config)},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    report: dict[str, Any] = json.loads(done.stdout)
    return report, cpu


async def _record(folder: Path) -> None:
    """Write the exchanges, several at a time, as a gateway's requests would come."""
    evidence_key = folder / "state" / "evidence.key"
    evidence_key.parent.mkdir()
    journal = Journal(folder / "audit", new_writer(), key=evidence_key)
    journal.start()
    sealer = Sealer(folder / "audit", key=evidence_key)
    sealer.start()
    ledger, numbers = Ledger(journal, ContentKey(os.urandom(32))), iter(range(_EXCHANGES))
    cores = len(os.sched_getaffinity(0))
    opened = open_lanes(load_source(_LIBRARY), "embedded", cores=cores, timeout_seconds=10)
    async with opened as (_, lanes):
        await asyncio.gather(*(_fill(lane, ledger, numbers) for lane in lanes))
    await asyncio.to_thread(journal.close)
    await asyncio.to_thread(lambda: sealer.seal(everything=True))


async def _fill(lane: Lane, ledger: Ledger, numbers: Iterator[int]) -> None:
    while batch := [_exchange(number) for number in itertools.islice(numbers, _BATCH)]:
        documents = [_input(exchange, phase, parts) for exchange, phase, parts in batch]
        decisions = [outcome async for outcome in lane.decide_each(documents)]
        await asyncio.gather(
            *(
                _write(ledger, *made, document, cast(Decision, decision))
                for made, document, decision in zip(batch, documents, decisions, strict=True)
            )
        )


async def _write(
    ledger: Ledger,
    exchange: Exchange,
    phase: Phase,
    parts: tuple[InspectedPart, ...],
    document: dict[str, Any],
    decision: Decision,
) -> None:
    exchange.decided = Decided(phase, f"dec_{exchange.id}", decision, (), 0, 0)
    _, durable = ledger.record_decision(exchange, exchange.decided, document, parts)
    await durable
    ledger.record_completion(exchange, 200, Completion(usage=Usage(80, 120)), ())


def _exchange(number: int) -> tuple[Exchange, Phase, tuple[InspectedPart, ...]]:
    """An exchange like no other: every third has history, every ninth is a completion that policy judged."""

    async def no_body() -> bytes:
        return b""

    words = " ".join(_WORDS[int(digit)] for digit in str(number))
    call = Call("bench", "POST", b"", b"", {}, Source("127.0.0.1", "bench"), no_body)
    exchange = Exchange(call, enforced=True, id=f"ex_{number}")
    exchange.agent = Agent(f"agent-{number % 40}", "dana", "api_key", (f"team-{number % 8}",))
    exchange.received = Received(
        "openai.chat",
        prompt=Prompt(model="gpt-4.1"),
        upstream=Upstream("bench", "openai", cast(Transport, None), None),  # nothing is sent
        envelope=Envelope(path="/v1/chat/completions"),
        session=_SESSIONS.enter("bench", f"{number // 12}", ""),
    )
    exchange.inspected = Inspected(model="gpt-4.1")
    found = _ENTITIES[: number % (len(_ENTITIES) + 1)]
    history = (
        () if number % 3 else tuple(_part(f"Turn {turn} of {words}", turn, (), False) for turn in range(8))
    )
    text = f"{words}: write to them. " + "The customer wants to know where the order of last week is. " * 4
    phase: Phase = "response" if number % 9 == 8 else "request"
    return exchange, phase, (*history, _part(text, len(history), found, True))


def _part(text: str, place: int, found: tuple[str, ...], new: bool) -> InspectedPart:
    pointer = f"/messages/{place}/content"
    findings = tuple(
        Finding(entity, "secret" if entity == "JWT" else "pii", 0.85, pointer, index * 4, index * 4 + 3)
        for index, entity in enumerate(found)
    )
    return InspectedPart(Part("user", "text", pointer, text), f"{hash(text):x}", new, findings, text)


def _input(exchange: Exchange, phase: Phase, parts: tuple[InspectedPart, ...]) -> dict[str, Any]:
    return build_input(
        InputFacts(
            phase=phase,
            time=datetime.now(UTC),
            exchange_id=exchange.id,
            session_id=exchange.session_id,
            agent=exchange.agent,
            source=exchange.call.source,
            provider=exchange.provider,
            dialect=exchange.dialect,
            method="POST",
            path=exchange.envelope.path,
            prompt=exchange.prompt,
            models=(exchange.prompt.model,),
            parts=parts,
            rows=finding_rows(parts),
            tool_calls=(),
            session=SessionFacts(exchanges=3),
            usage=UsageFacts.of_first(),
            approval=ApprovalFacts(),
            response=ResponseFacts(200, "stop") if phase == "response" else ResponseFacts(),
        )
    )


if __name__ == "__main__":
    main()
