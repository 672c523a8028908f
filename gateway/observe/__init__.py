"""What operators watch: metrics, traces and logs."""

from gateway.observe.logs import configure as configure_logs
from gateway.observe.metrics import (
    Metrics,
    forget_worker,
)
from gateway.observe.telemetry import (
    Telemetry,
    open_telemetry,
)

__all__ = [
    "Metrics",
    "Telemetry",
    "configure_logs",
    "forget_worker",
    "open_telemetry",
]
