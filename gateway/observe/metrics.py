"""What Prometheus may count: exchanges by provider and outcome, and their time."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """This worker's counters. With several workers, each scrape sums over all of them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("provider", "action", "outcome")
        self._exchanges = Counter(
            "regate_exchanges_total", "Exchanges by their end", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "regate_exchange_seconds",
            "Time from the request's first byte to the answer's last",
            ("provider",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._warnings = Counter(
            "regate_warnings_total", "Verdicts that let pass and show", ("rule",), registry=self._registry
        )
        self._tokens = Counter(
            "regate_tokens_total", "Tokens as providers count them", ("provider",), registry=self._registry
        )
        self._attempts = Counter(
            "regate_provider_attempts_total",
            "Attempts to reach a provider, by deployment; `ended` is the status, or `failed`",
            ("provider", "deployment", "ended"),
            registry=self._registry,
        )
        self._refused = Gauge(
            "regate_provider_credential_refused",
            "1 while a provider refuses this credential (401), which has the name of its reference",
            ("provider", "credential"),
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._open = Gauge(
            "regate_exchanges_open",
            "Exchanges under way",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

        self._anchored = Gauge(
            "regate_audit_anchored",
            "0 while the last signed root could not be anchored",
            registry=self._registry,
            multiprocess_mode="livemostrecent",  # every worker sees every attempt
        )
        self._anchored.set(1)
        self._behind = Gauge(
            "regate_audit_shipping_behind",
            "Records that a receiver of the evidence does not have yet",
            ("receiver",),
            registry=self._registry,
            multiprocess_mode="livemostrecent",  # as above
        )
        self._unshipped = Gauge(
            "regate_audit_shipping_failing",
            "1 while evidence cannot be shipped to a receiver",
            ("receiver",),
            registry=self._registry,
            multiprocess_mode="livemostrecent",  # as above
        )
        self._shadow = Counter(
            "regate_shadow_decisions_total",
            "What the shadow policy would have decided; `changed` is true where it is another decision",
            ("before", "after", "changed"),
            registry=self._registry,
        )
        self._shadow_dropped = Counter(
            "regate_shadow_dropped_total",
            "Decisions that the shadow policy was not asked about, because it was behind or not ready",
            registry=self._registry,
        )
        self._shadow_ready = Gauge(
            "regate_shadow_ready",
            "1 while a shadow policy is asked and its latest edit is the one asked",
            registry=self._registry,
            multiprocess_mode="livemostrecent",  # as above
        )

    def opened(self) -> None:
        self._open.inc()

    def closed(self, provider: str, action: str, outcome: str, seconds: float, tokens: int) -> None:
        """Count one exchange. `provider` is a configured name or ""; the others are words of the contract."""
        self._open.dec()
        self._exchanges.labels(provider, action, outcome).inc()
        self._seconds.labels(provider).observe(seconds)
        self._tokens.labels(provider).inc(tokens)

    def warned(self, rule: str) -> None:
        self._warnings.labels(rule).inc()

    def attempted(self, provider: str, deployment: str, ended: str) -> None:
        """Count one attempt to reach a provider."""
        self._attempts.labels(provider, deployment, ended).inc()

    def refused(self, provider: str, credential: str, *, refused: bool) -> None:
        """Say whether a provider refuses a credential; `credential` is its reference."""
        self._refused.labels(provider, credential).set(refused)

    def anchored(self, *, well: bool) -> None:
        self._anchored.set(well)

    def shipping(self, receiver: str, behind: int, *, failing: bool) -> None:
        """Say how a configured receiver of the evidence stands."""
        self._behind.labels(receiver).set(behind)
        self._unshipped.labels(receiver).set(failing)

    def shadow(self, before: str, after: str, *, changed: bool) -> None:
        """Count one decision that the shadow policy made as well; `after` is an action or `error`."""
        self._shadow.labels(before, after, str(changed).lower()).inc()

    def shadow_dropped(self) -> None:
        self._shadow_dropped.inc()

    def shadow_ready(self, *, ready: bool) -> None:
        self._shadow_ready.set(ready)

    def exposition(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]  # the library types half of itself
        return generate_latest(everyone)


def forget_worker(pid: int) -> None:
    """Take the gauges of a worker that ended out of the sums."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # as above
