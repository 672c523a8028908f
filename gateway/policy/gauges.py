"""What Prometheus may know of the policy: of the worker that is scraped, for all read the same files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.policy.policies import PolicyStatus


class PolicyGauges(Collector):
    """Reads the status at each scrape, so that no revision lingers that has gone."""

    def __init__(self, status: Callable[[], PolicyStatus], *, now: Callable[[], float] = time.time) -> None:
        self._status = status
        self._now = now
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def exposition(self) -> bytes:
        """Return the gauges in the text format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        info = GaugeMetricFamily("regate_policy_info", "The policy in force", labels=("engine", "revision"))
        info.add_metric((status.engine, status.revision), 1)
        yield info
        tables = GaugeMetricFamily(
            "regate_policy_table_info", "The tables in force", labels=("table", "revision")
        )
        for name, revision in status.tables.items():
            tables.add_metric((name, revision), 1)
        yield tables
        yield GaugeMetricFamily(
            "regate_policy_ready",
            "1 while a policy decides and its latest edit is the one in force",
            value=status.ready and not status.error,
        )
        yield GaugeMetricFamily(
            "regate_policy_reload_failing", "1 while the latest edit cannot be used", value=bool(status.error)
        )
        yield GaugeMetricFamily(
            "regate_policy_reload_failing_seconds",
            "How long the policy on disk could not be put in force",
            value=self._age(status.failing_since),
        )
        yield CounterMetricFamily(
            "regate_policy_reload_failures", "Loads that went wrong", value=status.failures
        )
        yield GaugeMetricFamily(
            "regate_policy_age_seconds",
            "Since the policy was put in force",
            value=self._age(status.loaded_at),
        )
        if status.pulled is not None:
            yield from self._pulled(status)

    def _pulled(self, status: PolicyStatus) -> Iterator[Metric]:
        pulled = status.pulled
        assert pulled is not None
        info = GaugeMetricFamily(
            "regate_policy_pull_info", "The bundle of the OPA that is asked", labels=("revision",)
        )
        info.add_metric((pulled.revision,), 1)
        yield info
        yield GaugeMetricFamily(
            "regate_policy_pull_current",
            "1 while that OPA has the revision in force",
            value=pulled.revision == status.revision,
        )
        yield GaugeMetricFamily(
            "regate_policy_pull_age_seconds",
            "Since that OPA last looked for its bundle with success; +Inf before it has",
            value=self._age(pulled.succeeded_at) if pulled.succeeded_at else float("inf"),
        )
        yield CounterMetricFamily(
            "regate_policy_pull_failures",
            "How often that OPA could not take its bundle",
            value=pulled.failures,
        )

    def _age(self, since: datetime | None) -> float:
        return max(0.0, self._now() - since.timestamp()) if since else 0.0
