"""What operators watch: metrics, traces and logs."""

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
    "forget_worker",
    "open_telemetry",
]
