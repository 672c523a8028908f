"""`python -m bench.detect`: what inspection costs, beside stock Presidio without NLP, in one run.

Times are CPU time, the best of several rounds, for a shared machine only ever adds. The ratios travel between
machines, the milliseconds do not.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import tldextract.tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

from gateway.config import Detect
from gateway.detect import DetectionService, Detector
from gateway.detect.service.cache import ResultCache
from gateway.words import Match, Part

PROSE = (
    "The migration moved the billing tables without downtime, because writes were queued for the short "
    "window while the indexes were rebuilt; 3 of 12 shards took longer than planned in 2024. Nobody noticed, "
    "and the on-call engineer wrote a summary for the weekly review: see page 14 and the runbook.\n"
)
DENSE = (
    "Customer Jane Roe <jane.roe@example.com>, phone +1 415 555 2671, card 4111 1111 1111 1111, SSN "
    "536-90-4399, IBAN DE89 3704 0044 0532 0130 00, host 10.20.30.40.\n"
)
PROMPT = (
    "Write to jane.roe@example.com or call +1 415 555 2671, the card is 4111 1111 1111 1111, the SSN "
    "536-90-4399. Then tell me in two sentences what the customer wants, and whether the order of last week "
    "has left the house already; answer in the customer's language, and leave the numbers out of it, please."
)
_ROUNDS = 7
_SOAK = 1_000_000


def main() -> None:
    """Measure, print, and say what was measured on."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    inspector = Detector(Detect())
    gc.collect()
    gc.freeze()  # as the gateway does once it has started
    _against_stock(inspector)
    asyncio.run(_second_turn(inspector))
    _memory()
    _soak()


def _against_stock(inspector: Detector) -> None:
    stock = _stock()
    print("| text | stock Presidio | Regate | times faster |")
    print("|---|---|---|---|")
    rows = [("a prompt with four values, 300 B", PROMPT)]
    for size in (1_000, 10_000, 100_000):
        rows += [
            (f"clean, {size // 1000} kB", _of(PROSE, size)),
            (f"dense, {size // 1000} kB", _of(DENSE, size)),
        ]
    for name, text in rows:
        theirs = _best(lambda text=text: stock.analyze(text, "en"))
        ours = _best(lambda text=text: inspector.inspect(text))
        print(f"| {name} | {theirs:.3f} ms | {ours:.3f} ms | {theirs / ours:.1f} |", flush=True)


def _stock() -> AnalyzerEngine:
    # without this the first e-mail goes to the network
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
    nlp.load()
    provider = RecognizerRegistryProvider(registry_configuration={"supported_languages": ["en"]})
    registry: RecognizerRegistry = provider.create_recognizer_registry()
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])


async def _second_turn(inspector: Detector) -> None:
    """A conversation of 100 messages and 200 kB, and the same with one more message."""
    inspection = await _warm(inspector)
    first = second = float("inf")
    for turn in range(_ROUNDS):
        texts = [f"{turn} {n}: " + _of(PROSE * 6 + DENSE, 2_000) for n in range(100)]
        parts = [Part("user", "text", f"/messages/{n}/content", text) for n, text in enumerate(texts)]
        more = [*parts, Part("user", "text", "/messages/100/content", f"And what about shard {turn}?")]
        first = min(first, _best(lambda parts=parts: inspector.find(parts), rounds=1))
        await inspection.find(parts)
        start = time.thread_time()
        await inspection.find(more)
        second = min(second, (time.thread_time() - start) * 1000)
    await inspection.close()
    print("\nconversation of 100 messages, 200 kB, with values in each of them")
    print(f"first turn {first:.2f} ms, second {second:.3f} ms ({second / first:.1%} of it)")


async def _warm(inspector: Detector) -> DetectionService:
    inspection = DetectionService(inspector, 30)
    while not inspection.is_warm():  # noqa: ASYNC110 - a process has no event for it
        await asyncio.sleep(0.02)
    return inspection


def _memory() -> None:
    """Of a process with everything that a worker loads but names and places."""
    code = (
        "import gateway.http.app, resource; from gateway.config import *; from gateway.detect import *;"
        f"Detector(Detect()).inspect({DENSE!r});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    kilobytes = int(subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parent.parent))
    print(f"\nmemory of a worker and of an inspecting process, nothing cached: {kilobytes // 1024} MiB")


def _soak() -> None:
    """A million different parts through the cache: what it says it holds, and what the process grew by."""
    limit = 16 * 1024 * 1024
    cache = ResultCache(limit)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    most = 0
    for number in range(_SOAK):
        spans = tuple(Match("EMAIL_ADDRESS", "pii", 1.0, at, at + number % 50) for at in range(number % 4))
        cache[cache.digest(f"part {number}", "")] = spans
        most = max(most, cache.bytes)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"cache after {_SOAK:,} parts: at most {most / 2**20:.1f} MiB, the process grew by {grown:.1f} MiB")
    if most > limit:
        raise SystemExit("the cache went over its bound")


def _of(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def _best(work: Callable[[], object], rounds: int = 10_000) -> float:
    """Milliseconds of CPU time of one call, when everything that is loaded late has been."""
    work()
    best, spent = float("inf"), 0.0
    while spent < 0.5 and rounds:
        rounds -= 1
        start = time.process_time()
        work()
        took = time.process_time() - start
        best, spent = min(best, took), spent + took
    return best * 1000


if __name__ == "__main__":
    main()
