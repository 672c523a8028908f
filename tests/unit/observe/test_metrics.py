"""Metrics count exchanges by their end; several workers are counted as one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.observe.metrics import Metrics

_WORKER = """
import os, sys
from gateway.observe.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.opened()
metrics.closed("openai", "allow", "completed", 0.2, 7)
print(os.getpid())
"""
_SCRAPE = """
import sys
from gateway.observe.metrics import Metrics, forget_worker
metrics = Metrics()
for pid in sys.argv[1:]:
    forget_worker(int(pid))
print(metrics.exposition().decode())
"""


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, which are sorted by their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def test_an_exchange_is_counted_once_it_has_ended() -> None:
    metrics = Metrics()
    metrics.opened()
    metrics.opened()
    assert samples(metrics.exposition().decode())[("regate_exchanges_open",)] == 2
    metrics.closed("openai", "mask", "completed", 0.3, 12)
    found = samples(metrics.exposition().decode())
    assert found[("regate_exchanges_open",)] == 1
    assert found[("regate_exchanges_total", "mask", "completed", "openai")] == 1
    assert found[("regate_tokens_total", "openai")] == 12
    assert found[("regate_exchange_seconds_sum", "openai")] == pytest.approx(0.3)


def test_the_shadow_the_anchor_and_receivers_are_told() -> None:
    metrics = Metrics()
    before = samples(metrics.exposition().decode())
    assert (before[("regate_audit_anchored",)], before[("regate_shadow_ready",)]) == (1, 0)
    metrics.anchored(well=False)
    metrics.shipping("siem", 12, failing=True)
    metrics.shadow_ready(ready=True)
    metrics.shadow("allow", "deny", changed=True)
    metrics.shadow_dropped()
    after = samples(metrics.exposition().decode())
    assert (after[("regate_audit_anchored",)], after[("regate_shadow_ready",)]) == (0, 1)
    assert after[("regate_shadow_decisions_total", "deny", "allow", "true")] == 1
    assert after[("regate_shadow_dropped_total",)] == 1
    assert after[("regate_audit_shipping_behind", "siem")] == 12
    assert after[("regate_audit_shipping_failing", "siem")] == 1


def test_workers_are_summed_and_one_that_ended_has_no_open_exchange(tmp_path: Path) -> None:
    def said(script: str, *arguments: str) -> str:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=environment,
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first, _ = said(_WORKER, "3").strip(), said(_WORKER, "2")
    ended = ("regate_exchanges_total", "allow", "completed", "openai")
    found = samples(said(_SCRAPE))
    assert (found[ended], found[("regate_exchanges_open",)]) == (2, 3)
    found = samples(said(_SCRAPE, first))
    assert (found[ended], found[("regate_exchanges_open",)]) == (2, 1)
